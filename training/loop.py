"""What every training loop shares: schedule, parameter groups, EMA, checkpoints, logs.

Plain functions and small classes; each recipe has its own loop that reads top to bottom.
"""

from __future__ import annotations

import copy
import csv
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from posealign.errors import InvalidConfig, InvalidInput

Model = TypeVar("Model", bound=nn.Module)


def learning_rate(step: int, steps: int, warmup: int, decay_from: float = 0.0) -> float:
    """A factor on the base rate: up, flat until `decay_from` of the run, then a cosine to zero."""
    if step < warmup:
        return (step + 1) / warmup
    start = max(warmup, decay_from * steps)
    if step < start:
        return 1.0
    share = min(1.0, (step - start) / max(1.0, steps - start))
    return 0.5 * (1 + math.cos(math.pi * share))


def parameter_groups(
    model: nn.Module, rates: Mapping[str, float], default: float, weight_decay: float
) -> list[dict[str, Any]]:
    """By module name (the longest wins); no decay for biases, norms, positions and tables."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    unused = set(rates)
    for name, parameter in model.named_parameters():
        # Whole names only: `blocks.1` is not `blocks.10`.
        matching = [module for module in rates if f"{name}.".startswith(f"{module}.")]
        unused -= set(matching)
        rate = rates[max(matching, key=len)] if matching else default
        if rate == 0:
            parameter.requires_grad_(False)
        if not parameter.requires_grad:
            continue
        plain = parameter.ndim < 2 or any(word in name for word in ("position", "table", "queries"))
        groups.setdefault((rate, 0.0 if plain else weight_decay), []).append(parameter)
    if unused:
        raise InvalidConfig(f"no parameter belongs to {sorted(unused)}")
    return [
        {"params": members, "lr": rate, "base_lr": rate, "weight_decay": decay}
        for (rate, decay), members in groups.items()
    ]


def layer_rates(model: nn.Module, rate: float, decay: float) -> dict[str, float]:
    """Layer decay: the encoder's last block learns at `rate`, each earlier one at `decay` times
    the next, and what stands before the blocks at the least.
    """
    blocks: dict[str, int] = {}
    for name, _ in model.named_parameters():
        found = re.match(r"(encoder\.(?:\w+\.)*blocks)\.(\d+)\.", name)
        if found:
            blocks[found[1]] = max(blocks.get(found[1], 0), int(found[2]))
    if not blocks or decay == 1.0:
        return {}
    trunk, last = max(blocks.items(), key=lambda item: item[1])
    rates = {f"{trunk}.{index}": rate * decay ** (last - index) for index in range(last + 1)}
    parent = trunk.removesuffix(".blocks")
    before = {f"{parent}.{name}" for name in ("patch_embed", "position", "pos_embed", "first")}
    for name, _ in model.named_parameters():
        for prefix in before:
            if f"{name}.".startswith(f"{prefix}."):
                rates[prefix] = rate * decay ** (last + 1)
    return rates


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


class Ema(Generic[Model]):
    """A slow copy of the weights; young runs average over fewer steps."""

    def __init__(self, model: Model, decay: float) -> None:
        self.model: Model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = self.model.state_dict()
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                mine[name].lerp_(value, 1 - decay)
            else:
                mine[name].copy_(value)


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all: written beside, then renamed (kill −9 leaves the old one)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save({**content, "torch_rng": torch.get_rng_state()}, beside)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def load_checkpoint(path: Path, restore_dice: bool = True) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if "step" not in content:
        raise InvalidInput(f"{path} is not a checkpoint: it has no step")
    if restore_dice:
        torch.set_rng_state(content["torch_rng"])
    return content


def save_run(
    path: Path, model: nn.Module, ema: Ema[Any], optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Everything a run needs to go on as if it had never stopped."""
    save_checkpoint(path, {**states(model, ema, optimizer), "step": step})


def states(model: nn.Module, ema: Ema[Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {
        "model": model.state_dict(), "ema": ema.model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }  # fmt: skip


def resume(path: Path, model: nn.Module, ema: Ema[Any], optimizer: torch.optim.Optimizer) -> int:
    """The step to go on from; learning rates come from the config, not from the file."""
    saved = load_checkpoint(path)
    restore(saved, model, ema, optimizer)
    return int(saved["step"])


def restore(
    saved: Mapping[str, Any], model: nn.Module, ema: Ema[Any], optimizer: torch.optim.Optimizer
) -> None:
    """What `states` kept; learning rates stay those of the optimizer."""
    model.load_state_dict(saved["model"])
    ema.model.load_state_dict(saved["ema"])
    rates = [group["base_lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(saved["optimizer"])
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["base_lr"] = rate


def best_so_far(folder: Path) -> float:
    path = folder / "best.pt"
    if not path.exists():
        return -math.inf
    return float(load_checkpoint(path, restore_dice=False)["score"])


class CsvLog:
    """One row a step in `log.csv` (and TensorBoard); a resumed run drops rows it writes again."""

    def __init__(self, folder: Path, start: int = 0, tensorboard: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.board: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

            self.board = SummaryWriter(str(folder), purge_step=start)
        self.path = folder / "log.csv"
        self.rows: list[dict[str, str]] = []
        if self.path.exists() and start > 0:
            with self.path.open() as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) < start]
            self.rows = [{key: value for key, value in row.items() if value} for row in kept]
        self._rewrite()

    def write(self, step: int, values: Mapping[str, float | Tensor]) -> None:
        row = {"step": str(step)} | {key: f"{float(value):.6g}" for key, value in values.items()}
        self.rows.append(row)
        if self.board is not None:
            for key, value in values.items():
                self.board.add_scalar(key, float(value), step)
        if set(row) - set(self.columns):
            self._rewrite()
            return
        with self.path.open("a") as file:
            csv.DictWriter(file, self.columns).writerow(row)

    def _rewrite(self) -> None:
        names = {key for row in self.rows for key in row} - {"step"}
        self.columns = ["step", *sorted(names)]
        with self.path.open("w") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)


def plot(log: Path, target: Path) -> None:
    """Every column of a log over its steps."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("agg")
    from matplotlib import pyplot  # noqa: PLC0415

    with log.open() as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name != "step"]
    figure, axes = pyplot.subplots(max(1, len(names)), 1, figsize=(7, 2.2 * max(1, len(names))))
    for name, axis in zip(names, [axes] if len(names) < 2 else axes, strict=False):
        kept = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        axis.plot(*zip(*kept, strict=True), linewidth=0.8)
        axis.set_ylabel(name)
    figure.tight_layout()
    figure.savefig(target, dpi=80)
    pyplot.close(figure)
