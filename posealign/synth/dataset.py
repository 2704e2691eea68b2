"""Rendering samples and reading them back: shards of pictures with exact labels.

A shard is three files: `shard-00000.tar` (per sample KEY.jpg, KEY.depth.png in millimetres as
the sensor gave it, KEY.exact.png the true depth, KEY.parts.png), `shard-00000.npz` (label arrays
and the places of the files in the tar) and `shard-00000.jsonl` (one line of facts a sample).
Shapes: N samples, P people (padded), V vocabulary joints.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import vocabulary
from posealign.synth import labels, scene, sensor
from posealign.synth.bank import VERSION, Bank
from posealign.synth.body import BONES
from posealign.synth.person_facts import describe
from posealign.synth.render import SECOND, Rendered, Renderer
from posealign.synth.scene import Actor, Scene

PEOPLE = 2  # at most, in one picture
SHARD = 100
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class Labelled:
    """One rendered sample: the reader's Sample and what only files and tests need."""

    sample: Sample
    parts_HW: NDArray[np.uint8]
    exact_mm_HW: NDArray[np.uint16]
    sensor_mm_HW: NDArray[np.uint16]
    jpeg: bytes
    projected_PV2: NDArray[np.float64]  # of out-of-picture joints too
    clear_PV: NDArray[np.bool_]


def render_sample(bank: Bank, number: int, renderer: Renderer) -> Labelled:
    """Sample `number` of the bank's split; views that show next to nothing are drawn again."""
    for attempt in range(5):
        world = scene.sample(bank, number + attempt * 100_000_000, renderer.size)
        drawn = renderer.draw(world.stage)
        own = (drawn.parts_HW >= 1) & (drawn.parts_HW < SECOND)
        if own.mean() > 0.03 or (world.blanket and own.mean() > 0.008):
            break
    return _label(bank, number, world, drawn)


def _label(bank: Bank, number: int, world: Scene, drawn: Rendered) -> Labelled:
    rng, camera = world.rng, world.stage.camera
    up = camera.R @ np.array([0.0, 0.0, 1.0])
    bed = float(-camera.position @ np.array([0.0, 0.0, 1.0]))
    people, projected, clear = [], [], []
    for index, actor in enumerate(world.actors):
        seen = _see(world, drawn, index, actor)
        person = _person(world, drawn, index, actor, seen, up, bed)
        if person is not None:
            people.append(person)
            projected.append(seen.points_V2)
            clear.append(seen.clear_V)
    rgb = sensor.expose(rng, drawn.rgb_HW3, world.infrared)
    if world.mosaic and people:
        rgb = sensor.mosaic(rgb, _face_box(people[0]))
    dark = None
    if world.actors[0].look.dark_cloth:
        dark = (drawn.parts_HW >= 1) & (drawn.parts_HW < SECOND)
    mm = sensor.measure(rng, drawn.depth_HW, world.sensor, camera.focal, dark)
    quality = int(rng.integers(62, 96))
    jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    exact = np.clip(np.rint(drawn.depth_HW * MILLIMETRES), 0, 65535).astype(np.uint16)
    key = f"{bank.split}-{bank.seed}-{number:07d}"
    sample = Sample(
        key, _decode(jpeg), tuple(people), "synthetic", (mm / MILLIMETRES).astype(np.float32),
        camera.intrinsics, _scene_facts(world, bank),
    )  # fmt: skip
    return Labelled(sample, drawn.parts_HW, exact, mm, jpeg, np.array(projected), np.array(clear))


def _see(world: Scene, drawn: Rendered, index: int, actor: Actor) -> labels.Seen:
    other = world.actors[1 - index] if len(world.actors) == 2 else None
    points = labels.joints(actor.body, actor.frames, actor.hands)
    return labels.look(
        points, world.stage.camera, drawn, 1 if index == 0 else SECOND, actor.body["torso"],
        actor.look.covered, actor.look.hat, other is not None and other.body.role == "adult",
    )  # fmt: skip


def _person(
    world: Scene, drawn: Rendered, index: int, actor: Actor, seen: labels.Seen,
    up: NDArray[np.float64], bed: float,
) -> Person | None:
    """None where the picture shows nothing of the person."""
    first = 1 if index == 0 else SECOND
    mask = (drawn.parts_HW >= first) & (drawn.parts_HW < first + len(BONES))
    if mask.sum() < 12 and not (index == 0 and (seen.states_V > 0).sum() > 5):
        return None
    camera = world.stage.camera
    placed = seen.states_V >= State.OCCLUDED
    points = np.where(placed[:, None], seen.points_V2, np.nan).astype(np.float32)
    box = _box(mask, seen.points_V2[placed], camera.width, camera.height)
    facts = describe(actor.body, seen.points_V3, actor.angles_Q, up, bed)
    facts |= {"garments": list(actor.look.garments), "hat": actor.look.hat}
    return Person(
        points, seen.states_V, box, seen.points_V3.astype(np.float32), seen.hidden_by_V,
        actor.body.role, actor.posture,
        actor.body.age_months if actor.body.role == "infant" else None, float(mask.sum()), facts,
    )  # fmt: skip


def _box(
    mask: NDArray[np.bool_], points_N2: NDArray[np.float64], width: int, height: int
) -> tuple[float, float, float, float]:
    """Around what is seen and around placed joints that something hides."""
    rows, columns = np.nonzero(mask)
    xs = np.concatenate([columns, points_N2[:, 0]])
    ys = np.concatenate([rows, points_N2[:, 1]])
    x0, x1 = np.clip([xs.min() - 0.5, xs.max() + 0.5], -0.5, width - 0.5)
    y0, y1 = np.clip([ys.min() - 0.5, ys.max() + 0.5], -0.5, height - 0.5)
    return float(x0), float(y0), float(max(x1 - x0, 1)), float(max(y1 - y0, 1))


def _face_box(person: Person) -> tuple[float, float, float, float]:
    names = vocabulary().names
    rows = [k for k, n in enumerate(names) if n.startswith("face_")]
    points = person.points_V2[rows]
    points = points[np.isfinite(points).all(1)]
    if len(points) < 8:
        return (0.0, 0.0, 0.0, 0.0)
    low, high = points.min(0), points.max(0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def _scene_facts(world: Scene, bank: Bank) -> dict[str, Any]:
    return {
        "version": VERSION, "seed": bank.seed, "split": bank.split, "place": world.place,
        "view": world.view, "sensor": world.sensor.name, "infrared": world.infrared,
        "blanket": world.blanket, "mosaic": world.mosaic,
    }  # fmt: skip


def _decode(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InvalidInput("a shard holds bytes that are no picture")
    return np.ascontiguousarray(image[..., ::-1]).astype(np.uint8, copy=False)


# Writing.


def write_shard(folder: Path, bank: Bank, numbers: range, renderer: Renderer) -> Path:
    """Render `numbers` into one shard, or leave it where it is whole already."""
    stem = folder / f"shard-{numbers.start // SHARD:05d}"
    done = stem.with_suffix(".npz")
    if done.exists():
        return done
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    arrays: dict[str, list[NDArray[Any]]] = {}
    with tarfile.open(stem.with_suffix(".tar.part"), "w") as tar:
        for number in numbers:
            one = render_sample(bank, number, renderer)
            _add_files(tar, one)
            rows.append(_row(one))
            for name, value in _label_arrays(one).items():
                arrays.setdefault(name, []).append(value)
    stem.with_suffix(".jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    stem.with_suffix(".tar.part").rename(stem.with_suffix(".tar"))
    packed = {name: np.stack(values) for name, values in arrays.items()}
    packed |= _offsets(stem.with_suffix(".tar"))
    part = stem.with_suffix(".part.npz")
    np.savez_compressed(part, **packed)
    part.rename(done)
    return done


_KINDS = ("jpg", "depth.png", "exact.png", "parts.png")


def _add_files(tar: tarfile.TarFile, one: Labelled) -> None:
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    blobs = {
        "jpg": one.jpeg,
        "depth.png": cv2.imencode(".png", one.sensor_mm_HW, fast)[1].tobytes(),
        "exact.png": cv2.imencode(".png", one.exact_mm_HW, fast)[1].tobytes(),
        "parts.png": cv2.imencode(".png", one.parts_HW, fast)[1].tobytes(),
    }
    for kind in _KINDS:
        info = tarfile.TarInfo(f"{one.sample.key}.{kind}")
        info.size = len(blobs[kind])
        tar.addfile(info, io.BytesIO(blobs[kind]))


def _offsets(path: Path) -> dict[str, NDArray[np.int64]]:
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    table = np.array([[m.offset_data, m.size] for m in members], np.int64)
    return {"files": table.reshape(-1, len(_KINDS), 2)}


def _row(one: Labelled) -> dict[str, Any]:
    sample = one.sample
    people = [
        {"role": p.role, "posture": p.posture, "age_months": p.age_months, "area": p.area,
         "facts": dict(p.facts)} for p in sample.people
    ]  # fmt: skip
    return {"key": sample.key, "intrinsics": sample.intrinsics, "size": sample.image_HW3.shape[:2],
            "facts": dict(sample.facts), "people": people}  # fmt: skip


def _label_arrays(one: Labelled) -> dict[str, NDArray[Any]]:
    v = len(vocabulary())
    out: dict[str, NDArray[Any]] = {
        "count": np.array(len(one.sample.people)),
        "points_NPV2": np.full((PEOPLE, v, 2), np.nan, np.float32),
        "points_NPV3": np.full((PEOPLE, v, 3), np.nan, np.float32),
        "states_NPV": np.full((PEOPLE, v), -1, np.int8),
        "hidden_by_NPV": np.full((PEOPLE, v), -1, np.int8),
        "clear_NPV": np.zeros((PEOPLE, v), bool),
        "box_NP4": np.zeros((PEOPLE, 4), np.float32),
    }
    for k, person in enumerate(one.sample.people):
        out["points_NPV2"][k] = one.projected_PV2[k]
        out["points_NPV3"][k] = person.points_V3
        out["states_NPV"][k] = person.states_V
        out["hidden_by_NPV"][k] = person.hidden_by_V
        out["clear_NPV"][k] = one.clear_PV[k]
        out["box_NP4"][k] = person.box
    return out


# Reading.


@dataclass(frozen=True)
class ShardDataset:
    """Random access to a folder of shards: `dataset[7]` is a Sample; picklable, so that loaders
    may copy it into workers."""

    folder: Path
    depth: bool = True

    def __post_init__(self) -> None:
        if not self._paths:
            raise NotFound(
                f"{self.folder} holds no finished shard; `posealign synth --count 1000 "
                f"--out {self.folder}` makes some"
            )

    @cached_property
    def _paths(self) -> list[Path]:
        return sorted(p for p in Path(self.folder).glob("shard-?????.npz"))

    @cached_property
    def _shards(self) -> list[dict[str, NDArray[Any]]]:
        return [dict(np.load(path)) for path in self._paths]

    @cached_property
    def _rows(self) -> list[list[dict[str, Any]]]:
        return [
            [json.loads(line) for line in path.with_suffix(".jsonl").read_text("utf-8").splitlines()]
            for path in self._paths
        ]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(s, k) for s, shard in enumerate(self._shards) for k in range(len(shard["count"]))]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[k] for k in range(len(self)))

    def file(self, number: int, kind: str) -> bytes:
        """The bytes of one of a sample's files: jpg, depth.png, exact.png or parts.png."""
        shard, row = self._places[number]
        start, size = self._shards[shard]["files"][row, _KINDS.index(kind)]
        with self._paths[shard].with_suffix(".tar").open("rb") as handle:
            handle.seek(int(start))
            return handle.read(int(size))

    def __getitem__(self, number: int) -> Sample:
        shard, k = self._places[number]
        arrays, row = self._shards[shard], self._rows[shard][k]
        depth = None
        if self.depth:
            raw = cv2.imdecode(np.frombuffer(self.file(number, "depth.png"), np.uint8), cv2.IMREAD_UNCHANGED)
            depth = (np.asarray(raw) / MILLIMETRES).astype(np.float32)
        people = tuple(_read_person(arrays, row, k, p) for p in range(int(arrays["count"][k])))
        fx, fy, cx, cy = row["intrinsics"]
        return Sample(row["key"], _decode(self.file(number, "jpg")), people, "synthetic", depth,
                      (fx, fy, cx, cy), row["facts"])  # fmt: skip


def _read_person(arrays: dict[str, NDArray[Any]], row: dict[str, Any], k: int, p: int) -> Person:
    states = arrays["states_NPV"][k, p]
    placed = states >= State.OCCLUDED
    about = row["people"][p]
    x, y, w, h = (float(v) for v in arrays["box_NP4"][k, p])
    return Person(
        np.where(placed[:, None], arrays["points_NPV2"][k, p], np.nan).astype(np.float32), states,
        (x, y, w, h), arrays["points_NPV3"][k, p], arrays["hidden_by_NPV"][k, p], about["role"],
        about["posture"], about["age_months"], about["area"], about["facts"],
    )  # fmt: skip
