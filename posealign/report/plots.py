"""report.json → plots as SVG text; the same report gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Report = dict[str, Any]
COLOURS = ("#2563a8", "#d1661f", "#3a8a54", "#8a4fa3", "#777777", "#b0304f")


def figure(draw: Callable[[Axes], None], size: tuple[float, float] = (5.2, 3.4)) -> str:
    """One plot as an <svg> element."""
    import matplotlib  # noqa: PLC0415 - the extra `eval`

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    # Text stays text: small, searchable, and in the reader's own font.
    style: Any = {
        "svg.hashsalt": "posealign", "svg.fonttype": "none", "font.family": "sans-serif",
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    }  # fmt: skip
    with pyplot.rc_context(style):
        canvas, axes = pyplot.subplots(figsize=size, layout="constrained")
        draw(axes)
        text = io.StringIO()
        canvas.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(canvas)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def reliability(report: Report) -> str | None:
    """Confidence against OKS similarity, one line a model."""
    tables = {
        name: table
        for name, row in report["models"].items()
        if (table := row.get("confidence", {}).get("reliability"))
    }
    if not tables:
        return None

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
        for colour, (name, table) in zip(_colours(tables), tables.items(), strict=True):
            points = [
                (c, s, n)
                for c, s, n in zip(
                    table["confidence"], table["similarity"], table["count"], strict=True
                )
                if c is not None
            ]
            total = sum(n for _, _, n in points) or 1
            axes.plot(
                [c for c, _, _ in points], [s for _, s, _ in points], color=colour, label=name
            )
            axes.scatter(
                [c for c, _, _ in points], [s for _, s, _ in points], color=colour,
                s=[4 + 300 * n / total for _, _, n in points],
            )  # fmt: skip
        axes.set(xlabel="confidence", ylabel="OKS similarity", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, fontsize=8)

    return figure(draw)


def bars(
    report: Report, keys: Sequence[str], value: str | None, label: str, limit: int = 40
) -> str | None:
    """One breakdown as horizontal bars, a colour a model."""
    tables: dict[str, dict[str, Any]] = {}
    for name, row in report["models"].items():
        for key in keys:
            row = row.get(key, {}) if isinstance(row, dict) else {}  # noqa: PLW2901
        if row:
            tables[name] = row
    parts = list(dict.fromkeys(part for table in tables.values() for part in table))[:limit]
    if not parts:
        return None

    def draw(axes: Axes) -> None:
        height = 0.8 / len(tables)
        for place, (colour, (name, table)) in enumerate(
            zip(_colours(tables), tables.items(), strict=True)
        ):
            numbers = [_value(table.get(part), value) for part in parts]
            where = [y + place * height - 0.4 + height / 2 for y in range(len(parts))]
            axes.barh(where, numbers, height=height * 0.9, color=colour, label=name)
        axes.set_yticks(range(len(parts)), [part.replace("_", " ") for part in parts])
        axes.invert_yaxis()
        axes.set_xlabel(label)
        axes.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))

    return figure(draw, (5.2, 1.2 + 0.14 * len(parts) * (1 + len(tables))))


def _value(entry: Any, key: str | None) -> float:
    found = entry if key is None or not isinstance(entry, dict) else entry.get(key)
    return float(found) if found is not None else 0.0


def _colours(tables: dict[str, Any]) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(len(tables))]
