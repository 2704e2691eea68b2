"""An instruction as it will be answered: all of it that needs no picture.

The words, the skeleton and whether there is a depth map settle which joints `locate` has to place;
the Predictor keeps that with the words, so that a question asked again costs no reading.
Shapes: N vocabulary joints to place, K those and then the skeleton's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.data.pose import Understood
from posealign.instructions.resolve import Reading
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Joint, Skeleton


@dataclass(frozen=True)
class Question:
    reading: Reading
    understood: Understood
    skeleton: Skeleton
    names: tuple[str, ...]  # K
    rows_N: NDArray[np.int64]  # in the vocabulary
    own: tuple[Joint, ...]  # placed by their description
    sigmas_K: NDArray[np.float64]
    depths: bool  # whether anything is done with how far away joints are

    @classmethod
    def of(cls, reading: Reading, understood: Understood, with_depth: bool) -> Question:
        skeleton = load_skeleton(understood.skeleton)
        known = needed(reading, understood, skeleton, with_depth)
        own = tuple(j for name in understood.joints if not (j := skeleton[name]).sources)
        joints = (*(vocabulary()[name] for name in known), *own)
        return cls(
            reading,
            understood,
            skeleton,
            tuple(joint.name for joint in joints),
            rows_of(known),
            own,
            np.array([joint.sigma for joint in joints]),
            understood.dims == 3 or with_depth or reading.relation is not None,
        )


def rows_of(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Which rows of the vocabulary these joints are."""
    return np.array([vocabulary().index(name) for name in names], np.int64)


def needed(
    reading: Reading, understood: Understood, skeleton: Skeleton, with_depth: bool
) -> tuple[str, ...]:
    """The vocabulary joints to place: asked ones, and those the answer is reckoned from."""
    asked = {name for joint in understood.joints for name, _ in skeleton[joint].sources}
    if reading.relation is not None or reading.premise is not None:
        asked |= set(load_skeleton("coco17").names)
    if understood.dims == 3 and with_depth:
        asked |= set(TORSO)
    return tuple(name for name in vocabulary().names if name in asked)
