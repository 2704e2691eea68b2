"""A study as a page: tables, plots, and what was run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from posealign.config import Config, to_yaml
from training.experiments.tables import Bars, Findings, Table


def write_report(
    out: Path,
    config: Config,
    findings: Mapping[str, Findings],
    notes: Mapping[str, str],
    title: str = "Alignment study",
) -> Path:
    """`report.md`, a PNG a plot, and `config.yaml` as it was run."""
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in notes.items()] + [""]
    for part, found in findings.items():
        for number, plot in enumerate(found.plots):
            name = f"{part}-{number}.png"
            draw(plot, out / name)
            lines += [f"![{plot.title}]({name})", ""]
        for table in found.tables:
            lines += [*markdown(table), ""]
    path = out / "report.md"
    path.write_text("\n".join(lines), "utf-8")
    (out / "config.yaml").write_text(to_yaml(config), "utf-8")
    return path


def markdown(table: Table) -> list[str]:
    lines = [f"## {table.title}", ""]
    lines += ["| " + " | ".join(table.header) + " |", "|" + " --- |" * len(table.header)]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return [*lines, "", table.note] if table.note else lines


def draw(bars: Bars, path: Path) -> None:
    """Grouped bars with their intervals."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axis = pyplot.subplots(figsize=(8, 3.6))
    width = 0.8 / max(len(bars.series), 1)
    for number, (label, values) in enumerate(bars.series.items()):
        places = [group + (number - (len(bars.series) - 1) / 2) * width
                  for group in range(len(bars.groups))]  # fmt: skip
        means = [value[0] for value in values]
        spread = [[max(0.0, value[0] - value[1]) for value in values],
                  [max(0.0, value[2] - value[0]) for value in values]]  # fmt: skip
        axis.bar(places, means, width * 0.92, yerr=spread, label=label,
                 error_kw={"linewidth": 0.8, "capsize": 2})  # fmt: skip
    axis.set_xticks(range(len(bars.groups)), [name.replace("_", " ") for name in bars.groups])
    axis.set_title(bars.title, fontsize=10)
    axis.legend(fontsize=8, frameon=False)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
