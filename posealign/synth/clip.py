"""A clip of spontaneous movement under a fixed camera, with true joints and joint angles.

Frames are written one by one, so that a stopped run goes on where it was; the video is put
together at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2

from posealign.errors import InvalidInput
from posealign.synth import scene, write
from posealign.synth.bank import VERSION, Bank, Entry, generator
from posealign.synth.body import DOFS, Body, sample_infant
from posealign.synth.export import annotation
from posealign.synth.held_out import draw
from posealign.synth.motion import Moment, Movement, sequence
from posealign.synth.render import Renderer


@dataclass(frozen=True)
class Clip:
    """What a sequence left: the video, and a line of labels a frame."""

    video: Path
    frames: Path
    count: int


def write_sequence(
    folder: Path,
    bank: Bank,
    number: int,
    seconds: float,
    renderer: Renderer,
    movement: Movement | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Clip:
    """clip.mp4, and frames.jsonl with joints, joint angles and what goes on. `progress` is told
    how many frames are done.
    """
    movement = movement or Movement()
    clip = Clip(folder / "clip.mp4", folder / "frames.jsonl", round(seconds * movement.fps))
    if clip.count < 1:
        raise InvalidInput(f"a clip of {seconds} s at {movement.fps} frames a second has no frame")
    made_from = {"version": VERSION, "seed": bank.seed, "split": bank.split, "number": number,
                 "size": renderer.size, "seconds": seconds, **asdict(movement)}  # fmt: skip
    _claim(folder / "clip.json", made_from)
    if clip.video.exists() and clip.frames.exists():
        progress(clip.count)
        return clip
    rng = generator("sequence", bank.seed, bank.split, 1_000_000 + number)
    age = draw(bank.split, "age_months", lambda: rng.uniform(1, 6))
    body = sample_infant(rng, age, limb_differences=0.0, split=bank.split)
    moments = sequence(seconds, bank.seed, number, movement, bank.split, body)
    pictures, lines = folder / "frames.part", folder / "frames.jsonl.part"
    done = _done(pictures, lines)
    world: scene.Scene | None = None
    with lines.open("a", encoding="utf-8") as handle:
        for count, moment in enumerate(moments):
            if world is None:
                entry = Entry(body, moment.rest.frames, moment.rest.angles_Q, moment.hands,
                              "supine", bank.split)  # fmt: skip
                world = scene.quiet(bank, number, renderer.size, entry)
            if count >= done:
                jpeg, row = _frame(bank, number, count, world, body, moment, renderer)
                (pictures / f"{count:06d}.jpg").write_bytes(jpeg)
                handle.write(json.dumps(row, allow_nan=False) + "\n")
                handle.flush()
            progress(count + 1)
    _video(clip, pictures, renderer.size, movement.fps)
    lines.rename(clip.frames)
    shutil.rmtree(pictures)
    return clip


def _claim(path: Path, made_from: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        there = json.loads(path.read_text("utf-8"))
        if there != made_from:
            raise InvalidInput(
                f"{path.parent} holds a clip of {there}; expected {made_from}, or another folder"
            )
    path.write_text(json.dumps(made_from), "utf-8")


def _done(pictures: Path, lines: Path) -> int:
    """How many frames an earlier run finished; half-written ones are dropped."""
    pictures.mkdir(exist_ok=True)
    if not lines.exists():
        return 0
    whole = [line for line in lines.read_text("utf-8").splitlines(True) if line.endswith("\n")]
    while whole and not (pictures / f"{len(whole) - 1:06d}.jpg").exists():
        whole.pop()
    lines.write_text("".join(whole), "utf-8")
    return len(whole)


def _frame(
    bank: Bank, number: int, count: int, world: scene.Scene, body: Body, moment: Moment,
    renderer: Renderer,
) -> tuple[bytes, dict[str, Any]]:  # fmt: skip
    """A frame's dice are its own: the camera's are the same for all, the noise's are not."""
    now = scene.with_pose(world, body, moment.rest, moment.hands)
    camera = generator("sequence", bank.seed, bank.split, 2_000_000 + number)
    noise = generator("sequence", bank.seed, bank.split, (3_000_000 + number) * 100_000 + count)
    now = replace(now, rng=camera, grain=noise)
    one = write.label(bank, count, now, renderer.draw(now.stage))
    people = [annotation(p, count, k) for k, p in enumerate(one.sample.people)]
    angles = zip(DOFS, moment.rest.angles_Q, strict=True)
    row = {
        "frame": count, "time": round(moment.time_s, 6), "events": moment.events,
        "angles_deg": {dof.name: round(float(angle), 3) for dof, angle in angles},
        "intrinsics": one.sample.intrinsics, "people": people,
    }  # fmt: skip
    return one.jpeg, row


def _video(clip: Clip, pictures: Path, size: int, fps: int) -> None:
    video = cv2.VideoWriter(str(clip.video), cv2.VideoWriter.fourcc(*"mp4v"), fps, (size, size))
    for path in islice(sorted(pictures.glob("*.jpg")), clip.count):
        image = cv2.imread(str(path))
        if image is None:
            raise InvalidInput(f"{path} is no picture; remove it and run again")
        video.write(image)
    video.release()
