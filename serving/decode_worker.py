"""The process that decodes: little memory, no network, killed when it takes too long.

python -m serving.decode_worker image PIXELS MEMORY    pictures on stdin, RGB on stdout
python -m serving.decode_worker video PATH PIXELS      frames of a file, RGB on stdout
"""

from __future__ import annotations

import contextlib
import os
import resource
import struct
import sys

import cv2
import numpy as np

from posealign.data.clip import stamped
from posealign.data.image import ImageLimits, decode_image
from posealign.errors import InvalidImage, PoseAlignError, TooLarge

_HEAD = struct.Struct("<cIII")
_SPARE = 1 << 30  # bytes of address space beyond the pictures' own: libraries and thread stacks


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _picture(rows_HW3: np.ndarray) -> None:
    height, width, _ = rows_HW3.shape
    _write(_HEAD.pack(b"P", height, width, rows_HW3.nbytes))
    _write(np.ascontiguousarray(rows_HW3).tobytes())


def _error(error: PoseAlignError) -> None:
    message = f"{error.code}\n{error}".encode()
    _write(_HEAD.pack(b"E", 0, 0, len(message)) + message)


def _confine(memory: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def images(pixels: int, memory: int) -> None:
    limits = ImageLimits(pixels=pixels, memory=memory)
    _confine(2 * memory + _SPARE)
    stdin = sys.stdin.buffer
    while len(head := stdin.read(4)) == 4:
        data = stdin.read(struct.unpack("<I", head)[0])
        try:
            _picture(decode_image(data, limits))
        except PoseAlignError as error:
            _error(error)


def video(path: str, pixels: int) -> None:
    """Two messages a frame: the picture, and its time as the bytes of a double."""
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise InvalidImage("the bytes are not a clip that can be read (MP4, WebM, MKV, AVI)")
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > pixels:
            raise TooLarge(f"the clip is {width}×{height}; at most {pixels / 1e6:g} megapixels")
        for frame, time in stamped(capture):
            _picture(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            stamp = np.frombuffer(struct.pack("<3d", time, 0, 0), np.uint8)
            _picture(stamp.reshape(1, 8, 3))
    except PoseAlignError as error:
        _error(error)
    finally:
        capture.release()


def main() -> None:
    mode, *rest = sys.argv[1:]
    if mode == "video":
        video(rest[0], int(rest[1]))
    else:
        images(int(rest[0]), int(rest[1]))


if __name__ == "__main__":
    main()
