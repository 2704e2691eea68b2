"""Points on the body that no skeleton has, each with words: "the belly button", "the middle of
the left forearm". They are labels for the open vocabulary.

A place lies on the skin at a share of its bone's length and an angle around it, or inside a limb
on its axis. Angles in degrees: 0 the front, ±90 the sides, 180 the back. Shapes: K places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.synth.body import BONES, Body, Frames, mean_infant
from posealign.synth.stage import NEAR, Camera, Rendered
from posealign.synth.surface import Floats

TRUNK = ("chest", "pelvis")
DEEP = {"upper_arm": "r_upper_arm", "forearm": "r_forearm", "thigh": "r_thigh", "shank": "r_calf"}


@dataclass(frozen=True)
class Place:
    """`share`: down the bone, 0 at its joint, 1 at its end; on the trunk the height above the
    hips over the trunk's length; on the head metres below the ears' middle. `angle` None: on the
    bone's axis, under the skin.
    """

    name: str
    bone: str
    share: float
    angle: float | None
    en: tuple[str, ...]
    zh: tuple[str, ...]

    @property
    def shown_by(self) -> tuple[str, ...]:
        return TRUNK if self.bone in TRUNK else (self.bone,)


# name, bone, share, angle of the right side's (mirrored for the left), words.
_SIDED: tuple[tuple[str, str, float, float | None, tuple[str, ...], tuple[str, ...]], ...] = (
    ("mid_upper_arm", "upper_arm", 0.5, None,
     ("the middle of the {s} upper arm", "halfway down the {s} upper arm"),
     ("{s}上臂中间", "{s}上臂的中点")),
    ("biceps", "upper_arm", 0.5, 0.0,
     ("the {s} biceps", "the front of the {s} upper arm"), ("{s}肱二头肌", "{s}上臂前面")),
    ("triceps", "upper_arm", 0.5, 180.0,
     ("the back of the {s} upper arm", "the {s} triceps"), ("{s}上臂后面", "{s}肱三头肌")),
    ("mid_forearm", "forearm", 0.5, None,
     ("the middle of the {s} forearm", "halfway between the {s} elbow and wrist"),
     ("{s}前臂中间", "{s}前臂的中点", "{s}小臂中间")),
    ("upper_forearm", "forearm", 0.25, None,
     ("just below the {s} elbow", "the upper part of the {s} forearm"),
     ("{s}肘下方", "{s}前臂上部")),
    ("lower_forearm", "forearm", 0.78, None,
     ("just above the {s} wrist", "the lower part of the {s} forearm"),
     ("{s}手腕上方", "{s}前臂下部")),
    ("back_of_hand", "hand", 0.38, 90.0,
     ("the back of the {s} hand",), ("{s}手背",)),
    ("mid_thigh", "thigh", 0.5, None,
     ("the middle of the {s} thigh", "halfway between the {s} hip and knee"),
     ("{s}大腿中间", "{s}大腿的中点")),
    ("front_thigh", "thigh", 0.5, 0.0,
     ("the front of the {s} thigh",), ("{s}大腿前面",)),
    ("back_thigh", "thigh", 0.5, 180.0,
     ("the back of the {s} thigh", "the {s} hamstrings"), ("{s}大腿后面",)),
    ("inner_thigh", "thigh", 0.5, -90.0,
     ("the inner side of the {s} thigh", "the {s} inner thigh"), ("{s}大腿内侧",)),
    ("outer_thigh", "thigh", 0.5, 90.0,
     ("the outer side of the {s} thigh", "the {s} outer thigh"), ("{s}大腿外侧",)),
    ("mid_shank", "shank", 0.5, None,
     ("the middle of the {s} lower leg", "halfway between the {s} knee and ankle"),
     ("{s}小腿中间", "{s}小腿的中点")),
    ("shin", "shank", 0.45, 0.0, ("the {s} shin", "the front of the {s} lower leg"),
     ("{s}胫骨", "{s}小腿前面")),
    ("calf", "shank", 0.35, 180.0, ("the {s} calf", "the back of the {s} lower leg"),
     ("{s}小腿肚", "{s}小腿后面")),
    ("sole", "foot", -0.22, 180.0, ("the sole of the {s} foot", "the {s} sole"),
     ("{s}脚底", "{s}脚掌")),
    ("instep", "foot", -0.25, 0.0, ("the top of the {s} foot", "the {s} instep"),
     ("{s}脚背",)),
    ("nipple", "chest", 0.80, 34.0, ("the {s} nipple", "the {s} side of the chest"),
     ("{s}乳头", "{s}胸")),
    ("flank", "chest", 0.42, 90.0, ("the {s} side of the waist", "the {s} flank"),
     ("{s}侧腰", "{s}腰侧")),
    ("shoulder_blade", "chest", 0.82, 145.0, ("the {s} shoulder blade",), ("{s}肩胛骨",)),
    ("buttock", "pelvis", 0.0, 150.0, ("the {s} buttock", "the {s} side of the bottom"),
     ("{s}臀部", "{s}屁股")),
    ("cheek", "head", 0.023, 32.0, ("the {s} cheek",), ("{s}脸颊", "{s}腮")),
    ("temple", "head", -0.012, 62.0, ("the {s} temple",), ("{s}太阳穴",)),
)  # fmt: skip
_MIDDLE = (
    Place("belly_button", "pelvis", 0.30, 0.0, ("the belly button", "the navel"),
          ("肚脐", "肚脐眼")),
    Place("belly", "chest", 0.45, 0.0, ("the upper belly", "the pit of the stomach"),
          ("上腹部", "心窝")),
    Place("breastbone", "chest", 0.80, 0.0, ("the middle of the chest", "the breastbone"),
          ("胸口", "胸骨", "胸部正中")),
    Place("upper_back", "chest", 0.80, 180.0, ("the upper back", "between the shoulder blades"),
          ("上背部", "两肩胛骨之间")),
    Place("lower_back", "pelvis", 0.28, 180.0, ("the lower back", "the small of the back"),
          ("下背部", "后腰")),
    Place("forehead", "head", -0.028, 0.0, ("the forehead", "the middle of the forehead"),
          ("额头", "前额", "脑门")),
    Place("back_of_head", "head", -0.010, 180.0, ("the back of the head",),
          ("后脑勺", "头的后面")),
    Place("nape", "head", 0.045, 180.0, ("the nape of the neck", "the nape"),
          ("后颈", "颈后")),
)  # fmt: skip


def _all() -> tuple[Place, ...]:
    out = list(_MIDDLE)
    for side, m, said in (("left", -1.0, "左"), ("right", 1.0, "右")):
        for name, bone, share, angle, en, zh in _SIDED:
            own = bone if bone in (*TRUNK, "head") else f"{side}_{bone}"
            turned = angle if angle is None or angle == 180.0 else m * angle
            out.append(Place(
                f"{side}_{name}", own, share, turned, tuple(t.format(s=side) for t in en),
                tuple(t.format(s=said) for t in zh),
            ))  # fmt: skip
    return tuple(out)


PLACES = _all()
PLACE_NAMES = tuple(place.name for place in PLACES)


def book() -> dict[str, Mapping[str, list[str]]]:
    """Every place's words by language, as written beside the shards."""
    return {place.name: {"en": list(place.en), "zh": list(place.zh)} for place in PLACES}


@cache
def vertices() -> NDArray[np.int64]:
    """The template's vertex nearest to each place on the skin [K]; -1 for those on an axis."""
    from posealign.synth import atlas  # noqa: PLC0415 - builds the skin
    from posealign.synth.skin import template  # noqa: PLC0415

    plan, local = template(), atlas.local()
    share_N, body = atlas.share_along()[1], mean_infant()
    length = {"upper_arm": "upper_arm", "forearm": "forearm", "thigh": "thigh", "shank": "shank",
              "hand": "hand_length", "foot": "foot_length"}  # fmt: skip
    out = np.full(len(PLACES), -1)
    for number, place in enumerate(PLACES):
        if place.angle is None:
            continue
        own = np.isin(plan.part_N, [BONES.index(bone) for bone in place.shown_by])
        rows = np.flatnonzero(own)
        kind = place.bone.rpartition("_")[2] if place.bone not in TRUNK else place.bone
        kind = "upper_arm" if kind == "arm" else kind
        metres = 1.0 if kind == "head" else body["torso" if kind in TRUNK else length[kind]]
        turn = local.angle_N[rows] - np.deg2rad(place.angle)
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        around = turn * local.radius_B[BONES.index(place.bone)]
        along = (share_N[rows] - place.share) * metres
        out[number] = rows[np.argmin(around**2 + along**2)]
    return out


def locate(body: Body, frames: Frames, vertices_N3: Floats) -> Floats:
    """All places [K, 3] in the world; NaN where the body has no such part."""
    index = vertices()
    out = np.asarray(vertices_N3[np.maximum(index, 0)], float)
    for number, place in enumerate(PLACES):
        if place.bone in body.missing:
            out[number] = np.nan
        elif place.angle is None:
            long = body[place.bone.partition("_")[2]]
            out[number] = frames.place(place.bone, np.array([[0.0, 0.0, -place.share * long]]))[0]
    return out


@cache
def _shown() -> NDArray[np.bool_]:
    return np.array([[bone in place.shown_by for bone in BONES] for place in PLACES])


@cache
def _depths() -> NDArray[np.int64]:
    """Which of the limbs of DEEP a place lies in, from 1; 0 for places on the skin [K]."""
    limbs = ["", *DEEP]
    return np.array(
        [limbs.index(p.bone.partition("_")[2]) if p.angle is None else 0 for p in PLACES]
    )


def look(
    body: Body, points_world_K3: Floats, camera: Camera, drawn: Rendered, own_first: int
) -> dict[str, list[float]]:
    """Places in the picture: name → x, y, metres from the camera, state (1 occluded, 2 visible).

    A place on the skin is visible where its bone's surface is drawn at its depth, one on an axis
    where its bone's skin is drawn no farther before it than the limb is thick.
    """
    points_K3 = camera.to_camera(points_world_K3)
    points_K2 = camera.project(points_K3)
    real = np.isfinite(points_K2).all(1) & (points_K3[:, 2] > NEAR)
    pixel = np.rint(np.where(real[:, None], points_K2, -9)).astype(np.int64)
    inside = (pixel >= 0).all(1) & (pixel < [camera.width, camera.height]).all(1)
    at = np.flatnonzero(inside)
    column, row = pixel[at].T
    bone = drawn.parts_HW[row, column].astype(np.int64) - own_first
    before = points_K3[at, 2] - drawn.depth_HW[row, column].astype(np.float64)
    thick = np.array([0.008, *(1.6 * body[girth] for girth in DEEP.values())])[_depths()[at]]
    own = (bone >= 0) & (bone < len(BONES))
    seen = own & _shown()[at, np.where(own, bone, 0)] & (before <= thick)
    states = np.where(seen, float(State.VISIBLE), float(State.OCCLUDED)).tolist()
    rows = zip(at.tolist(), points_K2[at].tolist(), points_K3[at, 2].tolist(), states, strict=True)
    return {
        PLACE_NAMES[number]: [round(x, 2), round(y, 2), round(z, 4), state]
        for number, (x, y), z, state in rows
    }


__all__ = ["PLACES", "PLACE_NAMES", "Place", "book", "locate", "look", "vertices"]
