"""Fit the words' votes on a text: asked at all, and the slots (posealign/instructions/votes.py).

    python -m training.votes [distractors …]

Written lines of the training split and as many from the phrasebooks; a minute on one core.
"""

from __future__ import annotations

import sys
import time
from random import Random

import numpy as np
import torch

from posealign.instructions import written
from posealign.instructions.cleaning import cleaned
from posealign.instructions.hints import find_hints
from posealign.instructions.normalise import normalise
from posealign.instructions.targets import SLOTS as ORDER
from posealign.instructions.targets import target_of
from posealign.instructions.votes import FILE, SIZE, SLOTS, features, folded, sideless
from training.textdata import Mixture, example, gather

ROUNDS = 12
DECAY = 2e-4
SLOT_ROUNDS = 8
SMALLEST = 0.1  # rows of slots whose weights are all nearer to zero are not kept


Row = tuple[str, str]  # written Query, mended text


def examples(distractors: tuple[str, ...], seed: int) -> list[Row]:
    """Written lines, and as many from the phrasebooks."""
    lines = written.load("train")
    rows = [(line.query, line.text) for line in lines]
    mixture = Mixture(written=0.5, refusals=0.25, distractors=distractors)
    sources, rng = gather(mixture), Random(seed)
    made = [example(rng, mixture, sources) for _ in range(len(lines))]
    return [(query, cleaned(normalise(text))) for query, text in rows + made]


def fit_gate(rows: list[Row]) -> tuple[np.ndarray, float]:
    places = [torch.tensor(features(clean, find_hints(clean))) for _, clean in rows]
    truth = torch.tensor([float(not query.startswith("refuse")) for query, _ in rows])
    table = torch.nn.EmbeddingBag(SIZE, 1, mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([table.weight, bias], lr=0.01)
    kept = np.zeros(SIZE), 0.0
    for number in range(ROUNDS):
        for group in torch.randperm(len(rows)).split(128):
            logits = _bags(table, [places[int(at)] for at in group])[:, 0] + bias
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[group])
            loss = loss + DECAY * (table.weight**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if number >= ROUNDS // 2:  # the mean of the later rounds wavers less
            share = 1 / (number - ROUNDS // 2 + 1)
            now = table.weight.detach()[:, 0].double().numpy(), bias.item()
            kept = kept[0] + share * (now[0] - kept[0]), kept[1] + share * (now[1] - kept[1])
    return kept


def fit_slots(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Twins (left and right of the picture) learn as one class."""
    answered = [row for row in rows if not row[0].startswith("refuse")]
    places = [torch.tensor(sideless(clean, find_hints(clean))) for _, clean in answered]
    folds = {name: folded(classes) for name, classes in SLOTS.items()}
    truth = torch.tensor(
        [
            [folds[name][target_of(query).slots[ORDER.index(name)]] for name in SLOTS]
            for query, _ in answered
        ]
    )
    sizes = [len(classes) for classes in SLOTS.values()]
    table = torch.nn.EmbeddingBag(SIZE, sum(sizes), mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(sum(sizes)))
    optimizer = torch.optim.Adagrad([table.weight, bias], lr=0.1)
    for _ in range(SLOT_ROUNDS):
        for group in torch.randperm(len(answered)).split(64):
            logits = _bags(table, [places[int(at)] for at in group]) + bias
            losses = [
                torch.nn.functional.cross_entropy(part, truth[group, at])
                for at, part in enumerate(logits.split(sizes, dim=1))
            ]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
        with torch.no_grad():
            table.weight.mul_(0.98)
    return table.weight.detach().numpy(), bias.detach().numpy()


def _bags(table: torch.nn.EmbeddingBag, bags: list[torch.Tensor]) -> torch.Tensor:
    starts = torch.tensor([0, *np.cumsum([len(bag) for bag in bags])[:-1]])
    summed: torch.Tensor = table(torch.cat(bags), starts)
    return summed


def main() -> None:
    begun = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    rows = examples(tuple(sys.argv[1:]), seed=3)
    weights, bias = fit_gate(rows)
    slots_FK, bias_K = fit_slots(rows)
    kept = np.flatnonzero(np.abs(slots_FK).max(1) > SMALLEST)
    np.savez_compressed(
        FILE,
        weights=weights.astype(np.float16),
        bias=np.float32(bias),
        slot_rows=kept.astype(np.uint16),
        slots=slots_FK[kept].astype(np.float16),
        slot_bias=bias_K.astype(np.float32),
    )
    print(f"{len(rows)} texts, {(time.monotonic() - begun) / 60:.1f} min", file=sys.stderr)


if __name__ == "__main__":
    main()
