"""Numbers of mmpose's own codecs and keypoint functions, for tests that run without mmpose.

.venv-mm/bin/python -m tests.mm.record_oracle   # writes tests/metrics/mmpose_oracle.json

Seeded, so the same versions write the same file; `versions` in it says which these were.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from posealign.interop.mm import shims

shims.install()

from mmpose.codecs import MSRAHeatmap, SimCCLabel, UDPHeatmap  # noqa: E402
from mmpose.evaluation.functional import (  # noqa: E402
    keypoint_auc,
    keypoint_epe,
    keypoint_pck_accuracy,
)
from mmpose.evaluation.functional.nms import oks_iou  # noqa: E402
from mmpose.models.utils.tta import flip_heatmaps  # noqa: E402

TARGET = Path(__file__).parents[1] / "metrics" / "mmpose_oracle.json"
INPUT, HEATMAP = (48, 64), (12, 16)


def metrics(rng: np.random.Generator) -> dict[str, Any]:
    truth = rng.uniform(0, 100, (4, 5, 2)).round(3)
    points = (truth + rng.normal(0, 6, truth.shape)).round(3)
    mask = rng.random((4, 5)) > 0.25
    mask[:, 4] = False  # a joint nobody labelled
    size = np.array([60.0, 80.0, 0.0, 100.0])  # a person without a size does not count
    rows = {}
    for limit in (0.05, 0.1, 0.2):
        norm = np.stack([size, size], 1)
        per_joint, mean, count = keypoint_pck_accuracy(points, truth, mask, limit, norm)
        rows[str(limit)] = {
            "joints": per_joint.tolist(), "mean": float(mean), "count": int(count)
        }  # fmt: skip
    return {
        "points": points.tolist(), "truth": truth.tolist(), "mask": mask.tolist(),
        "size": size.tolist(), "pck": rows,
        "auc": {"norm": 30.0, "value": float(keypoint_auc(points, truth, mask, 30.0))},
        "epe": float(keypoint_epe(points, truth, mask)),
    }  # fmt: skip


def similarity(rng: np.random.Generator) -> dict[str, Any]:
    sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
    truth = np.column_stack([rng.uniform(0, 200, (17, 2)).round(3), np.full(17, 2.0)])
    points = np.stack([truth] * 3)
    noise = rng.normal(0, 5, (3, 17, 2)) * [[[1]], [[2]], [[4]]]
    points[..., :2] = (points[..., :2] + noise).round(3)
    area = 8000.0
    found = oks_iou(truth.ravel(), points.reshape(3, -1), area, np.full(3, area), sigmas)
    return {
        "truth": truth[:, :2].tolist(), "points": points[..., :2].tolist(), "area": area,
        "sigmas": sigmas.tolist(), "oks": found.tolist(),
    }  # fmt: skip


def codecs(rng: np.random.Generator) -> dict[str, Any]:
    points = np.array([[[20.3, 31.7], [2.2, 60.9], [45.4, 9.1]]])  # inside, near two corners
    # mmpose draws a Gaussian half a cell off where three sigma are no whole number of cells.
    udp = UDPHeatmap(INPUT, HEATMAP, sigma=2)
    msra = MSRAHeatmap(INPUT, HEATMAP, sigma=2)
    simcc = SimCCLabel(INPUT, sigma=4.0, simcc_split_ratio=2.0)
    drawn = udp.encode(points)["heatmaps"]
    noisy = np.clip(drawn + rng.normal(0, 0.02, drawn.shape), 0, None).astype(np.float32).round(5)
    inner = np.clip(rng.normal(0, 0.05, (3, 16, 12)), 0, None)
    for joint, (column, row) in enumerate(((5, 8), (3, 12), (8, 4))):
        inner[joint, row, column] = 1.0
        inner[joint, row, column + 1] = 0.6
        inner[joint, row - 1, column] = 0.5
    inner = inner.astype(np.float32).round(5)
    axes = simcc.encode(points)
    across, along = axes["keypoint_x_labels"][0], axes["keypoint_y_labels"][0]
    udp_points, udp_scores = udp.decode(noisy)
    msra_points, msra_scores = msra.decode(inner)
    simcc_points, simcc_scores = simcc.decode(across[None], along[None])
    return {
        "input": INPUT, "heatmap": HEATMAP, "sigma": 2, "points": points[0].tolist(),
        "udp": {"encoded": small(drawn), "noisy": small(noisy), "decoded": udp_points[0].tolist(),
                "scores": udp_scores[0].tolist()},
        "msra": {"encoded": small(msra.encode(points)["heatmaps"]), "inner": small(inner),
                 "decoded": msra_points[0].tolist(), "scores": msra_scores[0].tolist()},
        "simcc": {"across": small(across), "along": small(along),
                  "decoded": simcc_points[0].tolist(), "scores": simcc_scores[0].tolist()},
    }  # fmt: skip


def flip(rng: np.random.Generator) -> dict[str, Any]:
    import torch

    maps = rng.random((1, 3, 4, 3)).round(4).astype(np.float32)
    back = flip_heatmaps(torch.from_numpy(maps), [0, 2, 1], shift_heatmap=False)
    return {"maps": maps[0].tolist(), "swap": [0, 2, 1], "back": back[0].tolist()}


def small(maps: np.ndarray) -> list[Any]:
    """Seven digits are more than float32 holds."""
    found: list[Any] = np.vectorize(lambda value: float(f"{value:.7g}"))(maps).tolist()
    return found


def main() -> None:
    rng = np.random.default_rng(20261121)
    content = {
        "about": "recorded by tests/mm/record_oracle.py from mmpose's own functions",
        "versions": {name: version(name) for name in ("mmpose", "mmengine", "mmcv-lite")},
        "metrics": metrics(rng), "oks": similarity(rng), "codecs": codecs(rng), "flip": flip(rng),
    }  # fmt: skip
    TARGET.write_text(json.dumps(content) + "\n", "utf-8")


if __name__ == "__main__":
    main()
