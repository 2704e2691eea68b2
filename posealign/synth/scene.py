"""One sample's world, drawn from its own stream of random numbers: bed, cloth, things, people,
lamp and camera.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from posealign.synth import drape, outfit, pattern
from posealign.synth.bank import LYING, Bank, Entry, generator
from posealign.synth.body import BONES, Body, Frames, sample_adult
from posealign.synth.caregiver import holding, tending
from posealign.synth.cloth import lay
from posealign.synth.held_out import allowed, draw
from posealign.synth.physics import Rest
from posealign.synth.sensor import SENSORS, Sensor
from posealign.synth.skin import Hands, normals, pose_skin
from posealign.synth.stage import (
    CLOTH,
    Camera,
    Cloth,
    Figure,
    Light,
    Stage,
    look_at,
)
from posealign.synth.surface import Floats
from posealign.synth.things import bed_solids, toys, tubes, worn

Rng = np.random.Generator
# Metres the mattress is above the floor.
PLACES = {"crib": 0.55, "cot": 0.75, "incubator": 0.95, "bed": 0.5, "floor": 0.03}
# Blankets that physics settled come with their poses; others are laid on a share of those lying.
SETTLED_BLANKETS, LAID_BLANKETS = 0.10, 0.20


@dataclass(frozen=True)
class Actor:
    """One figure: body, pose, looks, and its label facts."""

    body: Body
    frames: Frames
    hands: Hands
    look: outfit.Look
    posture: str | None
    angles_Q: Floats | None
    vertices_N3: Floats


@dataclass(frozen=True)
class Scene:
    """The stage to draw and everything the labels need."""

    key: str
    stage: Stage
    actors: tuple[Actor, ...]  # the subject first
    place: str
    sensor: Sensor
    infrared: bool
    mosaic: bool
    view: str
    blanket: bool
    rng: Rng
    grain: Rng | None = None  # of a frame's noise, where a clip's camera stays the same


def _actor(entry: Entry, look: outfit.Look, skin: tuple[Floats, Floats]) -> Actor:
    vertices = _clothed(entry.body, skin, look)
    return Actor(
        entry.body, entry.frames, entry.hands, look, entry.posture, entry.angles_Q, vertices
    )


def _clothed(body: Body, bare: tuple[Floats, Floats], look: outfit.Look) -> Floats:
    skin, outward = bare
    grown = np.float32(1.0 if body.role == "infant" else 1.6)
    return np.asarray(skin + outward * (look.offset_N * grown)[:, None])


CLOTH_SIZES = (0.4, 0.55, 0.75, 1.2, 2.0)  # metres that a painted texture may span


def _cloth_texture(seed: int, split: str, number: int, size: float) -> NDArray[np.uint8]:
    """Painted for the nearest of a few sizes, so that it serves many samples."""
    return _painted(seed, split, number, min(CLOTH_SIZES, key=lambda one: abs(one / size - 1)))


@lru_cache(maxsize=160)  # a fifth of a megabyte each
def _painted(seed: int, split: str, number: int, size: float) -> NDArray[np.uint8]:
    rng = generator("look", seed, split, 100_000 + number)
    axis = np.linspace(0, size, 256)
    s, t = np.meshgrid(axis, axis, indexing="ij")
    cloth = pattern.fabric(rng, split, 0.45, calm=number < 120)
    return np.asarray((pattern.paint(cloth, s, t) * 255).astype(np.uint8))


def sample(bank: Bank, number: int, size: int = 256, entry: Entry | None = None) -> Scene:
    """The scene of sample `number`, around a pose of the bank or a given one."""
    rng = generator("sample", bank.seed, bank.split, number)
    covered, pose = bool(rng.random() < SETTLED_BLANKETS), int(rng.integers(1 << 30))
    draped = bank.draped(pose) if covered and entry is None and bank.cloths else None
    if entry is not None:
        skin = pose_skin(entry.body, entry.frames, entry.hands)
    elif draped is not None:
        entry, skin = draped.entry, draped.skin
    else:
        entry, skin = bank.pose(pose), bank.skin(pose)
    adult = entry.body.role == "adult"
    look = bank.look(int(rng.integers(1 << 30)), entry.body.role)
    subject = _actor(entry, look, skin)
    lying = entry.posture in LYING
    names = list(PLACES)
    place = "bed" if adult else str(rng.choice(names, p=[0.45, 0.12, 0.13, 0.15, 0.15]))
    if entry.posture in ("held", "standing"):
        place = "floor"
    floor_z = -PLACES[place] if entry.posture != "held" else -0.35
    actors, solids = [subject], []
    sensor = SENSORS[bank.split][int(rng.integers(len(SENSORS[bank.split])))]
    view, camera = _camera(rng, bank.split, subject, sensor, size, floor_z)
    actors += _company(rng, bank, subject, floor_z, lying, camera)
    infrared = bool(rng.random() < (0.16 if lying else 0.04))
    under = cache(partial(drape.height_map, subject.vertices_N3))  # not all scenes need it
    blanket = None
    if draped is not None:
        texture = _blanket_texture(rng, bank, draped.blanket.length)
        blanket = Cloth(draped.blanket.vertices_CC3, texture)
    elif lying and rng.random() < LAID_BLANKETS:
        blanket = _blanket(rng, bank, subject, under())
    half, turn = _bed_size(rng, place, adult)
    centre = subject.vertices_N3.mean(0) * [1, 1, 0] + np.array([*rng.normal(0, 0.04, 2), 0])
    solids += bed_solids(rng, place, half, centre, turn, floor_z)
    if lying or entry.posture == "sitting":
        solids += toys(rng, under(), half, centre) if rng.random() < 0.3 else []
        solids += tubes(rng, under(), subject.frames, subject.body, place) if (
            rng.random() < (0.75 if place == "incubator" else 0.08)) else []  # fmt: skip
    if not adult:
        solids += worn(rng, subject.frames, subject.body)
    sheet_v = drape.sheet(rng, half, centre, turn, CLOTH)
    sheet = Cloth(
        sheet_v, _cloth_texture(bank.seed, bank.split, int(rng.integers(80)), 2 * half[0])
    )
    floor = _cloth_texture(bank.seed, bank.split, 80 + int(rng.integers(40)), 2.0)
    stage = Stage(
        tuple(Figure(a.vertices_N3, normals(a.vertices_N3), a.look.texture) for a in actors),
        sheet,
        floor,
        floor_z,
        float(rng.uniform(2.0, 3.5)),
        _lamp(rng, subject, infrared, camera),
        camera,
        blanket,
        tuple(solids),
    )
    if infrared:
        stage = _in_infrared(rng.spawn(1)[0], stage, actors)
    return Scene(
        f"{bank.split}-{bank.seed}-{number:07d}", stage, tuple(actors), place, sensor, infrared,
        bool(rng.random() < 0.04), view, blanket is not None, rng,
    )  # fmt: skip


def _in_infrared(dice: Rng, stage: Stage, actors: list[Actor]) -> Stage:
    """The same stage as a night camera sees it; its own dice leave the labels as they are."""
    figures = tuple(
        replace(figure, texture=outfit.in_infrared(actor.look, dice.uniform(0.55, 1.0)))
        for figure, actor in zip(stage.figures, actors, strict=True)
    )
    below = pattern.in_infrared(stage.sheet.texture, dice.uniform(0.35, 0.95), 0.25)
    floor = pattern.in_infrared(stage.floor, dice.uniform(0.2, 0.6))
    over = stage.blanket
    if over is not None:
        over = replace(over, texture=pattern.in_infrared(over.texture, dice.uniform(0.45, 1.0)))
    return replace(
        stage, figures=figures, sheet=replace(stage.sheet, texture=below), floor=floor, blanket=over
    )


def quiet(bank: Bank, number: int, size: int, entry: Entry) -> Scene:
    """For clips: nothing lies on the infant, nobody is near, by day; from above or obliquely."""
    for attempt in range(200):
        world = sample(bank, number + attempt * 1_000_000, size, entry)
        alone = len(world.actors) == 1 and not world.blanket
        if alone and not world.infrared and world.view != "low":
            break
    return replace(world, mosaic=False)


def with_pose(scene: Scene, body: Body, rest: Rest, hands: Hands) -> Scene:
    """The same scene a moment later: its subject has moved, camera and lamp have not."""
    old = scene.actors[0]
    vertices = _clothed(body, pose_skin(body, rest.frames, hands), old.look)
    actor = Actor(body, rest.frames, hands, old.look, old.posture, rest.angles_Q, vertices)
    figures = (Figure(vertices, normals(vertices), old.look.texture), *scene.stage.figures[1:])
    return replace(
        scene, actors=(actor, *scene.actors[1:]), stage=replace(scene.stage, figures=figures)
    )


def _bed_size(rng: Rng, place: str, adult: bool) -> tuple[tuple[float, float], float]:
    half = {"crib": (0.33, 0.64), "cot": (0.24, 0.42), "incubator": (0.21, 0.36), "bed": (0.8, 1.0),
            "floor": (0.55, 0.7)}[place]  # fmt: skip
    if adult:
        half = (0.75, 1.05)
    grow = rng.uniform(1.0, 1.15)
    return (half[0] * grow, half[1] * grow), 0.0


def _company(
    rng: Rng, bank: Bank, subject: Actor, floor_z: float, lying: bool, camera: Camera
) -> list[Actor]:
    """A caregiver who tends or holds, or a second infant, or nobody."""
    if subject.posture == "held":
        body = sample_adult(rng, bank.split)
        carer = holding(rng, body, subject.frames, subject.body, floor_z)
    elif subject.body.role == "infant" and rng.random() < 0.14:
        body = sample_adult(rng, bank.split)
        names = ["chest", "pelvis", "left_hand", "right_hand", "left_shank", "right_shank", "head"]
        picks = rng.choice(len(names), 2, replace=False)
        targets = [subject.frames.p_B3[BONES.index(names[int(k)])] + [0, 0, 0.05] for k in picks]
        # Seldom between the camera and the infant.
        seen_from = camera.position - subject.frames.p_B3[1]
        towards = float(np.arctan2(seen_from[1], seen_from[0]) + np.pi + rng.uniform(-1.9, 1.9))
        carer = tending(rng, body, targets, towards, min(floor_z, -0.5))
    elif lying and rng.random() < 0.06 and subject.body.role == "infant":
        return _twin(rng, bank, subject)
    else:
        return []
    look = bank.look(int(rng.integers(1 << 30)), "adult")
    bare = pose_skin(carer.body, carer.frames, carer.hands)
    vertices = _clothed(carer.body, bare, look)
    return [Actor(carer.body, carer.frames, carer.hands, look, None, None, vertices)]


def _twin(rng: Rng, bank: Bank, subject: Actor) -> list[Actor]:
    for _ in range(12):
        pose = int(rng.integers(1 << 30))
        entry = bank.pose(pose)
        if entry.body.role == "infant" and entry.posture in LYING:
            break
    else:
        return []
    look = bank.look(int(rng.integers(1 << 30)))
    turn = rng.uniform(0, 2 * np.pi)
    shift = 0.42 * np.array([np.cos(turn), np.sin(turn), 0.0])
    shift += (subject.frames.p_B3[1] - entry.frames.p_B3[1]) * [1, 1, 0]
    moved = replace(entry, frames=entry.frames.moved(np.eye(3), shift))
    skin, outward = bank.skin(pose)
    return [_actor(moved, look, (skin + shift.astype(np.float32), outward))]


def _blanket(rng: Rng, bank: Bank, subject: Actor, under: drape.HeightMap) -> Cloth:
    place = lay(rng, subject.body, subject.frames)
    grid = drape.drape(rng, under, place.corner, place.along, place.across, CLOTH)
    return Cloth(grid, _blanket_texture(rng, bank, place.length))


def _blanket_texture(rng: Rng, bank: Bank, length: float) -> NDArray[np.uint8]:
    return _cloth_texture(bank.seed, bank.split, 120 + int(rng.integers(60)), length)


def _lamp(rng: Rng, subject: Actor, infrared: bool, camera: Camera) -> Light:
    centre = subject.frames.p_B3.mean(0)
    if infrared:  # diodes around the lens: hardly a shadow
        place = camera.position + rng.normal(0, 0.05, 3)
        key, ambient = rng.uniform(0.5, 0.8), rng.uniform(0.15, 0.3)
        return Light(
            place, centre, key, 0.5 * ambient, shadow=0.35, softness=1.5, fill=0.0, falloff=1.5
        )
    turn, rise = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(30, 85))
    away = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    warm = rng.uniform(-1, 1)
    tint = (1 + 0.10 * max(warm, 0), 1.0, 1 - 0.16 * max(warm, 0) + 0.05 * max(-warm, 0))
    bright = rng.uniform(0.4, 0.8)
    return Light(centre + 2.2 * away, centre, float(bright), float(rng.uniform(0.28, 0.5)), tint,
                 float(rng.uniform(0.25, 0.6)), float(rng.uniform(1.0, 5.0)))  # fmt: skip


def _camera(
    rng: Rng, split: str, subject: Actor, sensor: Sensor, size: int, floor_z: float
) -> tuple[str, Camera]:
    """Overhead, oblique or low; any roll; from filling the picture to cut off."""
    points = subject.vertices_N3
    centre = (points.min(0) + points.max(0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    view = str(rng.choice(["overhead", "oblique", "low"], p=[0.55, 0.37, 0.08]))
    if subject.posture in ("sitting", "standing", "held"):
        view = str(rng.choice(["overhead", "oblique", "low"], p=[0.1, 0.5, 0.4]))
    turn = rng.uniform(0, 2 * np.pi)
    if subject.posture in ("held", "standing", "sitting"):  # mostly from the front
        front = subject.frames.R_B33[1][:, 1]
        turn = np.arctan2(front[1], front[0]) + rng.normal(0, 0.7)
    # A square cut from the sensor's picture: its field of view is the picture's height.
    angle = draw(split, "field_of_view_deg", lambda: sensor.hfov_deg * rng.uniform(0.62, 0.78))
    fov = np.deg2rad(angle)
    cover = rng.choice([rng.uniform(0.62, 0.95), rng.uniform(0.38, 0.62), rng.uniform(0.95, 1.35)],
                       p=[0.62, 0.23, 0.15])  # fmt: skip
    distance = radius / (np.tan(fov / 2) * cover) + (0.2 * radius)
    distance = float(np.clip(distance, 0.42, 3.2))
    jitter = rng.normal(0, 0.10 if cover < 0.95 else 0.28, 3) * radius
    target = centre + jitter
    view, tilt = _tilt(rng, split, view, (floor_z + 0.25 - target[2]) / distance)
    rise = np.deg2rad(tilt)
    away = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    position = target + away * distance
    upright = view != "overhead" and rng.random() < 0.6
    roll = rng.normal(0, 0.12) if upright else rng.uniform(0, 2 * np.pi)
    focal = size / 2 / np.tan(fov / 2)
    return view, Camera(position, look_at(position, target, float(roll)), float(focal), size, size)


_TILTS = {"low": (8.0, 28.0), "oblique": (28.0, 66.0), "overhead": (66.0, 90.0)}


def _tilt(rng: Rng, split: str, view: str, lowest: float) -> tuple[str, float]:
    """Degrees below the horizon; `lowest` is the least sine that keeps a camera off the floor.
    A view that would need to be lower is raised to the next one.
    """
    order = list(_TILTS)
    for name in order[order.index(view) :]:
        for _ in range(60):
            tilt = float(rng.uniform(*_TILTS[name]))
            if allowed("tilt_deg", tilt, split) and np.sin(np.deg2rad(tilt)) >= lowest:
                return name, tilt
    return "overhead", {"train": 80.0, "test": 72.5}[split]
