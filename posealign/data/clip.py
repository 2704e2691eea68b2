"""The frames of a clip that OpenCV opened, and when each is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2

RATE = 25.0  # frames a second, of a file that does not say
MOST_RATE = 240.0  # a file that says more does not know: browsers write 1000
NO_FRAME = "has no frame that can be read; H.264, HEVC, VP9 and MPEG-4 are decoded here, AV1 is not"


def rate_of(capture: cv2.VideoCapture) -> float:
    """Frames a second, as the file says."""
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 0 < rate <= MOST_RATE else RATE


def stamped(capture: cv2.VideoCapture) -> Iterator[tuple[Any, float]]:
    """BGR frames with the seconds at which they are shown, which never go back.

    Telephones and browsers vary the rate, so a frame's number says little of its time. Where the
    file tells no later time than for the frame before, the rate has to do.
    """
    step = 1 / rate_of(capture)
    last = -step
    while True:
        there, image = capture.read()
        if not there:
            return
        told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        last = told if told > last else last + step
        yield image, last
