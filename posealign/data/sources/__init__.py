"""Where samples come from. A source is a lazy sequence of samples; nothing is cached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from posealign.data.sample import Sample
from posealign.data.sources.coco import CocoSource
from posealign.data.sources.jsonl import JsonlSource
from posealign.data.sources.lsp import LspSource
from posealign.data.sources.minirgbd import MiniRgbdSource
from posealign.errors import InvalidInput, among


class Source(Protocol):
    """What every source offers."""

    name: str

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
    def __iter__(self) -> Iterator[Sample]: ...


SOURCES: dict[str, Callable[..., Source]] = {
    "coco": CocoSource,
    "lsp": LspSource,
    "minirgbd": MiniRgbdSource,
    "jsonl": JsonlSource,
}


def open_source(kind: str, path: str, **options: Any) -> Source:
    """`open_source("coco", "labels.json", images="pictures.zip")`."""
    if kind not in SOURCES:
        raise InvalidInput(f"no source is called {kind!r}{among(kind, SOURCES)}")
    try:
        return SOURCES[kind](path, **options)
    except TypeError as error:
        raise InvalidInput(f"source {kind!r}: {error}") from error
