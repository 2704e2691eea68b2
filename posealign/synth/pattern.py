"""Generated fabrics, wood and noise: colours as functions of places on a surface.

Shapes: ... any shape of places; s, t coordinates in metres; colours 0 … 1.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.synth.held_out import draw
from posealign.synth.surface import Floats

Rng = np.random.Generator
KINDS = {
    "train": ("plain", "stripes", "dots", "prints", "knit", "noise"),
    "test": ("plain", "checks", "diagonal", "stars", "rings", "melange"),
}


@dataclass(frozen=True)
class Fabric:
    kind: str
    colours: tuple[tuple[float, float, float], ...]
    size: float  # metres, one repeat
    turn: float  # radians
    phase: float
    weave: float  # how much fine grain shows


def colour(
    rng: Rng, light: tuple[float, float] = (0.35, 0.98), split: str | None = None
) -> tuple[float, float, float]:
    """Baby colours: mostly pale or muted, now and then strong; of a split's own hues."""
    if rng.random() < 0.22:
        grey = draw(split, "grey", lambda: rng.uniform(0.75, 1.0))
        return (grey, grey, grey * rng.uniform(0.92, 1.0))
    saturation = rng.choice([rng.uniform(0.05, 0.3), rng.uniform(0.3, 0.85)], p=[0.6, 0.4])
    hue = draw(split, "hue", rng.random)
    return colorsys.hsv_to_rgb(hue, saturation, rng.uniform(*light))


def fabric(rng: Rng, split: str = "train", plain: float = 0.35, calm: bool = False) -> Fabric:
    """`calm`: bed linen and carpets, seldom strong in colour or contrast."""
    kinds = KINDS[split]
    kind = "plain" if rng.random() < plain else str(rng.choice(kinds[1:]))
    colours = tuple(colour(rng, split=split) for _ in range(4))
    if calm and rng.random() < 0.85:
        first = np.array(colour(rng, (0.55, 1.0), split)) * 0.45 + 0.55 * rng.uniform(0.45, 1.0)
        second = 0.15 if kind in ("noise", "melange") else 0.28  # blotches must not look like paint
        mixed = [first, *((1 - second) * first + second * np.array(c) for c in colours[1:])]
        colours = tuple((float(c[0]), float(c[1]), float(c[2])) for c in mixed)
    size = float(rng.uniform(0.012, 0.05))
    return Fabric(kind, colours, size, float(rng.uniform(0, np.pi)), float(rng.uniform(0, 9)),
                  float(rng.uniform(0.008, 0.035)))  # fmt: skip


@cache
def _noise_tile(seed: int) -> Floats:
    """A tileable 256×256 patch of soft noise around 0, of unit spread."""
    rng = np.random.default_rng([77, seed])
    total = np.zeros((256, 256), np.float32)
    for cells, weight in ((8, 1.0), (16, 0.6), (32, 0.4), (64, 0.25)):
        small = rng.standard_normal((cells, cells)).astype(np.float32)
        wrapped = np.pad(small, 2, mode="wrap")
        big = cv2.resize(
            wrapped, None, fx=256 / cells, fy=256 / cells, interpolation=cv2.INTER_CUBIC
        )
        edge = round(2 * 256 / cells)
        total += weight * big[edge : edge + 256, edge : edge + 256]
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def noise(s: Floats, t: Floats, scale: float, seed: int = 0) -> Floats:
    """Soft noise with features of about `scale`; nearest texel, cheap."""
    tile = _noise_tile(seed % 4)
    u = (s / scale * 16 + seed * 37).astype(np.int64) % 256
    v = (t / scale * 16 + seed * 91).astype(np.int64) % 256
    return tile[u, v]


def paint(cloth: Fabric, s: Floats, t: Floats) -> Floats:
    """Colours [..., 3] of a fabric at the places s, t."""
    base, second, third, fourth = (np.array(c) for c in cloth.colours)
    out = np.broadcast_to(base, (*s.shape, 3)).copy()
    if cloth.kind != "plain":
        _pattern(cloth, s, t, out, (second, third, fourth))
    grain = 1 + cloth.weave * noise(s, t, 0.012, int(cloth.phase * 10))
    grain += 0.012 * noise(s, t, 0.25, int(cloth.phase * 7))
    return np.asarray(np.clip(out * grain[..., None], 0, 1))


def _blend(out: Floats, colour: Floats, share: Floats) -> None:
    out += (colour - out) * share[..., None]


def _pattern(cloth: Fabric, s: Floats, t: Floats, out: Floats, extra: tuple[Floats, ...]) -> None:
    second, third, fourth = extra
    cos, sin = np.cos(cloth.turn), np.sin(cloth.turn)
    if cloth.kind in ("stripes", "knit"):
        cos, sin = (1.0, 0.0) if cloth.turn < 0.5 else (0.0, 1.0)
    u, v = (s * cos - t * sin) / cloth.size + cloth.phase, (s * sin + t * cos) / cloth.size
    fu, fv = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    cell = (np.floor(u) * 7 + np.floor(v) * 13).astype(np.int64) % 3
    radius = np.hypot(fu, fv)
    if cloth.kind in ("stripes", "diagonal"):
        out[fv > 0.05] = second
        if cloth.phase > 5:
            out[np.abs(fv) > 0.42] = third
    elif cloth.kind == "dots":
        out[radius < 0.26] = second
    elif cloth.kind == "rings":
        out[(radius < 0.4) & (radius > 0.25)] = second
    elif cloth.kind == "checks":
        out[(fu > 0) ^ (fv > 0)] = second
    elif cloth.kind in ("prints", "stars"):
        turn = np.arctan2(fv, fu)
        points = 5 if cloth.kind == "stars" else 3
        shape = radius < 0.22 + 0.13 * np.cos(points * turn + cell)
        for number, shade in enumerate((second, third, fourth)):
            out[shape & (cell == number)] = shade
    elif cloth.kind == "knit":
        out *= (0.86 + 0.14 * np.cos(2 * np.pi * v * 4))[..., None]
    else:  # noise, melange
        # A mottled print, or threads of three colours that no eye tells apart from a step away.
        fine = cloth.kind == "melange"
        blotch = noise(s, t, cloth.size * (0.35 if fine else 1.2), int(cloth.phase * 5))
        _blend(out, second, 0.8 * np.clip((blotch - 0.1) / 0.6, 0, 1))
        if fine:
            _blend(out, third, 0.8 * np.clip((-0.3 - blotch) / 0.6, 0, 1))


def in_infrared(texture: NDArray[np.uint8], level: float, faint: float = 0.6) -> NDArray[np.uint8]:
    """Dyes are clear in the near infra-red: what is left of a pattern is `faint`, and how bright a
    cloth is (`level`) its fibres decide and not its colour.
    """
    red, green, blue = cv2.split(texture)
    light = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    table = level * (255 * (1 - faint) + faint * np.arange(256))
    grey = np.minimum(table, 250).astype(np.uint8)[light]
    return np.asarray(cv2.merge([grey] * 3), np.uint8)


def wood(rng: Rng) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(
        rng.uniform(0.05, 0.12), rng.uniform(0.05, 0.65), rng.uniform(0.25, 1.0)
    )
