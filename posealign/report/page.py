"""One HTML file with everything in it: tables, plots, galleries, failures, settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from posealign.evaluate.settings import Evaluation
from posealign.report import plots
from posealign.report.gallery import Shown
from posealign.report.tables import Report, group_table, main_table, number, percent, summary

Galleries = Mapping[str, Mapping[str, Sequence[Shown]]]
_STYLE = """
:root { color-scheme: light; --line: #dcdfe4; --quiet: #5a6270; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2129; max-width: 1180px;
  margin: 0 auto; padding: 24px; background: #fff; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 8px; }
h3 { font-size: 15px; margin: 18px 0 6px; }
p.quiet, figcaption, td.quiet { color: var(--quiet); }
.tag { display: inline-block; padding: 1px 9px; border-radius: 10px; font-size: 13px;
  color: #fff; background: #2563a8; } .tag.synthetic { background: #8a4fa3; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13.5px; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; } th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
.plots { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.plots figure { margin: 0; max-width: 560px; } .plots svg { max-width: 100%; height: auto; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tiles figure { margin: 0; width: 176px; } .tiles img { width: 176px; border-radius: 4px; }
figcaption { font-size: 12.5px; overflow-wrap: anywhere; }
pre { background: #f5f6f8; padding: 10px; overflow-x: auto; font-size: 12.5px; }
"""


def page(report: Report, galleries: Galleries) -> str:
    """The whole document."""
    kind = report["data"]
    parts = [
        f"<h1>{escape(report['title'])}</h1>",
        f"<p><span class='tag {kind}'>{kind} pictures</span></p>",
        f"<p class='quiet'>{escape(summary(report))} {escape(report['note'])}</p>",
        "<h2>All models</h2>",
        _table(*main_table(report)),
        "<p class='quiet'>Means with 95 % intervals (bootstrap over pictures) where two numbers "
        "stand in brackets; – was not measured. A joint that an answer calls absent has no place "
        "and counts as missed.</p>",
        *_breakdowns(report),
        *_confidence(report),
        *_pope(report),
        *_words(report),
        *_galleries(galleries),
        *_failures(report),
        "<h2>Settings</h2>",
        f"<pre>{escape(json.dumps(report['settings'], indent=1, ensure_ascii=False))}</pre>",
    ]
    body = "\n".join(parts)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(report['title'])}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def write(evaluation: Evaluation, report: Report, galleries: Galleries) -> Path:
    path = evaluation.folder / "report.html"
    path.write_text(page(report, galleries), "utf-8")
    return path


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<div class='scroll'><table><tr>{head}</tr>{body}</table></div>"


def _breakdowns(report: Report) -> list[str]:
    parts = []
    for key, title in (
        ("per_posture", "By posture"), ("per_age", "By age"), ("per_role", "By role"),
        ("per_condition", "By condition"), ("per_state", "Visible and hidden joints"),
    ):  # fmt: skip
        figures = ("oks",) if key == "per_state" else ("oks", "pck_box@0.1")
        table = _table(*group_table(report, "location", key, figures))
        if table:
            parts += [f"<h2>{title}</h2>", table]
    swaps = {
        name: row["sides"]["per_roll"]
        for name, row in report["models"].items()
        if row.get("sides", {}).get("per_roll")
    }
    if swaps:
        groups = list(dict.fromkeys(group for table in swaps.values() for group in table))
        rows = [[n, *(percent(table.get(group)) for group in groups)] for n, table in swaps.items()]
        parts += ["<h2>Left and right swapped, by roll</h2>", _table(["model", *groups], rows)]
    plot = plots.bars(report, ("location", "per_joint"), "oks", "mean OKS similarity", 26)
    if plot is not None:
        parts += ["<h2>By joint</h2>", "<div class='plots'>", _figure(plot, ""), "</div>"]
        parts.append(_table(*group_table(report, "location", "per_joint", ("oks", "pck_box@0.1"))))
    return parts


def _confidence(report: Report) -> list[str]:
    plot = plots.reliability(report)
    cover = plots.bars(
        report, ("confidence", "coverage_per_joint"), None, "errors inside the 90 % radius", 26
    )
    shown = [
        _figure(svg, caption)
        for svg, caption in (
            (plot, "On the diagonal a confidence means what it says; dots grow with the count."),
            (cover, "Each bar should reach 0.9."),
        )
        if svg is not None
    ]
    return ["<h2>Confidence</h2>", "<div class='plots'>", *shown, "</div>"] if shown else []


def _pope(report: Report) -> list[str]:
    rows = {
        f"{name}, {how}": row[key]
        for name, row in report["models"].items()
        for key, how in (("pope", "in words"), ("pope_states", "by states"))
        if key in row
    }
    if report.get("words_alone"):
        rows["(words alone)"] = report["words_alone"]["pope"]
    if report.get("box_alone"):
        rows["(box alone)"] = report["box_alone"]["pope_states"]
    if not rows:
        return []
    header = ["model", "split", "questions", "balanced accuracy", "precision", "recall", "F1",
              "yes-ratio"]  # fmt: skip
    cells = [
        [name, split, str(row["questions"]), percent(row["balanced_accuracy"]),
         number(row["precision"]), number(row["recall"]), number(row["f1"]),
         number(row["yes_ratio"])]
        for name, table in rows.items()
        for split, row in table.items()
        if isinstance(row, dict) and "yes_ratio" in row
    ]  # fmt: skip
    return ["<h2>keypoint-POPE: is this joint in the picture?</h2>", _table(header, cells)]


def _words(report: Report) -> list[str]:
    rows = []
    for name, row in report["models"].items():
        found = row.get("words")
        if found is None:
            continue
        rows += [[name, kind, percent(share), ""] for kind, share in found["exact"].items()]
        rows += [
            [name, relation, percent(one["exact"]), str(one["count"])]
            for relation, one in found["per_relation"].items()
        ]
    if not rows:
        return []
    header = ["model", "question", "exact set", "questions"]
    return ["<h2>Does the answer hold what the words ask for?</h2>", _table(header, rows)]


def _galleries(galleries: Galleries) -> list[str]:
    parts = []
    for model, rows in galleries.items():
        parts.append(f"<h2>Pictures: {escape(model)}</h2>")
        parts.append(
            "<p class='quiet'>Labels thin and white; answers: the person's left orange, right "
            "blue.</p>"
        )
        for name, tiles in rows.items():
            if not tiles:
                continue
            shown = "".join(
                f"<figure><img alt='{escape(tile.caption)}' src='{tile.url}'>"
                f"<figcaption>{escape(tile.caption)}</figcaption></figure>"
                for tile in tiles
            )
            parts.append(f"<h3>{name}</h3><div class='tiles'>{shown}</div>")
    return parts


def _failures(report: Report) -> list[str]:
    if not report["failures"]:
        return ["<h2>Failures</h2>", "<p>None: every picture was read and answered.</p>"]
    rows = [
        [str(row["who"]), str(row["key"] or row["index"]), row["error"]]
        for row in report["failures"]
    ]
    return [f"<h2>Failures ({len(rows)})</h2>", _table(["who", "picture", "what"], rows)]


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
