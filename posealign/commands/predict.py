"""posealign predict: pictures and an instruction in, joints and overlays out."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import track
from rich.table import Table
from rich.text import Text

from posealign.commands.options import BundleName, Language, Passes, Provider, SkeletonName
from posealign.commands.output import AsJson, console, print_json, why_refused
from posealign.data.image import read_depth, read_image
from posealign.data.image_header import SUFFIXES
from posealign.data.pose import PlacedJoint, PoseResult, State
from posealign.draw import Style, draw, save
from posealign.errors import InvalidInput, NotFound, PoseAlignError, nearest
from posealign.predictor import Predictor

Read = TypeVar("Read")


def predict(
    images: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, globs, - for stdin; then the instruction."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Overlay to write; a folder for several.")
    ] = None,
    bundle: BundleName = "default",
    skeleton: SkeletonName = None,
    box: Annotated[
        list[str] | None, typer.Option(help="x,y,width,height of a person; may be repeated.")
    ] = None,
    depth: Annotated[Path | None, typer.Option(help="16-bit depth PNG in millimetres.")] = None,
    intrinsics: Annotated[str | None, typer.Option(help="fx,fy,cx,cy in pixels.")] = None,
    passes: Passes = None,
    provider: Provider = "auto",
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Find the joints that the instruction asks for in one picture or many.

    posealign predict baby.jpg "only the left leg" -o overlay.png
    """
    if len(images) < 2:
        raise InvalidInput(
            'expected pictures and then the instruction: posealign predict IMAGE "the left leg"'
        )
    *patterns, instruction = images
    if Path(instruction).is_file() and not Path(patterns[0]).exists():
        raise InvalidInput(
            f"{instruction!r} is a file; the instruction stands last, after the pictures"
        )
    style = Style(language=language)  # a wrong language is said before anything is opened
    paths = pictures(patterns)
    single = len(patterns) == 1 and paths == [_file(patterns[0])]
    overlays = overlay_paths(output, paths) if output is not None else {}
    if len(paths) > 1 and (depth is not None or box):
        raise InvalidInput("--depth and --box belong to one picture; several were given")
    if intrinsics and depth is None:
        raise InvalidInput("--intrinsics describes the camera of a --depth picture; none is given")
    depth_HW = _read(read_depth, depth) if depth is not None else None
    predictor = Predictor(bundle, provider).looking(passes)
    predictor.resolve(instruction, skeleton)  # what is wrong with these is said once, of no picture
    boxes = [numbers("--box", row) for row in box] if box else None
    camera = numbers("--intrinsics", intrinsics) if intrinsics else None
    failures = 0
    for path in _progress(paths, as_json):
        try:
            image = _read(read_image, path)
            result = predictor.look(image, boxes, depth_HW, camera).ask(instruction, skeleton)
        except PoseAlignError as error:
            if single:
                raise
            failures += 1  # one bad file must not end a long run
            named = str(error).startswith(f"{path}: ")
            print(error if named else f"{path}: {error}", file=sys.stderr)
            continue
        if output is not None:
            save(draw(image, result, style), overlays[path])
        _print(path, result, as_json, single)
    if failures:
        raise InvalidInput(f"{failures} of {len(paths)} pictures could not be read")


def _read(read: Callable[[Path], Read], path: Path) -> Read:
    """What is wrong with a file is said with its name."""
    try:
        return read(path)
    except InvalidInput as error:
        raise type(error)(f"{path}: {error}") from error


def pictures(patterns: Sequence[str]) -> list[Path]:
    """Files, folders and globs → the pictures they name, in order."""
    found: list[Path] = []
    for pattern in patterns:
        path = _file(pattern)
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        elif path.exists():  # a pipe is read like a file
            found.append(path)
        else:
            base = Path(path.anchor) if path.is_absolute() else Path()
            relative = str(path.relative_to(base)) if path.is_absolute() else pattern
            matches = sorted(base.glob(relative)) if any(c in pattern for c in "*?[") else []
            if not matches:
                raise NotFound(f"no picture at {pattern!r}{_meant(pattern)}")
            found += matches
    if not found:
        raise NotFound(f"no pictures ({', '.join(SUFFIXES)}) in {', '.join(patterns)}")
    return list(dict.fromkeys(found))  # a folder and a picture in it name that picture twice


def _file(pattern: str) -> Path:
    return Path("/dev/stdin" if pattern == "-" else pattern)


def _meant(pattern: str) -> str:
    """What somebody probably wanted who named a picture that is not there."""
    path = Path(pattern)
    if "://" in pattern:
        return "; pictures are files or folders: fetch it into one first"
    near = nearest(path.name, _names(path.parent)) if path.name else ""
    if not near and not path.suffix and len(path.parts) == 1:
        return "; an instruction of several words stands in quotes, after the pictures"
    return near


def _names(folder: Path) -> list[str]:
    found = folder.iterdir() if folder.is_dir() else ()
    return [path.name for path in found if path.suffix.lower() in SUFFIXES or path.is_dir()]


def numbers(option: str, text: str) -> tuple[float, float, float, float]:
    try:
        a, b, c, d = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(f"{option} is {text!r}; expected four numbers: 1,2,3,4") from None
    return a, b, c, d


def overlay_paths(output: Path, pictures: Sequence[Path]) -> dict[Path, Path]:
    """Picture → where its overlay goes: the file itself, or a place of its own in a folder.

    `-o out.pgn` is a misspelt file and not a folder; `-o runs/v0.2` is a folder. Pictures of
    several folders keep their folders below the one they share; baby.jpg and baby.png of one folder
    keep their suffix. Nothing is overwritten: neither another overlay nor a picture.
    """
    if len(pictures) == 1 and output.suffix[1:].isalpha() and not output.is_dir():
        found = {pictures[0]: output}
    else:
        whole = {path: Path(os.path.abspath(path)) for path in pictures}
        root = os.path.commonpath([path.parent for path in whole.values()])
        below = {path: place.relative_to(root) for path, place in whole.items()}
        shared = Counter(place.with_suffix("") for place in set(below.values()))
        found = {
            path: output / place.with_name(
                f"{place.stem if shared[place.with_suffix('')] == 1 else place.name}.png"
            )
            for path, place in below.items()
        }  # fmt: skip
    owners = {os.path.realpath(path): path for path in pictures}
    taken: dict[str, Path] = {}
    for path, overlay in found.items():
        place = os.path.realpath(overlay)
        if place in owners:
            raise InvalidInput(
                f"the overlay of {path} would overwrite the picture {owners[place]}; "
                "give another place with -o"
            )
        if os.path.abspath(taken.setdefault(place, path)) != os.path.abspath(path):
            raise InvalidInput(
                f"the overlays of {taken[place]} and {path} would both be {overlay}; "
                "rename one, or ask for them one after the other"
            )
    return found


def _progress(paths: list[Path], as_json: bool) -> Iterator[Path]:
    if len(paths) == 1:
        yield from paths
        return
    quiet = as_json and not sys.stderr.isatty()
    yield from track(paths, "looking", console=console(stderr=True, quiet=quiet))


def _print(path: Path, result: PoseResult, as_json: bool, single: bool) -> None:
    if as_json and single:
        print_json(result.to_json())
    elif as_json:  # one line a picture, so that a long run can be read as it goes
        row = json.dumps({"image": str(path), **result.to_json()}, ensure_ascii=False)
        print(row, flush=True)
    else:
        shown = table(path, result)
        if isinstance(shown, str):
            print(shown)
        else:
            console(None if sys.stdout.isatty() else 100).print(shown)


def table(path: Path, result: PoseResult) -> Table | str:
    """The answer as a person reads it."""
    understood = result.instruction
    if understood.refused:
        near = (
            f"; did you mean {', '.join(understood.near_matches)}?"
            if understood.near_matches
            else ""
        )
        return f"{path}: refused ({understood.reason}): {why_refused(understood)}{near}"
    rows = Table(title=f"{path}: {understood.text}", title_justify="left")
    for column in ("person", "joint", "x", "y", "z", "state", "confidence", "radius"):
        rows.add_column(column, justify="left" if column in ("joint", "state") else "right")
    for number, pose in enumerate(result.poses):
        for joint in pose.joints:
            rows.add_row(
                str(number),
                joint.name,
                _cell(joint.x),
                _cell(joint.y),
                _cell(joint.z, 3),
                _state(joint),
                f"{joint.confidence:.2f}",
                _cell(joint.radius),
            )
        for finding in pose.plausibility:
            rows.add_row(str(number), Text(finding.message, "yellow"))
    return rows


def _state(joint: PlacedJoint) -> str:
    state = State(joint.state).name.lower()
    return state if joint.hidden_by is None else f"{state} ({joint.hidden_by})"


def _cell(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
