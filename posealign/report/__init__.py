"""From rows on disk to report.json, report.html, tables and the README's figures.

collect.py   rows → report.json: the same rows give the same bytes
tables.py    report.json → the terminal's and Markdown's tables
plots.py     report.json → SVG
gallery.py   rows and pictures → best, worst and most over-confident answers
page.py      all of it → one HTML file that needs nothing else
figures.py   several report.json → a block between two markers of a Markdown file
"""
