"""An mmpose model in an evaluation's table: its own pipeline, our rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis.inference import inference_topdown, init_model

from posealign.data.sample import Sample
from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.evaluate.models import open_model
from posealign.evaluate.settings import Evaluation
from tests.mm.toys import mmpose_config, mmpose_configs

RTMPOSE = next((mmpose_configs() / "body_2d_keypoint/rtmpose/coco").glob("rtmpose-t_*.py"))
BOX = (10.0, 12.0, 80.0, 130.0)


def evaluation(config: Path, checkpoint: Path, **changes: Any) -> Evaluation:
    model = {"kind": "mmpose", "name": "rtmpose-t", "config": str(config),
             "checkpoint": str(checkpoint), **changes}  # fmt: skip
    return Evaluation.model_validate({
        "name": "mm", "title": "mm", "data": "synthetic", "out": "none",
        "source": {"kind": "coco", "path": "none"}, "models": [model],
    })  # fmt: skip


@pytest.fixture(scope="module")
def rtmpose(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """RTMPose-t with random weights, its configuration written out without its download."""
    folder = tmp_path_factory.mktemp("rtmpose")
    config = mmpose_config(str(RTMPOSE.relative_to(mmpose_configs())))
    config.dump(str(folder / "rtmpose.py"))
    torch.manual_seed(0)
    model = init_model(config, device="cpu")
    torch.save({"state_dict": model.state_dict(), "meta": {}}, folder / "rtmpose.pth")
    return folder / "rtmpose.py", folder / "rtmpose.pth"


def test_it_answers_as_mmposes_own_function(rtmpose: tuple[Path, Path], people: Path) -> None:
    told = evaluation(*rtmpose)
    answerer = open_model(told.models[0], told)
    bgr = cv2.imread(str(people.parent / "images" / "1.png"))
    sample = Sample("1", np.ascontiguousarray(bgr[..., ::-1]), (), "toy")
    (row,) = answerer.answer(sample, [BOX])
    theirs = init_model(mmpose_config(str(RTMPOSE.relative_to(mmpose_configs()))),
                        str(rtmpose[1]), "cpu")  # fmt: skip
    corners = np.array([[BOX[0], BOX[1], BOX[0] + BOX[2], BOX[1] + BOX[3]]])
    (wanted,) = inference_topdown(theirs, str(people.parent / "images" / "1.png"), corners)
    found = np.array([joint[:2] for joint in row["joints"]])
    assert found == pytest.approx(wanted.pred_instances.keypoints[0], abs=1e-2)
    assert row["box"] == list(BOX)
    (whole,) = answerer.answer(sample, None)
    assert whole["box"] == [0.0, 0.0, 200.0, 160.0]
    assert len(answerer.digest) == 64


def test_other_joints_are_brought_to_the_evaluations(rtmpose: tuple[Path, Path]) -> None:
    """The wrong names for its joints: only what both have is there."""
    told = evaluation(*rtmpose, joints="lsp14")
    answerer = open_model(told.models[0], told)
    picture = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(InvalidInput, match="answers 17 joints; lsp14 has 14"):
        answerer.answer(Sample("1", picture, (), "toy"), [BOX])


def test_what_cannot_be_asked_is_named(rtmpose: tuple[Path, Path], tmp_path: Path) -> None:
    config, checkpoint = rtmpose
    told = evaluation(config, tmp_path / "none.pth")
    with pytest.raises(NotFound, match="there is no file"):
        open_model(told.models[0], told)
    bottom_up = next(
        (mmpose_configs() / "body_2d_keypoint/associative_embedding/coco").glob("*hrnet-w32*.py")
    )
    told = evaluation(bottom_up, checkpoint)
    with pytest.raises(InvalidConfig, match="is not top-down"):
        open_model(told.models[0], told)
