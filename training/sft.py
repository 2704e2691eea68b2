"""Stage 1, supervised fine-tuning: a loop that reads top to bottom.

    python -m training.sft configs/sft_tiny.yaml key=value …
    accelerate launch --num_processes 8 -m training.sft configs/sft_b.yaml

Pictures with joints, optionally with instructions made on the fly, become places, states, depths,
people found and joints asked for. Resumes to the same curve: the batch at a step is a function of
(seed, step) alone, and the checkpoint holds the rest. Two ranks give one rank's gradients, since
every sum is divided by the whole batch's total.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from pydantic import Field, model_validator
from rich.progress import Progress
from torch import Tensor, nn
from torch.utils.data import DataLoader

from posealign.config import Config, load_config
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.errors import InvalidConfig
from posealign.model.config import PoseConfig
from posealign.model.pose_model import PoseModel
from training import loop, losses
from training.judging import judge_model, pixels_per_cell
from training.people import SCENE, People
from training.sources import open_shard
from training.starting import start_from

Batch = dict[str, Tensor]
COSTS = {"place": 1.0, "state": 0.3, "z": 0.1, "finder": 0.1}


class SftConfig(Config):
    """Every field is a key of the YAML file; unknown keys are errors."""

    out: str
    shards: dict[str, str]
    weights: dict[str, float]  # shares of the stream; `scenes` are composed of the shards
    infants: tuple[str, ...] = ()  # shards whose people are infants
    postures: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # of a shard only these
    validation: str | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    stem: str | None = None  # a published network's weights, see training.stems
    weights_from: str | None = None  # a checkpoint of an earlier stage
    augment: dict[str, Any] = Field(default_factory=dict)
    costs: dict[str, float] = Field(default_factory=lambda: dict(COSTS))
    steps: int = Field(2000, ge=1)
    batch: int = Field(32, ge=1)  # pictures a step, over all ranks
    chunk: int = Field(16, ge=1)  # pictures forward at once on a rank
    rate: float = Field(8e-4, gt=0)
    rates: dict[str, float] = Field(default_factory=dict)  # by parameter prefix; 0 freezes
    layer_decay: float = Field(1.0, gt=0, le=1)  # of the encoder's blocks, from the last one back
    warmup: int = 60
    decay_from: float = 0.4
    weight_decay: float = 0.05
    clip: float = 1.0
    ema: float = 0.998
    sigma: float = 1.0
    seed: int = 0
    threads: int = 2
    workers: int = 1
    precision: str = Field("no", pattern="^(no|bf16|fp16)$")
    save_every: int = 50
    judge_every: int = 200
    best_by: str = "oks"
    tensorboard: bool = False

    @model_validator(mode="after")
    def _fits(self) -> SftConfig:
        if self.batch % self.chunk:
            raise ValueError(f"batch {self.batch} is not a multiple of chunk {self.chunk}")
        unknown = set(self.weights) - set(self.shards) - {SCENE}
        if unknown:
            raise ValueError(f"weights for {sorted(unknown)}, which are no shards")
        if strange := set(self.postures) - set(self.shards):
            raise ValueError(f"postures for {sorted(strange)}, which are no shards")
        return self


class Losses(nn.Module):
    """The model and its costs in one forward, so that a distributed wrapper sees the call."""

    importance: Tensor
    scale: Tensor

    def __init__(self, model: PoseModel, config: SftConfig) -> None:
        super().__init__()
        self.model, self.costs, self.sigma = model, dict(config.costs), config.sigma
        self.register_buffer("importance", losses.importance(), persistent=False)
        scale = pixels_per_cell((model.config.width, model.config.height))
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, batch: Batch, joints_K: Tensor) -> dict[str, Tensor]:
        seen = self.model.image(batch["pixels"])
        sums: dict[str, Tensor] = {}
        if self.costs.get("finder"):
            sums["finder"] = losses.finder_loss(
                seen["finder"], batch["finder"], batch["finder_weight"], batch["finder_on"]
            )
        _, delta, state, z, _ = self.model.decoder.look(seen["tokens"], batch["crop"])
        vectors_BKR = (self.model.table + delta)[:, joints_K]
        # Not in bf16: it would round a logit of 20 to eighths.
        with torch.autocast(vectors_BKR.device.type, enabled=False):
            maps = self.model.heatmaps(seen["features"].float(), vectors_BKR.float()).flatten(2)
        weights_BK = (batch["weights"] * self.importance)[:, joints_K]
        cells = batch["points"][:, joints_K] / self.scale
        sums["place"] = losses.place_loss(
            maps, cells, weights_BK, self.model.config.grid, self.sigma
        )
        sums["state"] = losses.state_loss(
            state, batch["state"], batch["state_weight"] * self.importance
        )
        sums["z"] = losses.z_loss(z, batch["z"], batch["z_weight"] * self.importance)
        return sums


def read_people(config: SftConfig, size: tuple[int, int]) -> People:
    shards = {name: open_shard(path) for name, path in config.shards.items()}
    kept = {name: shards[name].rows_in(only) for name, only in config.postures.items()}
    rows = {SCENE: range(1_000_000)} | shards | kept
    lengths = {name: len(rows[name]) for name in config.weights}
    mixture = Mixture(lengths, config.weights, config.seed)
    augment = Augmentation(**config.augment)
    return People(shards, mixture, augment, size, frozenset(config.infants), kept=kept)


def chunks_of(
    config: SftConfig, people: People, start: int, accelerator: Accelerator
) -> Iterator[Batch]:
    """This rank's chunks from step `start` on, in the order of positions."""
    ranks, rank = accelerator.num_processes, accelerator.process_index
    if config.batch % (config.chunk * ranks):
        raise InvalidConfig(f"batch {config.batch} is not a multiple of chunk × {ranks} ranks")
    whole = range(start * config.batch, config.steps * config.batch)
    # Rank r takes every ranks-th position: together they are the one-rank batch.
    loader = DataLoader(
        people, config.chunk, sampler=list(whole[rank::ranks]), num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )  # fmt: skip
    for batch in loader:
        yield {key: value.to(accelerator.device) for key, value in batch.items()}


def one_step(
    model: nn.Module, chunks: list[Batch], config: SftConfig, accelerator: Accelerator
) -> dict[str, float]:
    """Gradients of the whole batch, summed over chunks and ranks; the losses for the log."""
    weights = losses.importance().to(accelerator.device)
    local = {key: torch.stack(values).sum() for key, values in _stacked(chunks).items()}
    total = {key: accelerator.reduce(value) for key, value in local.items()}
    report: dict[str, float] = {}
    for index, chunk in enumerate(chunks):
        joints_K = torch.nonzero((chunk["weights"] * weights).sum(0) > 0)[:, 0]
        last = index == len(chunks) - 1
        with accelerator.no_sync(model) if not last else nullcontext():
            with accelerator.autocast():
                sums = model(chunk, joints_K)
            # DDP means gradients over ranks; the totals already hold all of them.
            parts = {key: value / total[key].clamp(min=1e-6) for key, value in sums.items()}
            whole = sum(config.costs.get(key, 0.0) * part for key, part in parts.items())
            accelerator.backward(whole * accelerator.num_processes)
        for key, part in parts.items():
            report[key] = report.get(key, 0.0) + float(accelerator.reduce(part.detach()))
    return report


def _stacked(chunks: list[Batch]) -> dict[str, list[Tensor]]:
    rows: dict[str, list[Tensor]] = {}
    for chunk in chunks:
        for key, value in losses.totals(chunk).items():
            rows.setdefault(key, []).append(value)
    return rows


def train(config: SftConfig) -> dict[str, float]:
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    accelerator = Accelerator(mixed_precision=config.precision, cpu=not torch.cuda.is_available())
    model = PoseModel(PoseConfig.model_validate(config.model))
    start_from(model, config.stem, config.weights_from)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    size = (model.config.width, model.config.height)
    rates = loop.layer_rates(model, config.rate, config.layer_decay) | config.rates
    groups = loop.parameter_groups(model, rates, config.rate, config.weight_decay)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    ema, out, start = loop.Ema(model, config.ema), Path(config.out), 0
    if (out / "last.pt").exists():
        start = loop.resume(out / "last.pt", model, ema, optimizer)
    wrapped, optimizer = accelerator.prepare(Losses(model, config), optimizer)
    ema.model.to(accelerator.device)

    stream = chunks_of(config, read_people(config, size), start, accelerator)
    per_step = config.batch // config.chunk // accelerator.num_processes
    main = accelerator.is_main_process
    log = loop.CsvLog(out, start, config.tensorboard) if main else None
    began, best, row = time.time(), loop.best_so_far(out), {}
    wrapped.train()
    with Progress(disable=not (main and sys.stderr.isatty())) as progress:
        task = progress.add_task("sft", total=config.steps, completed=start)
        for step in range(start, config.steps):
            factor = loop.learning_rate(step, config.steps, config.warmup, config.decay_from)
            loop.set_rate(optimizer, factor)
            chunks = [next(stream) for _ in range(per_step)]
            row = one_step(wrapped, chunks, config, accelerator)
            norm = accelerator.clip_grad_norm_(wrapped.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad()
            ema.update(model, step)
            done = step + 1
            row["gradient"] = float(norm)
            row["pictures_per_second"] = (done - start) * config.batch / (time.time() - began)
            progress.update(task, completed=done)
            if log is None:
                continue
            if config.validation and (done % config.judge_every == 0 or done == config.steps):
                row |= judge_model(ema.model, Path(config.validation))
                print(done, json.dumps(_rounded(row)), file=sys.stderr, flush=True)
                if row[config.best_by] > best:
                    best = row[config.best_by]
                    content = {"ema": ema.model.state_dict(), "step": done, "score": best}
                    loop.save_checkpoint(out / "best.pt", content)
            log.write(step, row)
            if done % config.save_every == 0 or done == config.steps:
                loop.save_run(out / "last.pt", model, ema, optimizer, done)
    if log is not None:
        loop.plot(log.path, out / "log.png")
    return row


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {key: round(float(value), 4) for key, value in row.items()}


def main() -> None:
    config = load_config(SftConfig, sys.argv[1], sys.argv[2:])
    train(config)


if __name__ == "__main__":
    main()
