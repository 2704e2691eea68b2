"""posealign resolve: what an instruction is understood to mean, without a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posealign import bundle as bundles
from posealign.commands.options import BundleName, SkeletonName
from posealign.commands.output import LANGUAGE_NAMES, AsJson, print_json, why_refused
from posealign.data.pose import PoseResult, Understood
from posealign.errors import require_instruction
from posealign.instructions.resolve import Resolver


def resolve(
    text: Annotated[str, typer.Argument(help="The instruction, up to 400 characters.")],
    skeleton: SkeletonName = None,
    bundle: BundleName = "default",
    as_json: AsJson = False,
) -> None:
    """Show which joints an instruction asks for, or why it is refused.

    posealign resolve "everything but the left arm"
    """
    require_instruction(text)
    folder = Path(bundle)
    if not (folder / "text.onnx").is_file():
        folder = bundles.find(bundle).folder
    understood = Resolver.of_folder(folder).resolve(text, skeleton)
    if as_json:
        print_json(PoseResult(understood, (), (), None, "", "").to_json()["instruction"])
        return
    for line in lines(understood):
        typer.echo(line)


def lines(understood: Understood) -> list[str]:
    """For people: the reading first, then what bears on it."""
    rows = [("understood", understood.query or "a set of joints without a short name")]
    if understood.refused:
        rows = [("refused", f"{understood.reason}: {why_refused(understood)}")]
        if understood.near_matches:
            rows.append(("near", ", ".join(understood.near_matches)))
    else:
        rows.append(("joints", ", ".join(understood.joints)))
        if understood.needs_picture:
            rows.append(("relation", ", ".join(understood.relations) + " (needs the picture)"))
            rows.append(("candidates", ", ".join(understood.candidates)))
        rows.append(("skeleton", understood.skeleton))
        rows.append(("coordinates", f"{understood.dims}D"))
        if understood.visibility != "any":
            rows.append(("only", understood.visibility))
        if understood.subject != "all":
            rows.append(("of whom", understood.subject))
    rows.append(("language", LANGUAGE_NAMES[understood.language]))
    rows.append(("confidence", f"{understood.confidence:.2f}"))
    return [f"{name:<12}{value}" for name, value in rows]
