"""What mmpose's codecs write is read back as the points it was written from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import KEYPOINT_CODECS
from mmpose.structures import PoseDataSample

from posealign.errors import InvalidConfig
from posealign.interop.mm.targets import codec_of, crop_vectors, targets

SIZE = (48, 64)
UDP = {"type": "UDPHeatmap", "input_size": SIZE, "heatmap_size": (12, 16), "sigma": 2}
MSRA = {"type": "MSRAHeatmap", "input_size": SIZE, "heatmap_size": (12, 16), "sigma": 2}
SIMCC = {"type": "SimCCLabel", "input_size": SIZE, "sigma": 4.9, "simcc_split_ratio": 2.0}
REGRESSION = {"type": "RegressionLabel", "input_size": SIZE}
# How far a codec itself rounds, in input pixels.
ROUNDED = {"UDPHeatmap": 0, "MSRAHeatmap": 2.0, "SimCCLabel": 0.25, "RegressionLabel": 0}


def sample(config: dict[str, Any], points_K2: np.ndarray, seen_K: np.ndarray) -> Any:
    encoded = KEYPOINT_CODECS.build(config).encode(points_K2[None], seen_K[None])
    one = PoseDataSample()
    labels = {k: v for k, v in encoded.items() if k != "heatmaps"}
    one.gt_instance_labels = InstanceData(**{
        k: np.asarray(v).reshape(1, *np.asarray(v).shape[-1 - (k[-6:] == "labels") :])
        for k, v in labels.items()
    }).to_tensor()  # fmt: skip
    if "heatmaps" in encoded:
        one.gt_fields = PixelData(heatmaps=encoded["heatmaps"]).to_tensor()
    return one


@pytest.mark.parametrize("config", [UDP, MSRA, MSRA | {"unbiased": True}, SIMCC, REGRESSION])
def test_points_come_back(config: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    points_K2 = rng.uniform((1, 1), (46, 62), (40, 2)).astype(np.float32)
    points_K2[:4] = [[0, 0], [47, 0], [0, 63], [44.2, 60.7]]  # corners
    if config["type"] == "MSRAHeatmap":  # its last cell stands on 44, 60
        points_K2 = points_K2.clip(0, (44, 60))
    seen_K = np.ones(40, np.float32)
    seen_K[7] = 0
    codec = codec_of(config)
    found, weights = targets(codec, [sample(config, points_K2, seen_K)], torch.device("cpu"))
    assert found.shape == (1, 40, 2)
    assert weights[0, 7] == 0
    known = weights[0].numpy() > 0
    assert known.sum() > 30
    limit = 0 if config.get("unbiased") else ROUNDED[config["type"]]
    gap = np.abs(found[0].numpy() - points_K2)[known]
    assert gap.max() <= limit + 2e-3
    assert np.median(gap) <= limit / 2 + (0.1 if limit else 1e-3)


@pytest.mark.parametrize("config", [UDP, MSRA, SIMCC])
def test_what_mmpose_decodes_is_what_we_hand_over(config: dict[str, Any]) -> None:
    """A peak on a whole cell, decoded by mmpose and by us, is the same point to mmpose."""
    codec, theirs = codec_of(config), KEYPOINT_CODECS.build(config)
    if config["type"] == "SimCCLabel":
        axes = np.zeros((1, 1, 96), np.float32), np.zeros((1, 1, 128), np.float32)
        axes[0][..., 40], axes[1][..., 90] = 1, 1
        wanted = theirs.decode(*axes)[0][0, 0]
        ours = torch.tensor([[[20.0, 45.0]]])
    else:
        wanted_cell = np.array([5.0, 9.0])
        y, x = np.mgrid[:16, :12]
        maps = np.exp(-((x - 5) ** 2 + (y - 9) ** 2) / 8)[None].astype(np.float32)
        wanted = theirs.decode(maps)[0][0, 0]
        scale = (np.array(SIZE) - 1) / [11, 15] if codec.udp else np.array(SIZE) / [12, 16]
        ours = torch.tensor((wanted_cell * scale)[None, None])
    assert codec.to_mmpose(ours)[0, 0].numpy() == pytest.approx(wanted, abs=5e-3)


def test_unreadable_codecs_are_named() -> None:
    with pytest.raises(InvalidConfig, match="did you mean 'UDPHeatmap'"):
        codec_of({"type": "UDPHeatmaps", "input_size": SIZE})
    with pytest.raises(InvalidConfig, match="heatmap_type 'combined'"):
        codec_of(UDP | {"heatmap_type": "combined"})
    with pytest.raises(InvalidConfig, match="half a cell off"):
        codec_of(UDP | {"sigma": 1.5})
    with pytest.raises(InvalidConfig, match="smoothing_type 'standard'"):
        codec_of(SIMCC | {"smoothing_type": "standard"})


def test_crop_vectors_say_scale_and_what_lies_outside() -> None:
    one = PoseDataSample(metainfo={
        "input_center": np.array([50.0, 50.0]), "input_scale": np.array([192.0, 192.0]),
        "ori_shape": (100, 100),
    })  # fmt: skip
    found = crop_vectors([one], torch.device("cpu"))[0]
    assert found.tolist() == pytest.approx([0, 1, 0, 1 - (100 * 100) / (192 * 192)], abs=1e-6)
