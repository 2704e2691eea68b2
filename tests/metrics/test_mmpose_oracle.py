"""Our codecs and figures against numbers that mmpose's own functions gave.

They were recorded by tests/mm/record_oracle.py, so that no mmpose is needed here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from posealign.evaluate.models import _of_heatmaps, _of_simcc
from posealign.evaluate.settings import OnnxModel
from posealign.metrics.mpjpe import mpjpe
from posealign.metrics.oks import oks
from posealign.metrics.pck import pck
from posealign.model import codec

ORACLE: dict[str, Any] = json.loads(
    Path(__file__).with_name("mmpose_oracle.json").read_text("utf-8")
)
METRICS, CODECS = ORACLE["metrics"], ORACLE["codecs"]
POINTS, TRUTH = np.array(METRICS["points"]), np.array(METRICS["truth"])
MASK = np.array(METRICS["mask"])
INPUT, HEATMAP = CODECS["input"], CODECS["heatmap"]
STEP = (np.array(INPUT) - 1) / (np.array(HEATMAP) - 1)  # input pixels a cell, UDP
MODEL = OnnxModel(kind="onnx", name="oracle", file="none", width=INPUT[0], height=INPUT[1])


@pytest.mark.parametrize("limit", METRICS["pck"])
def test_keypoint_pck_accuracy(limit: str) -> None:
    wanted = METRICS["pck"][limit]
    share_J, mean = pck(POINTS, TRUTH, MASK, np.array(METRICS["size"]), float(limit))
    theirs = np.array(wanted["joints"])
    assert share_J == pytest.approx(np.where(theirs < 0, np.nan, theirs), nan_ok=True)
    assert int(np.isfinite(share_J).sum()) == wanted["count"]
    assert mean == pytest.approx(wanted["mean"])


def test_keypoint_auc() -> None:
    """mmpose's is the mean PCK over 20 thresholds from 0 up."""
    size = np.full(len(POINTS), METRICS["auc"]["norm"])
    means = [pck(POINTS, TRUTH, MASK, size, index / 20)[1] for index in range(20)]
    assert np.mean(means) == pytest.approx(METRICS["auc"]["value"])


def test_keypoint_epe() -> None:
    assert mpjpe(POINTS, TRUTH, MASK) == pytest.approx(METRICS["epe"], rel=1e-6)


def test_oks() -> None:
    told = ORACLE["oks"]
    points, truth = np.array(told["points"]), np.array([told["truth"]] * 3)
    found = oks(
        points, truth, np.ones((3, 17), bool), np.full(3, told["area"]), np.array(told["sigmas"])
    )
    assert found == pytest.approx(told["oks"], rel=1e-6)


def test_a_udp_heatmap_is_our_gaussian() -> None:
    """mmpose cuts its Gaussians off at three sigma; up to there they are the same."""
    drawn = np.array(CODECS["udp"]["encoded"])
    cells = torch.tensor(np.array(CODECS["points"]) / STEP)
    ours = codec.log_target(cells, HEATMAP[1], HEATMAP[0], CODECS["sigma"]).exp()
    ours = ours.unflatten(1, (HEATMAP[1], HEATMAP[0])).numpy()
    near = drawn > 0
    assert near.sum() > 100
    assert ours[near] == pytest.approx(drawn[near], abs=1e-6)
    assert ours[~near].max() < np.exp(-0.5 * 2.5**2)
    found = codec.decode(torch.tensor(drawn).flatten(1).clamp(min=1e-30).log(), *HEATMAP[::-1])
    assert found.numpy() * STEP == pytest.approx(np.array(CODECS["points"]), abs=2e-3)


def test_udp_decoding_is_ours() -> None:
    """DARK on a blurred map; mmpose's decode stretches by W / (W - 1), which its crop undoes."""
    maps = torch.tensor(np.array(CODECS["udp"]["noisy"], np.float32))
    ours = codec.dark(maps, 11).numpy() * STEP
    theirs = np.array(CODECS["udp"]["decoded"]) * (np.array(INPUT) - 1) / np.array(INPUT)
    assert ours == pytest.approx(theirs, abs=2e-3)
    assert maps.amax((1, 2)).numpy() == pytest.approx(np.array(CODECS["udp"]["scores"]), abs=1e-6)


def test_msra_decoding_is_the_baselines() -> None:
    """The quarter cell towards the higher neighbour, away from the borders."""
    maps = np.array(CODECS["msra"]["inner"])
    found = _of_heatmaps([maps[None]], MODEL)
    cells = found[:, :2] / STEP
    theirs = np.array(CODECS["msra"]["decoded"]) / (np.array(INPUT) / np.array(HEATMAP))
    assert cells == pytest.approx(theirs, abs=1e-6)
    assert found[:, 2] == pytest.approx(CODECS["msra"]["scores"], abs=1e-6)


def test_an_msra_heatmap_stands_on_a_whole_cell() -> None:
    drawn = torch.tensor(np.array(CODECS["msra"]["encoded"]))
    found = codec.decode(drawn.flatten(1).clamp(min=1e-30).log(), *HEATMAP[::-1]).numpy()
    nearest = np.floor(np.array(CODECS["points"]) / (np.array(INPUT) / np.array(HEATMAP)) + 0.5)
    assert found == pytest.approx(nearest, abs=1e-4)


def test_simcc_decoding_is_the_baselines() -> None:
    simcc = CODECS["simcc"]
    axes = [np.array(simcc["across"])[None], np.array(simcc["along"])[None]]
    found = _of_simcc(axes, MODEL)
    assert found[:, :2] == pytest.approx(np.array(simcc["decoded"]), abs=1e-6)
    assert found[:, 2] == pytest.approx(simcc["scores"], abs=1e-6)
    # The codec rounds to half pixels.
    assert np.abs(found[:, :2] - np.array(CODECS["points"])).max() <= 0.25 + 1e-6


def test_flipping_back() -> None:
    flip = ORACLE["flip"]
    found = codec.flip_back(torch.tensor(flip["maps"]), torch.tensor(flip["swap"]))
    assert found.numpy() == pytest.approx(np.array(flip["back"]))
