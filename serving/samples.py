"""The page's sample pictures: rendered by the synthetic infant, each with a question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SamplePicture:
    """`made` names the render: Bank(split, seed, poses, looks) and the sample's number."""

    file: str
    instruction_en: str
    instruction_zh: str
    shows_en: str
    shows_zh: str
    made: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called when it is saved: `sitting.jpg`."""
        return self.file.removeprefix("sample-")

    def data(self) -> bytes:
        return files("serving").joinpath("web", self.file).read_bytes()


@cache
def sample_pictures() -> tuple[SamplePicture, ...]:
    rows = json.loads(files("serving").joinpath("web", "samples.json").read_text("utf-8"))
    return tuple(
        SamplePicture(
            row["file"], row["instruction"]["en"], row["instruction"]["zh"], row["shows"]["en"],
            row["shows"]["zh"], row["made"],
        )
        for row in rows
    )  # fmt: skip


def save(folder: Path) -> tuple[Path, ...]:
    """Write the pictures as files, for the command line and for cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for picture in sample_pictures():
        path = folder / picture.name
        path.write_bytes(picture.data())
        paths.append(path)
    return tuple(paths)
