"""What a person wears and how skin, face and hair look: a texture and a thickness a vertex."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.synth import atlas, details, pattern
from posealign.synth.body import BONES, SIDES
from posealign.synth.face import hat_line, paint_head
from posealign.synth.held_out import draw
from posealign.synth.pattern import Fabric, fabric, noise, paint
from posealign.synth.skin import template
from posealign.synth.surface import Floats

Rng = np.random.Generator
TONES = (
    (0.93, 0.76, 0.69), (0.90, 0.70, 0.61), (0.86, 0.64, 0.53), (0.76, 0.54, 0.42),
    (0.66, 0.47, 0.37), (0.53, 0.37, 0.29), (0.43, 0.30, 0.24),
)  # fmt: skip
# From where to where along a bone a garment reaches; the trunk counts from the hips upwards.
_LIMBS = ("upper_arm", "forearm", "thigh", "shank")


@dataclass(frozen=True)
class Garment:
    """`reach` maps a bone without side to (from, to) along it; `thick` in metres."""

    name: str
    reach: dict[str, tuple[float, float]]
    fabric: Fabric
    thick: float
    wrinkle: float


@dataclass(frozen=True)
class Look:
    """`covered` are bones wholly inside cloth (mittens, socks), `hat` covers the ears; `bare` has a
    bit for every texel that is skin or hair.
    """

    texture: NDArray[np.uint8]
    offset_N: Floats
    covered: frozenset[str]
    hat: bool
    dark_cloth: bool
    garments: tuple[str, ...]
    tone: tuple[float, float, float]
    bare: NDArray[np.uint8]


def in_infrared(look: Look, level: float) -> NDArray[np.uint8]:
    """The texture by near infra-red: skin of every tone is pale and smooth, lips are hardly darker,
    hair is a middle grey; cloth is as bright as `level` says, whatever its dye.
    """
    h, w = look.texture.shape[:2]
    bare = np.unpackbits(look.bare, count=h * w).reshape(h, w)
    red, green, blue = cv2.split(look.texture)
    total = red.astype(np.uint16) + green + blue
    tone = float(np.mean(look.tone))
    grey = np.arange(766, dtype=np.float32) / np.float32(3 * 255 * tone)
    skin_level = 0.70 + 0.12 * min(1.0, tone / 0.7)
    pale = (np.minimum(skin_level * grey**0.75, 0.97) * 255).astype(np.uint8)  # by a texel's sum
    skin = cv2.merge([pale[total]] * 3)
    out = pattern.in_infrared(look.texture, level)
    return np.asarray(cv2.copyTo(skin, bare, out), np.uint8)


_TRUNK = {"chest": (-9.0, 1.055), "pelvis": (-9.0, 9.0)}
_SLEEVES, _LEGS = (
    {"upper_arm": (-9.0, 9.0), "forearm": (-9.0, 0.93)},
    {"thigh": (-9.0, 9.0), "shank": (-9.0, 0.95)},
)


def dress(rng: Rng, split: str, role: str = "infant", bare: float = 0.28) -> tuple[Garment, ...]:
    """Draw clothes: a sleepsuit, a body, shirt and trousers, or a nappy alone."""
    if role == "adult":
        top = Garment(
            "shirt",
            _TRUNK | ({"upper_arm": (-9, 0.75)} if rng.random() < 0.6 else _SLEEVES),
            fabric(rng, split, 0.6),
            0.005,
            0.0014,
        )
        legs = Garment(
            "trousers", {"pelvis": (-9, 0.2), **_LEGS}, fabric(rng, split, 0.7), 0.006, 0.0014
        )
        return top, legs
    out: list[Garment] = []
    nappy_fabric = Fabric("plain", ((0.95, 0.95, 0.96),) * 4, 0.03, 0, 0, 0.02)
    if rng.random() < 0.6:
        nappy_fabric = Fabric(
            "prints", ((0.95, 0.95, 0.96), *fabric(rng, split).colours[1:]), 0.03, 0.4, 1.0, 0.02
        )
    nappy = Garment(
        "nappy", {"pelvis": (-9, 0.24), "thigh": (-9, 0.10)}, nappy_fabric, 0.008, 0.002
    )
    cloth, loose = fabric(rng, split), rng.uniform(0.003, 0.008)
    wrinkle = rng.uniform(0.0012, 0.003)
    kind = rng.choice(
        ["bare", "sleepsuit", "body", "shirt"], p=[bare, 0.40, 0.20, 0.12 + 0.28 - bare]
    )
    if kind == "bare":
        return (nappy,)
    if kind == "sleepsuit":
        reach = _TRUNK | _SLEEVES | _LEGS
        if rng.random() < 0.55:
            reach = reach | {"shank": (-9, 9), "foot": (-9, 9)}
        out.append(Garment("sleepsuit", reach, cloth, loose, wrinkle))
    elif kind == "body":
        sleeve = float(rng.choice([0.35, 0.7]))
        out += [
            nappy,
            Garment(
                "body", _TRUNK | {"upper_arm": (-9, sleeve)}, cloth, loose * 0.6, wrinkle * 0.7
            ),
        ]
    else:
        out.append(
            Garment(
                "shirt",
                _TRUNK | (_SLEEVES if rng.random() < 0.6 else {"upper_arm": (-9, 0.8)}),
                cloth,
                loose,
                wrinkle,
            )
        )
        long = rng.random() < 0.6
        below = _LEGS if long else {"thigh": (-9.0, 0.8)}
        out.append(
            Garment("trousers", {"pelvis": (-9, 0.22), **below}, fabric(rng, split), loose, wrinkle)
        )
    feet_free = all("foot" not in g.reach for g in out)
    if feet_free and rng.random() < 0.4:
        out.append(
            Garment(
                "socks",
                {"foot": (-9, 9), "shank": (0.72, 9)},
                fabric(rng, split, 0.5),
                0.003,
                0.0008,
            )
        )
    if rng.random() < 0.08:
        out.append(Garment("mittens", {"hand": (-9, 9)}, fabric(rng, split, 0.6), 0.004, 0.001))
    return tuple(out)


def _covers(garment: Garment, bone: NDArray[np.integer], share: Floats) -> NDArray[np.bool_]:
    out = np.zeros(bone.shape, bool)
    for number, name in enumerate(BONES):
        kind = name.removeprefix("left_").removeprefix("right_")
        if kind in garment.reach:
            low, high = garment.reach[kind]
            out |= (bone == number) & (share >= low) & (share <= high)
    return out


@cache
def _shares() -> tuple[Floats, Floats]:
    return atlas.share_along()


def _folds(rng: Rng) -> Floats:
    """Wrinkles in −1 … 1 over the rest surface: a few warped waves."""
    rest = template().rest_N3
    total = np.zeros(len(rest))
    for _ in range(3):
        wave = rng.normal(0, 1, 3)
        wave *= 2 * np.pi / rng.uniform(0.03, 0.07) / np.linalg.norm(wave)
        warp = rng.normal(0, 1, 3) * 2 * np.pi / 0.12
        total += np.sin(rest @ wave + 1.6 * np.sin(rest @ warp) + rng.uniform(0, 6))
    return np.asarray(np.sign(total) * np.abs(total / 3) ** 1.3)


def make(
    rng: Rng,
    garments: tuple[Garment, ...],
    split: str,
    tone: tuple[float, float, float] | None = None,
    adult: bool = False,
) -> Look:
    """Paint the texture and lay on the cloth."""
    grid, plan = atlas.texels(), template()
    share_SS, share_N = _shares()
    if tone is None:
        base = np.array(
            TONES[int(rng.choice(len(TONES), p=[0.18, 0.18, 0.16, 0.14, 0.13, 0.12, 0.09]))]
        )
        shade = draw(split, "tone", lambda: rng.uniform(0.92, 1.05))
        flush = rng.uniform(-0.02, 0.05) * base.mean()  # newborns are red
        tone = tuple(np.clip(base * shade + [flush, -0.3 * flush, -0.3 * flush], 0, 1))
    skin = np.array(tone)
    mottle = noise(grid.s_SS, grid.t_SS, 0.05, int(rng.integers(99)))
    fine = noise(grid.s_SS, grid.t_SS, 0.012, int(rng.integers(99)))
    pink = np.array([0.02, -0.018, -0.015]) * skin.mean() ** 1.5 * 1.4  # pigment hides blood
    image: Floats = (skin * (1 + 0.025 * fine[..., None]) + mottle[..., None] * pink).astype(
        np.float32
    )
    for number, name in enumerate(BONES):  # hands, feet and knees are pinker
        if name.endswith(("hand", "foot")):
            image[grid.bone_SS == number] += 1.6 * pink
    touch = rng.spawn(1)[0]  # its own dice, so that details leave cloth and labels as they are
    details.paint_skin(touch, image, skin)
    bare = np.ones(image.shape[:2], bool)
    offset = np.zeros(len(plan.rest_N3))
    covered: set[str] = set()
    folds = _folds(rng)
    for garment in garments:
        inside = _covers(garment, grid.bone_SS, share_SS)
        image[inside] = paint(garment.fabric, grid.s_SS[inside], grid.t_SS[inside])
        details.paint_garment(touch, image, inside, garment.name, garment.fabric, garment.reach)
        bare[inside] = False
        on = _covers(garment, plan.part_N, share_N)
        offset[on] = np.maximum(offset[on], garment.thick + garment.wrinkle * folds[on])
        covered |= {f"{s}_{k}" for s in SIDES for k in ("hand", "foot") if k in garment.reach}
    hat = fabric(rng, split, 0.5) if not adult and rng.random() < 0.16 else None
    x, y, w, h = atlas.CELLS["head"]
    cell = (slice(y, y + h), slice(x, x + w))
    image[cell] = paint_head(rng, image[cell], skin, hat, adult)
    if hat is not None:
        bare[cell] &= hat_line(grid.head_cm) <= 0
        block = plan.blocks["head"].span
        offset[block] += np.where(_under_hat(plan.rest_N3[block] * 100), 0.006, 0.0)
    texture = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    dark = bool(garments) and float(np.mean(garments[0].fabric.colours[0])) < 0.3
    return Look(texture, offset.astype(np.float32), frozenset(covered), hat is not None, dark,
                tuple(g.name for g in garments), (skin[0], skin[1], skin[2]),
                np.packbits(bare))  # fmt: skip


def _under_hat(cm_N3: Floats) -> NDArray[np.bool_]:
    return hat_line(cm_N3) > 0
