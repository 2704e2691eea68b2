"""What a confidence owes to the joint rather than to its heatmap, and who may lack joints.

`locate` places vectors through one crop and cannot know whose they are; but a confidence predicts
OKS, and OKS forgives a hip sixteen times what it forgives an eye (squares of their sigmas). So four
of the calibration's numbers are added to its log-odds here: by the joint's sigma, by what `select`
says of it being hidden, by how wide its heatmap spreads on the person, and by how many sights
stand behind its place.
Shapes: K placed joints, V vocabulary; 4 are SHARES.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.answer import Placed
from posealign.bundle import SHARES, CalibrationSpec
from posealign.metrics.calibration import logit
from posealign.people import Box, Seen
from posealign.skeletons.load import vocabulary
from posealign.vote import Voted

SIGMA = 0.07  # of a joint whose confidence stays as it is
SUREST = 4.0  # log-odds of being hidden: more is no more telling
NARROWEST = 1e-3  # share of the box that a heatmap spreads over
BORDER = 0.02  # of the picture's longer side: a box that near may go on beyond it


def calibrated(
    person: Placed,
    places: Voted,
    seen: Seen,
    sigmas_K: NDArray[np.floating],
    spec: CalibrationSpec,
) -> Placed:
    """A person's confidences with the joints' own share of them."""
    weights_4 = np.array([getattr(spec, name) for name in SHARES])
    if not weights_4.any():
        return person
    logits = logit(person.confidence_K) + facts(person, places, seen, sigmas_K, spec) @ weights_4
    return replace(person, confidence_K=1 / (1 + np.exp(-logits)))


def facts(
    person: Placed,
    places: Voted,
    seen: Seen,
    sigmas_K: NDArray[np.floating],
    spec: CalibrationSpec,
) -> NDArray[np.float64]:
    """[K, 4] what the numbers of SHARES weigh; the last is 0 where all sights agree."""
    return np.stack(
        [
            log_tolerance(sigmas_K), hidden(person, seen), spread(places, seen, spec),
            places.support_K - 1,
        ], axis=1,
    )  # fmt: skip


def log_tolerance(sigmas_K: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much more than SIGMA a joint's OKS forgives, as a logarithm."""
    return np.asarray(np.log(np.asarray(sigmas_K, np.float64) / SIGMA))


def hidden(person: Placed, seen: Seen) -> NDArray[np.float64]:
    """[K] log-odds of occluded against visible; 0 for a described joint, of which nobody knows."""
    rows = _rows()
    index_K = np.array([rows.get(name, -1) for name in person.names])
    states_V3 = seen.mean("state").astype(np.float64)
    odds_V = (states_V3[:, 1] - states_V3[:, 2]).clip(-SUREST, SUREST)
    return np.where(index_K < 0, 0.0, odds_V[index_K])


def spread(places: Voted, seen: Seen, spec: CalibrationSpec) -> NDArray[np.float64]:
    """[K] logarithm of the radius before its own calibration, as a share of the box's longer side;
    `radius_offset` is taken to be in pixels of the first crop.
    """
    own_K = places.radius_K - spec.radius_offset * seen.crop.pixel
    share_K = own_K / (spec.radius_scale * max(seen.box[2:]))
    return np.asarray(np.log(share_K.clip(NARROWEST)))


@cache
def _rows() -> dict[str, int]:
    return {name: row for row, name in enumerate(vocabulary().names)}


def at_border(box: Box, size: tuple[int, int]) -> bool:
    """Whether a person may go on beyond the picture. Who does not has all joints within it, but
    for a limb that is missing.
    """
    x, y, width, height = box
    near = BORDER * max(size)
    return min(x, y, size[0] - 1 - x - width, size[1] - 1 - y - height) < near
