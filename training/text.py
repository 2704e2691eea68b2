"""Train the text encoder and its heads on text alone.

    python -m training.text configs/text.yaml [key=value …]

Writes weights.safetensors, tokenizer.json, text.json (its configuration and figures) and
text.onnx into `folder`; goes on from `last.pt` where there is one. One thread, minutes to an hour.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from posealign.config import Config, load_config
from posealign.instructions import written
from posealign.instructions.decoding import calibrate_gate
from posealign.instructions.scoring import scores
from posealign.instructions.targets import SLOTS, target_of
from posealign.instructions.tokens import encode, load_tokenizer, pad, train_tokenizer
from posealign.model.text import TextConfig, TextModel
from training.loop import Ema, learning_rate, parameter_groups, resume, save_run
from training.textdata import Mixture, Sources, easy_example, example, gather
from training.textexport import export_onnx


class TextTraining(Config):
    folder: Path = Path("runs/text")
    steps: int = Field(default=9000, ge=1)
    batch: int = Field(default=96, ge=2)
    rate: float = Field(default=1e-3, gt=0)
    warmup: int = 300
    weight_decay: float = 0.03
    ema: float = 0.998
    seed: int = 1
    hint_dropout: float = Field(default=0.3, ge=0, lt=1)
    bpe_dropout: float = Field(default=0.08, ge=0, lt=1)
    vocabulary: int = Field(default=7000, ge=300)
    tokenizer_texts: int = 60_000
    letters: Path | None = None  # further characters the tokenizer must know, one long line
    evaluate_every: int = 500
    minutes: float | None = None  # stop early so that the whole run fits; the rate follows
    start: Path | None = None  # weights.safetensors of an earlier run with the same tokenizer
    share: float = Field(default=1.0, gt=0, le=1)  # of what is learnt in what is kept; rest: start
    width: int = 128
    layers: int = 4
    readers: int = 2
    heads: int = 4
    easy: int = 0  # so many first pools are mostly plain names of parts: words before grammar
    vector_width: int = 257
    written: float = 0.4
    refusals: float = 0.22
    stories: float = 0.05
    distractors: tuple[Path, ...] = ()


WEIGHTS = {"asked": 12.0, "related": 4.0, "gate": 1.5, "reason": 0.3}


def loss_of(out: dict[str, Tensor], targets: dict[str, Tensor], sort_V: Tensor) -> Tensor:
    """Each sort of joint counts once: 68 points of a face weigh as much as two knees."""
    sizes = torch.bincount(sort_V).float()
    weight_V = 1 / sizes[sort_V]
    weight_V = weight_V / weight_V.sum()
    answered = targets["answered"]
    total = out["vector"].sum() * 0
    for head in ("asked", "related"):
        errors_BV = functional.binary_cross_entropy_with_logits(
            out[head], targets[head], reduction="none"
        )
        per_text = (errors_BV * weight_V).sum(-1)
        total = total + WEIGHTS[head] * (per_text * answered).sum() / answered.sum().clamp(min=1)
    gate = functional.binary_cross_entropy_with_logits(out["gate"], answered)
    total = total + WEIGHTS["gate"] * gate
    for at, head in enumerate(SLOTS):
        errors_B = functional.cross_entropy(out[head], targets["slots"][:, at], reduction="none")
        mask = 1 - answered if head == "reason" else answered
        weight = WEIGHTS.get(head, 1.0)
        total = total + weight * (errors_B * mask).sum() / mask.sum().clamp(min=1)
    return total


def targets_of(queries: list[str]) -> dict[str, Tensor]:
    rows = [target_of(query) for query in queries]
    return {
        "answered": torch.tensor([float(row.answered) for row in rows]),
        "asked": torch.from_numpy(np.stack([row.asked_V for row in rows])).float(),
        "related": torch.from_numpy(np.stack([row.related_V for row in rows])).float(),
        "slots": torch.tensor([row.slots for row in rows]),
    }


def batches(config: TextTraining, sources: Sources, tokenizer: Tokenizer, start: int):  # type: ignore[no-untyped-def]
    """Batches of alike lengths; batch number `n` is the same whenever a run is resumed."""
    mixture = mixture_of(config)
    pool = 8
    for number in range(start // pool, 10**9):
        rng = Random(f"{config.seed}/{number}")
        plain = 0.75 if number < config.easy else 0.0
        examples = [
            easy_example(rng) if rng.random() < plain else example(rng, mixture, sources)
            for _ in range(pool * config.batch)
        ]
        tokenizer.model.dropout = config.bpe_dropout if number % 2 and not plain else None
        share = config.hint_dropout

        def keep(rng: Random = rng, share: float = share) -> bool:
            return rng.random() >= share

        rows = [
            (query, encode(tokenizer, text, keep if rng.random() < 0.7 else None))
            for query, text in examples
        ]
        tokenizer.model.dropout = None
        rows = sorted((row for row in rows if row[1]), key=lambda row: len(row[1]))
        size = len(rows) // pool
        groups = [rows[at * size : (at + 1) * size] for at in range(pool)]
        rng.shuffle(groups)
        for group in groups:
            ids = torch.from_numpy(pad([ids for _, ids in group]))
            yield ids, targets_of([query for query, _ in group])


def mixture_of(config: TextTraining) -> Mixture:
    return Mixture(
        written=config.written,
        refusals=config.refusals,
        stories=config.stories,
        distractors=tuple(str(path) for path in config.distractors),
    )


def tokenizer_of(config: TextTraining, sources: Sources) -> Tokenizer:
    path = config.folder / "tokenizer.json"
    beside = config.start.with_name("tokenizer.json") if config.start is not None else path
    if beside.is_file() and not path.is_file():  # the words that the start was trained with
        config.folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(beside.read_bytes())
    if path.is_file():
        return load_tokenizer(path)
    rng, mixture = Random(config.seed), mixture_of(config)
    texts = [example(rng, mixture, sources)[1] for _ in range(config.tokenizer_texts)]
    texts += [line.text for line in sources.lines + sources.refused] * 3
    letters = config.letters.read_text("utf-8").strip() if config.letters else ""
    tokenizer = train_tokenizer(texts, config.vocabulary, letters)
    config.folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


@torch.no_grad()
def outputs_of(model: TextModel, tokenizer: Tokenizer, texts: list[str]) -> dict[str, np.ndarray]:
    """All heads for many texts, in order."""
    rows = [encode(tokenizer, text) or [1] for text in texts]
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    parts: dict[str, list[np.ndarray]] = {}
    for at in range(0, len(order), 128):
        out = model(torch.from_numpy(pad([rows[i] for i in order[at : at + 128]])))
        for name, value in out.items():
            if name != "text_tokens":
                parts.setdefault(name, []).append(value.numpy())
    back = np.argsort(order)
    return {name: np.concatenate(values)[back] for name, values in parts.items()}


def evaluate(model: TextModel, tokenizer: Tokenizer, lines: list[written.Line]) -> dict[str, float]:
    model.eval()
    out = outputs_of(model, tokenizer, [line.text for line in lines])
    return scores(out, [line.query for line in lines])


@torch.no_grad()
def go_on_from(model: TextModel, start: Path) -> None:
    """What the start knows: its words are the first of ours, and layers it lacks are silent."""
    known = {name: values.float() for name, values in load_file(start).items()}
    rows = known.pop("embed.weight")
    model.embed.weight[: len(rows)] = rows
    lacking = set(model.load_state_dict(known, strict=False).missing_keys) - {"embed.weight"}
    for name, values in model.named_parameters():
        if name in lacking and name.rpartition(".")[0].endswith(("attention.out", "mlp.3")):
            values.zero_()


def train(config: TextTraining) -> TextModel:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    sources = gather(mixture_of(config))
    tokenizer = tokenizer_of(config, sources)
    shape = TextConfig(
        tokens=tokenizer.get_vocab_size(), width=config.width, layers=config.layers,
        readers=config.readers, heads=config.heads, vector_width=config.vector_width,
    )  # fmt: skip
    model = TextModel(shape)
    if config.start is not None:
        go_on_from(model, config.start)
    ema = Ema(model, config.ema)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, {}, config.rate, config.weight_decay),
        lr=config.rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    last = config.folder / "last.pt"
    step = resume(last, model, ema, optimizer) if last.is_file() else 0
    dev = written.load("dev")
    begun, losses = time.monotonic(), []
    for ids, targets in batches(config, sources, tokenizer, step):
        share = _share(config, step, time.monotonic() - begun)
        if share >= 1:
            break
        model.train()
        factor = min(1.0, (step + 1) / config.warmup) * learning_rate(
            int(share * 10_000), 10_000, 0, 0.25
        )
        for group in optimizer.param_groups:
            group["lr"] = config.rate * max(factor, 0.005)
        loss = loss_of(model(ids), targets, model.sort_V)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        ema.update(model, step)
        losses.append(float(loss.detach()))
        step += 1
        if step % config.evaluate_every == 0:
            figures = evaluate(ema.model, tokenizer, dev)
            pace = f"{share:.0%} {(time.monotonic() - begun) / 60:.1f} min"
            found = " ".join(f"{name}={value:.3f}" for name, value in figures.items())
            print(f"step {step} {pace} loss {np.mean(losses[-300:]):.4f} {found}", file=sys.stderr)
            sys.stderr.flush()
            save_run(last, model, ema, optimizer, step)
    save_run(last, model, ema, optimizer, step)
    finish(config, ema.model, tokenizer)
    return ema.model


@torch.no_grad()
def mix_with(model: TextModel, start: Path, share: float) -> None:
    """The average with what a run went on from; of layers that were new, what was learnt."""
    known = load_file(start)
    for name, values in model.named_parameters():
        if name in known and known[name].shape == values.shape:
            values.copy_(torch.lerp(known[name].float(), values, share))


def _share(config: TextTraining, step: int, seconds: float) -> float:
    """How much of the run is done, by steps or by the clock."""
    by_clock = seconds / 60 / config.minutes if config.minutes else 0.0
    return max(step / config.steps, by_clock)


def finish(config: TextTraining, model: TextModel, tokenizer: Tokenizer) -> None:
    """Calibrate the gate on dev, then write what a bundle takes."""
    model.eval()
    if config.start is not None and config.share < 1:
        mix_with(model, config.start, config.share)
    dev = written.load("dev")
    out = outputs_of(model, tokenizer, [line.text for line in dev])
    shift, scale = calibrate_gate(out["gate"], [target_of(line.query).answered for line in dev])
    gate = model.slots["gate"]
    with torch.no_grad():
        gate.weight.mul_(scale)  # type: ignore[operator]
        gate.bias.mul_(scale).add_(shift)  # type: ignore[operator]
    figures = evaluate(model, tokenizer, dev)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        config.folder / "weights.safetensors",
    )
    export_onnx(model, config.folder / "text.onnx")
    facts = {"text": model.config.to_json(), "dev": figures, "corpus": {
        split: written.digest(split) for split in written.SPLITS}}  # fmt: skip
    (config.folder / "text.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    print(json.dumps(figures), file=sys.stderr)


def main() -> None:
    path, overrides = sys.argv[1], sys.argv[2:]
    config = load_config(TextTraining, path, overrides)
    train(config)


if __name__ == "__main__":
    main()
