"""A phrasebook is one YAML file: how one language says parts, relations and wishes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from posealign.errors import InvalidConfig, first_fault
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import RELATIONS, parse, part

# A language is one file; whatever lies in the folder is spoken.
LANGUAGES = tuple(
    sorted(
        file.name.removesuffix(".yaml")
        for file in files(__package__).joinpath("phrasebook").iterdir()
        if file.name.endswith(".yaml")
    )
)
Lines = tuple[str, ...]


class Wish(BaseModel):
    """Ways to say a wish about {x}: inside the noun phrase or around the sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    phrase: Lines
    sentence: Lines


class Joiners(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    separators: Lines
    last: Lines


class Noise(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    asr: Mapping[str, str] = {}
    fillers: Lines = ()
    tails: Lines = ()
    replace: Mapping[str, Lines] = {}
    pinyin: Mapping[str, str] = {}


class Refusals(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    slots: Mapping[str, Lines]
    not_pose: Lines
    contradictory: Lines
    no_such_part: Lines
    unclear: Lines
    injection: Lines


class Phrasebook(BaseModel):
    """Only `sides`, `parts`, `both` and `frames` are required: a small language is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    language: str
    joiner: str
    sides: Mapping[str, Lines]
    determiners: Lines = ("",)
    sided: Lines = ("{s} {p}",)
    both: Lines = ("{ps}",)
    single: Lines = ("{p}",)
    points: Lines = ("{x}",)
    owners: Lines = ()
    parts: Mapping[str, Lines]
    fixed: Mapping[str, Lines] = {}
    union: Joiners
    shared_side: Lines = ()
    union_frames: Lines = ("{x}",)
    except_all: Lines
    # `except` is a Python word
    subtract: Lines
    chain: Lines
    relations: Mapping[str, Lines] = {}
    visible: Wish | None = None
    occluded: Wish | None = None
    dims3: Wish | None = None
    dims2: Wish | None = None
    subjects: Mapping[str, Wish] = {}
    skeletons: Mapping[str, Wish] = {}
    premises: Mapping[str, Wish] = {}
    frames: Mapping[str, Lines]
    corrections: Lines = ()
    side_corrections: Lines = ()
    background: Lines = ()
    refusals: Refusals | None = None
    guards: Lines = ()  # regular expressions of texts that give orders to the machine
    noise: Noise = Noise()

    def forms(self, name: str) -> list[tuple[str, str]]:
        """(singular, plural) of a part's names; one form serves as both."""
        return [
            (form.partition("|")[0], form.partition("|")[2] or form) for form in self.parts[name]
        ]

    def derived(self) -> Iterator[tuple[str, str]]:
        """Forms that follow from others, with the part as written in a Query: a side inside "the
        lower part of the leg", and 右手的手指头 because of 右手的手指 and 手指头.
        """
        names = {name: {form for pair in self.forms(name) for form in pair} for name in self.parts}
        for name in sorted(PAIRED & set(names)):
            for form in sorted(names[name]):
                for side in ("left", "right") if _HOLDER.search(form) else ():
                    for owner in ("", "the ", "her ", "his "):
                        yield _HOLDER.sub(rf"\1 {owner}{side} \2", form), f"{side}_{name}"
        for written, phrases in self.fixed.items() if not self.joiner else ():
            known = names.get(written.removeprefix("left_").removeprefix("right_"), set())
            for phrase in phrases:
                tails = [short for short in known if phrase.endswith(short) and phrase != short]
                for form in known:
                    if any(form.startswith(tail) and len(form) == len(tail) + 1 for tail in tails):
                        yield phrase + form[-1], written


# Where a side goes in a name that tells of what it is a part.
_HOLDER = re.compile(r"\b(of|above|below) (?:the )?((?:arm|leg|hand|foot|elbow|knee)s?)$")


def from_data(data: Mapping[str, Any], origin: str = "phrasebook") -> Phrasebook:
    """Validate a phrasebook; an error names the field or the unknown part."""
    rows = dict(data)
    if "except" in rows:
        rows["subtract"] = rows.pop("except")
    try:
        book = Phrasebook.model_validate(rows)
    except ValidationError as error:
        raise InvalidConfig(f"{origin}: {first_fault(error)}") from error
    for name in book.parts:
        part(name)
    for written in book.fixed:
        parse(written)
    unknown = set(book.relations) - set(RELATIONS)
    if unknown:
        raise InvalidConfig(f"{origin}: no relation is called {', '.join(sorted(unknown))}")
    return book


@cache
def phrasebook(name: str) -> Phrasebook:
    """A language of the library by its name, or any YAML file by path."""
    if name in LANGUAGES:
        text = files(__package__).joinpath(f"phrasebook/{name}.yaml").read_text("utf-8")
    else:
        text = Path(name).read_text("utf-8")
    return from_data(yaml.safe_load(text), name)
