"""Fit the words' votes on whether a text asks for joints at all (posealign/instructions/votes.py).

    python -m training.votes [distractors …]

Written lines of the training split and as many from the phrasebooks; a minute on one core.
"""

from __future__ import annotations

import sys
from random import Random

import numpy as np
import torch

from posealign.instructions import written
from posealign.instructions.hints import find_hints
from posealign.instructions.mend import mend
from posealign.instructions.normalise import normalise
from posealign.instructions.votes import FILE, SIZE, features
from training.textdata import Mixture, example, gather

ROUNDS = 12
DECAY = 2e-4


def examples(distractors: tuple[str, ...], seed: int) -> list[tuple[str, bool]]:
    """Text and whether it is answered."""
    lines = written.load("train")
    rows = [(line.text, not line.query.startswith("refuse")) for line in lines]
    mixture = Mixture(written=0.5, refusals=0.25, distractors=distractors)
    sources, rng = gather(mixture), Random(seed)
    made = [example(rng, mixture, sources) for _ in range(len(lines))]
    return rows + [(text, not query.startswith("refuse")) for query, text in made]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    rows = examples(tuple(sys.argv[1:]), seed=3)
    cleaned = [mend(normalise(text)) for text, _ in rows]
    places = [torch.tensor(features(clean, find_hints(clean))) for clean in cleaned]
    truth = torch.tensor([float(answered) for _, answered in rows])
    table = torch.nn.EmbeddingBag(SIZE, 1, mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([table.weight, bias], lr=0.01)
    kept = np.zeros(SIZE), 0.0
    for number in range(ROUNDS):
        for group in torch.randperm(len(rows)).split(128):
            bags = [places[int(at)] for at in group]
            starts = torch.tensor([0, *np.cumsum([len(bag) for bag in bags])[:-1]])
            logits = table(torch.cat(bags), starts)[:, 0] + bias
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[group])
            loss = loss + DECAY * (table.weight**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if number >= ROUNDS // 2:  # the mean of the later rounds wavers less
            share = 1 / (number - ROUNDS // 2 + 1)
            now = table.weight.detach()[:, 0].double().numpy(), bias.item()
            kept = kept[0] + share * (now[0] - kept[0]), kept[1] + share * (now[1] - kept[1])
    np.savez_compressed(FILE, weights=kept[0].astype(np.float16), bias=np.float32(kept[1]))


if __name__ == "__main__":
    main()
