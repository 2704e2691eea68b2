"""posealign calibrate: a finished evaluation teaches its bundle honest confidences and radii."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from posealign import bundle as bundles
from posealign.calibrate import Fit, apply, fit
from posealign.commands.output import AsJson, console, print_json
from posealign.errors import InvalidInput
from posealign.evaluate.run import settings_of
from posealign.evaluate.settings import PredictorModel
from posealign.report.collect import judged_of


def calibrate(
    run: Annotated[Path, typer.Argument(help="Folder of an evaluation of the bundle.")],
    model: Annotated[
        str | None, typer.Option(help="Which of its models; the first bundle.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the calibrated bundle; without it only the fit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit confidence and 90 % radius on one half of a run, report the other, write a bundle."""
    settings = settings_of(run)
    served = [entry for entry in settings.models if isinstance(entry, PredictorModel)]
    chosen = next((entry for entry in served if model in (None, entry.name)), None)
    if chosen is None:
        names = ", ".join(entry.name for entry in served) or "none"
        raise InvalidInput(f"{run} has no bundle {model or ''!r} to calibrate; it has: {names}")
    bundle = bundles.find(chosen.bundle)
    found = fit(judged_of(settings, chosen.name), bundle, settings.name)
    if out is not None:
        written = apply(bundle, found.spec, out)
        typer.echo(f"{out}: digest {written.digest[:12]}…", err=True)
    if as_json:
        print_json({
            "calibration": found.spec.model_dump(mode="json"), "before": found.before,
            "after": found.after, "isotonic_ece": found.isotonic_ece, "joints": found.joints,
        })  # fmt: skip
        return
    console().print(table(found))


def table(found: Fit) -> Table:
    shown = Table(title=f"fitted on {found.spec.fitted_on}; the other half:", title_justify="left")
    for column in ("figure", "before", "after"):
        shown.add_column(column, justify="left" if column == "figure" else "right")
    for name, label in (
        ("ece", "OKS-ECE"),
        ("auroc", "AUROC of errors"),
        ("coverage", "90 % radius"),
    ):
        shown.add_row(label, f"{found.before[name]:.3f}", f"{found.after[name]:.3f}")
    shown.add_row("OKS-ECE, isotonic", "", f"{found.isotonic_ece:.3f}")
    return shown
