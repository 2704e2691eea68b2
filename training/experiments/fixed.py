"""What flexibility costs: an instructed decoder against a fixed head of 17, all else alike.

    python -m training.experiments.fixed configs/study_fixed.yaml key=value …

The backbone is frozen and looks at every view once. All arms then learn side by side from the same
draws of those views, so they have seen the same samples wherever the run stops; it goes on from its
last checkpoint. Shapes: B batch.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, model_validator
from rich.progress import Progress
from torch import Tensor

from posealign.config import Config, load_config
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.instructions.tokens import load_tokenizer
from posealign.model.config import DecoderConfig
from posealign.model.pose_model import PoseModel
from training import loop, validate
from training.ask import READS
from training.experiments.arms import say
from training.experiments.behind import (
    JOINTS,
    Arm,
    Head,
    Instructions,
    Lattice,
    drawn_instructions,
    fresh,
    kept_instructions,
)
from training.experiments.cost import TURNED, findings, judge, questions
from training.experiments.intervals import Floats
from training.experiments.learner import Learner, learner, resume, save
from training.experiments.looked import Looked, of_shard, open_looked, test_views, training_views
from training.experiments.report import write_report
from training.instruct import Triple
from training.judging import pixels_per_cell
from training.people import People
from training.sources import open_shard
from training.starting import assembled


class FixedConfig(Config):
    """`views` of the mixture are looked at once; every arm learns from the same `samples` of them.

    While the rate is flat (up to `decay_from` of the run), a run can go on with other `samples`.
    """

    out: str
    cache: str
    weights_from: str
    text_from: str
    model: dict[str, Any]  # whose encoder is frozen
    decoder: DecoderConfig = DecoderConfig()
    arms: dict[str, Arm]
    against: str = "fixed"  # the arm that the others are compared with
    shards: dict[str, str]
    weights: dict[str, float]
    augment: dict[str, Any] = Field(default_factory=dict)
    views: int = Field(8000, ge=1)
    view_seed: int = 0
    lspet: str | None = None  # judged on half B, upright and turned
    synthetic: str | None = None  # a held-out shard, as it lies
    synthetic_count: int = Field(300, ge=1)
    instructions: int = Field(8192, ge=1)
    samples: int = Field(200_000, ge=1)
    batch: int = Field(64, ge=1)
    rate: float = Field(1e-3, gt=0)
    warmup: int = 50
    decay_from: float = 0.4
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    sigma: float = 1.0
    stride: int = Field(1, ge=1)  # a step compares every so many cells, from a phase it draws
    seeds: tuple[int, ...] = (0,)
    save_every: int = 50
    draws: int = Field(2000, ge=10)
    threads: int = 1

    @model_validator(mode="after")
    def _compares(self) -> FixedConfig:
        if self.against not in self.arms:
            raise ValueError(f"against {self.against!r}: the arms are {sorted(self.arms)}")
        return self

    @property
    def steps(self) -> int:
        return -(-self.samples // self.batch)


def open_views(config: FixedConfig, model: PoseModel) -> tuple[Looked, dict[str, Looked]]:
    """The training views and the tests, by name."""
    shards = {name: open_shard(path) for name, path in config.shards.items()}
    lengths = {name: len(shards[name]) for name in config.weights}
    mixture = Mixture(lengths, config.weights, config.view_seed)
    size = (model.config.width, model.config.height)
    people = People(shards, mixture, Augmentation(**config.augment), size)
    what = config.model_dump(include={"shards", "weights", "augment", "views", "view_seed"})
    folder = Path(config.cache)
    train = open_looked(folder / "train", model, what, config.views, training_views(model, people))
    tests: dict[str, tuple[validate.Judged, str]] = {}
    if config.lspet is not None:
        whole = validate.read_lsp(Path(config.lspet))
        tests["real people"] = validate.half(whole, "B"), config.lspet
        tests["real people" + TURNED] = validate.half(validate.turned(whole), "B"), config.lspet
    if config.synthetic is not None:
        held_out = of_shard(open_shard(config.synthetic), config.synthetic_count)
        tests["synthetic infants"] = held_out, config.synthetic
    looked = {}
    for name, (judged, source) in tests.items():
        place, count = folder / name.replace(",", "").replace(" ", "_"), len(judged.images)
        what = {"test": name, "source": source, "count": count}
        looked[name] = open_looked(place, model, what, count, test_views(model, judged))
    return train, looked


def learners(config: FixedConfig, model: PoseModel, seed: int) -> dict[str, Learner[Head]]:
    found = {}
    for name, arm in config.arms.items():
        head = fresh(arm, config.decoder, model, seed)
        found[name] = learner(head, {}, config)
    return found


def train(
    config: FixedConfig, model: PoseModel, views: Looked, words: Instructions, seed: int
) -> dict[str, Learner[Head]]:
    """All arms on the same samples; the batch at a step is a function of (seed, step) alone."""
    arms, out = learners(config, model, seed), Path(config.out) / f"seed{seed}"
    start = resume(out / "last.pt", arms)
    cell = pixels_per_cell((model.config.width, model.config.height))
    log, began, cpu = loop.CsvLog(out, start), time.time(), time.process_time()
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"seed {seed}", total=config.steps, completed=start)
        for step in range(start, config.steps):
            dice = np.random.default_rng((seed, step))
            x, y = (int(value) for value in dice.integers(0, config.stride, 2))
            lattice = Lattice(cell, config.sigma, config.stride, (x, y))
            rows_B = dice.integers(0, len(views), config.batch)
            batch = views.rows(rows_B, config.stride, lattice.phase)
            asked = words.rows(torch.from_numpy(dice.integers(0, len(words), config.batch)))
            factor = loop.learning_rate(step, config.steps, config.warmup, config.decay_from)
            row: dict[str, float] = {}
            for name, arm in arms.items():
                loop.set_rate(arm.optimizer, factor)
                for part, value in _step(arm, batch, asked, lattice, config, step).items():
                    row[f"{name} {part}"] = value
            done = step + 1
            row["samples_per_second"] = (done - start) * config.batch / (time.time() - began)
            row["cpu_seconds"] = time.process_time() - cpu
            log.write(step, row)
            progress.update(task, completed=done)
            if done % config.save_every == 0 or done == config.steps:
                save(out / "last.pt", arms, done)
                say(" ".join(f"{key} {value:.4g}" for key, value in {"step": done, **row}.items()))
    return arms


def _step(
    arm: Learner[Head], batch: Mapping[str, Tensor], words: Mapping[str, Tensor],
    lattice: Lattice, config: FixedConfig, step: int,
) -> dict[str, float]:  # fmt: skip
    parts = arm.model.cost(batch, words, lattice)
    torch.stack(list(parts.values())).sum().backward()
    # Apart, so that what the reading learns does not shorten a step of the places.
    reading = [p for name, p in arm.model.named_parameters() if _reads(name)]
    placing = [p for name, p in arm.model.named_parameters() if not _reads(name)]
    for side in (reading, placing):
        torch.nn.utils.clip_grad_norm_(side, config.clip)
    arm.optimizer.step()
    arm.optimizer.zero_grad()
    arm.ema.update(arm.model, step)
    return {name: float(part.detach()) for name, part in parts.items()}


def _reads(name: str) -> bool:
    return name.removeprefix("decoder.").startswith(READS)


def study(config: FixedConfig) -> Path:
    """Look, train, judge; the page is written anew after each seed."""
    torch.set_num_threads(config.threads)
    began, cpu = time.time(), time.process_time()
    model = assembled(config.model, config.weights_from, config.text_from)
    model.requires_grad_(False)
    tokenizer = load_tokenizer(Path(config.text_from) / "tokenizer.json")
    views, tests = open_views(config, model)
    widest = max((arm.joints for arm in config.arms.values()), key=lambda name: len(JOINTS[name]))
    text = hashlib.sha256((Path(config.text_from) / "weights.safetensors").read_bytes()).hexdigest()
    key = f"{config.instructions} {config.view_seed} {widest} {text}"

    def draw() -> list[Triple]:
        return drawn_instructions(config.instructions, config.view_seed, JOINTS[widest])

    folder = Path(config.cache)
    words = kept_instructions(folder / "instructions.pt", key, model, tokenizer, draw)
    asked = {}
    for number, (test, held_out) in enumerate(tests.items()):
        count = len(held_out)
        asked[test] = kept_instructions(
            folder / f"questions{number}.pt", f"{test} {count} {number} {text}", model, tokenizer,
            partial(questions, count, number),
        )  # fmt: skip
    say(f"{len(views)} views, {len(words)} instructions, {time.process_time() - cpu:.0f} CPU s")
    cell = pixels_per_cell((model.config.width, model.config.height))
    figures: dict[str, dict[str, list[dict[str, tuple[Floats, Floats]]]]] = {}
    path = Path(config.out)
    for seed in config.seeds:
        arms = train(config, model, views, words, seed)
        for name, arm in arms.items():
            for test, held_out in tests.items():
                found = judge(arm.ema.model, held_out, asked[test], cell)
                figures.setdefault(test, {}).setdefault(name, []).append(found)
        weights = hashlib.sha256(Path(config.weights_from).read_bytes()).hexdigest()[:16]
        sizes = [f"{name} {sum(p.numel() for p in arm.model.parameters() if p.requires_grad)}"
                 for name, arm in arms.items()]  # fmt: skip
        notes = {
            "backbone": f"frozen, {weights}",
            "samples": f"{config.steps * config.batch} of {len(views)} views, each arm",
            "seeds": f"{list(config.seeds[: config.seeds.index(seed) + 1])}",
            "learned numbers": ", ".join(sizes),
            "tests": ", ".join(f"{key} {len(value)}" for key, value in tests.items()),
            "this call": f"{time.process_time() - cpu:.0f} CPU s, {time.time() - began:.0f} s",
            "machine": f"{platform.machine()}, {config.threads} thread(s)",
        }  # fmt: skip
        tables = findings(figures, config.against, config.draws)
        write_report(path, config, {"fixed": tables}, notes, "What flexibility costs")
    return path / "report.md"


def main() -> None:
    print(study(load_config(FixedConfig, sys.argv[1], sys.argv[2:])))


if __name__ == "__main__":
    main()
