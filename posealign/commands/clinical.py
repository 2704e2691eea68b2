"""posealign clinical: pictures or a video in, read-outs with intervals out. Never a diagnosis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track as progress
from rich.table import Table

from posealign.clinical.summary import summary
from posealign.clinical.track import Track, track_of
from posealign.commands.options import BundleName
from posealign.commands.output import AsJson, console, print_json
from posealign.commands.predict import pictures
from posealign.data.image import read_image
from posealign.data.image_header import SUFFIXES
from posealign.data.pose import Pose, PoseResult
from posealign.errors import InvalidInput, NotFound, nearest
from posealign.predictor import Predictor
from posealign.video import TAKEN as VIDEOS
from posealign.video import Follower, Frame, follow, frame_count, read_video


def clinical(
    source: Annotated[str, typer.Argument(help="A picture, a folder or glob of them, or a video.")],
    bundle: BundleName = "default",
    instruction: Annotated[str, typer.Option(help="Whom: e.g. the infant.")] = "all keypoints",
    rate: Annotated[
        float | None, typer.Option(help="Pictures a second, where they follow each other.", min=0.1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Read angles, ranges, symmetry, motion and posture from pictures or a video.

    posealign clinical kicking.mp4 --instruction "the infant"
    """
    video = _is_video(source)  # a wrong name is said before the bundle is opened
    predictor = Predictor(bundle)
    messages = console(stderr=True)
    if video or rate is not None:
        frames = read_video(Path(source)) if video else _timed(source, rate or 1.0)
        total = frame_count(Path(source)) if video else len(pictures([source]))
        follower = Follower(predictor, instruction, "coco17")
        steps = progress(follow(frames, follower), "reading", total=total, console=messages)
        times, poses = [], []
        for frame, result in steps:
            times.append(frame.time)
            poses.append(_one(result))
        _print({"source": source, **summary(track_of(poses, times), seed=seed)}, as_json)
        return
    rows = []
    for path in progress(pictures([source]), "reading", console=messages):
        result = predictor.look(read_image(path)).ask(instruction, "coco17")
        rows.append({"source": str(path), **summary(_still(_one(result)), seed=seed)})
    for row in rows:
        _print(row, as_json)


def _is_video(source: str) -> bool:
    """Whether it is a video rather than pictures; says what is taken where it is neither."""
    path = Path(source)
    taken = f"a picture ({', '.join(SUFFIXES)}), a folder or glob of them, or a video"
    if not path.exists() and not any(c in source for c in "*?["):
        near = nearest(path.name, (p.name for p in path.parent.glob("*")))
        then = f"{near} Expected" if near else "; expected"
        raise NotFound(f"there is no file {source}{then} {taken} ({', '.join(VIDEOS)})")
    if not path.is_file() or path.suffix.lower() in SUFFIXES:
        return False
    try:
        next(read_video(path))
    except InvalidInput as error:
        raise InvalidInput(f"{error}; expected {taken}") from error
    return True


def _timed(source: str, rate: float) -> Any:
    for number, path in enumerate(pictures([source])):
        yield Frame(read_image(path), number / rate, number)


def _one(result: PoseResult) -> Pose | None:
    """The person meant: the infant or largest comes by the words; of several the surest."""
    if result.instruction.refused:
        raise InvalidInput(
            f"{result.instruction.text!r} asks for no joints ({result.instruction.reason})"
        )
    if not result.poses:
        return None
    best = max(result.poses, key=lambda pose: pose.score * pose.box[2] * pose.box[3])
    return replace(best)


def _still(pose: Pose | None) -> Track:
    return track_of([pose], [0.0])


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    answers = console(100)
    for group in ("angles", "symmetry", "motion"):
        rows = [row for row in found[group] if row["value"] is not None]
        if not rows:
            continue
        shown = Table(title=f"{found['source']}: {group}", title_justify="left")
        for column in ("read-out", "value", "90 % interval", "unit", "frames"):
            shown.add_column(column, justify="left" if column == "read-out" else "right")
        for row in rows:
            plane = " (picture plane)" if row["plane"] == "picture" else ""
            shown.add_row(
                row["name"].replace("_", " ") + plane, f"{row['value']:.2f}",
                f"{row['low']:.2f} to {row['high']:.2f}", row["unit"], f"{row['frames']:.0%}",
            )  # fmt: skip
        answers.print(shown)
    for row in found["posture"]:
        codes = ", ".join(f"{code['code']} {code.get('display', '')}" for code in row["codes"])
        print(f"posture {row['posture']}: {row['frames']:.0%} of frames; {codes}")
    print(found["note"])
