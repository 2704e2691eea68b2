"""Solids around and on an infant: beds, bars, toys, tubes, pacifiers."""

from __future__ import annotations

import itertools

import numpy as np

from posealign.synth import pattern
from posealign.synth.body import Body, Frames, head_centre, rotation
from posealign.synth.drape import HeightMap
from posealign.synth.head import landmarks
from posealign.synth.skin import head_scale
from posealign.synth.stage import BED, Solid
from posealign.synth.surface import Floats

Rng = np.random.Generator


def bed_solids(
    rng: Rng, place: str, half: tuple[float, float], centre: Floats, turn: float, floor_z: float
) -> list[Solid]:
    """Mattress, and bars or walls around it."""
    R = rotation((0, 0, 1), turn)
    if place == "floor":
        return []
    deep = 0.06
    white = tuple(rng.uniform(0.75, 0.95) * np.array([1, 1, rng.uniform(0.9, 1.0)]))
    # The sheet lies on top; the box stays well below its wrinkles.
    out = [Solid("box", centre - [0, 0, deep + 0.012], (half[0] - 0.004, half[1] - 0.004, deep),
                 (white[0], white[1], white[2]), R, code=BED)]  # fmt: skip
    colour = pattern.wood(rng) if rng.random() < 0.75 else (0.92, 0.92, 0.9)
    if place == "crib":
        out += _bars(rng, half, centre, R, colour)
    elif place in ("cot", "incubator"):
        clear = (0.75, 0.8, 0.82) if place == "incubator" else pattern.colour(rng)
        for m in (-1, 1):
            for axis in (0, 1):
                size = [half[0] + 0.02, half[1] + 0.02, 0.07]
                size[axis] = 0.006
                offset = np.zeros(3)
                offset[axis] = m * (half[axis] + 0.02)
                out.append(
                    Solid(
                        "box",
                        centre + R @ offset + [0, 0, 0.02],
                        (size[0], size[1], size[2]),
                        clear,
                        R,
                        shine=0.6,
                    )
                )
    elif place == "bed" and rng.random() < 0.7:
        pillow = rng.uniform(-0.5, 0.5, 2) * half
        away = centre + R @ np.array([pillow[0], half[1] * 0.85, 0.03])
        shade = tuple(0.6 + 0.4 * c for c in pattern.colour(rng, (0.7, 1.0)))
        out.append(
            Solid(
                "ellipsoid",
                away,
                (0.3, 0.18, 0.07),
                (shade[0], shade[1], shade[2]),
                R,
                code=BED,
                shine=0.05,
            )
        )
    return out


def _bars(
    rng: Rng,
    half: tuple[float, float],
    centre: Floats,
    R: Floats,
    colour: tuple[float, float, float],
) -> list[Solid]:
    out = []
    radius, high = rng.uniform(0.006, 0.011), rng.uniform(0.28, 0.45)
    x, y = half[0] + 0.02, half[1] + 0.02
    shut = [True, True] if rng.random() < 0.6 else [True, False]  # one side may be let down
    for m, closed in zip((-1, 1), shut, strict=True):
        if not closed:
            continue
        count = int(rng.integers(9, 13))
        for u in np.linspace(-y, y, count):
            foot = centre + R @ np.array([m * x, u, -0.1])
            out.append(
                Solid(
                    "capsule", foot, (radius, 0, 0), colour, end=foot + np.array([0, 0, high + 0.1])
                )
            )
        rail = [centre + R @ np.array([m * x, s * y, high]) for s in (-1, 1)]
        out.append(Solid("capsule", rail[0], (0.017, 0, 0), colour, end=rail[1]))
    for m in (-1, 1):
        board = centre + R @ np.array([0, m * (y + 0.01), high / 2 - 0.05])
        out.append(Solid("box", board, (x + 0.01, 0.012, high / 2 + 0.08), colour, R))
    return out


def toys(rng: Rng, under: HeightMap, half: tuple[float, float], centre: Floats) -> list[Solid]:
    """A few on the mattress, now and then one on the infant."""
    out: list[Solid] = []
    for _ in range(int(rng.integers(1, 4))):
        xy = centre[:2] + rng.uniform(-0.9, 0.9, 2) * half
        if rng.random() < 0.3:
            xy = under.centre[:2] + rng.normal(0, 0.1, 2)
        z = float(under.at(xy[None])[0])
        out += _toy(rng, np.array([*xy, z]))
    return out


def _toy(rng: Rng, at: Floats) -> list[Solid]:
    kind = rng.choice(["ball", "block", "rattle", "bear", "ring"])
    colour, second = pattern.colour(rng, (0.4, 1.0)), pattern.colour(rng, (0.4, 1.0))
    R = rotation((0, 0, 1), rng.uniform(0, 6.3))
    up = np.array([0, 0, 1.0])
    if kind == "ball":
        r = rng.uniform(0.025, 0.055)
        return [Solid("ball", at + up * r, (r, r, r), colour)]
    if kind == "block":
        r = rng.uniform(0.015, 0.03)
        return [Solid("box", at + up * r, (r, r, r), colour, R)]
    if kind == "rattle":
        end = at + R @ np.array([0.1, 0, 0.02])
        return [Solid("capsule", at + up * 0.015, (0.008, 0, 0), colour, end=end),
                Solid("ball", end, (0.024,) * 3, second)]  # fmt: skip
    if kind == "ring":
        turn = np.linspace(0, 2 * np.pi, 9)
        points = at + 0.04 * np.stack([np.cos(turn), np.sin(turn), 0 * turn + 0.3], 1)
        return [Solid("capsule", a, (0.009, 0, 0), colour, end=b)
                for a, b in itertools.pairwise(points)]  # fmt: skip
    s = rng.uniform(0.7, 1.2)
    body = [
        ("ellipsoid", (0, 0, 0.035), (0.05, 0.06, 0.035)),
        ("ball", (0, 0.085, 0.045), (0.04,) * 3),
        ("ball", (0.03, 0.115, 0.06), (0.016,) * 3),
        ("ball", (-0.03, 0.115, 0.06), (0.016,) * 3),
        ("ellipsoid", (0.05, 0.04, 0.03), (0.035, 0.018, 0.018)),
        ("ellipsoid", (-0.05, 0.04, 0.03), (0.035, 0.018, 0.018)),
        ("ellipsoid", (0.03, -0.06, 0.03), (0.02, 0.035, 0.02)),
        ("ellipsoid", (-0.03, -0.06, 0.03), (0.02, 0.035, 0.02)),
    ]
    return [
        Solid(k, at + R @ (s * np.array(p)), (s * z[0], s * z[1], s * z[2]), colour, R, shine=0.05)
        for k, p, z in body
    ]


def tubes(rng: Rng, under: HeightMap, frames: Frames, body: Body, place: str) -> list[Solid]:
    """A feeding tube at the nose, electrodes with leads, a line at a foot or hand."""
    out: list[Solid] = []
    clear = (0.85, 0.88, 0.9)
    skin = head_scale(body)
    nose = frames.place("head", (landmarks()["face_33"] * skin + head_centre(body))[None])[0]
    front = frames.R_B33[2][:, 1]
    if rng.random() < 0.6:
        out += _line(rng, under, nose + 0.004 * front, 0.0022, clear)
    chest_front = frames.R_B33[1][:, 1]
    if chest_front[2] > 0.3:
        for _ in range(int(rng.integers(0, 4))):
            local = (
                np.array([rng.uniform(-0.25, 0.25), 0.34, rng.uniform(0.15, 0.5)]) * body["torso"]
            )
            spot = frames.place("chest", local[None])[0]
            spot[2] = float(under.at(spot[None, :2])[0]) + 0.001
            out.append(Solid("ellipsoid", spot, (0.012, 0.012, 0.003), (0.9, 0.9, 0.88)))
            lead = [(0.85, 0.85, 0.85), (0.15, 0.15, 0.15), (0.75, 0.15, 0.12), (0.2, 0.5, 0.25)]
            out += _line(rng, under, spot, 0.0018, lead[int(rng.integers(4))])
    if rng.random() < 0.5:
        bone = str(rng.choice(["left_foot", "right_foot", "left_hand", "right_hand"]))
        if bone not in body.missing:
            spot = frames.place(bone, np.array([[0, 0.01, -0.02]]))[0]
            out += _line(rng, under, spot, 0.002, clear if rng.random() < 0.6 else (0.6, 0.1, 0.1))
    return out


def _line(
    rng: Rng, under: HeightMap, start: Floats, radius: float, colour: tuple[float, float, float]
) -> list[Solid]:
    """A soft tube from a point to off the bed, lying on what is below it."""
    turn = rng.uniform(0, 2 * np.pi)
    points = [start]
    for step in range(14):
        turn += rng.normal(0, 0.28)
        xy = points[-1][:2] + 0.045 * np.array([np.cos(turn), np.sin(turn)])
        rest = float(under.at(xy[None])[0]) + radius
        z = rest if step > 1 else max(rest, 0.5 * (rest + points[-1][2]))
        points.append(np.array([*xy, z]))
    return [Solid("capsule", a, (radius, 0, 0), colour, end=b, shine=0.6)
            for a, b in itertools.pairwise(points)]  # fmt: skip


def worn(rng: Rng, frames: Frames, body: Body) -> list[Solid]:
    """A pacifier in the mouth, a band around a wrist or an ankle: now and then."""
    out: list[Solid] = []
    if rng.random() < 0.09:
        mouth = frames.place(
            "head", (landmarks()["face_62"] * head_scale(body) + head_centre(body))[None]
        )[0]
        R = frames.R_B33[2]
        colour = pattern.colour(rng, (0.5, 1.0))
        size = body["head_height"] / 0.15
        out.append(
            Solid(
                "ellipsoid", mouth + 0.004 * R[:, 1], (0.019 * size, 0.005, 0.014 * size), colour, R
            )
        )
        out.append(
            Solid(
                "ellipsoid",
                mouth + 0.012 * R[:, 1],
                (0.009 * size, 0.006, 0.009 * size),
                (0.95, 0.95, 0.95),
                R,
            )
        )
    if rng.random() < 0.10:
        bone, radius = [
            ("left_foot", "r_ankle"),
            ("right_foot", "r_ankle"),
            ("left_hand", "r_wrist"),
            ("right_hand", "r_wrist"),
        ][int(rng.integers(4))]
        if bone not in body.missing:
            place = frames.place(bone, np.array([[0, 0, 0.012], [0, 0, 0.024]]))
            out.append(
                Solid(
                    "capsule",
                    place[0],
                    (body[radius] * 1.06, 0, 0),
                    (0.93, 0.93, 0.95),
                    end=place[1],
                )
            )
    return out
