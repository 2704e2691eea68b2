"""List the skeletons, show one, or check a file of your own."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from posealign.commands.output import AsJson, console, print_json
from posealign.skeletons.load import NAMES, to_json, vocabulary
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Joint, Skeleton

skeletons = typer.Typer(
    help="List the skeletons, show one, or check a file of your own.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="A name from the list, or the path of a JSON file.")]


@skeletons.command("list")
def list_(as_json: AsJson = False) -> None:
    """Names, numbers of joints and titles in both languages."""
    rows = [
        {"name": name, "joints": len(found), "title": {"en": found.title_en, "zh": found.title_zh}}
        for name in NAMES
        for found in [load_skeleton(name)]
    ]
    if as_json:
        return print_json(rows)
    table = Table("name", "joints", "title", "标题", box=None)
    for name in NAMES:
        found = load_skeleton(name)
        table.add_row(name, str(len(found)), found.title_en, found.title_zh)
    return _print(table)


@skeletons.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Joints with their names, twins, sigmas and what they are made from; then the edges.

    The JSON is the file format: `posealign skeletons show coco17 --json > mine.json` is a start for
    a skeleton of your own.
    """
    found = load_skeleton(name)
    if as_json:
        return print_json(to_json(found))
    table = Table("", "joint", "English", "中文", "twin", "sigma", "made from", box=None)
    for number, joint in enumerate(found.joints):
        twin = "" if joint.swap == joint.name else joint.swap
        row = (str(number), joint.name, joint.en, joint.zh, twin, f"{joint.sigma:g}", _made(joint))
        table.add_row(*row)
    edges = ", ".join(f"{found.names[one]}–{found.names[two]}" for one, two in found.edges)
    _print(table)
    typer.echo(f"\n{len(found)} joints, {len(found.edges)} edges: {edges}\nSource: {found.source}")
    return None


@skeletons.command()
def check(file: Name, as_json: AsJson = False) -> None:
    """Say whether a file can be used, what it maps onto, and what deserves a second look."""
    found = load_skeleton(file)
    remarks = _remarks(found)
    if as_json:
        return print_json({"name": found.name, "joints": len(found), "remarks": remarks})
    described = sum(joint.description is not None for joint in found.joints)
    typer.echo(
        f"{found.name}: sound. {len(found)} joints, {len(found.edges)} edges; "
        f"{sum(bool(joint.sources) for joint in found.joints)} made from the vocabulary, "
        f"{described} by description."
    )
    for remark in remarks:
        typer.echo(f"  - {remark}")
    return None


@skeletons.command("from-mmpose")
def from_mmpose(
    metainfo: Annotated[str, typer.Argument(help="A metainfo file, or a name of mmpose's: coco.")],
) -> None:
    """Write an mmpose metainfo file as a skeleton, to standard output.

    `posealign skeletons from-mmpose h36m > h36m.json`; needs the environment of `make mm`. The
    file is Python and is executed.
    """
    from posealign.interop.mm.skeletons import skeleton_of  # noqa: PLC0415

    print_json(to_json(skeleton_of(metainfo)))


def _made(joint: Joint) -> str:
    if not joint.sources:
        return "its description" if joint.description else ""
    if len(joint.sources) == 1:
        return joint.sources[0][0]
    return " + ".join(f"{weight:g} {name}" for name, weight in joint.sources)


def _remarks(found: Skeleton) -> list[str]:
    """Allowed, but probably not meant."""
    remarks: list[str] = []
    found.matrix_JV(vocabulary())  # an unknown vocabulary joint is an error, not a remark
    for joint in found.joints:
        if not joint.sources and not joint.description:
            remarks.append(
                f"{joint.name} has neither `from` nor a description, so it cannot be placed"
            )
        sided = joint.en.lower().startswith(("left", "right"))
        if sided and joint.swap == joint.name:
            remarks.append(
                f"{joint.name} is called {joint.en!r}, but has no twin on the other side"
            )
    linked = {end for edge in found.edges for end in edge}
    alone = [name for number, name in enumerate(found.names) if number not in linked]
    if alone:
        remarks.append(f"no edge leads to {', '.join(alone)}")
    for language in ("en", "zh"):
        labels = [joint.label(language) for joint in found.joints]
        for label in sorted({label for label in labels if labels.count(label) > 1}):
            remarks.append(f"several joints are called {label!r} ({language})")
    return remarks


def _print(table: Any) -> None:
    width = None if sys.stdout.isatty() else 160
    console(width, wrap=False).print(table)
