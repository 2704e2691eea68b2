"""What a bundle says of itself, fitted on held-out people by the very Predictor that serves it.

Confidence that predicts OKS, a radius that holds 90 % of errors, and from which probability a joint
is absent or hidden. Areas are the labelled ones where there are any, as evaluation takes them.
Shapes: M labelled joints, A joints whose presence is known, F features of a confidence: log-odds of
the mass around the place, then those of SHARES.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign import answer, confidence, sight
from posealign.bundle import SHARES, CalibrationSpec
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.metrics import calibration as metrics
from posealign.model.config import Calibration
from posealign.people import Box, Seen
from posealign.predictor import Predictor
from posealign.skeletons.load import vocabulary
from posealign.verify import softmax
from posealign.vote import Voted

LEAST = 50  # labelled joints of a source
KEPT = 0.97  # of the joints that are placed right stay, whatever absence is found
KEPT_WHOLE = 0.998  # of the present joints of people who stand clear of the border
PRESENCE = 17  # COCO's joints, on which absence is judged


@dataclass(frozen=True)
class Case:
    """One person: places, box and area in picture pixels; states UNLABELLED where nobody knows."""

    image_HW3: NDArray[np.uint8]
    box: Box
    points_V2: NDArray[np.floating]
    states_V: NDArray[np.int8]
    area: float


@dataclass(frozen=True)
class Measured:
    """Of one source; `error` and `radius` in input pixels."""

    features_MF: NDArray[np.float64]
    oks_M: NDArray[np.float64]
    error_M: NDArray[np.float64]
    radius_M: NDArray[np.float64]
    absent_A: NDArray[np.float64]  # probability
    present_A: NDArray[np.bool_]
    border_A: NDArray[np.bool_]  # of a person whom the border may cut
    worth_A: NDArray[np.float64]  # OKS of the place if it is given; 0 where there is no joint
    hidden_A: NDArray[np.float64]  # probability that it is occluded if it is there
    occluded_A: NDArray[np.bool_]


def measure(predictor: Predictor, cases: Iterable[Case], joints_K: NDArray[np.int64]) -> Measured:
    """`predictor` is of a bundle that was not calibrated: its confidence is the mass itself."""
    if predictor.bundle.metadata.calibration != CalibrationSpec():
        raise InvalidInput("a calibration is fitted on a bundle without one")
    parts: dict[str, list[NDArray[Any]]] = {}
    for case in cases:
        for name, values in _measure_one(predictor, case, joints_K).items():
            parts.setdefault(name, []).append(values)
    if not parts:
        raise InvalidInput("nobody to calibrate on")
    return Measured(**{name: np.concatenate(values) for name, values in parts.items()})


def everything(
    predictor: Predictor, image_HW3: NDArray[np.uint8], box: Sequence[float]
) -> tuple[Seen, Voted]:
    """One person as the Predictor sees it, and the places of the whole vocabulary."""
    look = predictor.look(image_HW3, [box])
    people = predictor.ready(look, predictor.resolver.read("all keypoints"))
    rows = np.arange(len(vocabulary()))
    (places,) = sight.locate(predictor.graphs, people, sight.vectors_of(people, rows))
    return people[0], places


def _measure_one(
    predictor: Predictor, case: Case, joints_K: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    one, places = everything(predictor, case.image_HW3, case.box)
    names = vocabulary().names
    person = answer.placed(names, np.arange(len(names)), places, one, 1.0)
    sigmas_V = vocabulary().sigmas_J
    spec = predictor.bundle.metadata.calibration
    features_VF = np.column_stack([
        metrics.logit(person.confidence_K.clip(1e-4, 1 - 1e-4)),
        confidence.facts(person, places, one, sigmas_V, spec),
    ])  # fmt: skip
    error_V = np.linalg.norm(person.points_K2 - case.points_V2, axis=-1)
    with np.errstate(invalid="ignore"):
        oks_V = np.exp(-(error_V**2) / (2 * case.area * (2 * sigmas_V) ** 2))
    kept = joints_K[(case.states_V[joints_K] >= State.OCCLUDED) & np.isfinite(error_V[joints_K])]
    known = np.nonzero(case.states_V[:PRESENCE] != State.UNLABELLED)[0]
    present = case.states_V[known] >= State.OCCLUDED
    states_A3 = softmax(one.mean("state")[known])
    return {
        "features_MF": features_VF[kept], "oks_M": oks_V[kept],
        "error_M": error_V[kept] / one.crop.pixel,
        "radius_M": person.radius_K[kept] / one.crop.pixel,
        "absent_A": states_A3[:, 0],
        "present_A": present,
        "border_A": np.full(len(known), confidence.at_border(case.box, one.size)),
        "worth_A": np.where(present, np.nan_to_num(oks_V[known]), 0.0),
        "hidden_A": states_A3[:, 1] / (states_A3[:, 1] + states_A3[:, 2]).clip(1e-12),
        "occluded_A": case.states_V[known] == State.OCCLUDED,
    }  # fmt: skip


def fit(sources: Sequence[Measured]) -> Calibration:
    """Sources count alike, however many joints each has."""
    if not sources or min(len(source.oks_M) for source in sources) < LEAST:
        raise InvalidInput(f"a calibration needs at least {LEAST} labelled joints of each source")
    features = np.concatenate([source.features_MF for source in sources])
    oks = np.concatenate([source.oks_M for source in sources])
    weights = np.concatenate([np.full(len(s.oks_M), 1 / len(s.oks_M)) for s in sources])
    coefficients = _logistic(np.column_stack([np.ones(len(oks)), features]), oks, weights)
    bias, mass, *shares = (float(value) for value in coefficients)
    error = np.concatenate([source.error_M for source in sources])
    radius = np.concatenate([source.radius_M for source in sources])
    return Calibration(
        bias=bias, slopes=(0.0, mass, 0.0), **dict(zip(SHARES, shares, strict=True)),
        radius_scale=_quantile(error / np.maximum(radius, 1e-6), weights, 0.9),
    )  # fmt: skip


def _logistic(
    x_MD: NDArray[np.float64], y_M: NDArray[np.float64], weights_M: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Soft labels, Newton's steps, a little ridge."""
    w = np.zeros(x_MD.shape[1])
    weights_M = weights_M / weights_M.sum()
    ridge = 1e-3 * np.eye(len(w))
    ridge[0, 0] = 0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x_MD @ w, -40, 40)))
        gradient = x_MD.T @ (weights_M * (p - y_M)) + ridge @ w
        hessian = (x_MD * (weights_M * p * (1 - p))[:, None]).T @ x_MD + ridge
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(w)), gradient)
        w = w - step
        if np.abs(step).max() < 1e-8:
            break
    return w


def _quantile(values_M: NDArray[np.float64], weights_M: NDArray[np.float64], share: float) -> float:
    order = np.argsort(values_M)
    total = np.cumsum(weights_M[order])
    return float(values_M[order][np.searchsorted(total, share * total[-1])])


def honesty(calibration: Calibration, measured: Measured) -> dict[str, float]:
    """What a calibration is worth on people that it was not fitted on."""
    shares = [getattr(calibration, name) for name in SHARES]
    slopes = np.array([calibration.slopes[1], *shares])
    sure = 1 / (1 + np.exp(-(measured.features_MF @ slopes + calibration.bias)))
    radius = calibration.radius_offset + calibration.radius_scale * measured.radius_M
    return {
        "calibration_gap": round(metrics.ece(sure, measured.oks_M), 4),
        "errors_auroc": round(metrics.error_auroc(sure, measured.oks_M), 4),
        "inside_radius": round(metrics.coverage(measured.error_M, radius), 4),
    }


def absent_limits(sources: Sequence[Measured]) -> tuple[float, float]:
    """(at the border, clear of it): above which probability a joint is called absent.

    Who stands clear of the border lacks a limb at most, so there nearly all present joints stay, in
    every source. At the border a joint is withheld where that gains the most OKS: 1 for an absent
    joint that is not made up, the place's own for a present one that is given. So a place that is
    wrong anyway costs little, and of those that are right KEPT stay, in every source. Without
    absent joints to learn from, one limit holds for both.
    """
    whole = 0.0
    for source in sources:
        clear = source.absent_A[source.present_A & ~source.border_A]
        whole = max(whole, float(np.quantile(clear, KEPT_WHOLE)) if len(clear) else 0.0)
    taught = [source for source in sources if (~source.present_A & source.border_A).any()]
    values = [source.absent_A[source.border_A] for source in taught]
    absent = sum(int((~source.present_A & source.border_A).sum()) for source in taught)
    if min(absent, sum(len(value) for value in values) - absent) < LEAST:
        every = max(float(np.quantile(s.absent_A[s.present_A], KEPT)) for s in sources)
        return _limit(every), _limit(every)
    best, chosen = -1.0, 1.0  # with a limit of 1 every joint stays
    for choice in np.quantile(np.concatenate(values), np.linspace(0, 1, 401)):
        limits = (float(choice), whole)
        gain = float(np.mean([extended(source, limits) for source in taught]))
        if gain > best and min(_right_kept(source, limits) for source in sources) >= KEPT:
            best, chosen = gain, float(choice)
    return _limit(chosen), _limit(whole)


def extended(measured: Measured, limits: tuple[float, float]) -> float:
    """Mean OKS over all joints that are known, absent ones too: 1 if withheld, 0 if made up."""
    withheld = measured.absent_A > np.where(measured.border_A, *limits)
    return float(np.where(withheld, ~measured.present_A, measured.worth_A).mean())


def _right_kept(measured: Measured, limits: tuple[float, float]) -> float:
    right = measured.worth_A >= metrics.ERROR_BELOW
    given = measured.absent_A <= np.where(measured.border_A, *limits)
    return float(given[right].mean()) if right.any() else 1.0


def occluded_limit(sources: Sequence[Measured]) -> float:
    """Above which probability a joint that is there is called hidden.

    Hidden and visible joints count alike, however many there are of each: the likelier of the two
    would call half of the hidden ones visible. Without both kinds it stays with the likelier.
    """
    taught = [source for source in sources if min(_hidden_counts(source)) >= LEAST]
    if not taught:
        return 0.5
    values = np.concatenate([source.hidden_A[source.present_A] for source in taught])
    choices = np.quantile(values, np.linspace(0.01, 0.99, 197))
    right = [
        np.mean([told_hidden(source, float(choice)) for source in taught]) for choice in choices
    ]
    return _limit(float(choices[int(np.argmax(right))]))


def _hidden_counts(measured: Measured) -> tuple[int, int]:
    hidden = int(measured.occluded_A.sum())
    return hidden, int(measured.present_A.sum()) - hidden


def told_hidden(measured: Measured, limit: float) -> float:
    """Balanced accuracy of hidden against visible, over the joints that are there."""
    said, hidden = measured.hidden_A > limit, measured.occluded_A
    return float((said[hidden].mean() + (~said)[measured.present_A & ~hidden].mean()) / 2)


def _limit(value: float) -> float:
    return round(float(np.clip(value, 0.005, 0.95)), 4)


def presence(
    measured: Measured, limits: tuple[float, float], occluded: float = 0.5
) -> dict[str, float]:
    """Present and absent joints that are emitted under these limits; hidden ones told so."""
    emitted = measured.absent_A <= np.where(measured.border_A, *limits)
    kept = float(emitted[measured.present_A].mean())
    found = {
        "present joints emitted": kept, "right joints emitted": _right_kept(measured, limits),
    }  # fmt: skip
    if (~measured.present_A).any():
        made_up = float(emitted[~measured.present_A].mean())
        found["absent joints emitted"] = made_up
        found["presence, balanced accuracy"] = (kept + 1 - made_up) / 2
        found["oks, absent joints counted"] = extended(measured, limits)
    if min(_hidden_counts(measured)):
        found["hidden or visible, balanced accuracy"] = told_hidden(measured, occluded)
    return {name: round(value, 4) for name, value in found.items()}
