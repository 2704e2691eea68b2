"""report.json → tables for people: the terminal, Markdown, HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Report = dict[str, Any]
Cell = str


def _at(row: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(row, dict) or key not in row:
            return None
        row = row[key]
    return row


def number(value: Any, digits: int = 3) -> str:
    """A figure, with its interval where it has one; – where it was not measured."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        if value.get("value") is None:
            return "–"
        if low is None or high is None:
            return number(value["value"], digits)
        return f"{value['value']:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: Any, digits: int = 1) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return "–" if value is None else f"{100 * value:.{digits}f} %"


Column = tuple[str, tuple[str, ...], Callable[[Any], str]]
COLUMNS: tuple[Column, ...] = (
    ("mean OKS", ("location", "oks"), number),
    ("Ex-OKS", ("location", "ex_oks"), number),
    ("AP", ("location", "average_precision", "all", "AP"), number),
    ("AR", ("location", "average_precision", "all", "AR"), number),
    ("PCK@0.1 box", ("location", "pck_box@0.1"), number),
    ("PCK@0.2 torso", ("location", "pck_torso@0.2"), number),
    ("swapped", ("sides", "swap_rate"), percent),
    ("OKS-ECE", ("confidence", "ece"), number),
    ("AUROC", ("confidence", "auroc"), number),
    ("90 % radius", ("confidence", "coverage"), percent),
    ("CHAIR-kpt", ("hallucination", "chair"), percent),
    ("POPE, by states", ("pope_states", "all", "balanced_accuracy"), percent),
    ("POPE adversarial, by states", ("pope_states", "adversarial", "balanced_accuracy"), percent),
    ("POPE, in words", ("pope", "all", "balanced_accuracy"), percent),
    ("POPE adversarial, in words", ("pope", "adversarial", "balanced_accuracy"), percent),
    ("exact sets, in words", ("words", "exact", "all"), percent),
    ("of relations that are clear", ("words", "exact", "relation"), percent),
    ("of those that the answer calls clear", ("words", "sure", "exact"), percent),
    ("share that it calls clear", ("words", "sure", "share"), percent),
    ("the same in another order", ("words", "other_order", "same"), percent),
    ("PA-MPJPE mm", ("space", "pa_mpjpe_mm"), lambda v: number(v, 1)),
    ("angles °", ("space", "angles_deg", "median"), lambda v: number(v, 1)),
    ("implausible", ("plausibility", "answers", "any"), percent),
    ("jitter", ("time", "smooth", "jitter"), lambda v: percent(v, 2)),
    ("3 Hz lost", ("time", "smooth", "loss"), percent),
)


def main_table(report: Report) -> tuple[list[str], list[list[Cell]]]:
    """Header and one row a figure, a column a model; figures that nobody has are left out."""
    models = dict(report["models"])
    for blind in ("words_alone", "box_alone"):
        if report.get(blind):
            models[f"({blind.replace('_', ' ')})"] = report[blind]
    columns = [
        column
        for column in COLUMNS
        if any(_at(row, *column[1]) is not None for row in models.values())
    ]
    rows = [
        [name, *(show(_at(row, *keys)) for row in models.values())] for name, keys, show in columns
    ]
    return ["figure", *models], rows


def group_table(
    report: Report, group: str, key: str, figures: tuple[str, ...]
) -> tuple[list[str], list[list[Cell]]]:
    """Rows of one breakdown (postures, joints), a column for each model and figure."""
    models = {
        name: table for name, row in report["models"].items() if (table := _at(row, group, key))
    }
    if not models:
        return [], []
    names = list(dict.fromkeys(part for table in models.values() for part in table))
    header = [key.removeprefix("per_"), "count"]
    header += [f"{model}: {figure}" for model in models for figure in figures]
    rows = []
    for part in names:
        entries = [table.get(part, {}) for table in models.values()]
        count = next((e.get("count", e.get("people")) for e in entries if isinstance(e, dict)), "")
        cells = [
            number(entry.get(figure) if isinstance(entry, dict) else entry)
            for entry in entries
            for figure in figures
        ]
        rows.append([part, "" if count is None else str(count), *cells])
    return header, rows


def markdown(header: list[str], rows: list[list[Cell]]) -> str:
    lines = [_line(header), _line(["---"] + ["---:"] * (len(header) - 1))]
    return "\n".join(lines + [_line(row) for row in rows])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def summary(report: Report) -> str:
    """One line under a table: what was measured, on what."""
    kind = "synthetic pictures" if report["data"] == "synthetic" else "real pictures"
    boxes = "boxes given" if report["boxes"] == "truth" else "people searched for"
    failed = len(report["failures"])
    line = f"{report['pictures']} {kind}, {boxes}, skeleton {report['skeleton']}"
    line += f", asked “{report['instruction']}”"
    line += f"; {report['machine']['cpu']}, {report['machine']['cores']} cores"
    for name, row in report["models"].items():
        if row["kind"] == "predictor":
            line += f"; {name}: bundle {row['digest'][:12]}"
    if failed:
        line += f"; {failed} failures are listed in the report"
    return line + "."
