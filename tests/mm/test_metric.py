"""CocoMetric, PoseAlignMetric and `posealign evaluate` say the same of the same answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, METRICS

from posealign.config import load_config
from posealign.errors import InvalidInput, NotFound
from posealign.evaluate.run import run
from posealign.evaluate.settings import Evaluation
from posealign.report import collect
from tests.mm.test_estimator import VITPOSE_S
from tests.mm.toys import mmpose_config, on_people, write_coco

PAIRS = {
    "coco/AP": "AP", "coco/AP .5": "AP50", "coco/AP .75": "AP75", "coco/AP (M)": "APm",
    "coco/AR": "AR", "coco/AR .5": "AR50", "coco/AR .75": "AR75", "coco/AR (M)": "ARm",
}  # fmt: skip


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More people, one of them a crowd and one without labelled joints."""
    path = write_coco(tmp_path_factory.mktemp("crowd") / "people", pictures=16, seed=5)
    content = json.loads(path.read_text("utf-8"))
    content["annotations"][3]["iscrowd"] = 1
    nobody = content["annotations"][6]
    nobody["keypoints"], nobody["num_keypoints"] = [0] * 51, 0
    path.write_text(json.dumps(content), "utf-8")
    return path


def answers(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """Labels with noise that grows from person to person, as a top-down model would answer."""
    dataset = DATASETS.build(on_people(mmpose_config(VITPOSE_S), path).val_dataloader.dataset)
    rng = np.random.default_rng(2)
    samples = []
    for index in range(len(dataset)):
        sample = dataset[index]["data_samples"]
        truth = sample.gt_instances
        noise = rng.normal(0, 0.4 + 0.35 * index, truth.keypoints.shape)
        sample.pred_instances = InstanceData(
            keypoints=truth.keypoints + noise,
            keypoint_scores=rng.uniform(0.1, 1, truth.keypoints.shape[:2]),
            bboxes=truth.bboxes,
            bbox_scores=truth.bbox_scores,
        )
        samples.append(sample.to_dict())
    return samples, dataset.metainfo


def judge(config: dict[str, Any], samples: list[Any], meta: dict[str, Any]) -> dict[str, float]:
    metric = METRICS.build(config)
    metric.dataset_meta = dict(meta)
    metric.process({}, samples)
    found: dict[str, float] = metric.evaluate(len(samples))
    return found


@pytest.mark.parametrize("nms", [{}, {"nms_thr": 0.3}], ids=["usual", "much suppressed"])
def test_ap_and_ar_are_cocometrics(crowd: Path, nms: dict[str, float]) -> None:
    samples, meta = answers(crowd)
    if nms:  # a second answer to each box, so that there is something to suppress
        more = [{**sample, "id": sample["id"] + 1000} for sample in samples]
        rng = np.random.default_rng(3)
        for one in more:
            found = one["pred_instances"]
            one["pred_instances"] = {
                **found,
                "keypoints": found["keypoints"] + rng.normal(0, 2, found["keypoints"].shape),
                "keypoint_scores": found["keypoint_scores"] * 0.9,
            }
        samples = [*samples, *more]
    theirs = judge({"type": "CocoMetric", "ann_file": str(crowd), **nms}, samples, meta)
    ours = judge({"type": "PoseAlignMetric", "ann_file": str(crowd), **nms}, samples, meta)
    assert 0.2 < theirs["coco/AP"] < 0.95
    for name, own in PAIRS.items():
        assert ours[f"posealign/{own}"] == pytest.approx(theirs[name], abs=1e-6), name


def test_without_a_file_the_samples_labels_are_taken(people: Path) -> None:
    samples, meta = answers(people)
    told = judge({"type": "PoseAlignMetric", "ann_file": str(people)}, samples, meta)
    found = judge({"type": "PoseAlignMetric"}, samples, meta)
    assert found == pytest.approx(told, nan_ok=True)
    assert 0 < found["posealign/PCK@0.2"] <= 1
    # Ranks repeat samples to fill the last batch; they count once.
    twice = judge({"type": "PoseAlignMetric"}, [*samples, samples[0]], meta)
    assert twice == pytest.approx(found, nan_ok=True)


def test_our_evaluation_of_what_cocometric_wrote(people: Path, tmp_path: Path) -> None:
    """CocoMetric's own result file through `posealign evaluate`: the same AP and AR."""
    samples, meta = answers(people)
    prefix = str(tmp_path / "results")
    theirs = judge(
        {"type": "CocoMetric", "ann_file": str(people), "outfile_prefix": prefix}, samples, meta
    )
    model = {"kind": "predictions", "name": "theirs", "file": f"{prefix}.keypoints.json"}
    (tmp_path / "eval.json.yaml").write_text(json.dumps({
        "name": "mm", "title": "mm", "data": "synthetic", "boxes": "found",
        "source": {"kind": "coco", "path": str(people)}, "models": [model],
        "out": str(tmp_path / "out"), "groups": ["location"], "bootstrap": 0,
    }), "utf-8")  # fmt: skip
    settings = load_config(Evaluation, tmp_path / "eval.json.yaml")
    run(settings, lambda steps, title, count: steps)
    report = collect.collect(settings)
    figures = report["models"]["theirs"]["location"]["average_precision"]["all"]
    for name in ("coco/AP", "coco/AP .5", "coco/AP .75", "coco/AR", "coco/AR .5", "coco/AR .75"):
        assert figures[PAIRS[name]] == pytest.approx(theirs[name], abs=1e-6), name


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        METRICS.build({"type": "PoseAlignMetric", "ann_file": str(tmp_path / "none.json")})
    (tmp_path / "bad.json").write_text("[]", "utf-8")
    with pytest.raises(InvalidInput, match="no COCO keypoints file"):
        METRICS.build({"type": "PoseAlignMetric", "ann_file": str(tmp_path / "bad.json")})
