"""Several sights of one person, one place a joint: they vote.

Through another turn or size of its crop a network mistakes other things: the left leg for the
right one, a fold for a knee. The mean of two places lies between both and is neither, so the
place is taken that most sights stand behind, and the mean is over those near it.
Shapes: S sights of a person, K joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.metrics.calibration import logit
from posealign.people import Seen

Floats = NDArray[np.float64]

WIDTH = 0.08  # of the box's longer side: how near a place must be to stand behind another


@dataclass(frozen=True)
class Voted:
    """A person's places, in picture pixels."""

    points_K2: Floats
    confidence_K: Floats
    radius_K: Floats
    support_K: Floats  # what share of the sights, by their confidence, stands behind the place


def voted(located: Mapping[str, NDArray[np.floating]], one: Seen) -> Voted:
    """From what `locate` gave of each sight: places in the crop's pixels, confidences, radii.

    Log-odds are averaged, over all sights: those that see the joint elsewhere are unsure of it as
    a rule.
    """
    crops = [sight.crop for sight in one.sights]
    points_SK2 = np.stack([c.invert(xy) for c, xy in zip(crops, located["xy"], strict=True)])
    sure_SK = located["confidence"].astype(np.float64)
    pixels_S1 = np.array([[crop.pixel] for crop in crops])
    radius_SK = located["radius"] * pixels_S1
    if len(crops) == 1:
        return Voted(points_SK2[0], sure_SK[0], radius_SK[0], np.ones(len(sure_SK[0])))
    weights_SK = sure_SK**2
    near_SSK = nearness(points_SK2, WIDTH * max(one.box[2:]))
    leader_K = np.einsum("stk,tk->sk", near_SSK, weights_SK).argmax(axis=0)
    near_SK = near_SSK[leader_K, :, np.arange(len(leader_K))].T
    behind_SK = near_SK * weights_SK
    shares_SK = behind_SK / behind_SK.sum(axis=0)
    mean_K = logit(sure_SK.clip(1e-4, 1 - 1e-4)).mean(axis=0)
    return Voted(
        np.einsum("sk,skc->kc", shares_SK, points_SK2),
        1 / (1 + np.exp(-mean_K)),
        (shares_SK * radius_SK).sum(axis=0),
        behind_SK.sum(axis=0) / weights_SK.sum(axis=0),
    )


def nearness(points_SK2: Floats, width: float) -> Floats:
    """[S, S, K]: 1 where two sights see one place, and less with the square of the distance."""
    apart_SSK = ((points_SK2[:, None] - points_SK2[None]) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-apart_SSK / (2 * width**2)))
