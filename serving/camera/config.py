"""cameras.yaml: cameras, beds, rules and where results go. Unknown keys fail.

Polygons are fractions of the picture (0 to 1), so that another resolution changes nothing.
Examples: examples/cameras.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import Field, field_validator, model_validator

from posealign.config import Config, load_config
from posealign.errors import InvalidConfig, nearest
from posealign.interop.terms import Terms
from serving.camera.rules import Rule
from serving.camera.secret import Credentials, Secret
from serving.camera.sinks.config import Sinks

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Fraction, Fraction], ...], Field(min_length=3, max_length=64)]
Reference = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SCHEMES = ("rtsp", "rtsps", "http", "https", "file", "v4l2")
_TELLING = re.compile(r"[?&;](pass\w*|pwd|token|key|auth\w*|sig\w*|secret|user\w*)=", re.IGNORECASE)
# Values at these keys are never repeated in a message.
_PRIVATE = frozenset({"url", "username", "password", "secret", "token", "subject", "encounter"})


class Source(Config):
    """rtsp(s)://, http(s):// (MJPEG or another stream), file:PATH or v4l2:DEVICE."""

    url: str | Secret  # a secret where the path or query is one (a token in the address)
    credentials: Credentials | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    loop: bool = False  # files

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | Secret) -> str | Secret:
        if isinstance(url, str):
            check_address(url)
        return url


def check_address(url: str) -> None:
    """ValueErrors that do not repeat the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the address cannot be read") from None
    if parts.scheme not in SCHEMES:
        near = nearest(parts.scheme, SCHEMES) if parts.scheme.isalnum() else ""
        raise ValueError(f"an address begins with one of {', '.join(SCHEMES)}{near}")
    if "@" in parts.netloc:
        raise ValueError("the address holds credentials: move them to `credentials`")
    if _TELLING.search(url):
        raise ValueError(
            "the address holds a token: give the whole address as {env: …} or {file: …}"
        )
    if parts.scheme in SCHEMES[:4] and not host:
        raise ValueError("the address has no host")


class Bed(Config):
    """Who lies where. Only FHIR, audit and (if told so) webhooks ever see subject and encounter."""

    name: Name
    zone: Polygon | None = None  # None: the whole picture
    subject: Reference | None = None
    encounter: Reference | None = None
    location: Reference | None = None


class Zone(Config):
    name: Name
    polygon: Polygon


class Window(Config):
    """A time of day, on some days; one that ends before it starts goes on until the next day."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = DAYS  # type: ignore[assignment]
    start: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"
    end: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = "24:00"


class Camera(Config):
    name: Name
    source: Source
    instruction: Annotated[str, Field(min_length=1, max_length=400)]
    skeleton: str | None = None
    rate: Annotated[float, Field(gt=0, le=60)] = 5.0  # answers a second, at most
    enabled: bool = True
    beds: tuple[Bed, ...] = ()
    zones: tuple[Zone, ...] = ()
    masks: tuple[Polygon, ...] = ()  # painted over before anything looks at the picture
    schedule: tuple[Window, ...] = ()  # empty: always
    rules: tuple[Rule, ...] = ()
    device: Reference | None = None
    stale_after: Annotated[float, Field(ge=0.5, le=60)] = 2.0
    frozen_after: Annotated[float, Field(ge=0.5)] | None = 2.0  # None: pictures may stand still
    smooth: bool = True

    @model_validator(mode="after")
    def _whole(self) -> Camera:
        _unique("bed", [bed.name for bed in self.beds])
        _unique("zone", [zone.name for zone in self.zones])
        _unique("rule", [rule.name for rule in self.rules])
        if len(self.beds) > 1 and any(bed.zone is None for bed in self.beds):
            raise ValueError("several beds in one picture need a zone each")
        zones = [zone.name for zone in self.zones]
        for rule in self.rules:
            if rule.kind == "inside" and rule.zone not in zones:
                near = nearest(rule.zone, zones)
                raise ValueError(f"rule {rule.name!r}: no zone is called {rule.zone!r}{near}")
        return self


class Watch(Config):
    """The page that lists cameras. Elsewhere than on loopback it needs a token."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8010
    token: Secret | None = None
    allowed_hosts: tuple[str, ...] = ()
    preview: bool = True
    preview_rate: Annotated[float, Field(gt=0, le=25)] = 2.0


class Cameras(Config):
    """The whole file."""

    cameras: Annotated[tuple[Camera, ...], Field(min_length=1, max_length=64)]
    sinks: Sinks = Sinks()
    watch: Watch | None = Watch()
    bundle: str = "default"
    provider: str = "auto"
    threads: int | None = None
    # Looks at each person; two, where a single picture gets four: frames are smoothed over time.
    passes: Annotated[int, Field(ge=1, le=4)] = 2
    workers: Annotated[int, Field(ge=1, le=16)] = 1  # pictures answered at the same time
    timezone: str = "UTC"  # of the schedules
    state: Path = Path("camera-state")  # what must survive a restart: outbox, audit log
    deidentify: Literal["face", "frame", "none"] = "face"
    stats_every: Annotated[float, Field(ge=1)] = 10.0
    audit: bool = True
    terms: Terms = Terms()

    @model_validator(mode="after")
    def _whole(self) -> Cameras:
        _unique("camera", [camera.name for camera in self.cameras])
        _unique("bed", [bed.name for camera in self.cameras for bed in camera.beds])
        return self

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone is called {name!r}") from None
        return name


def _unique(kind: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the {kind} {', '.join(twice)} is named twice")


def load(path: Path, overrides: tuple[str, ...] = ()) -> Cameras:
    """cameras.yaml; what is wrong is said without repeating an address, a secret or a patient."""
    try:
        return load_config(Cameras, path, overrides)
    except InvalidConfig as error:
        message = str(error)
        if isinstance(error.__cause__, yaml.YAMLError):  # its message quotes the line
            mark = getattr(error.__cause__, "problem_mark", None)
            place = f", line {mark.line + 1}" if mark is not None else ""
            message = f"{path} is not YAML{place}"
        else:
            for value in sorted(_private(path, overrides), key=len, reverse=True):
                message = message.replace(value, "•••").replace(repr(value)[1:-1], "•••")
    raise InvalidConfig(message)


def _private(path: Path, overrides: tuple[str, ...]) -> Iterator[str]:
    yield from _values(yaml.safe_load(path.read_text("utf-8")), False)
    for override in overrides:
        key, _, value = override.partition("=")
        if key.rsplit(".", 1)[-1] in _PRIVATE and value:
            yield value


def _values(node: Any, private: bool) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _values(value, key in _PRIVATE or (private and key not in ("env", "file")))
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, private)
    elif private and isinstance(node, str | int | float) and len(str(node)) > 0:
        yield str(node)
