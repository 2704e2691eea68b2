"""Fit the words' votes on a text (posealign/instructions/votes.py): asked at all, the slots, and
whether what a relation chooses goes.

    python -m training.votes [distractors …]

Written lines of the training split and as many from the phrasebooks; minutes on one core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from random import Random

import numpy as np
import torch

from posealign.instructions import written
from posealign.instructions.cleaning import cleaned
from posealign.instructions.hints import find_hints
from posealign.instructions.normalise import normalise
from posealign.instructions.query import parse
from posealign.instructions.scoring import heads_of
from posealign.instructions.shapes import Words, words_of
from posealign.instructions.targets import SLOTS as ORDER
from posealign.instructions.targets import target_of
from posealign.instructions.votes import (
    FILE,
    GATE_SIZE,
    SIZE,
    SLOTS,
    folded,
    gate_features,
    sideless,
)
from training.textdata import Mixture, example, gather

ROUNDS = 12
DECAY = 2e-4
SLOT_ROUNDS = 8
FEWEST = 3  # texts that must have a shape or a run of words for it to vote
SMALLEST_VOTE = 0.01  # weights nearer to zero are not kept
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


def fit_gate(rows: list[Row], words: Words) -> tuple[np.ndarray, float]:
    """What few texts have says nothing of others, so it gets no weight."""
    found = [gate_features(clean, find_hints(clean), words) for _, clean in rows]
    met_F = np.bincount(np.concatenate(found), minlength=GATE_SIZE)
    kept = np.flatnonzero(met_F >= FEWEST)
    row_F = np.full(GATE_SIZE, -1)
    row_F[kept] = np.arange(len(kept))
    places = [torch.tensor(row_F[one][row_F[one] >= 0]) for one in found]
    truth = torch.tensor([float(not query.startswith("refuse")) for query, _ in rows])
    table = torch.nn.EmbeddingBag(len(kept), 1, mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([table.weight, bias], lr=0.01)
    mean_K, mean_bias = np.zeros(len(kept)), 0.0
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
            mean_K += share * (table.weight.detach()[:, 0].double().numpy() - mean_K)
            mean_bias += share * (bias.item() - mean_bias)
    weights_F = np.zeros(GATE_SIZE)
    weights_F[kept] = np.where(np.abs(mean_K) > SMALLEST_VOTE, mean_K, 0.0)
    return weights_F, mean_bias


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

    def cost(logits: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
        losses = [
            torch.nn.functional.cross_entropy(part, truth[group, at])
            for at, part in enumerate(logits.split(sizes, dim=1))
        ]
        return torch.stack(losses).sum()

    return _fitted(places, sum(sizes), cost)


def fit_taken(rows: list[Row]) -> tuple[np.ndarray, float]:
    """Of the texts with a relation, which leave out what it chooses."""
    read = [(heads_of(parse(query)), clean) for query, clean in rows if "(" in query]
    related = [(heads.taken, clean) for heads, clean in read if heads and heads.relation]
    places = [torch.tensor(sideless(clean, find_hints(clean))) for _, clean in related]
    truth = torch.tensor([float(taken) for taken, _ in related])

    def cost(logits: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], truth[group])

    weights_F1, bias_1 = _fitted(places, 1, cost)
    return weights_F1[:, 0], float(bias_1[0])


def _fitted(
    places: list[torch.Tensor],
    width: int,
    cost: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> tuple[np.ndarray, np.ndarray]:
    """`width` weights for each place of the table and their biases; `cost` of a group's logits."""
    table = torch.nn.EmbeddingBag(SIZE, width, mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(width))
    optimizer = torch.optim.Adagrad([table.weight, bias], lr=0.1)
    for _ in range(SLOT_ROUNDS):
        for group in torch.randperm(len(places)).split(64):
            logits = _bags(table, [places[int(at)] for at in group]) + bias
            optimizer.zero_grad()
            cost(logits, group).backward()
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
    written_rows = rows[: len(rows) // 2]
    words = words_of((clean, not query.startswith("refuse")) for query, clean in written_rows)
    weights_F, bias = fit_gate(rows, words)
    voting = np.flatnonzero(weights_F)
    slots_FK, bias_K = fit_slots(rows)
    taken_F, taken_bias = fit_taken(written_rows)
    taken = np.flatnonzero(np.abs(taken_F) > SMALLEST_VOTE)
    kept = np.flatnonzero(np.abs(slots_FK).max(1) > SMALLEST)
    np.savez_compressed(
        FILE,
        gate_rows=voting.astype(np.uint32),
        gate=weights_F[voting].astype(np.float16),
        usual=" ".join(sorted(words.usual)),
        known=" ".join(sorted(words.known)),
        bias=np.float32(bias),
        slot_rows=kept.astype(np.uint16),
        slots=slots_FK[kept].astype(np.float16),
        slot_bias=bias_K.astype(np.float32),
        taken_rows=taken.astype(np.uint16),
        taken=taken_F[taken].astype(np.float16),
        taken_bias=np.float32(taken_bias),
    )
    print(f"{len(rows)} texts, {(time.monotonic() - begun) / 60:.1f} min", file=sys.stderr)


if __name__ == "__main__":
    main()
