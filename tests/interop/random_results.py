"""Results of every kind the model can give: random joints, states, depths, findings, filters."""

from __future__ import annotations

import numpy as np

from posealign.data.pose import Finding, PlacedJoint, Pose, PoseResult, State, Understood
from posealign.skeletons.load import NAMES, skeleton


def random_joint(name: str, random: np.random.Generator, depth: bool, space: bool) -> PlacedJoint:
    state = State(int(random.integers(0, 3)))
    here = state != State.ABSENT
    return PlacedJoint(
        name,
        float(random.normal(300, 500)) if here else None,
        float(random.normal(300, 500)) if here else None,
        state,
        float(random.random() ** 8),
        float(random.exponential(5)) if here else None,
        float(random.normal(0, 1e-3)) if here and depth else None,
        tuple(float(v) for v in random.normal(0, 1, 3)) if here and depth and space else None,  # type: ignore[arg-type]
    )


def random_result(seed: int) -> PoseResult:
    random = np.random.default_rng(seed)
    chosen = skeleton(NAMES[seed % len(NAMES)])
    count = int(random.integers(1, min(26, len(chosen)) + 1))
    names = [chosen.names[i] for i in sorted(random.choice(len(chosen), count, replace=False))]
    depth, space = bool(random.random() < 0.5), bool(random.random() < 0.5)
    joints = [random_joint(name, random, depth, space) for name in names]
    apart = int(random.integers(0, 4))
    pose = Pose(
        tuple(float(v) for v in np.abs(random.normal(200, 80, 4))),  # type: ignore[arg-type]
        float(random.random()),
        tuple(joints[apart:]),
        tuple(joints[:apart]),
        tuple(
            Finding(
                f"code_{n}", f"finding {n}: 手在后面", tuple(names[: int(random.integers(0, 4))])
            )
            for n in range(int(random.integers(0, 3)))
        ),
        float(random.random()) if random.random() < 0.5 else None,
        float(random.uniform(-180, 180)),
        int(random.integers(0, 9)) if random.random() < 0.5 else None,
    )
    understood = Understood(
        "左腿 and the head", "mixed", False, None, tuple(names), 3 if depth else 2, "any", "all",
        chosen.name,
    )  # fmt: skip
    unit = ("m" if space else "torso") if depth else None
    return PoseResult(understood, (pose,), (), unit, "toy", "ab" * 32)
