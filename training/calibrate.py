"""Confidence that predicts OKS and a radius that holds 90 % of errors, fitted on held-out people.

Fitted on the deterministic output, after training; the numbers go into `locate` itself.
Shapes: M labelled joints, 3 log-odds of the mass around each place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.errors import InvalidInput
from posealign.model.config import Calibration
from posealign.model.pose_model import PoseModel


@dataclass(frozen=True)
class Crops:
    """Inputs with labelled joints: rows of the vocabulary, places in input pixels."""

    pixels_NHW3: NDArray[np.uint8]
    joints_K: NDArray[np.int64]
    points_NK2: NDArray[np.floating]
    labelled_NK: NDArray[np.bool_]
    area_N: NDArray[np.floating]  # of the person, in input pixels
    sigmas_K: NDArray[np.floating]


@dataclass(frozen=True)
class Measured:
    features_M3: NDArray[np.float64]
    oks_M: NDArray[np.float64]
    error_M: NDArray[np.float64]
    radius_M: NDArray[np.float64]


@torch.no_grad()
def measure(model: PoseModel, crops: Crops, chunk: int = 16) -> Measured:
    parts: dict[str, list[NDArray[np.float64]]] = {
        "features": [],
        "oks": [],
        "error": [],
        "radius": [],
    }
    joints = torch.from_numpy(crops.joints_K)
    for start in range(0, len(crops.pixels_NHW3), chunk):
        rows = slice(start, start + chunk)
        seen = model.image(torch.from_numpy(crops.pixels_NHW3[rows]))
        crop_B4 = torch.tensor([[0.0, 1.0, 0.0, 0.0]]).expand(len(seen["tokens"]), 4)
        delta = model.decoder.look(seen["tokens"], crop_B4)[1]
        maps = model.heatmaps(seen["features"], (model.table + delta)[:, joints])
        points, features, radius = model.locator.measure(maps)
        error = np.linalg.norm(points.numpy() - crops.points_NK2[rows], axis=-1)
        spread = 2 * crops.area_N[rows, None] * (2 * crops.sigmas_K) ** 2
        kept = crops.labelled_NK[rows]
        for name, values in (("features", features.numpy()), ("oks", np.exp(-(error**2) / spread)),
                             ("error", error), ("radius", radius.numpy())):  # fmt: skip
            parts[name].append(values[kept].astype(np.float64))
    whole = {name: np.concatenate(values) for name, values in parts.items()}
    return Measured(whole["features"], whole["oks"], whole["error"], whole["radius"])


def fit(measured: Iterable[Measured]) -> Calibration:
    """Sources count alike, however many joints each has."""
    sources = list(measured)
    if not sources or min(len(source.oks_M) for source in sources) < 50:
        raise InvalidInput("a calibration needs at least 50 labelled joints of each source")
    features = np.concatenate([source.features_M3 for source in sources])
    oks = np.concatenate([source.oks_M for source in sources])
    weights = np.concatenate([np.full(len(s.oks_M), 1 / len(s.oks_M)) for s in sources])
    coefficients = _logistic(np.column_stack([np.ones(len(oks)), features]), oks, weights)
    error = np.concatenate([source.error_M for source in sources])
    radius = np.concatenate([source.radius_M for source in sources])
    scale = _quantile(error / np.maximum(radius, 1e-6), weights, 0.9)
    slopes = (float(coefficients[1]), float(coefficients[2]), float(coefficients[3]))
    return Calibration(bias=float(coefficients[0]), slopes=slopes, radius_scale=scale)


def _logistic(
    x_MD: NDArray[np.float64], y_M: NDArray[np.float64], weights_M: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Soft labels, Newton's steps, a little ridge: the three log-odds are nearly collinear."""
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


def calibration_error(model: PoseModel, measured: Measured, bins: int = 10) -> tuple[float, float]:
    """Expected gap between confidence and OKS, and the share of errors inside the radius."""
    calibration = model.config.calibration
    logits = measured.features_M3 @ np.array(calibration.slopes) + calibration.bias
    confidence = 1 / (1 + np.exp(-logits))
    order = np.array_split(np.argsort(confidence), bins)
    gaps = [abs(confidence[part].mean() - measured.oks_M[part].mean()) for part in order]
    radius = calibration.radius_offset + calibration.radius_scale * measured.radius_M
    return float(np.mean(gaps)), float((measured.error_M <= radius).mean())


@torch.no_grad()
def absent_threshold(model: PoseModel, sources: Iterable[Crops], recall: float = 0.97) -> float:
    """Above which probability a joint is called absent, so that `recall` of those present stay.

    Judged on COCO's 17 joints; the source that needs the highest threshold decides.
    """
    found = []
    for crops in sources:
        columns = np.nonzero(crops.joints_K < 17)[0]
        kept = []
        for start in range(0, len(crops.pixels_NHW3), 16):
            rows = slice(start, start + 16)
            tokens = model.image(torch.from_numpy(crops.pixels_NHW3[rows]))["tokens"]
            crop_B4 = torch.tensor([[0.0, 1.0, 0.0, 0.0]]).expand(len(tokens), 4)
            state_BV3 = model.decoder.look(tokens, crop_B4)[2].softmax(-1)
            absent = state_BV3[:, crops.joints_K[columns], 0].numpy()
            kept.append(absent[crops.labelled_NK[rows][:, columns]])
        found.append(float(np.quantile(np.concatenate(kept), recall)))
    return round(float(np.clip(max(found), 0.02, 0.95)), 3)
