"""Who may ask: API keys, kept only as hashes, or JWTs of an OpenID Connect provider.

A key is `pa_ID_SECRET` with 256 random bits, so one SHA-256 with a salt is enough to keep; what a
person made up is refused by its length. Lookup is by ID, comparison takes constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posealign.errors import (
    Forbidden,
    InvalidConfig,
    InvalidInput,
    MissingExtra,
    NotFound,
    Unauthorized,
    first_fault,
)
from serving.settings import Oidc, Settings

SCOPES = ("infer", "feedback", "admin")
LONGEST_NAME = 64
_LEAST = 24  # characters of a key that comes from a secret file


@dataclass(frozen=True)
class Principal:
    """Who asks; `name` is fit for logs and audits."""

    name: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Forbidden(
                f"this needs the scope {scope!r}; {self.name} has "
                f"{', '.join(sorted(self.scopes)) or 'none'}"
            )


ANYBODY = Principal("local", frozenset(SCOPES))  # without auth, which is possible on loopback only


class StoredKey(BaseModel):
    """One line of a keys file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[A-Za-z0-9]{4,32}$")
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    scopes: tuple[str, ...]
    salt: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires: float | None = None


def new_key(name: str, scopes: tuple[str, ...], days: float | None = None) -> tuple[str, StoredKey]:
    """The key, to be shown once, and what is kept of it."""
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise InvalidInput(f"scopes are {', '.join(SCOPES)}; got {', '.join(wrong) or 'none'}")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput(f"a key's name has 1 to {LONGEST_NAME} characters; got {len(name)}")
    if days is not None and not 0 < days < math.inf:
        raise InvalidInput(f"a key is good for more than 0 days; got {days:g}")
    identity = secrets.token_hex(4)
    secret = secrets.token_urlsafe(32)
    salt = secrets.token_hex(16)
    expires = time.time() + days * 86400 if days is not None else None
    stored = StoredKey(
        id=identity, name=name, scopes=scopes, salt=salt, sha256=_hash(salt, secret),
        expires=expires,
    )  # fmt: skip
    return f"pa_{identity}_{secret}", stored


def read_keys(path: Path) -> dict[str, StoredKey]:
    """JSON lines; an error names the line and never its content."""
    keys = stored_keys(path)
    if not keys:
        raise InvalidConfig(f"{path} holds no key; make one with `posealign key new`")
    return keys


def stored_keys(path: Path) -> dict[str, StoredKey]:
    """As `read_keys`; a file may hold none, as it does when the last was withdrawn."""
    keys: dict[str, StoredKey] = {}
    if not path.exists():
        raise NotFound(f"there is no file of keys at {path}; `posealign key new` makes it")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InvalidConfig(f"{path} is no file of keys: it is not UTF-8 text") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            key = StoredKey.model_validate_json(line)
        except ValidationError as error:
            raise InvalidConfig(f"{path} line {number}: {first_fault(error)}") from None
        keys[key.id] = key
    return keys


class Auth:
    """Checks the Authorization header. Keys are read again when their file changes."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.keys_file
        self._stamp = 0.0
        self._keys: dict[str, StoredKey] = {}
        self._plain = _plain_key(settings.key_file) if settings.key_file else None
        self._oidc = Tokens(settings.oidc) if settings.oidc else None
        self.on = settings.with_auth
        if self._file is not None:
            self._reread()

    def _reread(self) -> None:
        assert self._file is not None
        stamp = self._file.stat().st_mtime
        if stamp != self._stamp:
            self._keys, self._stamp = read_keys(self._file), stamp

    async def principal(self, authorization: str | None) -> Principal:
        if not self.on:
            return ANYBODY
        scheme, _, value = (authorization or "").partition(" ")
        value = value.strip()
        if scheme.lower() != "bearer" or not value:
            raise Unauthorized("a key is needed: send the header `Authorization: Bearer KEY`")
        if value.startswith("pa_"):
            found = self._stored(value) or self._secret(value)
        elif self._oidc is not None and value.count(".") == 2:
            found = await self._oidc.principal(value)
        else:
            found = self._secret(value)
        if found is None:
            raise Unauthorized("this key is not known here, was withdrawn or has expired")
        return found

    def _stored(self, value: str) -> Principal | None:
        if self._file is not None:
            self._reread()
        _, _, rest = value.partition("_")
        identity, _, secret = rest.partition("_")
        key = self._keys.get(identity)
        # An unknown ID costs as much time as a wrong secret.
        salt, kept = (key.salt, key.sha256) if key else ("", "0" * 64)
        right = hmac.compare_digest(_hash(salt, secret), kept)
        if key is None or not right or (key.expires is not None and time.time() > key.expires):
            return None
        return Principal(key.name, frozenset(key.scopes))

    def _secret(self, value: str) -> Principal | None:
        if self._plain is None:
            return None
        salt, kept = self._plain
        if not hmac.compare_digest(_hash(salt, value), kept):
            return None
        return Principal("secret-file", frozenset({"infer", "feedback"}))


class Tokens:
    """JWTs, by the issuer's published keys; asymmetric algorithms only."""

    def __init__(self, oidc: Oidc) -> None:
        try:
            import jwt  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("oidc needs PyJWT: pip install 'posealign[oidc]'") from error
        self._jwt, self._oidc = jwt, oidc
        self._keys: dict[str, Any] = {}
        self._fetched = -1e9

    async def principal(self, token: str) -> Principal:
        try:
            header = self._jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            claims = self._jwt.decode(
                token, key.key, algorithms=list(self._oidc.algorithms),
                audience=self._oidc.audience, issuer=self._oidc.issuer,
                options={"require": ["exp", "iss", "aud", "sub"]}, leeway=30,
            )  # fmt: skip
        except self._jwt.PyJWTError as error:
            raise Unauthorized(f"the token is not accepted: {type(error).__name__}") from None
        scopes = _scopes(claims.get(self._oidc.scope_claim, ""))
        return Principal(str(claims["sub"])[:64], scopes)

    async def _key(self, kid: str) -> Any:
        # A new key of the issuer is fetched at most twice a minute, whatever clients send.
        if kid not in self._keys and time.monotonic() - self._fetched > 30:
            self._fetched = time.monotonic()
            self._keys = {
                key.key_id or "": key
                for key in self._jwt.PyJWKSet.from_dict(await self._set()).keys
            }
        if kid not in self._keys:
            raise Unauthorized("the token is signed with a key its issuer does not publish")
        return self._keys[kid]

    async def _set(self) -> dict[str, Any]:
        if self._oidc.jwks_file is not None:
            loaded: dict[str, Any] = json.loads(self._oidc.jwks_file.read_text("utf-8"))
            return loaded
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                answer = await client.get(str(self._oidc.jwks_url))
            answer.raise_for_status()
            fetched: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unauthorized("the issuer's keys could not be fetched") from error
        return fetched


def _scopes(claim: object) -> frozenset[str]:
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    named = {str(word).removeprefix("posealign:") for word in words}
    return frozenset(named & set(SCOPES))


def _plain_key(path: Path) -> tuple[str, str]:
    """(salt, hash) of the one key in a secret file; the key itself is not kept."""
    secret = path.read_text("utf-8").strip()
    if len(secret) < _LEAST:
        raise InvalidConfig(
            f"{path} holds a key of {len(secret)} characters; at least {_LEAST} random ones: "
            "`openssl rand -base64 32`"
        )
    salt = secrets.token_hex(16)
    return salt, _hash(salt, secret)


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()


def bearer(headers: Mapping[str, str]) -> str | None:
    """The Authorization header; X-API-Key is taken as well, for clients that know no other."""
    if (key := headers.get("x-api-key")) is not None:
        return f"Bearer {key}"
    return headers.get("authorization")
