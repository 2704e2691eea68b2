"""The stand-ins do what stands behind them, and refuse what they cannot do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmcv.ops import DeformConv2d
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import load_from_local
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

from posealign.errors import InvalidInput, MissingExtra
from posealign.interop.mm import shims
from posealign.interop.mm.skeletons import folder


def test_installing_twice_changes_nothing() -> None:
    import sys

    before = dict(sys.modules)
    shims.install()
    assert sys.modules == before


def test_compiled_operators_say_so_when_they_are_built() -> None:
    with pytest.raises(MissingExtra, match="DeformConv2d needs mmcv with compiled operators"):
        DeformConv2d(3, 3, 3)


def test_cocoeval_takes_sigmas_and_areas(people: Path) -> None:
    coco = COCO(str(people))
    sigmas = np.full(17, 0.03)
    judge = COCOeval(coco, coco, "keypoints", sigmas, use_area=False)
    assert np.array_equal(judge.params.kpt_oks_sigmas, sigmas)
    row = next(iter(coco.anns.values()))
    assert row["area"] == row["bbox"][2] * row["bbox"][3] * 0.53
    with pytest.raises(InvalidInput, match="keypoints_crowd"):
        COCOeval(coco, coco, "keypoints_crowd")
    coco.anns[0] = row
    with pytest.raises(InvalidInput, match="the id 0"):
        COCOeval(coco, coco)


def test_joints_are_drawn(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).uniform(10, 90, (1, 17, 2))
    found = InstanceData(
        keypoints=joints, keypoint_scores=np.ones((1, 17)), keypoints_visible=np.ones((1, 17)),
        bboxes=np.array([[5.0, 5, 95, 95]]), bbox_scores=np.ones(1),
    )  # fmt: skip
    sample = PoseDataSample(gt_instances=found, pred_instances=found)
    visualizer = PoseLocalVisualizer(name="shims", save_dir=str(tmp_path))
    visualizer.set_dataset_meta(parse_pose_metainfo({"from_file": str(folder() / "coco.py")}))
    black = np.zeros((100, 100, 3), np.uint8)
    visualizer.add_datasample("x", black, sample, draw_bbox=True, out_file=str(tmp_path / "x.png"))
    drawn = cv2.imread(str(tmp_path / "x.png"))
    for x, y in joints[0]:
        assert drawn[int(y), int(x)].any()


class Evil:
    def __init__(self, payload: tuple[Any, ...]) -> None:
        self.payload = payload

    def __reduce__(self) -> tuple[Any, ...]:
        return self.payload


def test_mmengines_checkpoints_are_read_as_data(tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.pth"
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    meta = {"dataset_meta": {"sigmas": np.full(17, 0.05, np.float32)}, "best": np.float64(0.5)}
    torch.save({"state_dict": {"a": torch.ones(2)}, "meta": meta, "log": buffer}, path)
    found = load_from_local(str(path), "cpu")
    assert found["log"].mean() == 2.0
    assert np.array_equal(found["meta"]["dataset_meta"]["sigmas"], meta["dataset_meta"]["sigmas"])


@pytest.mark.parametrize(
    "payload",
    [(os.system, ("true",)), (getattr, (HistoryBuffer, "__init__")), (getattr, ("text", "upper"))],
    ids=["call", "getattr of a method", "getattr of anything else"],
)
def test_code_in_a_checkpoint_is_refused(tmp_path: Path, payload: tuple[Any, ...]) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": {}, "meta": Evil(payload)}, path)
    with pytest.raises(Exception, match=r"[Ww]eights.only|refused|Unsupported"):
        load_from_local(str(path), "cpu")
