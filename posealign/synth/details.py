"""Small things that tell a baby from a doll, and its front from its back: nipples, navel, creases
of chubby limbs, the furrow of the spine; collars, plackets, cuffs, prints and folds of clothes.

They are painted on the texture, so a picture costs no more for them.
Shapes: S texture size; angles around a bone in radians, 0 the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.synth import atlas
from posealign.synth.body import BONES, mean_infant
from posealign.synth.pattern import Fabric, noise
from posealign.synth.surface import Floats

Rng = np.random.Generator
TORSO_RADIUS = 0.052  # metres around which angles of the trunk are paced off


@dataclass(frozen=True)
class Map:
    """The texture's own coordinates. `angle`: of the cylinder the bone's skin is unrolled from."""

    angle_SS: Floats
    share_SS: Floats
    trunk_SS: NDArray[np.bool_]


@cache
def _map() -> Map:
    grid, local = atlas.texels(), atlas.local()
    radius = local.radius_B[np.maximum(grid.bone_SS, 0)]
    share, _ = atlas.share_along()
    trunk = np.isin(grid.bone_SS, (BONES.index("chest"), BONES.index("pelvis")))
    return Map(grid.s_SS / radius, share, trunk)


@dataclass(frozen=True)
class Patch:
    """The texels [K] of some bones, flat, and where on their bones they lie."""

    texel_K: NDArray[np.intp]
    angle_K: Floats
    share_K: Floats


@cache
def _patch(*kinds: str) -> Patch:
    texel, place = np.flatnonzero(_bone(*kinds)), _map()
    return Patch(texel, place.angle_SS.ravel()[texel], place.share_SS.ravel()[texel])


@cache
def _bone(*kinds: str) -> NDArray[np.bool_]:
    numbers = [k for k, name in enumerate(BONES) if name.endswith(kinds)]
    return np.isin(atlas.texels().bone_SS, numbers)


def _off(angle: Floats, at: float) -> Floats:
    return np.asarray((angle - at + np.pi) % (2 * np.pi) - np.pi)


def _dab(image: Floats, texel_K: NDArray[np.intp], alpha_K: Floats, colour: Floats) -> None:
    some = alpha_K > 0.01
    flat, texel, alpha = image.reshape(-1, 3), texel_K[some], np.minimum(alpha_K[some], 1)
    flat[texel] += (colour - flat[texel]) * alpha[:, None]


def _bump(distance: Floats, width: float) -> Floats:
    return np.asarray(np.exp(-((distance / width) ** 2)))


def paint_skin(rng: Rng, image: Floats, skin: Floats) -> None:
    """The bare body's marks, under whatever is worn."""
    trunk, torso = _patch("chest", "pelvis"), mean_infant()["torso"]
    angle, height = trunk.angle_K, trunk.share_K
    # The trunk's share counts from the hips upwards.
    up = height * torso
    areola = skin * [0.80, 0.58, 0.55]

    def dab(alpha_K: Floats, colour: Floats) -> None:
        _dab(image, trunk.texel_K, alpha_K, colour)

    for side in (-1, 1):
        across = _off(angle, side * 0.60) * TORSO_RADIUS
        far = np.hypot(across, up - 0.80 * torso)
        dab(0.75 * np.clip((0.0085 - far) / 0.003, 0, 1), areola)
        dab(0.6 * np.clip((0.003 - far) / 0.002, 0, 1), areola * 0.8)
        blade = _off(angle, side * (np.pi - 0.75)) * TORSO_RADIUS + 0.25 * (up - 0.8 * torso) * side
        dab(0.28 * _bump(blade, 0.006) * _bump(height - 0.78, 0.16), skin * 0.55)
        bone = up - (1.0 * torso - 0.10 * torso * np.cos(2.2 * angle))
        dab(0.22 * _bump(bone, 0.005) * _bump(angle - side * 0.55, 0.5), skin * 0.6)
    front = _bump(angle, 0.9)
    navel = np.hypot(angle * TORSO_RADIUS, up - 0.30 * torso)
    dab(0.35 * _bump(navel, 0.012), skin * [0.75, 0.58, 0.52])
    dab(0.85 * np.clip((0.0052 - navel) / 0.003, 0, 1), skin * [0.42, 0.28, 0.24])
    ribs = up - (0.55 * torso - 0.12 * torso * np.cos(1.6 * angle))
    dab(0.20 * _bump(ribs, 0.010) * front, skin * [0.72, 0.58, 0.52])
    spine = np.abs(_off(angle, np.pi)) * TORSO_RADIUS
    dab(0.42 * _bump(spine, 0.006) * _bump(height - 0.5, 0.45), skin * 0.55)
    _creases(rng, image, skin)


def _creases(rng: Rng, image: Floats, skin: Floats) -> None:
    """Rings where chubby limbs fold."""
    body = mean_infant()
    chubby = rng.uniform(0.5, 1.0)
    shade = skin * [0.66, 0.46, 0.40]
    for kind, shares in (("forearm", (0.02, 0.94)), ("upper_arm", (0.55, 0.98)),
                         ("thigh", (0.04, 0.42, 0.97)), ("shank", (0.03, 0.93))):  # fmt: skip
        own, length = _patch(kind), body[kind]
        for share in shares:
            wave = 0.004 * np.sin(own.angle_K * 2 + rng.uniform(0, 6))
            off = (own.share_K - share) * length + wave
            inner = 0.65 + 0.35 * np.cos(own.angle_K + rng.uniform(-0.6, 0.6))
            _dab(image, own.texel_K, 0.5 * chubby * inner * _bump(off, 0.0022), shade)


def paint_garment(
    rng: Rng, image: Floats, inside: NDArray[np.bool_], name: str, cloth: Fabric,
    reach: dict[str, tuple[float, float]],
) -> None:  # fmt: skip
    """Hems, an opening, a print and folds on cloth that is painted already."""
    place, body = _map(), mean_infant()
    trim = np.array(cloth.colours[1]) if rng.random() < 0.5 else np.array(cloth.colours[0]) * 0.8
    for kind in ("upper_arm", "forearm", "thigh", "shank"):
        high = reach.get(kind, (0, 9))[1]
        if not 0.05 < high < 1.5:
            continue
        rim = inside & _bone(kind) & (place.share_SS > high - 0.012 / body[kind])
        image[rim] = trim * 0.95
    if name in ("sleepsuit", "body", "shirt"):
        _front(rng, image, inside, name, cloth, trim)
    elif name == "nappy":
        _nappy(image, inside, cloth)
    _folds(rng, image, inside, 1.0 if name != "socks" else 0.5)


def _front(
    rng: Rng, image: Floats, inside: NDArray[np.bool_], name: str, cloth: Fabric, trim: Floats
) -> None:
    place, torso = _map(), mean_infant()["torso"]
    up, across = place.share_SS * torso, place.angle_SS * TORSO_RADIUS
    own = inside & place.trunk_SS
    base = np.array(cloth.colours[0])
    collar = own & (up > 1.005 * torso - 0.07 * torso * np.cos(place.angle_SS))
    image[collar] = trim * 0.9
    opens = rng.random()
    if name == "sleepsuit" or opens < 0.5:
        lean = across + (rng.uniform(-0.25, 0.25) * up if name == "sleepsuit" else 0.0)
        low = 0.0 if name == "sleepsuit" else 0.55 * torso
        strip = own & (up > low)
        image[strip & (np.abs(lean) < 0.006)] *= 0.93
        image[strip & (np.abs(np.abs(lean) - 0.0065) < 0.0011)] *= 0.62
        knob = np.hypot(lean, (up % 0.028) - 0.014)
        popper = np.array([0.92, 0.92, 0.90]) if base.mean() < 0.7 else np.array([0.45, 0.45, 0.5])
        image[strip & (knob < 0.0034)] = popper
    elif opens < 0.85:
        at = np.hypot(across, up - 0.68 * torso)
        turn = np.arctan2(up - 0.68 * torso, across)
        radius = rng.uniform(0.020, 0.032)
        lobes = radius * (1 + rng.uniform(0, 0.25) * np.cos(int(rng.integers(1, 6)) * turn))
        image[own & (at < lobes)] = np.array(cloth.colours[2])
        image[own & (at < 0.55 * lobes)] = np.array(cloth.colours[3])


def _nappy(image: Floats, inside: NDArray[np.bool_], cloth: Fabric) -> None:
    place, torso = _map(), mean_infant()["torso"]
    up = place.share_SS * torso
    trunk = inside & place.trunk_SS
    tab = np.abs(np.abs(place.angle_SS) - 0.62) * TORSO_RADIUS
    image[trunk & (tab < 0.013) & (np.abs(up - 0.17 * torso) < 0.008)] = np.array(cloth.colours[1])
    gathers = 1 - 0.14 * (np.sin(place.angle_SS * 40) > 0.2)
    rim = (trunk & (up > 0.20 * torso)) | (inside & _bone("thigh"))
    image[rim] *= gathers[rim][:, None]


def _folds(rng: Rng, image: Floats, inside: NDArray[np.bool_], strength: float) -> None:
    """Dark valleys and bright crests, more of them at joints."""
    grid, share = atlas.texels(), _map().share_SS
    s, t = grid.s_SS[inside], grid.t_SS[inside]
    bend = noise(s, t, 0.09, int(rng.integers(99)))
    ridge = 1 - np.abs(noise(s * 0.6, t * 1.5, 0.055, int(rng.integers(99))) + 0.5 * bend)
    own = share[inside]
    near = np.minimum(np.abs(own - 1), np.abs(own))
    busy = 0.55 + 0.75 * np.exp(-((near / 0.22) ** 2))
    dark = strength * busy * (0.20 * np.clip(ridge - 0.45, 0, 1) ** 1.3 / 0.45)
    light = strength * 0.05 * bend
    image[inside] *= np.clip(1 - dark + light, 0.6, 1.15)[:, None]
