"""The sinks of cameras.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from posealign.config import Config
from serving.camera.secret import Credentials, Secret

Kind = Literal["pose", "event", "status", "stats"]


class Tls(Config):
    """`ca` checks the server (system authorities without it); certificate and key are our own."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Mqtt(Config):
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "posealign"
    client_id: str = "posealign"
    credentials: Credentials | None = None
    tls: Tls | None = None
    pose_qos: Literal[0, 1] = 0  # the next pose comes anyway
    keepalive: Annotated[int, Field(ge=5, le=3600)] = 15
    discovery: str | None = None  # "homeassistant" announces the cameras to Home Assistant


class Http(Config):
    """A receiver: seconds it may take, and the authority of its certificate."""

    timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    ca: Path | None = None

    @field_validator("url", check_fields=False)
    @classmethod
    def _address(cls, url: str | Secret | None) -> str | Secret | None:
        if isinstance(url, str):
            check_http(url)
        return url


def check_http(url: str) -> None:
    """ValueErrors that do not repeat the address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("the address holds credentials: use {env: …} or {file: …}")


class Webhook(Http):
    """POST of each message, signed; at least once, in order."""

    url: str | Secret
    secret: Secret
    send: tuple[Literal["event", "status"], ...] = ("event",)
    with_subject: bool = False  # whether the patient's reference is sent along


class Fhir(Http):
    """Observations, to a server (`url`) or as files (`folder`): every so often and at events."""

    url: str | Secret | None = None
    folder: Path | None = None
    token: Secret | None = None
    version: Literal["R4B", "R5"] = "R4B"
    every: Annotated[float, Field(ge=1)] | None = 60.0  # seconds; None: at events only
    at_events: bool = True
    unmapped: bool = False  # whether people without a subject are sent

    @model_validator(mode="after")
    def _one(self) -> Fhir:
        if (self.url is None) == (self.folder is None):
            raise ValueError("FHIR goes either to a url or into a folder")
        return self


class Files(Config):
    folder: Path
    format: Literal["jsonl", "parquet"] = "jsonl"
    kinds: tuple[Kind, ...] = ("pose", "event")
    rows: Annotated[int, Field(ge=1)] = 10_000  # in one Parquet file


class Snapshots(Config):
    """A de-identified picture at every event."""

    folder: Path
    keep: Annotated[int, Field(ge=1)] = 200  # a camera


class Sinks(Config):
    mqtt: Mqtt | None = None
    webhook: Webhook | None = None
    fhir: Fhir | None = None
    files: Files | None = None
    snapshots: Snapshots | None = None
