"""Several reports → one block of figures between two markers of a Markdown file.

    <!-- figures:begin -->
    … written by `posealign report RUN … --into README.md` …
    <!-- figures:end -->

Real and synthetic data never stand in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posealign.errors import InvalidInput, NotFound
from posealign.report.tables import Report, main_table, markdown, summary

BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
_TITLES = {"real": "Real pictures", "synthetic": "Synthetic pictures"}


def block(reports: Sequence[Report], level: int = 3) -> str:
    """Headed tables: first real data, then synthetic."""
    marks = "#" * level
    parts = []
    for data, title in _TITLES.items():
        chosen = [report for report in reports if report["data"] == data]
        if not chosen:
            continue
        parts.append(f"{marks} {title}")
        for report in chosen:
            header, rows = main_table(report)
            parts.append(f"**{report['title']}**")
            parts.append(markdown(header, rows))
            note = f" {report['note']}" if report["note"] else ""
            parts.append(summary(report) + note)
    return "\n\n".join(parts)


def write_into(path: Path, reports: Sequence[Report], level: int = 3) -> bool:
    """Replace what stands between the markers; True where that changed the file."""
    if not path.is_file():
        raise NotFound(f"there is no file {path} to write figures into")
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InvalidInput(f"{path} has no lines {BEGIN} and {END}, in this order")
    if BEGIN in after or END in after:
        raise InvalidInput(f"{path} has the markers of its figures twice")
    new = f"{before}{BEGIN}\n\n{block(reports, level)}\n\n{END}{after}"
    if new != text:
        path.write_text(new, "utf-8")
    return new != text
