"""Where features come from: one network over a fresh, MoveNet's or RTMDet-nano's pyramid.

    python -m training.experiments.bakeoff configs/study_bakeoff.yaml key=value …

All arms learn side by side from the same batches, so they have seen the same samples wherever the
run stops; it goes on from its last checkpoint. The published files are the user's own copies.
Shapes: B batch.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import Progress
from torch import Tensor
from torch.utils.data import default_collate

from posealign.config import Config, load_config
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.errors import InvalidInput
from posealign.model import codec
from training import loop, losses, validate
from training.experiments.arms import say
from training.experiments.intervals import Floats, change
from training.experiments.learner import Learner, learner, resume, save
from training.experiments.looked import of_shard
from training.experiments.pyramids import GIVEN, JOINTS, Arm, Network, network
from training.experiments.report import write_report
from training.experiments.tables import Findings, Table, said
from training.judging import pixels_per_cell
from training.people import People
from training.shards import Shard, merge_labels
from training.sources import open_shard

Batch = Mapping[str, Tensor]
Figures = dict[str, tuple[Floats, Floats]]  # each a sum and a count a picture
Tests = dict[str, validate.Judged]
KEPT = ("pixels", "points", "weights")


class BakeoffConfig(Config):
    """Each arm learns from the same `samples`, in the same order, with one schedule."""

    out: str
    arms: dict[str, Arm]
    files: dict[str, str] = Field(default_factory=dict)  # the user's copies, by pyramid
    encoder: dict[str, Any] = Field(default_factory=dict)  # HybridConfig
    shard: str
    labels: str | None = None  # LSP's train.json: people's labels alone, without MoveNet's
    judged: str  # a folder in LSP's format, or drawn:COUNT
    augment: dict[str, Any] = Field(default_factory=dict)
    samples: int = Field(30_000, ge=1)
    batch: int = Field(16, ge=1)
    rate: float = Field(1e-3, gt=0)
    rates: dict[str, float] = Field(default_factory=dict)  # by parameter prefix; an arm's go first
    warmup: int = 50
    decay_from: float = 0.3
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    sigma: float = 1.0
    seeds: tuple[int, ...] = (0,)
    save_every: int = 50
    judge_every: int = 200  # on half A, for the curve
    draws: int = Field(2000, ge=10)
    threads: int = 1

    @property
    def steps(self) -> int:
        return -(-self.samples // self.batch)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.encoder.get("input_size", (192, 192))
        return int(width), int(height)


def open_people(config: BakeoffConfig, seed: int) -> People:
    shard = open_shard(config.shard)
    if config.labels is not None:
        shard = _by_people(shard, Path(config.labels))
    mixture = Mixture({"people": len(shard)}, {"people": 1.0}, seed)
    return People({"people": shard}, mixture, Augmentation(**config.augment), config.size)


def _by_people(shard: Shard, labels: Path) -> Shard:
    """A packed shard's labels were mended by MoveNet; no arm may be taught by another's model."""
    human = np.array([row["lsp14"] for row in json.loads(labels.read_text())], np.float32)
    if len(human) != len(shard):
        raise InvalidInput(f"{labels} has {len(human)} rows, the shard {len(shard)}")
    nobody = np.zeros((len(human), JOINTS, 3), np.float32)
    points, weights = merge_labels(human, nobody, np.ones(len(human)))
    return replace(shard, points_NV2=points, weights_NV=weights)


def open_tests(config: BakeoffConfig, half: str) -> Tests:
    where = config.judged
    drawn = where.startswith("drawn:")
    whole = of_shard(open_shard(where), 10**6) if drawn else validate.read_lsp(Path(where))
    return {"upright": validate.half(whole, half),
            "turned": validate.half(validate.turned(whole), half)}  # fmt: skip


def batch_at(people: People, config: BakeoffConfig, step: int) -> Batch:
    rows = range(step * config.batch, (step + 1) * config.batch)
    views = [people[position] for position in rows]
    found: Batch = default_collate([{name: view[name] for name in KEPT} for view in views])
    return found


def learners(config: BakeoffConfig, people: People, seed: int) -> dict[str, Learner[Network]]:
    found, pixels = {}, batch_at(people, config, 0)["pixels"]
    for name, arm in config.arms.items():
        model = network(arm, config.encoder, config.files, pixels, seed)
        found[name] = learner(model, config.rates | arm.rates, config)
    return found


def train(
    config: BakeoffConfig, seed: int, on_the_way: Tests
) -> tuple[dict[str, Learner[Network]], list[dict[str, str]]]:
    """All arms and the log; the batch at a step is a function of (seed, step) alone."""
    people, out = open_people(config, seed), Path(config.out) / f"seed{seed}"
    arms = learners(config, people, seed)
    start = resume(out / "last.pt", arms)
    log, began = loop.CsvLog(out, start + 1), time.time()  # row 0 is the beginning
    if not log.rows:
        log.write(0, _curve(arms, on_the_way, config))
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"seed {seed}", total=config.steps, completed=start)
        for step in range(start, config.steps):
            row: dict[str, float] = {}
            batch = batch_at(people, config, step)
            factor = loop.learning_rate(step, config.steps, config.warmup, config.decay_from)
            for name, arm in arms.items():
                loop.set_rate(arm.optimizer, factor)
                cpu = time.process_time()
                row[f"{name} place"] = _step(arm, batch, config, step)
                row[f"{name} cpu"] = time.process_time() - cpu
            done = step + 1
            row["samples_per_second"] = (done - start) * config.batch / (time.time() - began)
            if done % config.judge_every == 0 or done == config.steps:
                row |= _curve(arms, on_the_way, config)
            log.write(done, row)
            progress.update(task, completed=done)
            if done % config.save_every == 0 or done == config.steps:
                save(out / "last.pt", arms, done)
                say(" ".join(f"{key} {value:.4g}" for key, value in {"step": done, **row}.items()))
    return arms, log.rows


def _step(arm: Learner[Network], batch: Batch, config: BakeoffConfig, step: int) -> float:
    arm.model.train()
    maps = arm.model(batch["pixels"])
    weights_BK = batch["weights"][:, :JOINTS]
    cells_BK2 = batch["points"][:, :JOINTS] / pixels_per_cell(config.size)
    grid = (maps.shape[2], maps.shape[3])
    cost = losses.place_loss(maps.flatten(2), cells_BK2, weights_BK, grid, config.sigma)
    cost = cost / weights_BK.sum().clamp(min=1e-6)
    cost.backward()
    torch.nn.utils.clip_grad_norm_(arm.model.parameters(), config.clip)
    arm.optimizer.step()
    arm.optimizer.zero_grad()
    arm.ema.update(arm.model, step)
    return float(cost.detach())


def locator(model: Network, config: BakeoffConfig) -> Callable[[NDArray[np.uint8]], Floats]:
    cell = pixels_per_cell(config.size)

    @torch.no_grad()
    def locate(crops: NDArray[np.uint8]) -> Floats:
        maps = model(torch.from_numpy(crops))
        found = codec.decode(maps.flatten(2), maps.shape[2], maps.shape[3]) * cell
        return np.asarray(found.double().numpy())

    return locate


def judge(model: Network, tests: Tests, config: BakeoffConfig) -> Figures:
    """Each figure of each test, as a value a picture and a count of one."""
    figures: Figures = {}
    for test, judged in tests.items():
        found = validate.predict(judged, locator(model.eval(), config), config.size)
        for name, values in validate.scores(judged, found).items():
            figures[f"{test} {name}"] = values, np.ones(len(values))
    return figures


def _curve(
    arms: Mapping[str, Learner[Network]], tests: Tests, config: BakeoffConfig
) -> dict[str, float]:
    """Mean OKS of what each arm is now."""
    return {f"{name} {figure}": float(values.mean())
            for name, arm in arms.items()
            for figure, (values, _) in judge(arm.ema.model, tests, config).items()
            if figure.endswith("oks")}  # fmt: skip


COLUMNS = ("turned oks", "turned pck", "turned swapped", "upright oks", "upright pck")


def findings(
    runs: Mapping[str, list[Figures]], arms: Mapping[str, Arm], draws: int,
    log: list[dict[str, str]], batch: int,
) -> Findings:  # fmt: skip
    count = len(next(iter(runs.values()))[0][COLUMNS[0]][0])
    body_N, rows, differences = np.arange(count), [], []
    for name, seeds in runs.items():
        given = GIVEN[arms[name].pyramid] + (", and its 17 joint rows" * arms[name].rows)
        means = [np.mean([one[figure][0].mean() for one in seeds]) for figure in COLUMNS]
        rows.append((name, given, *(f"{mean:.3f}" for mean in means)))
    for first, second in combinations(runs, 2):
        cells = [said(change([one[figure] for one in runs[first]],
                             [one[figure] for one in runs[second]], body_N, draws), percent=False)
                 for figure in COLUMNS]  # fmt: skip
        differences.append((f"{second} less {first}", *cells))
    note = ("OKS and PCK@0.1 of the box are means over pictures; swapped is the share of joints "
            "less than half as far from the other side's label. Turned: by any angle.")  # fmt: skip
    between = "Paired bootstrap over pictures and seeds, 95 %."
    return Findings((
        Table(f"Half B ({count} pictures)", ("arm", "begins from", *COLUMNS), tuple(rows), note),
        Table("Differences", ("arms", *COLUMNS), tuple(differences), between),
        _on_the_way(log, list(runs), batch),
    ))  # fmt: skip


def _on_the_way(log: list[dict[str, str]], arms: list[str], batch: int) -> Table:
    rows = []
    for row in log:
        if f"{arms[0]} turned oks" in row:
            oks = (f"{float(row[f'{name} turned oks']):.3f}" for name in arms)
            rows.append((str(int(row["step"]) * batch), *oks))
    return Table("Turned OKS on half A, on the way", ("samples", *arms), tuple(rows))


def study(config: BakeoffConfig) -> Path:
    """Train, judge; the page is written anew after each seed."""
    torch.set_num_threads(config.threads)
    began, cpu, path = time.time(), time.process_time(), Path(config.out)
    tests, on_the_way = open_tests(config, "B"), {"turned": open_tests(config, "A")["turned"]}
    runs: dict[str, list[Figures]] = {}
    for number, seed in enumerate(config.seeds, 1):
        arms, log = train(config, seed, on_the_way)
        for name, arm in arms.items():
            runs.setdefault(name, []).append(judge(arm.ema.model, tests, config))
        notes = _notes(config, arms, log) | {
            "seeds": f"{list(config.seeds[:number])}",
            "this call": f"{time.process_time() - cpu:.0f} CPU s, {time.time() - began:.0f} s",
        }
        tables = findings(runs, config.arms, config.draws, log, config.batch)
        title = "Where the features come from: a bake-off"
        write_report(path, config, {"bakeoff": tables}, notes, title)
    return path / "report.md"


def _notes(
    config: BakeoffConfig, arms: Mapping[str, Learner[Network]], log: list[dict[str, str]]
) -> dict[str, str]:
    sizes, times = [], []
    for name, arm in arms.items():
        sizes.append(f"{name} {sum(p.numel() for p in arm.model.parameters())}")
        spent = np.median([float(row[f"{name} cpu"]) for row in log[1:]])
        times.append(f"{name} {1000 * spent / config.batch:.1f}")
    digests = [f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]}"
               for name, file in config.files.items()]  # fmt: skip
    return {
        "samples": f"{config.steps * config.batch} each arm, the same in the same order",
        "files": ", ".join(digests) or "none",
        "weights": ", ".join(sizes),
        "CPU milliseconds a sample": ", ".join(times),
        "machine": f"{platform.machine()}, {config.threads} thread(s)",
    }


def main() -> None:
    print(study(load_config(BakeoffConfig, sys.argv[1], sys.argv[2:])))


if __name__ == "__main__":
    main()
