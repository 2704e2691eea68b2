"""posealign video: a clip and an instruction in, joints a frame and an overlay out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import track

from posealign.draw import draw
from posealign.errors import InvalidInput
from posealign.predictor import Predictor
from posealign.temporal import SmoothingSettings
from posealign.video import Follower, follow, frame_count, read_video


def video(
    path: Annotated[Path, typer.Argument(help="Video file.")],
    instruction: Annotated[str, typer.Argument(help="What to find, in words.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Overlay .mp4.")] = None,
    bundle: Annotated[str, typer.Option(help="Bundle name or folder.")] = "default",
    skeleton: Annotated[str | None, typer.Option(help="Skeleton name or JSON file.")] = None,
    smooth: Annotated[bool, typer.Option(help="Smooth joints over time (One-Euro).")] = True,
    find_every: Annotated[int, typer.Option(help="Frames between searches for people.")] = 15,
    provider: Annotated[str, typer.Option(help="auto, cpu, cuda, tensorrt or torch.")] = "auto",
    language: Annotated[str, typer.Option(help="Joint names on overlays: en or zh.")] = "en",
) -> None:
    """Answer one instruction on every frame of a clip; one JSON line a frame on stdout."""
    smoothing = SmoothingSettings() if smooth else None
    follower = Follower(Predictor(bundle, provider), instruction, skeleton, smoothing, find_every)
    writer: cv2.VideoWriter | None = None
    results = follow(read_video(path), follower)
    console = Console(stderr=True)
    try:
        for frame, result in track(results, "looking", total=frame_count(path), console=console):
            row = {"frame": frame.number, "time": round(frame.time, 6), **result.to_json()}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            if output is not None:
                height, width = frame.image_HW3.shape[:2]
                writer = writer or _writer(output, (width, height))
                overlay = draw(frame.image_HW3, result, language=language)
                writer.write(cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR))
    finally:
        if writer is not None:
            writer.release()


def _writer(path: Path, size: tuple[int, int]) -> cv2.VideoWriter:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, size)
    if not writer.isOpened():
        raise InvalidInput(f"{path} cannot be written; expected a name that ends in .mp4")
    return writer
