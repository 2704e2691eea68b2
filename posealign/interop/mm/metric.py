"""Our figures inside mmengine's loop: COCO's AP and AR, mean OKS and PCK.

    val_evaluator = [dict(type="CocoMetric", …), dict(type="PoseAlignMetric", ann_file=…)]

Scores and suppression are CocoMetric's, so that AP and AR are the same figures as its.
Shapes: N people of a sample (1 top-down), K joints, D detections, G labelled people.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.evaluation.functional import oks_nms
from mmpose.registry import METRICS
from numpy.typing import NDArray

from posealign.errors import InvalidInput, NotFound
from posealign.metrics import pck
from posealign.metrics.average_precision import AveragePrecision
from posealign.metrics.oks import masked_mean, oks, oks_matrix

Floats = NDArray[np.float64]
Row = dict[str, Any]


@METRICS.register_module()
class PoseAlignMetric(BaseMetric):  # type: ignore[misc]
    """`ann_file` holds the labels; without it the samples' own are taken.

    OKS and PCK (of the torso) are means over labelled people, each with the answer to its own
    box; they are left out where boxes come from a detector.
    """

    default_prefix = "posealign"

    def __init__(
        self,
        ann_file: str | None = None,
        keypoint_score_thr: float = 0.2,
        nms_thr: float | None = 0.9,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.threshold, self.nms_thr = keypoint_score_thr, nms_thr
        self.labels = _read(Path(ann_file)) if ann_file is not None else None

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        for sample in data_samples:
            found = sample["pred_instances"]
            truth = sample.get("raw_ann_info")
            self.results.append({
                "id": sample["id"], "img_id": sample["img_id"],
                "keypoints": np.asarray(found["keypoints"], np.float64)[..., :2],
                "sure": np.asarray(found["keypoint_scores"], np.float64),
                "boxes": np.asarray(found["bboxes"], np.float64),
                "box_scores": np.asarray(found["bbox_scores"], np.float64),
                "areas": np.asarray(sample["gt_instances"]["bbox_scales"], np.float64).prod(1),
                "truth": truth if isinstance(truth, Mapping) else None,
            })  # fmt: skip

    def compute_metrics(self, results: list[Row]) -> dict[str, float]:
        sigmas = np.asarray(self.dataset_meta["sigmas"], np.float64)
        if not len(sigmas):
            raise InvalidInput(f"{self.dataset_meta['dataset_name']} has no sigmas, so no OKS")
        found: dict[Any, list[Row]] = defaultdict(list)
        seen = {(row["img_id"], row["id"]): row for row in results}  # ranks may repeat the last
        for _, row in sorted(seen.items(), key=lambda item: item[0]):
            found[row["img_id"]] += self._people(row)
        labels = self.labels
        if labels is None:
            labels = defaultdict(list)
            for row in seen.values():
                labels[row["img_id"]] += [row["truth"]] if row["truth"] is not None else []
        counted = AveragePrecision()
        for image, truths in labels.items():
            _add(counted, self._kept(found.get(image, []), sigmas), truths, sigmas)
        return {**counted.figures(), **self._pairs(list(seen.values()), sigmas)}

    def _people(self, row: Row) -> list[Row]:
        """One dict a person, scored as CocoMetric does by default: box score × mean of joints."""
        people = []
        for index, (points_K2, sure_K) in enumerate(
            zip(row["keypoints"], row["sure"], strict=True)
        ):
            certain = sure_K[sure_K > self.threshold]
            mean = float(certain.mean()) if len(certain) else 0.0
            x1, y1, x2, y2 = row["boxes"][index]
            people.append({
                "points": points_K2, "score": row["box_scores"][index] * mean,
                "box_area": (x2 - x1) * (y2 - y1), "area": row["areas"][index],
                "keypoints": np.column_stack([points_K2, sure_K]),
            })  # fmt: skip
        return people

    def _kept(self, people: list[Row], sigmas_K: Floats) -> list[Row]:
        if self.nms_thr is None or not people:
            return people
        return [people[keep] for keep in oks_nms(people, self.nms_thr, sigmas=sigmas_K)]

    def _pairs(self, rows: Sequence[Row], sigmas_K: Floats) -> dict[str, float]:
        pairs = [row for row in rows if row["truth"] is not None and len(row["keypoints"]) == 1]
        if not pairs:
            return {}
        points_NK2 = np.stack([row["keypoints"][0] for row in pairs])
        truth_NK3 = np.stack([_keypoints(row["truth"]) for row in pairs])
        labelled_NK = truth_NK3[..., 2] > 0
        area_N = np.array([float(row["truth"]["area"]) for row in pairs])
        figures = {
            "OKS": oks(points_NK2, truth_NK3[..., :2], labelled_NK, area_N, sigmas_K),
        }
        order = self.dataset_meta["keypoint_id2name"]
        names = [order[index] for index in range(len(order))]
        size_N = pck.torso_size(truth_NK3[..., :2], names, labelled_NK)
        share_NT = pck.pooled_pck(points_NK2, truth_NK3[..., :2], labelled_NK, size_N)
        figures |= {
            f"PCK@{limit}": share_NT[:, index] for index, limit in enumerate(pck.THRESHOLDS)
        }
        return {
            name: float(masked_mean(values, np.isfinite(values)))
            for name, values in figures.items()
        }


def _add(counted: AveragePrecision, people: list[Row], truths: list[Row], sigmas_K: Floats) -> None:
    truth_GK3 = np.array([_keypoints(row) for row in truths]).reshape(-1, len(sigmas_K), 3)
    labelled_GK = truth_GK3[..., 2] > 0
    area_G = np.array([float(row["area"]) for row in truths])
    boxes_G4 = np.array([row["bbox"] for row in truths], np.float64).reshape(-1, 4)
    crowd_G = np.array([bool(row.get("iscrowd", 0)) for row in truths], bool)
    points_DK2 = np.array([row["points"] for row in people]).reshape(-1, len(sigmas_K), 2)
    similar_DG = oks_matrix(points_DK2, truth_GK3[..., :2], labelled_GK, area_G, boxes_G4, sigmas_K)
    counted.add(
        similar_DG,
        np.array([row["score"] for row in people], np.float64),
        np.array([row["box_area"] for row in people], np.float64),
        area_G,
        crowd_G | ~labelled_GK.any(1),
        crowd_G,
    )


def _keypoints(truth: Mapping[str, Any]) -> Floats:
    return np.asarray(truth["keypoints"], np.float64).reshape(-1, 3)


def _read(path: Path) -> dict[Any, list[Row]]:
    """Annotations by picture, pictures without any too."""
    if not path.is_file():
        raise NotFound(f"PoseAlignMetric: there is no file {path}")
    try:
        content = json.loads(path.read_text("utf-8"))
        labels: dict[Any, list[Row]] = {row["id"]: [] for row in content["images"]}
        for row in content["annotations"]:
            labels[row["image_id"]].append(row)
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is no COCO keypoints file: {error!r}") from error
    return labels
