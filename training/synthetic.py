"""The synthetic infant as a torch Dataset: rendered on the fly, or read from rendered shards.

    DataLoader(SyntheticInfants(Bank("train"), (192, 256)), 32, num_workers=8,
               worker_init_fn=seed_worker, multiprocessing_context="spawn")

Items are those of training.people.People, so every recipe can read either. What an item shows
depends on (seed, epoch, position) alone, never on which worker made it.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.data.sample import Sample
from posealign.errors import InvalidInput
from posealign.synth.bank import Bank
from posealign.synth.dataset import ShardDataset
from training.people import People
from training.shards import one_row

NAME = "synthetic"
# A process's renderers by size: a graphics context survives neither pickling nor a fork.
_RENDERERS: dict[tuple[int, int], Any] = {}


def seed_worker(worker: int) -> None:
    """For DataLoader's worker_init_fn: what draws from global dice draws other numbers in every
    worker, and the same ones again in a run of the same seed; one thread each.
    """
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


class SyntheticInfants(Dataset[dict[str, Any]]):
    """`source`: a Bank, of which `count` samples make an epoch and every epoch's are new ones, or
    a folder of shards. On the fly, give the loader spawned workers.
    """

    def __init__(
        self,
        source: Bank | Path,
        size: tuple[int, int],
        config: Augmentation | None = None,
        count: int | None = None,
        seed: int = 0,
        picture: int = 256,
    ) -> None:
        self.source, self.size, self.seed, self.picture = source, size, seed, picture
        self.config = config or Augmentation()
        self.epoch = 0
        self._read = None if isinstance(source, Bank) else ShardDataset(source, depth=False)
        whole = 10_000 if self._read is None else len(self._read)
        self.count = whole if count is None else count
        if self.count < 1 or (self._read is not None and self.count > whole):
            raise InvalidInput(f"{self.count} samples are asked of {source}, which has {whole}")

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """Before the loader's workers start: other augmentations and, on the fly, new samples."""
        self.epoch = epoch

    def sample(self, position: int) -> Sample:
        """The whole sample: picture, depth, everybody in it."""
        if self._read is not None:
            return self._read[position]
        assert isinstance(self.source, Bank)
        from posealign.synth.write import render_sample  # noqa: PLC0415 - needs MuJoCo

        number = self.epoch * self.count + position
        return render_sample(self.source, number, _renderer(self.picture)).sample

    def __getitem__(self, position: int) -> dict[str, Any]:
        if not 0 <= position < self.count:
            raise IndexError(position)
        for step in range(self.count):
            place = (position + step) % self.count
            sample = self.sample(place)
            if sample.people:  # now and then a blanket hides all there is
                break
        people = People(
            {NAME: one_row(sample)}, Mixture({NAME: 1}, {NAME: 1.0}, self.seed), self.config,
            self.size,
        )  # fmt: skip
        dice = np.random.default_rng((self.seed, self.epoch, position))
        return people.person(NAME, 0, dice)


def _renderer(size: int) -> Any:
    from posealign.synth.render import Renderer  # noqa: PLC0415

    key = (os.getpid(), size)
    if key not in _RENDERERS:
        _RENDERERS[key] = Renderer(size)
    return _RENDERERS[key]
