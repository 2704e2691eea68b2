"""Rendering samples and writing them into shards (see dataset.py for their form)."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.errors import InvalidInput
from posealign.skeletons.load import vocabulary
from posealign.synth import labels, places, scene, sensor
from posealign.synth.bank import VERSION, Bank
from posealign.synth.body import BONES
from posealign.synth.dataset import KINDS, MILLIMETRES, PEOPLE, SHARD, decode
from posealign.synth.person_facts import describe
from posealign.synth.render import Renderer
from posealign.synth.scene import Actor, Scene
from posealign.synth.stage import SECOND, Rendered
from posealign.synth.surface import Floats


@dataclass(frozen=True)
class Labelled:
    """One rendered sample: the reader's Sample and what only files and tests need."""

    sample: Sample
    parts_HW: NDArray[np.uint8]
    exact_mm_HW: NDArray[np.uint16]
    sensor_mm_HW: NDArray[np.uint16]
    jpeg: bytes
    projected_PV2: Floats  # of out-of-picture joints too
    clear_PV: NDArray[np.bool_]


def render_sample(bank: Bank, number: int, renderer: Renderer) -> Labelled:
    """Sample `number` of the bank's split; views that show next to nothing are drawn again."""
    for attempt in range(5):
        world = scene.sample(bank, number + attempt * 100_000_000, renderer.size)
        drawn = renderer.draw(world.stage)
        own = (drawn.parts_HW >= 1) & (drawn.parts_HW < SECOND)
        if own.mean() > 0.03 or (world.blanket and own.mean() > 0.008):
            break
    return label(bank, number, world, drawn)


def label(bank: Bank, number: int, world: Scene, drawn: Rendered) -> Labelled:
    """Labels and sensors' pictures of a scene that was drawn."""
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
    rgb = sensor.expose(rng, drawn.rgb_HW3, world.infrared, world.grain)
    if world.mosaic and people:
        rgb = sensor.mosaic(rgb, _face_box(people[0]))
    dark = None
    if world.actors[0].look.dark_cloth:
        dark = (drawn.parts_HW >= 1) & (drawn.parts_HW < SECOND)
    mm = sensor.measure(world.grain or rng, drawn.depth_HW, world.sensor, camera.focal, dark)
    quality = int(rng.integers(62, 96))
    jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    exact = np.clip(np.rint(drawn.depth_HW * MILLIMETRES), 0, 65535).astype(np.uint16)
    key = f"{bank.split}-{bank.seed}-{number:07d}"
    sample = Sample(
        key, decode(jpeg), tuple(people), "synthetic", (mm / MILLIMETRES).astype(np.float32),
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
    world: Scene,
    drawn: Rendered,
    index: int,
    actor: Actor,
    seen: labels.Seen,
    up: NDArray[np.float64],
    bed: float,
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
    at = places.locate(actor.body, actor.frames, actor.vertices_N3)
    facts["places"] = places.look(actor.body, at, camera, drawn, first)
    facts |= {"garments": list(actor.look.garments), "hat": actor.look.hat}
    return Person(
        points, seen.states_V, box, seen.points_V3.astype(np.float32), seen.hidden_by_V,
        actor.body.role, actor.posture,
        actor.body.age_months if actor.body.role == "infant" else None, float(mask.sum()), facts,
    )  # fmt: skip


def _box(
    mask: NDArray[np.bool_], points_N2: Floats, width: int, height: int
) -> tuple[float, float, float, float]:
    """Around what is seen and around placed joints that something hides."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
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


def claim(folder: Path, bank: Bank, size: int) -> None:
    """A folder holds one data set: what it was made from is written down and must not change."""
    made_from = {"version": VERSION, "size": size, **asdict(bank), "postures": list(bank.postures)}
    path = folder / "dataset.json"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        there = {"postures": [], **json.loads(path.read_text("utf-8"))}  # before there was a choice
        if there != made_from:
            raise InvalidInput(f"{folder} holds {there}; expected {made_from}, or another folder")
    path.write_text(json.dumps(made_from), "utf-8")
    words = json.dumps(places.book(), ensure_ascii=False, indent=1)
    (folder / "places.json").write_text(words + "\n", "utf-8")


def write_shard(folder: Path, bank: Bank, numbers: range, renderer: Renderer) -> Path:
    """Render `numbers` into one shard, or leave it where it is whole already."""
    stem = folder / f"shard-{numbers.start // SHARD:05d}"
    done = stem.with_suffix(".npz")
    if done.exists() and len(np.load(done)["count"]) == len(numbers):
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
    with part.open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **packed)
    part.rename(done)
    return done


def _add_files(tar: tarfile.TarFile, one: Labelled) -> None:
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    blobs = {
        "jpg": one.jpeg,
        "depth.png": cv2.imencode(".png", one.sensor_mm_HW, fast)[1].tobytes(),
        "exact.png": cv2.imencode(".png", one.exact_mm_HW, fast)[1].tobytes(),
        "parts.png": cv2.imencode(".png", one.parts_HW, fast)[1].tobytes(),
    }
    for kind in KINDS:
        info = tarfile.TarInfo(f"{one.sample.key}.{kind}")
        info.size = len(blobs[kind])
        tar.addfile(info, io.BytesIO(blobs[kind]))


def _offsets(path: Path) -> dict[str, NDArray[np.int64]]:
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    table = np.array([[m.offset_data, m.size] for m in members], np.int64)
    return {"files": table.reshape(-1, len(KINDS), 2)}


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
