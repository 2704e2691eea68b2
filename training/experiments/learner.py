"""Arms that learn side by side from the same samples, and go on together where they stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol

import torch

from posealign.errors import InvalidInput
from training import loop


class Pace(Protocol):
    """What of a study's config all its arms share."""

    @property
    def rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def ema(self) -> float: ...


@dataclass
class Learner(Generic[loop.Model]):
    """An arm in training."""

    model: loop.Model
    optimizer: torch.optim.Optimizer
    ema: loop.Ema[loop.Model]


def learner(model: loop.Model, rates: Mapping[str, float], pace: Pace) -> Learner[loop.Model]:
    groups = loop.parameter_groups(model, dict(rates), pace.rate, pace.weight_decay)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)
    return Learner(model, optimizer, loop.Ema(model, pace.ema))


def save(path: Path, arms: Mapping[str, Learner[Any]], step: int) -> None:
    content = {name: loop.states(arm.model, arm.ema, arm.optimizer) for name, arm in arms.items()}
    loop.save_checkpoint(path, {"arms": content, "step": step})


def resume(path: Path, arms: Mapping[str, Learner[Any]]) -> int:
    """The step at which the arms stopped; 0 where there is no checkpoint."""
    if not path.exists():
        return 0
    saved = loop.load_checkpoint(path)
    if set(saved["arms"]) != set(arms):
        raise InvalidInput(
            f"{path} has the arms {sorted(saved['arms'])}, the config {sorted(arms)}: "
            "arms are compared after the same samples, so begin in another `out`"
        )
    for name, arm in arms.items():
        loop.restore(saved["arms"][name], arm.model, arm.ema, arm.optimizer)
    return int(saved["step"])
