"""Where the elements of a large JSON file's lists stand, without keeping the file in memory.

COCO's training labels are a quarter of a gigabyte and ten times that as Python objects. One pass
remembers each element's bytes; elements are parsed again when asked for. The pass reads bytes as
Latin-1, so that positions in text and file are the same; values are parsed as UTF-8.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from posealign.errors import InvalidInput, NotFound

_CHUNK = 1 << 20
_SPACE = " \t\r\n"


@dataclass
class Spans:
    """Start and end of each element of one list."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.starts)


class JsonIndex:
    """`lists` are indexed; `head` keeps every other top-level value, `order` all keys."""

    def __init__(self, path: str | Path, lists: Mapping[str, Callable[[Any], None]]) -> None:
        """`lists` names each list to index and what to call with its elements in the pass."""
        self.path = Path(path)
        self.order: list[str] = []
        self.head: dict[str, Any] = {}
        self.spans = {name: Spans() for name in lists}
        if not self.path.is_file():
            raise NotFound(f"there is no label file {self.path}")
        with self.path.open("rb") as file:
            try:
                _Scan(file, self, lists).run()
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise InvalidInput(f"{self.path} is not JSON: {error}") from error

    def read(self, name: str, index: int) -> Any:
        """One element, parsed now."""
        spans = self.spans[name]
        with self.path.open("rb") as file:
            file.seek(spans.starts[index])
            return json.loads(file.read(spans.ends[index] - spans.starts[index]))


class _Scan:
    """A window of text over the file; `base` is the window's place."""

    def __init__(
        self, file: BinaryIO, index: JsonIndex, lists: Mapping[str, Callable[[Any], None]]
    ) -> None:
        self.file, self.index, self.lists = file, index, lists
        self.text, self.base, self.place = "", 0, 0
        self.decode = json.JSONDecoder().raw_decode

    def run(self) -> None:
        self.expect("{")
        while self.peek() != "}":
            _, start, end = self.value()
            key = self.parsed(start, end)
            self.expect(":")
            self.index.order.append(key)
            if key in self.lists and self.peek() == "[":
                self.elements(key)
            else:
                _, start, end = self.value()
                self.index.head[key] = self.parsed(start, end)
            if self.peek() != "}":
                self.expect(",")

    def elements(self, key: str) -> None:
        spans, visit = self.index.spans[key], self.lists[key]
        self.expect("[")
        while self.peek() != "]":
            value, start, end = self.value()
            spans.starts.append(start)
            spans.ends.append(end)
            visit(value)
            if self.peek() != "]":
                self.expect(",")
        self.expect("]")

    def parsed(self, start: int, end: int) -> Any:
        """What was just read, in its true encoding."""
        return json.loads(self.text[start - self.base : end - self.base].encode("latin-1"))

    def peek(self) -> str:
        """The next character that is no space."""
        while True:
            while self.place < len(self.text) and self.text[self.place] in _SPACE:
                self.place += 1
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.more():
                raise json.JSONDecodeError("the file ends too early", self.text, self.place)

    def expect(self, mark: str) -> None:
        if self.peek() != mark:
            message = f"expected {mark!r} at byte {self.base + self.place:,}"
            raise json.JSONDecodeError(message, self.text, self.place)
        self.place += 1

    def value(self) -> tuple[Any, int, int]:
        self.peek()
        while True:
            try:
                value, end = self.decode(self.text, self.place)
                if end < len(self.text) or not self.more():  # a number may go on
                    break
            except json.JSONDecodeError:
                if not self.more():
                    raise
        start, self.place = self.place, end
        return value, self.base + start, self.base + end

    def more(self) -> bool:
        """Slide the window on; doubled, so that a long element is tried few times."""
        chunk = self.file.read(max(_CHUNK, len(self.text) - self.place))
        if not chunk:
            return False
        self.text = self.text[self.place :] + chunk.decode("latin-1")
        self.base, self.place = self.base + self.place, 0
        return True
