"""posealign video: a clip and an instruction in, joints a frame and an overlay out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.progress import track

from posealign.commands.options import AsLines, BundleName, Language, Passes, Provider, SkeletonName
from posealign.commands.output import console
from posealign.draw import Picture, Style, draw
from posealign.errors import InvalidInput, Unavailable
from posealign.predictor import Predictor
from posealign.temporal import SmoothingSettings
from posealign.video import Follower, follow, frame_count, frame_rate, read_video


def video(
    path: Annotated[Path, typer.Argument(help="Video file.")],
    instruction: Annotated[str, typer.Argument(help="What to find, in words.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Overlay .mp4.")] = None,
    bundle: BundleName = "default",
    skeleton: SkeletonName = None,
    smooth: Annotated[bool, typer.Option(help="Smooth joints over time (One-Euro).")] = True,
    find_every: Annotated[int, typer.Option(help="Frames between searches for people.")] = 15,
    passes: Passes = None,
    provider: Provider = "auto",
    language: Language = "en",
    as_json: AsLines = False,  # read where errors are told
) -> None:
    """Answer one instruction on every frame of a clip; one JSON line a frame on stdout."""
    smoothing = SmoothingSettings() if smooth else None
    style = Style(language=language)  # a wrong language or name is said before anything is opened
    overlay = None if output is None else Overlay(output, path)
    predictor = Predictor(bundle, provider).looking(passes)
    follower = Follower(predictor, instruction, skeleton, smoothing, find_every)
    results = follow(read_video(path), follower)
    messages, count = console(stderr=True), frame_count(path)
    try:
        for frame, result in track(results, "looking", total=count, console=messages):
            row = {"frame": frame.number, "time": round(frame.time, 6), **result.to_json()}
            print(json.dumps(row, ensure_ascii=False), flush=True)
            if overlay is not None:
                overlay.write(draw(frame.image_HW3, result, style))
    finally:
        if overlay is not None:
            overlay.close()
    if overlay is not None:
        overlay.check()


class Overlay:
    """A clip of drawn frames beside the clip that was read, at its pace.

    Drawn frames are larger than those read (small pictures are enlarged, a line of words stands
    below), so the first one decides the size. OpenCV only warns of frames that it cannot write.
    """

    def __init__(self, path: Path, read: Path) -> None:
        if path.suffix.lower() != ".mp4":
            raise InvalidInput(f"an overlay is written as .mp4; got {str(path)!r}")
        if path.exists() and read.exists() and path.samefile(read):
            raise InvalidInput(f"the overlay would overwrite {read}; give another place with -o")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rate, self.written = path, frame_rate(read), 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)  # height, width; even, as the codec wants

    def write(self, image_HW3: Picture) -> None:
        if self._writer is None:
            height, width = (side + side % 2 for side in image_HW3.shape[:2])
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._size = height, width
            self._writer = cv2.VideoWriter(str(self.path), code, self.rate, (width, height))
        canvas_HW3 = np.full((*self._size, 3), 255, np.uint8)
        part_HW3 = image_HW3[: self._size[0], : self._size[1], ::-1]
        canvas_HW3[: part_HW3.shape[0], : part_HW3.shape[1]] = part_HW3
        self._writer.write(canvas_HW3)
        self.written += 1

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()

    def check(self) -> None:
        there = frame_count(self.path) or 0
        if there < self.written:
            raise Unavailable(
                f"{self.path} holds {there} of {self.written} frames: is the disk full, or may "
                "nothing be written there?"
            )
