"""Any top-down mmpose model beside ours in one table: `kind: mmpose` in an evaluation.

It runs as its authors meant it: its own pipeline, crop, flip test and decoding.
Shapes: K joints of the model's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from posealign.bundle import sha256_of
from posealign.data.sample import Sample
from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.evaluate import settings
from posealign.evaluate.models import in_skeleton
from posealign.evaluate.rows import Row
from posealign.interop.mm.checkpoints import read_config
from posealign.interop.mm.skeletons import from_parsed
from posealign.people import Box
from posealign.skeletons.load import skeleton as load_skeleton


class Baseline:
    """An Answerer; its digest is the checkpoint's."""

    def __init__(self, model: settings.MmposeModel, skeleton: str) -> None:
        config = read_config(Path(model.config))
        if config.test_dataloader.dataset.get("data_mode", "topdown") != "topdown":
            raise InvalidConfig(
                f"model {model.name!r}: {model.config} is not top-down; only models of one crop "
                "can be asked about a box"
            )
        if not Path(model.checkpoint).is_file():
            raise NotFound(f"model {model.name!r}: there is no file {model.checkpoint}")
        import_module("posealign.interop.mm.register")
        self._inference = import_module("mmpose.apis.inference")
        try:
            # Options of any kind, none here, keep mmpose from looking for a `backbone`.
            self._model: Any = self._inference.init_model(
                config, model.checkpoint, model.device, cfg_options={}
            )
        except (RuntimeError, KeyError, OSError) as error:
            raise InvalidInput(f"model {model.name!r}: {error}") from error
        named = load_skeleton(model.joints) if model.joints else None
        self._own = named or from_parsed(self._model.dataset_meta)
        self._skeleton = skeleton
        self.digest = sha256_of(Path(model.checkpoint))

    def answer(self, sample: Sample, boxes: Sequence[Box] | None) -> list[Row]:
        height, width = sample.image_HW3.shape[:2]
        if boxes is None:  # a model without a finder looks at the whole picture
            boxes = [(0.0, 0.0, float(width), float(height))]
        picture = np.ascontiguousarray(sample.image_HW3[..., ::-1])  # mmpose's pipelines take BGR
        corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float32)
        found = self._inference.inference_topdown(self._model, picture, corners)
        return [self._row(one.pred_instances, box) for one, box in zip(found, boxes, strict=True)]

    def _row(self, people: Any, box: Box) -> Row:
        points_K2 = np.asarray(people.keypoints[0], np.float64)
        sure_K = np.clip(np.asarray(people.keypoint_scores[0], np.float64), 0, 1)
        if len(points_K2) != len(self._own):
            raise InvalidInput(
                f"the model answers {len(points_K2)} joints; {self._own.name} has {len(self._own)}"
            )
        return {
            "box": [round(value, 4) for value in box],
            "score": round(float(sure_K.mean()), 6),
            "joints": in_skeleton(np.column_stack([points_K2, sure_K]), self._own, self._skeleton),
        }
