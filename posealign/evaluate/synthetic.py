"""Shards of the synthetic infant as a source; each picture says under which condition it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from posealign.data.sample import Sample
from posealign.errors import InvalidInput
from posealign.synth.dataset import ShardDataset


class SynthSource:
    """`blur` (a standard deviation in pixels) falls on each `blur_every`-th picture, so that
    blurred pictures, which no training range holds, stand beside the others in one table.
    """

    def __init__(self, path: str, blur: float = 0.0, blur_every: int = 5) -> None:
        if blur < 0 or blur_every < 1:
            raise InvalidInput(f"blur is {blur} and blur_every {blur_every}; expected ≥ 0 and ≥ 1")
        self.name = "synthetic"
        self._shards = ShardDataset(Path(path))
        self._blur, self._blur_every = blur, blur_every

    def __len__(self) -> int:
        return len(self._shards)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        sample = self._shards[index]
        blurred = self._blur > 0 and index % self._blur_every == self._blur_every - 1
        image = sample.image_HW3
        if blurred:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), self._blur), np.uint8)
        facts = {**sample.facts, "file": sample.key, "condition": _condition(sample, blurred)}
        return replace(sample, image_HW3=image, facts=facts)


def _condition(sample: Sample, blurred: bool) -> str:
    if blurred:
        return "blurred"
    for name in ("infrared", "blanket", "mosaic"):
        if sample.facts.get(name):
            return name
    return "clear"
