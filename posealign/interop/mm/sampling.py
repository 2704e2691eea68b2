"""Instructions while an mmengine Runner trains: a hook draws them, the estimator answers them.

    custom_hooks = [dict(type="InstructionSampling", languages=("en", "zh"), seed=0)]

What is drawn is a function of (seed, rank, iteration), so a resumed run draws the same.
Shapes: B batch, K joints of the data set, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import Tensor

from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.errors import InvalidConfig
from posealign.instructions.asked import answer
from posealign.instructions.phrases import Phrasebook, phrasebook
from posealign.instructions.query import Query, Refusal
from posealign.instructions.sampling import sample
from posealign.instructions.wording import word
from posealign.skeletons.load import vocabulary


@dataclass(frozen=True)
class Asking:
    """One instruction: its words and what they mean."""

    text: str
    query: Query | Refusal


def draw(rng: Random, books: Sequence[Phrasebook], refusals: float) -> Asking:
    query = sample(rng, refusals)
    if isinstance(query, Query):
        query = replace(query, subject="all")  # which person is meant is settled by the crop
    return Asking(word(query, rng, rng.choice(books)), query)


@HOOKS.register_module()
class InstructionSampling(Hook):  # type: ignore[misc]
    """Gives every training sample an instruction of its own; PoseAlign learns to answer it."""

    priority = "NORMAL"

    def __init__(
        self, languages: Sequence[str] = ("en", "zh"), refusals: float = 0.08, seed: int = 0
    ) -> None:
        if not 0 <= refusals <= 1:
            raise InvalidConfig(f"refusals is a share, got {refusals}")
        self.books = tuple(phrasebook(name) for name in languages)
        self.refusals, self.seed = refusals, seed

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        rng = Random(f"{self.seed}/{get_rank()}/{runner.iter}")
        for one in data_batch["data_samples"]:
            one.set_metainfo({"asking": draw(rng, self.books, self.refusals)})


def asked(
    askings: Sequence[Asking],
    points_BK2: Tensor,
    weights_BK: Tensor,
    rows_K: Tensor,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Wanted joints [B, V], how sure that is [B, V], and [B]: 1 where an answer is wanted.

    Relations are judged as the crop shows the person. The labels know neither depth nor what
    hides a joint: what hangs on these is not taught (weight 0).
    """
    rows = rows_K.cpu().numpy()
    found = []
    for asking, points_K2, weights_K in zip(
        askings, points_BK2.cpu().numpy(), weights_BK.cpu().numpy(), strict=True
    ):
        points_V2 = np.full((len(vocabulary()), 2), np.nan, np.float32)
        states_V = np.full(len(vocabulary()), int(State.UNLABELLED), np.int8)
        known = weights_K > 0
        points_V2[rows[known]] = points_K2[known]
        states_V[rows[known]] = int(State.VISIBLE)
        low = points_K2[known].min(0) if known.any() else np.zeros(2)
        high = points_K2[known].max(0) if known.any() else np.array(size)
        box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
        found.append(answer(asking.query, Person(points_V2, states_V, box), size))
    device = points_BK2.device
    wanted, sure = (
        torch.from_numpy(np.stack(rows)).to(device) for rows in zip(*found, strict=True)
    )
    answered = [not isinstance(asking.query, Refusal) for asking in askings]
    return wanted, sure, torch.tensor(answered, device=device, dtype=torch.float32)
