"""Stage 1, second part: what the words and the picture ask for together.

    python -m training.ask configs/ask_default.yaml key=value …

The picture side is frozen and its joint tokens are kept, so that a step costs only the stream
that reads the instruction: triples are drawn anew every time, with relations, exceptions and
refusals, and their exact answers. Shapes: P cached people, V vocabulary, D decoder width, B batch.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from posealign.config import Config, load_config
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.data.sample import Person
from posealign.instructions.phrases import Phrasebook, phrasebook
from posealign.instructions.tokens import batch as to_ids
from posealign.instructions.tokens import load_tokenizer
from posealign.model.config import PoseConfig
from posealign.model.pose_model import PoseModel
from training import loop, losses
from training.instruct import Triple, triple
from training.people import People
from training.sources import open_shard
from training.starting import load_text, start_from, text_options

READS = ("text_in", "answer_query", "asking_words_in", "text_layers", "asked_out", "answer_out")


class AskConfig(Config):
    """`weights_from` holds the picture side, `text_from` a trained text model and tokenizer."""

    out: str
    shards: dict[str, str]
    weights: dict[str, float]
    infants: tuple[str, ...] = ()
    weights_from: str
    text_from: str
    model: dict[str, Any] = Field(default_factory=dict)
    augment: dict[str, Any] = Field(default_factory=dict)
    people: int = Field(8000, ge=1)
    held_out: int = Field(500, ge=1)
    relations: float = Field(0.45, ge=0, le=1)
    steps: int = Field(2000, ge=1)
    batch: int = Field(64, ge=1)
    rate: float = Field(6e-4, gt=0)
    warmup: int = 50
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.995
    seed: int = 0
    threads: int = 2
    save_every: int = 100
    judge_every: int = 250


@dataclass(frozen=True)
class Kept:
    """What the frozen picture side says of P views, and who is in them."""

    joints_PVD: Tensor
    crop_P1D: Tensor
    people: tuple[Person, ...]
    size: tuple[int, int]


@torch.no_grad()
def keep(model: PoseModel, people: People, positions: range, chunk: int = 16) -> Kept:
    """Run the picture side once over these positions of the mixture."""
    joints, crops, persons = [], [], []
    for start in range(positions.start, positions.stop, chunk):
        rows = [people[index] for index in range(start, min(start + chunk, positions.stop))]
        pixels = torch.from_numpy(np.stack([row["pixels"] for row in rows]))
        crop_B4 = torch.from_numpy(np.stack([row["crop"] for row in rows]))
        seen = model.image(pixels)
        joints_BVD, _, _, _, crop_B1D = model.decoder.look(seen["tokens"], crop_B4)
        joints.append(joints_BVD.half())
        crops.append(crop_B1D.half())
        persons += [row["person"] for row in rows]
    size = (model.config.width, model.config.height)
    return Kept(torch.cat(joints), torch.cat(crops), tuple(persons), size)


def books() -> list[Phrasebook]:
    return [phrasebook("en"), phrasebook("zh")]


def triples(kept: Kept, rows: NDArray[np.int64], rng: Random, relations: float) -> list[Triple]:
    shelf = books()
    return [triple(kept.people[row], kept.size, shelf, rng, relations) for row in rows]


def ask(
    model: PoseModel, kept: Kept, rows: NDArray[np.int64], ids_BL: Tensor
) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        text_tokens = model.text(ids_BL)["text_tokens"]
    index = torch.from_numpy(rows)
    joints_BVD, crop_B1D = kept.joints_PVD[index].float(), kept.crop_P1D[index].float()
    return model.decoder.ask(joints_BVD, crop_B1D, text_tokens, ids_BL)


def cost(logits_BV: Tensor, gate_B: Tensor, drawn: list[Triple]) -> Tensor:
    asked_BV = torch.from_numpy(np.stack([one.asked_V for one in drawn]))
    weights_BV = torch.from_numpy(np.stack([one.weight_V for one in drawn]))
    answered = torch.tensor([0.0 if one.refused else 1.0 for one in drawn])
    return reading_cost(logits_BV, gate_B, asked_BV, weights_BV, answered, losses.importance())


def reading_cost(
    logits_BK: Tensor,
    gate_B: Tensor,
    asked_BK: Tensor,
    weights_BK: Tensor,
    answered_B: Tensor,
    importance_K: Tensor,
) -> Tensor:
    """Which joints are asked for, and whether there is anything to answer."""
    # The body decides: 110 face and hand points would make a wrong arm a small matter.
    joint = importance_K.clamp(min=0.15)
    fused = losses.asked_loss(logits_BK, asked_BK, weights_BK * joint * len(joint) / joint.sum())
    return fused / len(asked_BK) + 0.2 * F.binary_cross_entropy_with_logits(gate_B, answered_B)


@torch.no_grad()
def judge(model: PoseModel, kept: Kept, tokenizer: Any, relations: float) -> dict[str, float]:
    """Exact sets on held-out people: all joints of the answer right, where the answer is known."""
    model.eval()
    rng, rows = Random(7), np.arange(len(kept.people))
    drawn = triples(kept, rows, rng, relations)
    right: dict[str, list[bool]] = {}
    for start in range(0, len(rows), 64):
        part, some = rows[start : start + 64], drawn[start : start + 64]
        ids_BL = torch.from_numpy(to_ids(tokenizer, [one.text for one in some]))
        logits_BV, gate_B = ask(model, kept, part, ids_BL)
        for one, logits_V, gate in zip(some, logits_BV.numpy(), gate_B.numpy(), strict=True):
            if one.weight_V.min() == 0:
                continue
            exact = bool(((logits_V > 0) == (one.asked_V > 0)).all())
            kind = "refusal" if one.refused else "relation" if one.related else "plain"
            right.setdefault(kind, []).append(bool(gate < 0) if one.refused else exact)
            name = relation_name(one)
            if name:
                right.setdefault(f"relation {name}", []).append(exact)
    return {key: float(np.mean(values)) for key, values in sorted(right.items())}


def relation_name(one: Triple) -> str | None:
    relations = getattr(one.query, "relations", ())
    return relations[0].relation if relations else None


def train(config: AskConfig) -> dict[str, float]:
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    text = {"text": text_options(Path(config.text_from))}
    model = PoseModel(PoseConfig.model_validate(config.model | text))
    start_from(model, None, config.weights_from)
    load_text(model, Path(config.text_from))
    tokenizer = load_tokenizer(Path(config.text_from) / "tokenizer.json")
    model.eval().requires_grad_(False)
    size = (model.config.width, model.config.height)
    people = _people(config, size)
    kept = keep(model, people, range(config.people))
    held = keep(model, people, range(config.people, config.people + config.held_out))
    reading = [p for name, p in model.decoder.named_parameters() if name.startswith(READS)]
    for parameter in reading:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(
        [{"params": reading, "lr": config.rate, "base_lr": config.rate}],
        weight_decay=config.weight_decay, betas=(0.9, 0.99),
    )  # fmt: skip
    ema, out, start = loop.Ema(model, config.ema), Path(config.out), 0
    if (out / "last.pt").exists():
        start = loop.resume(out / "last.pt", model, ema, optimizer)
    log, began, row = loop.CsvLog(out, start), time.time(), {}
    for step in range(start, config.steps):
        loop.set_rate(optimizer, loop.learning_rate(step, config.steps, config.warmup))
        dice = np.random.default_rng((config.seed, step))
        rows = dice.integers(0, len(kept.people), config.batch)
        drawn = triples(kept, rows, Random(int(dice.integers(1 << 62))), config.relations)
        ids_BL = torch.from_numpy(to_ids(tokenizer, [one.text for one in drawn]))
        logits_BV, gate_B = ask(model, kept, rows, ids_BL)
        loss = cost(logits_BV, gate_B, drawn)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reading, config.clip)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(model, step)
        done = step + 1
        speed = (done - start) * config.batch / (time.time() - began)
        row = {"loss": float(loss.detach()), "triples_per_second": speed}
        if done % config.judge_every == 0 or done == config.steps:
            found = judge(ema.model, held, tokenizer, config.relations)
            print(done, {key: round(value, 3) for key, value in found.items()}, file=sys.stderr)
            row |= {key: value for key, value in found.items() if " " not in key}
        log.write(step, row)
        if done % config.save_every == 0 or done == config.steps:
            loop.save_run(out / "last.pt", model, ema, optimizer, done)
    return row


def _people(config: AskConfig, size: tuple[int, int]) -> People:
    shards = {name: open_shard(path) for name, path in config.shards.items()}
    lengths: Mapping[str, int] = {name: len(shards[name]) for name in config.weights}
    mixture = Mixture(lengths, config.weights, config.seed + 1)
    augment = Augmentation(**config.augment)
    return People(shards, mixture, augment, size, frozenset(config.infants), with_person=True)


def main() -> None:
    train(load_config(AskConfig, sys.argv[1], sys.argv[2:]))


if __name__ == "__main__":
    main()
