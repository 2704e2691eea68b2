"""The page at `/` and its files, read once; nothing outside serving/web is ever served."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from posealign.errors import NotFound
from serving.asking import service_of

router = APIRouter(include_in_schema=False)
_MEDIA = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml", "jpg": "image/jpeg",
    "json": "application/json", "webmanifest": "application/manifest+json",
}  # fmt: skip


@dataclass(frozen=True)
class _File:
    data: bytes
    media: str
    etag: str


@cache
def web_files() -> dict[str, _File]:
    """Name → content, of every file in serving/web."""
    found: dict[str, _File] = {}
    for entry in files("serving").joinpath("web").iterdir():
        suffix = entry.name.rpartition(".")[2]
        if suffix in _MEDIA and entry.is_file():
            data = entry.read_bytes()
            etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            found[entry.name] = _File(data, _MEDIA[suffix], etag)
    return found


@router.get("/")
async def page(request: Request) -> Response:
    return _served(request, "index.html")


@router.get("/web/{name}")
async def file(request: Request, name: str) -> Response:
    return _served(request, name)


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    return _served(request, "icon.svg")


def _served(request: Request, name: str) -> Response:
    if not service_of(request).settings.page:
        raise NotFound("the page is switched off on this server")
    found = web_files().get(name)
    if found is None:
        raise NotFound("no such file belongs to the page")
    headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers, media_type=found.media)
