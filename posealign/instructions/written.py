"""The written corpus that lies in the repository: what people really type, with its Query."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from posealign.errors import NotFound

FOLDER = Path(__file__).with_name("corpus")
# `strangers` is measured on and never learnt from, neither by weights nor by those who write rules.
SPLITS = ("train", "dev", "test", "strangers")


@dataclass(frozen=True)
class Line:
    """`frame` names the sentence pattern, `pair` the translated pair a line belongs to."""

    query: str
    text: str
    language: str
    frame: str
    pair: str | None = None


def load(split: str) -> list[Line]:
    path = FOLDER / f"{split}.jsonl"
    if split not in SPLITS or not path.is_file():
        raise NotFound(f"no corpus split {split!r}; there are {', '.join(SPLITS)}")
    return [Line(**json.loads(row)) for row in path.read_text("utf-8").splitlines() if row]


def digest(split: str) -> str:
    return hashlib.sha256((FOLDER / f"{split}.jsonl").read_bytes()).hexdigest()
