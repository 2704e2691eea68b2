"""Passwords, tokens and patient identifiers: where they come from, and how none gets out.

A secret comes from the environment or a file, never from the configuration or a URL. What leaves
the process is made of our own words; as a second belt every text passes `Secrets.mask`, which knows
the values themselves (a pattern over URLs would miss most of the ways they are written).
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from pydantic import model_validator

from posealign.config import Config
from posealign.errors import InvalidConfig

HIDDEN = "•••"
_WORD = 6  # shorter values are masked as whole words only, or `cam` would hide half of every text


class Secret(Config):
    """`{env: NAME}` or `{file: PATH}`."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is either {env: NAME} or {file: PATH}")
        return self

    def read(self) -> str:
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not value:
                raise InvalidConfig(f"the environment variable {self.env} is empty or not set")
            return value
        assert self.file is not None
        try:
            value = self.file.read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidConfig(f"the secret file {self.file} cannot be read") from error
        if not value:
            raise InvalidConfig(f"the secret file {self.file} is empty")
        return value


class Credentials(Config):
    username: Secret
    password: Secret


class Secrets:
    """The values that must not leave, in every way they are commonly written."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: tuple[str, ...] = ()  # longest first
        self.add(*values)

    def add(self, *values: str) -> None:
        with self._lock:
            known = {*self._values, *(way for v in values if v for way in _written(v))}
            self._values = tuple(sorted(known, key=len, reverse=True))

    def read(self, secret: Secret) -> str:
        """The secret's value, which from now on is masked."""
        value = secret.read()
        self.add(value)
        return value

    def login(self, credentials: Credentials) -> tuple[str, str]:
        """User name and password; also masked are the pairs that HTTP and URLs make of them."""
        username, password = self.read(credentials.username), self.read(credentials.password)
        self.add(
            f"{username}:{password}",
            f"{quote(username, safe='')}:{quote(password, safe='')}",
            base64.b64encode(f"{username}:{password}".encode()).decode(),
        )
        return username, password

    def mask(self, text: str) -> str:
        for value in self._values:  # most are not there, and `in` is quick
            if value in text:
                whole = len(value) >= _WORD
                text = text.replace(value, HIDDEN) if whole else _as_word(value, text)
        return text


def _written(value: str) -> Iterator[str]:
    raw = value.encode()
    yield value
    for safe in ("", "/", "!*'()", "!$&'()*+,;=:@/"):
        yield (percent := quote(value, safe=safe))
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), percent)
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield repr(raw)[2:-1]
    yield html.escape(value)
    yield html.escape(value, quote=False)
    if len(raw) > 2:
        yield base64.b64encode(raw).decode()
        yield base64.urlsafe_b64encode(raw).decode()
        yield raw.hex()


def _as_word(value: str, text: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", HIDDEN, text)
