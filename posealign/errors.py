"""Every named error: one HTTP status and one exit code each.

A message says what came, what was expected and, where there is one, the nearest right choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


class PoseAlignError(Exception):
    """Something is wrong that a person can mend; the message says how."""

    status = 500
    exit_code = 1
    code = "internal"


class InvalidInput(PoseAlignError):
    """What was given cannot be used (a file, an option, a box)."""

    status, exit_code, code = 422, 2, "invalid-input"


class InvalidConfig(InvalidInput):
    code = "invalid-config"


class InvalidQuery(InvalidInput):
    code = "invalid-query"


class InvalidImage(InvalidInput):
    """The bytes are not a picture we can read."""

    status, code = 400, "invalid-image"


class UnsupportedImage(InvalidInput):
    """A real picture or file, of a kind we do not take."""

    status, code = 415, "unsupported-image"


class TooLarge(InvalidInput):
    """Over a stated limit (pixels, bytes, characters, boxes)."""

    status, code = 413, "too-large"


class NotFound(PoseAlignError):
    """A name (bundle, skeleton, frame, file) that does not exist here."""

    status, exit_code, code = 404, 3, "not-found"


class MissingExtra(PoseAlignError):
    """A command needs packages that are not installed."""

    status, exit_code, code = 501, 4, "missing-extra"


class BrokenBundle(PoseAlignError):
    """A bundle's content is not what its digest or version says."""

    status, exit_code, code = 500, 5, "broken-bundle"


class Unavailable(PoseAlignError):
    """Not ready: starting, draining, offline, or a device that is not there."""

    status, exit_code, code = 503, 6, "unavailable"


class Overloaded(PoseAlignError):
    """The queue is full; come back in `retry_after` seconds."""

    status, exit_code, code = 429, 7, "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(PoseAlignError):
    status, exit_code, code = 504, 8, "deadline-exceeded"


class Unauthorized(PoseAlignError):
    status, exit_code, code = 401, 9, "unauthorized"


class Forbidden(PoseAlignError):
    status, exit_code, code = 403, 9, "forbidden"


def nearest(word: str, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?` or nothing: the tail of a message about an unknown name."""
    near = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def among(word: str, choices: Iterable[str], says: str = "there are:") -> str:
    """`; did you mean 'x'? There are: x, y`, or the list alone where nothing is near."""
    every = list(choices)
    listed = f"{says} {', '.join(every) or 'none'}"
    near = nearest(word, every)
    return f"{near} {listed[0].upper()}{listed[1:]}" if near else f"; {listed}"


def require_instruction(text: str) -> str:
    """The text, which has to say something; the client, the server and the library ask here."""
    if not text.strip():
        raise InvalidInput("the instruction is empty; say which joints, e.g. 'the left leg'")
    return text


_STRANGE = "extra_forbidden"  # pydantic's name for a name that is not there
_PLAINLY = {
    _STRANGE: "no such field", "missing": "it is missing", "tuple_type": "expected a list",
    "list_type": "expected a list", "dict_type": "expected an object",
}  # fmt: skip


def first_fault(
    error: ValidationError, fields: Mapping[str, Iterable[str]] = MappingProxyType({})
) -> str:
    """`field.inner: what is wrong` of the first thing that pydantic complains about.

    A name that is not there is told before one that is missing: it is often the same, misspelt.
    `fields` are the names that there are, by the field that they lie in ("" for the outermost). It
    repeats no value: a value may be a secret or a patient's.
    """
    faults = error.errors(include_url=False)
    first = next((fault for fault in faults if fault["type"] == _STRANGE), faults[0])
    *outer, name = [str(step) for step in first["loc"]] or [""]
    words = fault_words(first)
    if first["type"] == _STRANGE and (every := list(fields.get(".".join(outer), ()))):
        words += nearest(name, every) or f"; there are: {', '.join(every)}"
    return f"{'.'.join((*outer, name))}: {words}" if name else words


def fault_words(fault: Mapping[str, Any]) -> str:
    """What pydantic says is wrong; a wrong name of a closed list with the nearest right one."""
    given, message = fault.get("input"), _PLAINLY.get(fault["type"], str(fault["msg"]))
    if fault["type"] != "literal_error" or not isinstance(given, str):
        return message
    choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
    return f"no such name{among(given[:100], choices)}" if choices else message
