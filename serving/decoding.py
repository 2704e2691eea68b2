"""Decoding pictures where a damaged or hostile one can do no harm.

Small pictures are decoded here: header, pixels and memory are checked first, and a few megabytes
take milliseconds. Larger ones go to a worker process with limited memory that is killed when it
takes too long; it costs a copy through a pipe, which does not matter beside decoding them.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign import errors
from posealign.data.clip import NO_FRAME
from posealign.data.image import ImageLimits, check_header, decode_depth, decode_image
from posealign.errors import DeadlineExceeded, InvalidImage, PoseAlignError, TooLarge

HEAD = struct.Struct("<cIII")  # kind, then height, width, length; or length of a message
SMALL = 4_000_000  # pixels decoded in this process


class Decoder:
    """Safe to share between threads; workers are started when they are first needed."""

    def __init__(self, limits: ImageLimits, seconds: float, small: int = SMALL) -> None:
        self._limits, self._seconds, self._small = limits, seconds, small
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self.killed = 0

    def image(self, data: bytes) -> NDArray[np.uint8]:
        header = check_header(data, self._limits)
        if header.width * header.height <= self._small:
            return decode_image(data, self._limits)
        worker = self._worker()
        try:
            image = worker.decode(data, self._seconds)
        except PoseAlignError:
            self._keep(worker)
            raise
        except BaseException:
            worker.kill()
            raise
        self._keep(worker)
        return image

    def depth(self, data: bytes, metres_per_unit: float) -> NDArray[np.float32]:
        return decode_depth(data, metres_per_unit, self._limits)

    def _worker(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
        return _Worker(["image", str(self._limits.pixels), str(self._limits.memory)])

    def _keep(self, worker: _Worker) -> None:
        with self._lock:
            if worker.alive and len(self._idle) < 2:
                self._idle.append(worker)
                return
        if not worker.alive:
            self.killed += 1
        worker.kill()

    def close(self) -> None:
        with self._lock:
            for worker in self._idle:
                worker.kill()
            self._idle.clear()


class _Worker:
    """A process that decodes; it gets bytes on stdin and answers on stdout."""

    def __init__(self, arguments: list[str], pass_fds: tuple[int, ...] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "serving.decode_worker", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            pass_fds=pass_fds, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def decode(self, data: bytes, seconds: float) -> NDArray[np.uint8]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(struct.pack("<I", len(data)) + data)
            self._process.stdin.flush()
        except OSError as error:
            self.kill()
            raise InvalidImage("decoding this picture ended its worker") from error
        image = self.read(seconds)
        if image is None:
            self.kill()
            raise InvalidImage("decoding this picture ended its worker")
        return image

    def read(self, seconds: float) -> NDArray[np.uint8] | None:
        """One picture, or None at the end; raises what the worker reports."""
        until = time.monotonic() + seconds
        head = self._exactly(HEAD.size, until)
        if head is None:
            return None
        kind, height, width, length = HEAD.unpack(head)
        payload = self._exactly(length, until)
        if payload is None:
            return None
        if kind == b"E":
            code, _, message = payload.decode().partition("\n")
            raise _named(code, message)
        return np.frombuffer(payload, np.uint8).reshape(height, width, 3)

    def _exactly(self, count: int, until: float) -> bytearray | None:
        """`count` bytes before `until`, None at the end of the stream."""
        assert self._process.stdout is not None
        number = self._process.stdout.fileno()
        got = bytearray(count)
        view, have = memoryview(got), 0
        with selectors.DefaultSelector() as selector:
            selector.register(number, selectors.EVENT_READ)
            while have < count:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self.kill()
                    raise DeadlineExceeded("decoding took too long and was stopped")
                read = os.readv(number, [view[have:]])
                if read == 0:
                    return None
                have += read
        return got


def _named(code: str, message: str) -> PoseAlignError:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, PoseAlignError) and kind.code == code:
            return kind(message)
    return InvalidImage(message)


def video_frames(
    data: bytes, pixels: int, frames: int, seconds: float
) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Frames and times of a clip, decoded in a process of its own and never written to disk."""
    with _in_memory(data) as (path, number):
        worker = _Worker(["video", path, str(pixels)], (number,))
        count = 0
        try:
            while (frame := worker.read(seconds)) is not None:
                count += 1
                if count > frames:
                    raise TooLarge(f"the clip has more than {frames} frames")
                rate = worker.read(seconds)
                stamp = float(rate.reshape(-1).view(np.float64)[0]) if rate is not None else 0.0
                yield frame, stamp
        finally:
            worker.kill()
    if count == 0:
        raise InvalidImage(f"the clip {NO_FRAME}")


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[tuple[str, int]]:
    """A path that a child process can open, backed by memory."""
    number = os.memfd_create("clip")
    try:
        with os.fdopen(os.dup(number), "wb") as file:
            file.write(data)
        yield str(Path("/proc/self/fd") / str(number)), number
    finally:
        os.close(number)
