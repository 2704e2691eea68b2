"""A video, frame by frame: people keep their numbers, boxes are reused, joints are smoothed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.clip import NO_FRAME, rate_of, stamped
from posealign.data.pose import Pose, PoseResult
from posealign.errors import InvalidInput, NotFound
from posealign.people import Box
from posealign.predictor import Predictor
from posealign.temporal import Smoother, SmoothingSettings, match

TAKEN = (".mp4", ".mov", ".avi", ".mkv", ".webm")  # what OpenCV decodes everywhere; others may do


@dataclass(frozen=True)
class Frame:
    """A picture and when it was taken, in seconds on a clock that never goes back."""

    image_HW3: NDArray[np.uint8]
    time: float
    number: int


class Follower:
    """Answers one instruction on frame after frame of the same scene.

    People are searched for every `find_every` frames, and at once when nobody is known; between,
    the last boxes are taken. Where nobody is found the whole picture is answered for: that has no
    track, and is smoothed for as long as it lasts. `smoothing=None` switches smoothing off.
    """

    def __init__(
        self,
        predictor: Predictor,
        instruction: str,
        skeleton: str | None = None,
        smoothing: SmoothingSettings | None = SmoothingSettings(),  # noqa: B008 - frozen
        find_every: int = 15,
    ) -> None:
        if find_every < 1:
            raise InvalidInput(f"find_every is {find_every}; expected 1 or more frames")
        self.predictor, self.instruction, self.skeleton = predictor, instruction, skeleton
        self._smoothing, self._find_every = smoothing, find_every
        self._boxes: dict[int, Box] = {}
        self._smoothers: dict[int | None, Smoother] = {}  # by track; None: the whole picture
        self._next = 0
        self._since = 0

    def __call__(self, frame: Frame) -> PoseResult:
        height, width = frame.image_HW3.shape[:2]
        fits = all(x < width and y < height for x, y, _, _ in self._boxes.values())
        search = not self._boxes or not fits or self._since >= self._find_every
        self._since = 1 if search else self._since + 1
        boxes = None if search else list(self._boxes.values())
        look = self.predictor.look(frame.image_HW3, boxes)
        result = look.ask(self.instruction, self.skeleton)
        people = [person.box for person in look.people if person.score > 0]
        numbers = self._numbers(people, search)
        poses = tuple(self._follow(pose, numbers, frame.time) for pose in result.poses)
        return replace(result, poses=poses)

    def _numbers(self, people: list[Box], search: bool) -> dict[Box, int]:
        """Box → track; a search replaces the known people by those found."""
        if not search:
            return {box: number for number, box in self._boxes.items()}
        numbers: dict[Box, int] = {}
        for box, known in zip(people, match(people, self._boxes), strict=True):
            number = known if known is not None else self._next
            self._next = max(self._next, number + 1)
            numbers[box] = number
        self._boxes = {number: box for box, number in numbers.items()}
        lasting = self._boxes or (None,)
        self._smoothers = {n: s for n, s in self._smoothers.items() if n in lasting}
        return numbers

    def _follow(self, pose: Pose, numbers: dict[Box, int], time: float) -> Pose:
        number = numbers.get(pose.box)
        if number is not None:
            pose = replace(pose, track=number)
        if self._smoothing is None:
            return pose
        return self._smoothers.setdefault(number, Smoother(self._smoothing))(pose, time)


def read_video(path: Path) -> Iterator[Frame]:
    """The frames of a video file, RGB, with their presentation times."""
    if not path.is_file():
        raise NotFound(f"no video at {path}")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InvalidInput(
                f"{path} is not a video that can be read; videos are taken as {', '.join(TAKEN)}"
            )
        number = -1
        for number, (image_bgr, time) in enumerate(stamped(capture)):
            image_HW3: Any = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
            yield Frame(image_HW3, time, number)
        if number < 0:
            raise InvalidInput(f"{path} {NO_FRAME}")
    finally:
        capture.release()


def frame_count(path: Path) -> int | None:
    """How many frames the container promises, if it does."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return count if count > 0 else None


def frame_rate(path: Path) -> float:
    """Frames a second, or 25 where the file does not say."""
    capture = cv2.VideoCapture(str(path))
    rate = rate_of(capture)
    capture.release()
    return rate


def follow(frames: Iterable[Frame], follower: Follower) -> Iterator[tuple[Frame, PoseResult]]:
    for frame in frames:
        yield frame, follower(frame)
