"""Stage 1a: features and joint vectors, so that the joints stand where they should.

    python -m training.locate configs/locate_default.yaml key=value …

Real and rendered people, turned by any angle; cross-entropy of a softmax over heatmap cells
against a soft target, for labelled joints only. Writes checkpoints that resume to the same curve.
Shapes: B batch, K joints that someone labelled in this batch, V vocabulary.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from posealign.data.augment import Augmentation, random_crop, view
from posealign.data.mixture import Mixture
from posealign.errors import InvalidConfig
from posealign.model import codec
from posealign.model.hybrid import Hybrid, HybridConfig
from posealign.skeletons.load import vocabulary
from training import loop, validate
from training.shards import Shard, read_shard
from training.stems import unit_scales


@dataclass(frozen=True)
class LocateConfig:
    out: str
    shards: dict[str, str]
    weights: dict[str, float]
    stem: str | None = None
    validation: str | None = None
    encoder: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    steps: int = 2000
    batch: int = 32
    chunk: int = 16  # pictures forward at once; gradients are summed over chunks
    rate: float = 8e-4
    rates: dict[str, float] = field(default_factory=dict)
    warmup: int = 100
    decay_from: float = 0.4
    weight_decay: float = 0.05
    clip: float = 1.0
    ema: float = 0.998
    sigma: float = 1.0
    seed: int = 0
    threads: int = 2
    workers: int = 1
    save_every: int = 100
    judge_every: int = 250


class Placer(nn.Module):
    """Encoder and joint table: the part of PoseModel that this stage trains."""

    def __init__(self, config: HybridConfig) -> None:
        super().__init__()
        self.encoder = Hybrid(config)
        self.table = nn.Parameter(torch.zeros(len(vocabulary()), config.channels + 1))

    def forward(self, pixels_BHW3: Tensor, joints_K: Tensor) -> Tensor:
        features_BChw = self.encoder(pixels_BHW3)["features"]
        rows = self.table[joints_K]
        return rows[:, :-1] @ features_BChw.flatten(2) + rows[:, -1:]


class People(Dataset[dict[str, Any]]):
    """Position in the mixture → an augmented view with its labels."""

    def __init__(
        self,
        shards: dict[str, Shard],
        mixture: Mixture,
        config: Augmentation,
        size: tuple[int, int],
    ) -> None:
        self.shards, self.mixture, self.config, self.size = shards, mixture, config, size
        self.swap_V = vocabulary().swap_J

    def __getitem__(self, position: int) -> dict[str, Any]:
        name, row = self.mixture.pick(position)
        shard, random = self.shards[name], self.mixture.random(position)
        box = tuple(float(value) for value in shard.boxes_N4[row])
        crop = random_crop(box, self.size, self.config, random)  # type: ignore[arg-type]
        seen = view(np.asarray(shard.images_NSS3[row]), shard.points_NV2[row], crop, self.swap_V,
                    self.config, random)  # fmt: skip
        weights = shard.weights_NV[row]
        if seen.mirrored:
            weights = weights[self.swap_V]
        # What lies under a pasted occluder can only be guessed: it counts less.
        weights = weights * seen.inside_V * np.where(seen.covered_V, 0.3, 1.0)
        points = np.nan_to_num(seen.points_V2).astype(np.float32)
        return {"pixels": seen.pixels_HW3, "points": points, "weights": weights.astype(np.float32)}


def initial_table(rows_17C: Tensor, channels: int) -> Tensor:
    """COCO's rows as published; every other joint starts as a mixture of its neighbours' rows."""
    names, table = vocabulary().names, torch.zeros(len(vocabulary()), channels + 1)
    for index, name in enumerate(names):
        parts = [names.index(part) for part in neighbours(name)]
        table[index, : rows_17C.shape[1]] = rows_17C[parts].mean(0)
    return table


def neighbours(name: str) -> tuple[str, ...]:
    """The COCO joints nearest to a vocabulary joint."""
    if vocabulary().index(name) < 17:
        return (name,)
    side = name.split("_", maxsplit=1)[0]
    shoulders, hips = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
    table: dict[str, tuple[str, ...]] = {
        "neck": shoulders, "pelvis": hips, "head_top": ("left_eye", "right_eye"),
        "head_center": ("left_ear", "right_ear"), "spine1": hips, "spine2": (*hips, *shoulders),
        "spine3": shoulders,
    }  # fmt: skip
    if name in table:
        return table[name]
    if name.startswith("face_"):
        return ("nose", "left_eye", "right_eye")
    for word, joint in (("toe", "ankle"), ("heel", "ankle"), ("foot", "ankle"),
                        ("collar", "shoulder"), ("hip_center", "hip")):  # fmt: skip
        if word in name:
            return (f"{side}_{joint}",)
    return (f"{side}_wrist",)


def locate_loss(logits_BKC: Tensor, points_BK2: Tensor, weights_BK: Tensor, grid: tuple[int, int],
                sigma: float) -> Tensor:  # fmt: skip
    """The sum over labelled joints of the cross-entropy against the soft target."""
    height, width = grid
    target = codec.soft_target(points_BK2, height, width, sigma)
    return -((target * logits_BKC.log_softmax(-1)).sum(-1) * weights_BK).sum()


def importance() -> Tensor:
    """Weight by joint: 110 face and hand points must not drown the body."""
    weights = torch.ones(len(vocabulary()))
    for index, name in enumerate(vocabulary().names):
        if name.startswith("face_"):
            weights[index] = 0.08
        elif any(word in name for word in ("thumb", "finger", "hand_root")):
            weights[index] = 0.12
        elif index >= 17:
            weights[index] = 0.5
    return weights


def build(config: LocateConfig) -> Placer:
    model = Placer(HybridConfig(**config.encoder))
    if config.stem is not None:
        stem = load_file(config.stem)
        rows = stem.pop("rows")
        stem.pop("biases")
        weights = {key.removeprefix("pyramid."): value for key, value in stem.items()}
        model.encoder.pyramid.load_state_dict(weights)
        rows = unit_scales(model.encoder.pyramid, rows)
        model.table.data = initial_table(rows, model.encoder.config.channels)
    return model.to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


def judge(model: Placer, folder: Path, half: str = "A") -> dict[str, float]:
    """OKS and PCK on held-out people, as they are and turned."""
    joints, size = torch.arange(17), model.encoder.config.input_size

    @torch.no_grad()
    def locate(crops: Any) -> Any:
        logits = model(torch.from_numpy(crops), joints)
        grid = (size[1] // 4, size[0] // 4)
        return (codec.decode(logits, *grid) * pixels_per_cell(size)).numpy()

    report = {}
    upright = validate.read_lsp(folder)
    for name, judged in (("upright", upright), ("turned", validate.turned(upright))):
        kept = validate.half(judged, half)
        found = validate.summary(kept, validate.predict(kept, locate, size))
        report |= {f"{name}_oks": found["oks"][0], f"{name}_pck": found["pck"][0]}
    return report


def pixels_per_cell(size: tuple[int, int]) -> Tensor:
    width, height = size
    return torch.tensor([(width - 1) / (width // 4 - 1), (height - 1) / (height // 4 - 1)])


def train(config: LocateConfig) -> None:
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = build(config)
    size = model.encoder.config.input_size
    grid, scale = (size[1] // 4, size[0] // 4), pixels_per_cell(size)
    groups = loop.parameter_groups(model, config.rates, config.rate, config.weight_decay)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    ema, start, out = loop.Ema(model, config.ema), 0, Path(config.out)
    if (out / "last.pt").exists():
        saved = loop.load_checkpoint(out / "last.pt")
        model.load_state_dict(saved["model"])
        ema.model.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        for group, fresh in zip(optimizer.param_groups, groups, strict=True):
            group["base_lr"] = fresh["base_lr"]
        start = saved["step"]
    shards = {name: read_shard(Path(path)) for name, path in config.shards.items()}
    mixture = Mixture(
        {name: len(shard) for name, shard in shards.items()}, config.weights, config.seed
    )
    people = People(shards, mixture, Augmentation(**config.augment), size)
    order = range(start * config.batch, config.steps * config.batch)
    loader = DataLoader(people, config.chunk, sampler=order, num_workers=config.workers,  # type: ignore[arg-type]
                        prefetch_factor=4 if config.workers else None)  # fmt: skip
    batches, log, important = iter(loader), loop.CsvLog(out, start), importance()
    model.train()
    began, best = time.time(), 0.0
    for step in range(start, config.steps):
        loop.set_rate(
            optimizer, loop.learning_rate(step, config.steps, config.warmup, config.decay_from)
        )
        chunks = [next(batches) for _ in range(config.batch // config.chunk)]
        total = sum((chunk["weights"] * important).sum() for chunk in chunks)
        loss = 0.0
        for chunk in chunks:
            weights_BV = chunk["weights"] * important
            joints_K = torch.nonzero(weights_BV.sum(0) > 0)[:, 0]
            logits = model(chunk["pixels"], joints_K)
            part = locate_loss(logits, chunk["points"][:, joints_K] / scale,
                               weights_BV[:, joints_K], grid, config.sigma) / total  # fmt: skip
            part.backward()
            loss += float(part.detach())
        norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(model, step)
        speed = (step + 1 - start) * config.batch / (time.time() - began)
        row = {"loss": loss, "gradient": norm, "pictures_per_second": speed}
        done = step + 1
        if config.validation and (done % config.judge_every == 0 or done == config.steps):
            row |= judge(ema.model, Path(config.validation))
            print(
                done, {key: round(float(value), 4) for key, value in row.items()}, file=sys.stderr
            )
            score = row["upright_oks"] + row["turned_oks"]
            if score > best:
                best = score
                loop.save_checkpoint(out / "best.pt", {"ema": ema.model.state_dict(), "step": done})
        log.write(step, row)
        if done % config.save_every == 0 or done == config.steps:
            loop.save_checkpoint(out / "last.pt", {
                "model": model.state_dict(), "ema": ema.model.state_dict(),
                "optimizer": optimizer.state_dict(), "step": done,
            })  # fmt: skip


def read_config(path: Path, overrides: list[str]) -> LocateConfig:
    """YAML, then key=value; unknown keys are an error."""
    content = yaml.safe_load(path.read_text())
    for pair in overrides:
        key, _, value = pair.partition("=")
        content[key] = yaml.safe_load(value)
    unknown = set(content) - set(LocateConfig.__dataclass_fields__)
    if unknown:
        raise InvalidConfig(f"{path}: unknown keys {sorted(unknown)}")
    return LocateConfig(**content)


if __name__ == "__main__":
    chosen = read_config(Path(sys.argv[1]), sys.argv[2:])
    print(json.dumps(vars(chosen)), file=sys.stderr)
    train(chosen)
