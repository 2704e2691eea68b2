"""What people and judges said about answers: one JSON line a comparison.

Written by a review page or by training.judges, read by training.reward_model and training.dpo.
docs/reference/preferences.md documents every field. Places are pixels of the picture whose digest
the record names; absent joints have no place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from posealign.errors import InvalidInput, nearest
from posealign.skeletons.load import vocabulary

DIGEST = r"^[0-9a-f]{64}$"


class Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnsweredJoint(Closed):
    """One joint of an answer; `z` in trunk lengths from the mid-hip."""

    x: float | None = None
    y: float | None = None
    z: float | None = None
    state: Literal["absent", "occluded", "visible"]

    @model_validator(mode="after")
    def _placed(self) -> AnsweredJoint:
        if (self.x is None) != (self.y is None):
            raise ValueError("a place has both x and y, or neither")
        if self.state != "absent" and self.x is None:
            raise ValueError(f"a joint that is {self.state} has a place")
        return self


class Answer(Closed):
    """What was answered, by which model or person."""

    joints: dict[str, AnsweredJoint] = Field(min_length=1)
    by: str = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Answer:
        for name in self.joints:
            if name not in vocabulary().names:
                raise ValueError(f"no joint is called {name!r}{nearest(name, vocabulary().names)}")
        return self


class Preference(Closed):
    """`answers` from the best to the worst; `corrected` joints are what the best one changed."""

    schema_version: Literal[1] = 1
    picture: str = Field(pattern=DIGEST)
    instruction: str = Field(min_length=1)
    answers: tuple[Answer, ...] = Field(min_length=2)
    corrected: tuple[str, ...] = ()
    rater: str = Field(min_length=1)
    model: str = Field(pattern=DIGEST)
    confidence: float = Field(1.0, gt=0, le=1)  # the rater's own

    @model_validator(mode="after")
    def _consistent(self) -> Preference:
        best, worst = self.answers[0], self.answers[-1]
        for name in self.corrected:
            if name not in best.joints or name not in worst.joints:
                raise ValueError(f"{name!r} was corrected, but not every answer holds it")
        return self


def write(path: Path, records: Iterable[Preference]) -> int:
    """Append; how many were written."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(record.model_dump_json(exclude_none=True) + "\n")
            count += 1
    return count


def read(path: Path) -> Iterator[Preference]:
    """One record a line; an error names the line and the field."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield Preference.model_validate(json.loads(line))
            except (ValidationError, json.JSONDecodeError) as error:
                raise InvalidInput(f"{path}:{number}: {_first(error)}") from error


def _first(error: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg}"
    row = error.errors()[0]
    return f"{'.'.join(map(str, row['loc'])) or 'record'}: {row['msg']}"
