"""Errors as RFC 9457 problems: one catalogue, one form, each with what would be right.

{"type": "urn:posealign:error:too-large", "title": "...", "status": 413, "detail": "...", ...}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from posealign import errors
from posealign.errors import Overloaded, PoseAlignError
from serving.ticket import Disconnected

TYPES = "urn:posealign:error:"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One row of the catalogue, in docs/reference/errors.md too."""

    code: str
    status: int
    title: str
    remedy: str


class BadRequest(errors.InvalidInput):
    """The request's form is wrong: not JSON, not multipart, a header that cannot be read."""

    status, code = 400, "bad-request"


class SlowSender(errors.InvalidInput):
    """The body did not arrive in time."""

    status, code = 408, "slow-sender"


class Conflict(PoseAlignError):
    """The same idempotency key is being worked on, or was used for something else."""

    status, exit_code, code = 409, 2, "conflict"


class HostRefused(PoseAlignError):
    """The Host or Origin header is not on the closed list."""

    status, exit_code, code = 421, 9, "host-refused"


class MethodNotAllowed(errors.InvalidInput):
    status, code = 405, "method-not-allowed"


class UnsupportedMedia(errors.InvalidInput):
    """A body of a media type this route does not take."""

    status, code = 415, "unsupported-media-type"


_ROWS: tuple[tuple[type[PoseAlignError], str, str], ...] = (
    (BadRequest, "The request cannot be read", "Follow the form in /openapi.json."),
    (errors.InvalidInput, "A value cannot be used", "The detail names the field and its range."),
    (errors.InvalidImage, "The picture cannot be decoded", "Send a whole JPEG, PNG, WebP or BMP."),
    (errors.UnsupportedImage, "A picture of a kind that is not taken",
     "Convert it to sRGB JPEG or PNG; one frame."),
    (UnsupportedMedia, "A body of a kind that is not taken",
     "Use multipart/form-data or application/json."),
    (errors.TooLarge, "Over a stated limit", "GET /v1/limits; send less or smaller."),
    (errors.InvalidQuery, "The written query is wrong", "The detail names the nearest right word."),
    (errors.InvalidConfig, "The configuration is wrong", "The detail names the key."),
    (errors.NotFound, "No such thing here", "The detail lists what there is."),
    (MethodNotAllowed, "No such method here", "See the Allow header."),
    (SlowSender, "The body arrived too slowly",
     "Send it within the seconds that /v1/limits states."),
    (Conflict, "The idempotency key is taken", "Wait for the first answer, or use a new key."),
    (HostRefused, "Host or Origin is not on the list", "Add it to allowed_hosts or cors_origins."),
    (errors.Unauthorized, "A key is needed", "Send Authorization: Bearer KEY."),
    (errors.Forbidden, "The key may not do this",
     "Use a key with the scope that the detail names."),
    (Overloaded, "The queue is full", "Wait Retry-After seconds and send it again."),
    (errors.DeadlineExceeded, "The deadline passed", "Give more time in X-Request-Timeout-Ms."),
    (Disconnected, "The client went away", "Nobody reads this answer; it is counted."),
    (errors.Unavailable, "Starting, draining or broken", "Ask /v2/health/ready; try again later."),
    (errors.BrokenBundle, "The bundle is not what it says", "Export or pull the bundle again."),
    (errors.MissingExtra, "A package is missing on the server", "The detail names the extra."),
    (PoseAlignError, "Something went wrong here",
     "Report the request id to whoever runs this server."),
)  # fmt: skip

CATALOGUE: dict[str, Kind] = {
    kind.code: Kind(kind.code, kind.status, title, remedy) for kind, title, remedy in _ROWS
}


def problem_of(error: BaseException, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body. An error nobody foresaw says nothing of its content: it may hold data."""
    if isinstance(error, PoseAlignError) and error.code != "internal":
        # A room above may have named an error of its own: its class says what it is.
        unlisted = Kind(
            error.code, error.status, "A named error of another room", "See the detail."
        )
        kind, detail = CATALOGUE.get(error.code, unlisted), str(error)
    else:
        kind = CATALOGUE["internal"]
        detail = "an error nobody foresaw; the log names it under this request id"
    return kind.status, {
        "type": f"{TYPES}{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "remedy": kind.remedy,
        "instance": f"urn:posealign:request:{request_id}",
    }


def headers_of(error: BaseException) -> dict[str, str]:
    if isinstance(error, Overloaded):
        return {"Retry-After": str(max(1, round(error.retry_after)))}
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": "2"}
    if isinstance(error, errors.Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="posealign"'}
    return {}


def problem_response(
    error: BaseException, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    status, body = problem_of(error, request_id)
    return Response(
        json.dumps(body, ensure_ascii=False),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**headers_of(error), **(headers or {})},
    )
