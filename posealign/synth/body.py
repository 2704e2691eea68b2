"""A body in numbers: sizes from anthropometry, bones, joint axes, round-cone flesh.

Body frame in the anatomical neutral pose: x to the person's right, y forward, z towards the head;
metres. A bone's frame sits in its proximal joint. Hands hang with the palm towards the thigh.
Shapes: B bones, Q degrees of freedom, G round cones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy import facts
from posealign.errors import InvalidInput
from posealign.synth.held_out import draw

Floats = NDArray[np.floating[Any]]
SIDES = ("left", "right")
BONES = (
    "pelvis", "chest", "head",
    *(f"{side}_{bone}" for side in SIDES
      for bone in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")),
)  # fmt: skip
PARENT = {
    "pelvis": None, "chest": "pelvis", "head": "chest",
    **{f"{s}_{child}": parent.format(s=s) for s in SIDES for child, parent in (
        ("upper_arm", "chest"), ("forearm", "{s}_upper_arm"), ("hand", "{s}_forearm"),
        ("thigh", "pelvis"), ("shank", "{s}_thigh"), ("foot", "{s}_shank"))},
}  # fmt: skip


@dataclass(frozen=True)
class Dof:
    """One hinge: its bone, its axis in the bone's frame and the fact that limits it."""

    name: str
    bone: str
    axis: tuple[float, float, float]
    fact: str


def _dofs() -> tuple[Dof, ...]:
    rows = [
        Dof("trunk_flexion", "chest", (-1, 0, 0), "trunk_flexion"),
        Dof("trunk_lateral", "chest", (0, 1, 0), "trunk_lateral"),
        Dof("trunk_axial", "chest", (0, 0, -1), "trunk_axial"),
        Dof("neck_rotation", "head", (0, 0, -1), "neck_rotation"),
        Dof("neck_flexion", "head", (-1, 0, 0), "neck_flexion"),
        Dof("neck_lateral", "head", (0, 1, 0), "neck_lateral"),
    ]
    for side, m in (("left", -1.0), ("right", 1.0)):
        for name, bone, axis, fact in (
            ("shoulder_flexion", "upper_arm", (1, 0, 0), "shoulder_flexion"),
            ("shoulder_abduction", "upper_arm", (0, -m, 0), "shoulder_abduction"),
            ("shoulder_rotation", "upper_arm", (0, 0, -m), "shoulder_rotation_er_pos"),
            ("elbow_flexion", "forearm", (1, 0, 0), "elbow_flexion"),
            ("forearm_supination", "hand", (0, 0, -m), "forearm_supination_pos"),
            ("wrist_flexion", "hand", (0, m, 0), "wrist_flexion"),
            ("wrist_ulnar", "hand", (-1, 0, 0), "wrist_ulnar_pos"),
            ("hip_flexion", "thigh", (1, 0, 0), "hip_flexion"),
            ("hip_abduction", "thigh", (0, -m, 0), "hip_abduction"),
            ("hip_rotation", "thigh", (0, 0, -m), "hip_rotation_er_pos"),
            ("knee_flexion", "shank", (-1, 0, 0), "knee_flexion"),
            ("ankle_dorsiflexion", "foot", (1, 0, 0), "ankle_dorsiflexion"),
            ("ankle_inversion", "foot", (0, m, 0), "ankle_inversion"),
        ):
            rows.append(Dof(f"{side}_{name}", f"{side}_{bone}", axis, fact))
    return tuple(rows)


DOFS = _dofs()
DOF_INDEX: Mapping[str, int] = {dof.name: index for index, dof in enumerate(DOFS)}


@dataclass(frozen=True)
class RoundCone:
    """Flesh between two spheres, in the frame of its bone."""

    bone: str
    a: tuple[float, float, float]
    b: tuple[float, float, float]
    ra: float
    rb: float


@dataclass(frozen=True)
class Body:
    """Sizes in metres. `missing` names the bones a limb difference took."""

    role: str  # infant | adult
    age_months: float
    stature: float
    size: Mapping[str, float]
    missing: tuple[str, ...] = ()
    seed: int = 0
    extra: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.role not in ("infant", "adult"):
            raise InvalidInput(f"a body is an infant's or an adult's, not {self.role!r}")
        bad = [name for name, value in self.size.items() if not 0 < value < 2]
        if bad or not 0.3 < self.stature < 2.2:
            raise InvalidInput(f"a body of {self.stature} m with impossible {bad}")

    def __getitem__(self, name: str) -> float:
        return self.size[name]

    @cached_property
    def offsets_B3(self) -> Floats:
        """Each bone's joint in its parent's frame."""
        return _offsets(self)

    @cached_property
    def cones(self) -> tuple[RoundCone, ...]:
        return _cones(self)


_SIZES = (
    ("torso", "torso_midshoulder_midhip", "torso"),
    ("shoulders", "shoulder_jc_separation", "torso"),
    ("hips", "hip_jc_separation", "torso"),
    ("head_height", "head_height_vertex_chin", "torso"),
    ("upper_arm", "upper_arm_jc", "upper_arm"),
    ("forearm", "forearm_jc", "forearm"),
    ("thigh", "thigh_jc", "thigh"),
    ("shank", "shank_jc", "shank"),
    ("r_upper_arm", "radius_upper_arm", "capsule_radius"),
    ("r_forearm", "radius_forearm", "capsule_radius"),
    ("r_wrist", "radius_wrist_est", "capsule_radius"),
    ("r_thigh", "radius_thigh", "capsule_radius"),
    ("r_calf", "radius_calf", "capsule_radius"),
    ("r_ankle", "radius_ankle", "capsule_radius"),
    ("pelvis_half", "radius_pelvis_half_breadth", "capsule_radius"),
)
_MEASURED = ("hand_length", "hand_breadth", "foot_length", "foot_breadth")
_LIMB_DIFFERENCES = (
    ("left_hand",), ("right_hand",), ("left_forearm", "left_hand"), ("right_forearm", "right_hand"),
    ("left_foot",), ("right_foot",), ("left_shank", "left_foot"), ("right_shank", "right_foot"),
)  # fmt: skip


def sample_infant(
    rng: np.random.Generator,
    age_months: float | None = None,
    limb_differences: float = 0.015,
    split: str | None = None,
) -> Body:
    """A body with the published spread around the published means for its age; of a split's
    own ages and girths where one is named.
    """
    age = age_months
    if age is None:
        age = draw(split, "age_months", lambda: rng.uniform(0, 18))
    mean, sd = facts.growth("length_cm", age)
    stature = mean + sd * float(np.clip(rng.standard_normal(), -2.5, 2.5))
    # Between the centres of the bins sizes follow the length; before and after them too.
    scale = stature / facts.joint_centre("crown_heel", age)
    cv = facts.facts()["joint_centres_cm"]["cv"]
    fat = draw(split, "fat", lambda: np.clip(rng.normal(0, 1), -2, 2))

    def spread(share: float, own: float) -> float:
        """Part of the published spread is length's and fatness's own; the rest is this bone's."""
        return float(1 + share * own * np.clip(rng.standard_normal(), -2.5, 2.5))

    size = {}
    for name, fact, kind in _SIZES:
        value = facts.joint_centre(fact, age) * scale
        radial = kind == "capsule_radius"
        value *= (1 + 0.06 * fat) * spread(cv[kind], 0.5) if radial else spread(cv[kind], 0.55)
        size[name] = value
    for name in _MEASURED:
        value, value_sd = facts.measured(name, age)
        size[name] = value * scale * spread(value_sd / value, 0.5)
    head, head_sd = facts.growth("head_circumference_cm", age)
    size["head_circumference"] = head + head_sd * float(np.clip(rng.standard_normal(), -2, 2))
    missing: tuple[str, ...] = ()
    if rng.random() < limb_differences:
        missing = _LIMB_DIFFERENCES[int(rng.integers(len(_LIMB_DIFFERENCES)))]
    return Body("infant", age, stature, size, missing, extra={"fat": fat})


def sample_adult(rng: np.random.Generator, split: str | None = None) -> Body:
    table = facts.facts()["adult_over_stature"]
    stature = draw(split, "adult_stature_m", lambda: rng.normal(*table["stature_m"]))
    girth = float(np.clip(rng.normal(1, 0.1), 0.8, 1.3))
    names = {"torso": "torso_midshoulder_midhip", "shoulders": "shoulder_jc_separation",
             "hips": "hip_jc_separation", "upper_arm": "upper_arm_jc", "forearm": "forearm_jc",
             "thigh": "thigh_jc", "shank": "shank_jc", "head_height": "head_height_vertex_chin",
             **{name: name for name in (*_MEASURED, "head_circumference")}}  # fmt: skip
    size = {ours: table[fact] * stature for ours, fact in names.items()}
    radii = {"upper_arm": "r_upper_arm", "forearm": "r_forearm", "wrist": "r_wrist",
             "thigh": "r_thigh", "calf": "r_calf", "ankle": "r_ankle",
             "pelvis_half_breadth": "pelvis_half"}  # fmt: skip
    size |= {ours: table["radius"][fact] * stature * girth for fact, ours in radii.items()}
    return Body("adult", 400.0, stature, size, extra={"fat": (girth - 1) * 10})


@cache
def mean_infant(age_months: float = 5.0) -> Body:
    """The body on which the skin is made; every other body's skin is moved from it."""
    size = {name: facts.joint_centre(fact, age_months) for name, fact, _ in _SIZES}
    size |= {name: facts.measured(name, age_months)[0] for name in _MEASURED}
    size["head_circumference"] = facts.growth("head_circumference_cm", age_months)[0]
    return Body("infant", age_months, facts.growth("length_cm", age_months)[0], size)


def lumbar(body: Body) -> float:
    """The height of the joint between pelvis and chest above the mid-hip."""
    return 0.36 * body["torso"]


def neck_height(body: Body) -> float:
    """The neck joint above the line of the shoulders."""
    return 0.10 * body["torso"] if body.role == "adult" else 0.05 * body["torso"]


def _offsets(body: Body) -> Floats:
    rise = body["torso"] - lumbar(body)
    ankle = 1.15 * body["r_ankle"]
    rows = {
        "pelvis": (0.0, 0.0, 0.0),
        "chest": (0.0, -0.02 * body["torso"], lumbar(body)),
        "head": (0.0, -0.01 * body["torso"], rise + neck_height(body)),
    }
    for side, m in (("left", -1.0), ("right", 1.0)):
        rows |= {
            f"{side}_upper_arm": (m * body["shoulders"] / 2, 0.02 * body["torso"], rise),
            f"{side}_forearm": (0.0, 0.0, -body["upper_arm"]),
            f"{side}_hand": (0.0, 0.0, -body["forearm"]),
            f"{side}_thigh": (m * body["hips"] / 2, 0.0, 0.0),
            f"{side}_shank": (0.0, 0.0, -body["thigh"]),
            f"{side}_foot": (0.0, -0.1 * ankle, -body["shank"]),
        }
    return np.array([rows[bone] for bone in BONES])


def head_centre(body: Body) -> tuple[float, float, float]:
    """The middle between the ears, in the head's frame."""
    up = 0.47 if body.role == "infant" else 0.62
    return (0.0, 0.06 * body["head_height"], up * body["head_height"])


def _cones(body: Body) -> tuple[RoundCone, ...]:
    """Trunk, neck, arms and legs; head, hands and feet have surfaces of their own."""
    t, rise = body["torso"], body["torso"] - lumbar(body)
    adult = body.role == "adult"
    half = body["pelvis_half"]
    deep = (0.56 if adult else 0.72) * half  # half depth of the trunk
    cones = [
        RoundCone(
            "pelvis",
            (-half + deep * 0.86, -0.006, 0.06 * t),
            (half - deep * 0.86, -0.006, 0.06 * t),
            deep * 0.86,
            deep * 0.86,
        ),
        RoundCone(
            "pelvis",
            (-0.25 * half, 0.005, 0.28 * t),
            (0.25 * half, 0.005, 0.28 * t),
            deep * 0.98,
            deep * 0.98,
        ),
        RoundCone(
            "chest",
            (-0.27 * half, 0.10 * deep, 0.10 * t),
            (0.27 * half, 0.10 * deep, 0.10 * t),
            deep * 1.0,
            deep * 1.0,
        ),
        RoundCone(
            "chest",
            (-0.34 * half, 0.0, rise - 0.24 * t),
            (0.34 * half, 0.0, rise - 0.24 * t),
            deep * 0.92,
            deep * 0.92,
        ),
        RoundCone(
            "chest",
            (-0.40 * body["shoulders"], 0.0, rise - 0.06 * t),
            (0.40 * body["shoulders"], 0.0, rise - 0.06 * t),
            0.145 * t,
            0.145 * t,
        ),
        RoundCone(
            "chest",
            (0, 0.0, rise - 0.02 * t),
            (0, 0.0, rise + neck_height(body)),
            0.17 * t,
            0.15 * t if not adult else 0.105 * t,
        ),
        RoundCone(
            "head",
            (0, 0.0, -0.02 * t),
            (0, 0.02 * t, 0.1 * t),
            0.145 * t if not adult else 0.10 * t,
            0.14 * t if not adult else 0.10 * t,
        ),
    ]
    for side, m in (("left", -1.0), ("right", 1.0)):
        cones += _limb_cones(body, side, m, deep)
    return tuple(cone for cone in cones if cone.bone not in body.missing)


def _limb_cones(body: Body, side: str, m: float, deep: float) -> list[RoundCone]:
    arm, fore, thigh, shank = (body[k] for k in ("upper_arm", "forearm", "thigh", "shank"))
    # Blending with the neighbours makes a limb a little thicker again (skin.BLEND).
    thin = 0.0017 * body.stature / 0.63
    ru, rf, rw = (body[k] - thin for k in ("r_upper_arm", "r_forearm", "r_wrist"))
    rt, rc, ra = (body[k] - thin for k in ("r_thigh", "r_calf", "r_ankle"))
    rt *= 1.05
    ua, fa, th, sh = (f"{side}_{k}" for k in ("upper_arm", "forearm", "thigh", "shank"))
    cones = [
        RoundCone(ua, (0, 0, -0.004), (0, 0, -0.45 * arm), 1.1 * ru, 0.98 * ru),
        RoundCone(ua, (0, 0, -0.45 * arm), (0, 0, -arm), 0.98 * ru, 0.86 * ru),
        RoundCone(fa, (0, 0, 0), (0, 0, -0.3 * fore), 0.86 * ru, 0.99 * rf),
        RoundCone(fa, (0, 0, -0.3 * fore), (0, 0, -fore), 0.99 * rf, rw),
        RoundCone(
            "pelvis",
            (m * body["hips"] * 0.52, -0.34 * deep, -0.03 * body["torso"]),
            (m * body["hips"] * 0.52, -0.30 * deep, 0.05 * body["torso"]),
            0.62 * deep,
            0.6 * deep,
        ),
        RoundCone(
            th, (m * 0.12 * rt, 0, 0.0), (m * 0.08 * rt, 0, -0.35 * thigh), 1.1 * rt, 1.03 * rt
        ),
        RoundCone(th, (m * 0.08 * rt, 0, -0.35 * thigh), (0, 0, -thigh), 1.03 * rt, 0.78 * rt),
        RoundCone(sh, (0, 0, 0), (0, -0.12 * rc, -0.35 * shank), 0.80 * rt, 0.99 * rc),
        RoundCone(sh, (0, -0.12 * rc, -0.35 * shank), (0, 0, -shank), 0.99 * rc, ra),
    ]
    if f"{side}_forearm" in body.missing:  # a rounded end below the elbow
        cones.append(RoundCone(ua, (0, 0, -arm), (0, 0, -1.15 * arm), 0.8 * ru, 0.7 * ru))
    if f"{side}_shank" in body.missing:
        cones.append(RoundCone(th, (0, 0, -thigh), (0, 0, -1.12 * thigh), 0.75 * rt, 0.65 * rt))
    return cones


def rotation(axis: tuple[float, float, float], angle: float) -> Floats:
    """Rodrigues; the angle in radians, the axis of length one."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k))


@dataclass(frozen=True)
class Frames:
    """Where every bone is: world = R @ local + p."""

    R_B33: Floats
    p_B3: Floats

    def place(self, bone: str, local_N3: Floats) -> Floats:
        index = BONES.index(bone)
        return np.asarray(local_N3 @ self.R_B33[index].T + self.p_B3[index])

    def moved(self, R: Floats, p: Floats) -> Frames:
        return Frames(R @ self.R_B33, self.p_B3 @ R.T + p)


def forward(
    body: Body, angles_Q: Floats, root_R: Floats | None = None, root_p: Floats | None = None
) -> Frames:
    """Forward kinematics; angles in degrees in the order of DOFS."""
    R_B33, p_B3 = np.zeros((len(BONES), 3, 3)), np.zeros((len(BONES), 3))
    for index, bone in enumerate(BONES):
        own = np.eye(3)
        for number, dof in enumerate(DOFS):
            if dof.bone == bone:
                own = own @ rotation(dof.axis, np.deg2rad(angles_Q[number]))
        parent = PARENT[bone]
        if parent is None:
            R_B33[index] = np.eye(3) if root_R is None else root_R
            p_B3[index] = np.zeros(3) if root_p is None else root_p
        else:
            up = BONES.index(parent)
            R_B33[index] = R_B33[up] @ own
            p_B3[index] = p_B3[up] + R_B33[up] @ body.offsets_B3[index]
    return Frames(R_B33, p_B3)
