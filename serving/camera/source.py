"""Frames from a camera, a stream or a file through PyAV; every failure becomes one of our words.

ffmpeg's own messages hold the address with the password in it. None of them is logged, shown or
kept: `Trouble` carries a code from a closed list.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from posealign.errors import InvalidConfig, MissingExtra, among
from serving.camera.config import SCHEMES, Source
from serving.camera.secret import Secrets
from serving.camera.slot import Grabbed

CODES = {
    "unauthorized": "the camera refused the credentials",
    "not_found": "there is no such stream, file or device",
    "refused": "nothing listens at the address",
    "unreachable": "the address cannot be reached",
    "timeout": "nothing came in time",
    "damaged": "what came is not a picture stream",
    "no_video": "the stream holds no video",
    "late": "the pictures lag behind",
    "ended": "the stream ended",
    "failed": "the stream cannot be opened",
}
_BY_TYPE = {
    "HTTPUnauthorizedError": "unauthorized", "HTTPForbiddenError": "unauthorized",
    "HTTPNotFoundError": "not_found", "FileNotFoundError": "not_found",
    "PermissionError": "unauthorized", "ConnectionRefusedError": "refused",
    "ConnectionResetError": "refused", "BrokenPipeError": "refused", "TimeoutError": "timeout",
    "ExitError": "timeout", "InvalidDataError": "damaged", "EOFError": "ended",
    "HTTPServerError": "failed", "DemuxerNotFoundError": "damaged",
    "DecoderNotFoundError": "damaged",
}  # fmt: skip
_UNREACHABLE = (101, 110, 112, 113)  # errno: network, timed out, host down, no route
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_OPENING = 5.0  # seconds a session may take to open: some cameras think for a while
_DRIFT = 1e-3  # how fast two honest clocks may part
_JUMP = 5.0  # seconds by which a source's clock jumps rather than runs


class Trouble(Exception):
    """Why there is no picture, as a code of CODES."""

    def __init__(self, code: str) -> None:
        super().__init__(CODES[code])
        self.code = code


@dataclass(frozen=True)
class Address:
    """Where to connect. `full` holds the credentials: it goes to ffmpeg and nowhere else."""

    scheme: str
    host: str
    port: int
    full: str

    def __repr__(self) -> str:
        return f"Address({self.scheme})"


def address(source: Source, secrets: Secrets) -> Address:
    url = source.url
    if not isinstance(url, str):
        url = secrets.read(url)
        _hide_parts(url, secrets)
    scheme, _, rest = url.partition(":")
    if scheme in ("file", "v4l2"):
        return Address(scheme, "", 0, rest.removeprefix("//"))
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS.get(scheme, 0)
    netloc = parts.netloc
    if source.credentials is not None:
        username, password = secrets.login(source.credentials)
        netloc = f"{quote(username, safe='')}:{quote(password, safe='')}@{netloc}"
    full = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    secrets.add(*([full] if full != url else []))
    return Address(scheme, host, port, full)


def _hide_parts(url: str, secrets: Secrets) -> None:
    """An address that is a secret as a whole: its pieces are none the less."""
    try:
        parts = urlsplit(url)
        login = [part for part in (parts.username, parts.password) if part]
    except ValueError:
        raise InvalidConfig("an address from a secret cannot be read as one") from None
    if parts.scheme not in SCHEMES:
        raise InvalidConfig(f"an address begins with one of {', '.join(SCHEMES)}")
    pieces = [p for p in re.split(r"[/?&=;]", f"{parts.path}?{parts.query}") if len(p) > 3]
    secrets.add(*login, *map(unquote, login), *pieces, *map(unquote, pieces))


def grabs(
    where: Address,
    source: Source,
    patience: float,
    monotonic: Callable[[], float],
    stop: Callable[[], bool],
    damaged: Callable[[], None],
) -> Iterator[Grabbed]:
    """Frames until the stream ends or fails (Trouble). `damaged` is told of each lost one."""
    container = _open(where, source, patience)
    try:
        if not container.streams.video:
            raise Trouble("no_video")
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"  # frame threads would hold pictures back
        stream.codec_context.thread_count = 1
        live = where.scheme != "file"
        lag = Lag() if where.scheme in ("rtsp", "rtsps") else None
        start, first, good = monotonic(), None, monotonic()
        for number, (frame, broken) in enumerate(_decoded(container, stream)):
            now = monotonic()
            if stop():
                return
            if frame is None or broken:
                damaged()
                if now - good > patience:
                    raise Trouble("damaged")
                continue
            good = now
            seconds = float(frame.time) if frame.time is not None else None
            behind = lag(seconds, now) if lag is not None and seconds is not None else 0.0
            if behind > patience / 2:
                raise Trouble("late")
            if not live and seconds is not None:
                first = seconds if first is None else first
                _sleep(start + seconds - first - now, stop)
                now = good = monotonic()
            yield Grabbed(frame, number, now, behind, seconds if where.scheme != "http" else None)
        raise Trouble("ended")
    except Trouble:
        raise
    except Exception as error:
        raise Trouble(code_of(error)) from None
    finally:
        container.close()


def require_av() -> Any:
    try:
        return import_module("av")
    except ImportError as error:
        raise MissingExtra("cameras need PyAV: pip install 'posealign[camera]'") from error


def _open(where: Address, source: Source, patience: float) -> Any:
    av = require_av()
    options = {"fflags": "nobuffer", "flags": "low_delay"}
    form = None
    if where.scheme in ("rtsp", "rtsps"):
        options |= {"rtsp_transport": source.transport, "analyzeduration": "100000"}
        options["fpsprobesize"] = "0"
    elif where.scheme == "v4l2":
        form = "video4linux2"
    name = where.full
    if where.scheme == "file" and not Path(name).is_file():
        raise Trouble("not_found")
    try:
        return av.open(
            name, format=form, options=options, timeout=(max(patience, _OPENING), patience)
        )
    except Exception as error:
        raise Trouble(code_of(error)) from None


def _decoded(container: Any, stream: Any) -> Iterator[tuple[Any, bool]]:
    """(frame, whether it is broken); (None, True) for a packet that cannot be decoded."""
    invalid = import_module("av").error.InvalidDataError
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except invalid:
            yield None, True
            continue
        for frame in frames:
            yield frame, bool(frame.is_corrupt)


def code_of(error: BaseException) -> str:
    """ffmpeg's exception → our word. Its message is never looked at."""
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_TYPE:
            return _BY_TYPE[kind.__name__]
    return "unreachable" if getattr(error, "errno", None) in _UNREACHABLE else "failed"


def _sleep(seconds: float, stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stop():
        time.sleep(min(left, 0.2))


class Lag:
    """How far a live stream falls behind: its clock against ours, apart from honest drift."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._last = (0.0, 0.0)

    def __call__(self, source_time: float, now: float) -> float:
        before_source, before_now = self._last
        self._last = (source_time, now)
        jump = abs(source_time - before_source)
        if self._offset is None or source_time < before_source or jump > _JUMP:
            self._offset = now - source_time
            return 0.0
        drifted = self._offset + _DRIFT * (now - before_now)
        self._offset = min(drifted, now - source_time)
        return now - source_time - self._offset


def absent_device(source: Source, folder: Path = Path("/dev")) -> str | None:
    """Why a device or file is not there, and what is; None where the address leads somewhere."""
    if not isinstance(source.url, str):
        return None
    if source.url.startswith("file:"):
        file = Path(source.url.removeprefix("file:").removeprefix("//"))
        return None if file.exists() else f"there is no file {file}"
    if not source.url.startswith("v4l2:"):
        return None
    device = Path(source.url.removeprefix("v4l2:").removeprefix("//"))
    if device.exists():
        return None
    there = sorted(str(path) for path in folder.glob("video*"))
    if not there:
        return f"there is no {device}, nor any {folder}/video*: is a camera plugged in here?"
    return f"there is no {device}{among(str(device), there)}"


def answers(where: Address, timeout: float = 0.6) -> bool:
    """Whether the camera's door opens: a cheap look that needs no credentials and no session."""
    if where.scheme in ("file", "v4l2"):
        return Path(where.full).exists()
    try:
        with socket.create_connection((where.host, where.port), timeout) as knock:
            knock.settimeout(timeout)
            if where.scheme == "rtsp":
                host = f"[{where.host}]" if ":" in where.host else where.host
                ask = f"OPTIONS rtsp://{host}:{where.port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
                knock.sendall(ask.encode())
                return _answer(knock, time.monotonic() + timeout).startswith(b"RTSP/")
            return True
    except OSError:
        return False


def _answer(knock: socket.socket, end: float) -> bytes:
    """The whole head of an answer; nothing where it does not come in time (a crawling line)."""
    got = b""
    while b"\r\n\r\n" not in got and len(got) < 4096:
        knock.settimeout(max(0.001, end - time.monotonic()))
        more = knock.recv(1024)
        if not more:
            return b""
        got += more
    return got
