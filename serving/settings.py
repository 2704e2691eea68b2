"""What a server may be told: flags, then POSEALIGN_SERVE_* in the environment, then a YAML file.

Every limit that a client can meet is here and is published at GET /v1/limits.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from posealign.errors import InvalidConfig, NotFound, first_fault, nearest

PREFIX = "POSEALIGN_SERVE_"


class Limits(BaseModel):
    """What one request may ask for. `GET /v1/limits` answers these numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(64 << 20, ge=1024, description="bytes of one request's body")
    uploads_bytes: int = Field(512 << 20, ge=1024, description="bytes of all bodies at once")
    image_bytes: int = Field(32 << 20, ge=1024, description="bytes of one picture")
    image_pixels: int = Field(25_000_000, ge=64, description="pixels of one picture")
    image_side: int = Field(16_384, ge=8, description="pixels of a picture's longer side")
    images: int = Field(16, ge=1, description="pictures in one batch request")
    boxes: int = Field(64, ge=1, le=64, description="boxes in one picture")
    instruction_characters: int = Field(
        400, ge=8, le=400, description="characters of an instruction"
    )
    video_frames: int = Field(9_000, ge=1, description="frames of one clip")
    body_seconds: float = Field(30.0, gt=0, description="seconds in which a body must arrive")
    header_seconds: float = Field(10.0, gt=0, description="seconds in which headers must arrive")
    decode_seconds: float = Field(10.0, gt=0, description="seconds that decoding may take")
    timeout_ms: int = Field(30_000, ge=1, description="deadline of a request that names none")
    timeout_ms_max: int = Field(300_000, ge=1, description="the longest deadline one may name")
    queue: int = Field(64, ge=1, description="requests that may wait; more are answered 429")
    frames: int = Field(256, ge=1, description="looks kept for later questions")
    frame_seconds: float = Field(300.0, gt=0, description="seconds a look is kept")
    stream_idle_seconds: float = Field(60.0, gt=0, description="seconds a stream may be silent")


class Batching(BaseModel):
    """How crops of several requests share one run of a graph."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size: int | None = Field(None, ge=1, le=1024, description="None: 8 on a CPU, 32 on a GPU")
    max_delay_ms: float | None = Field(None, ge=0, le=1000, description="None: 0 on a CPU, else 2")
    concurrency: int | None = Field(None, ge=1, le=1024, description="requests worked on at once")


class Oidc(BaseModel):
    """JWTs of an OpenID Connect provider, verified here against its published keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    audience: str
    jwks_url: str | None = None
    jwks_file: Path | None = None
    algorithms: tuple[Literal["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...] = (
        "RS256",
        "ES256",
    )
    scope_claim: str = "scope"


class Settings(BaseSettings):
    """Frozen after start; a hot reload changes the model, never these."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    bundle: str = "default"
    provider: str = "auto"
    threads: int | None = Field(None, ge=1)
    passes: int | None = Field(None, ge=1, le=4)  # unset: the bundle's own, and for the next
    max_people: int | None = Field(None, ge=1, le=64)
    keys_file: Path | None = None  # hashed keys, written by `posealign key`
    key_file: Path | None = None  # one plain key: a container's secret file; scopes infer, feedback
    oidc: Oidc | None = None
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    audit_file: Path | None = None
    feedback_file: Path | None = None  # corrections, one JSON line each; None: none are taken
    traces: str | None = None  # an OTLP/HTTP endpoint, or "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    drain_seconds: float = Field(0.5, ge=0, le=600)  # told not ready, still answering
    page: bool = True
    metrics: bool = True
    limits: Limits = Limits()
    batching: Batching = Batching()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings

    @property
    def with_auth(self) -> bool:
        return bool(self.keys_file or self.key_file or self.oidc)

    @property
    def on_loopback(self) -> bool:
        return is_loopback(self.host)


_FIELDS: dict[str, list[str]] = {
    "": list(Settings.model_fields),
    "limits": list(Limits.model_fields),
    "batching": list(Batching.model_fields),
    "oidc": list(Oidc.model_fields),
}


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Flags win over the environment, the environment over the file; errors name the key."""
    _check_environment()
    written = _read(file) if file is not None else {}
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        # A file's value stands only where the environment says nothing about that key.
        environment = BaseModel.model_dump(Settings(), exclude_unset=True)
        settings = Settings(**_over(_over(written, environment), given))
    except ValidationError as error:
        raise InvalidConfig(f"server settings: {first_fault(error, _FIELDS)}") from error
    check(settings)
    return settings


def _check_environment() -> None:
    """A misspelt name in the environment is an error like one in a file, not a wish unheard."""
    for name in sorted(os.environ):
        key = name.lower().removeprefix(PREFIX.lower()).partition("__")[0]
        if name.upper().startswith(PREFIX) and key not in Settings.model_fields:
            near = nearest(key, Settings.model_fields)
            raise InvalidConfig(f"{name} in the environment: no such setting{near}")


def check(settings: Settings) -> None:
    """What cannot be seen from one field: exposure, and files that must be there."""
    if not settings.on_loopback and not settings.with_auth:
        raise InvalidConfig(
            f"host {settings.host} is reachable from other machines and nothing would ask for a "
            "key: make one with `posealign key new --keys-file keys.jsonl` and start with "
            "--keys-file keys.jsonl (or --key-file, or oidc in the config), or bind 127.0.0.1"
        )
    for name in ("keys_file", "key_file", "tls_certificate", "tls_key"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise NotFound(f"{name} is {path}, which is no file")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise InvalidConfig("TLS needs both tls_certificate and tls_key")
    if settings.tls_certificate is not None:
        try:
            pair = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            pair.load_cert_chain(settings.tls_certificate, settings.tls_key, password="")
        except ssl.SSLError:
            raise InvalidConfig(
                f"{settings.tls_certificate} and {settings.tls_key} are no pair: expected a PEM "
                "certificate and its PEM key without a passphrase"
            ) from None
    if settings.oidc is not None and not (settings.oidc.jwks_url or settings.oidc.jwks_file):
        raise InvalidConfig("oidc needs jwks_url or jwks_file: the keys tokens are checked against")
    if "*" in settings.cors_origins or "*" in settings.allowed_hosts:
        raise InvalidConfig("cors_origins and allowed_hosts are closed lists; '*' is not taken")


def is_loopback(host: str) -> bool:
    """Whether every address the name stands for is this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(row[4][0]).is_loopback for row in found)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise NotFound(f"no config file at {file}")
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise InvalidConfig(f"{file} is not YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidConfig(f"{file}: expected `key: value` lines, got a {type(data).__name__}")
    return data


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, nested mappings key by key."""
    both = dict(below)
    for name, value in above.items():
        under = both.get(name)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        both[name] = _over(under, value) if nested else value  # type: ignore[arg-type]
    return both
