"""Skeletons from JSON: the library's by name, anyone's by path."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posealign.errors import InvalidInput, NotFound, among, first_fault, nearest
from posealign.skeletons.skeleton import Joint, Skeleton

_LIBRARY = files(__package__).joinpath("library")
NAMES = (
    "coco17", "coco_wholebody133", "halpe26", "lsp14", "smil25", "body25", "blazepose33",
)  # fmt: skip


class _JointFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    en: str
    zh: str
    swap: str
    sigma: float
    aliases: list[str] = []
    sources: dict[str, float] = Field(default={}, alias="from")
    description: str | None = None


class _SkeletonFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    title: dict[str, str] = {}
    source: str = ""
    joints: list[_JointFile]
    edges: list[tuple[str, str]]


def from_json(data: Any) -> Skeleton:
    """Validate one skeleton's JSON; the error names the field."""
    try:
        file = _SkeletonFile.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(f"skeleton file: {first_fault(error)}") from error
    joints = tuple(
        Joint(
            **joint.model_dump(exclude={"aliases", "sources"}),
            aliases=tuple(joint.aliases),
            sources=tuple(joint.sources.items()),
        )
        for joint in file.joints
    )
    index = {joint.name: number for number, joint in enumerate(joints)}
    for name in (name for edge in file.edges for name in edge):
        if name not in index:
            raise InvalidInput(f"skeleton file: an edge names {name!r}{nearest(name, index)}")
    edges = tuple((index[first], index[second]) for first, second in file.edges)
    title = file.title
    return Skeleton(file.name, joints, edges, title.get("en", ""), title.get("zh", ""), file.source)


def to_json(skeleton: Skeleton) -> dict[str, Any]:
    """The inverse of `from_json`."""
    joints = []
    for joint in skeleton.joints:
        row: dict[str, Any] = {
            "name": joint.name, "en": joint.en, "zh": joint.zh, "aliases": list(joint.aliases),
            "swap": joint.swap, "sigma": joint.sigma,
        }  # fmt: skip
        if joint.sources:
            row["from"] = dict(joint.sources)
        if joint.description is not None:
            row["description"] = joint.description
        joints.append(row)
    names = skeleton.names
    return {
        "name": skeleton.name,
        "title": {"en": skeleton.title_en, "zh": skeleton.title_zh},
        "source": skeleton.source,
        "joints": joints,
        "edges": [[names[first], names[second]] for first, second in skeleton.edges],
    }


@cache
def vocabulary() -> Skeleton:
    """All joints the model knows by name; every other skeleton maps onto these."""
    return from_json(json.loads(_LIBRARY.joinpath("vocabulary.json").read_text("utf-8")))


@cache
def skeleton(name: str) -> Skeleton:
    """A skeleton by library name or by the path of a JSON file."""
    if name in NAMES:
        return from_json(json.loads(_LIBRARY.joinpath(f"{name}.json").read_text("utf-8")))
    path = Path(name)
    if path.suffix == ".json" and not path.is_file():
        raise NotFound(f"there is no skeleton file {name}; those with names are {', '.join(NAMES)}")
    if path.suffix != ".json":
        raise NotFound(
            f"no skeleton is called {name!r}{among(name, NAMES)}, and paths of JSON files"
        )
    try:
        return from_json(json.loads(path.read_text("utf-8-sig")))  # Windows editors put a BOM
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"{name} is not a JSON file: {error}") from error
