"""Fit the weights that tell what a part in a text is there for (posealign/instructions/roles.py).

    python -m training.roles [made texts]

Nobody labelled roles: of all roles and sides that give a line's set, the ones nearest to plain
asking are taken first, then the ones that the weights fitted so far find likeliest. Written lines
of the training split and texts from the phrasebooks; a few minutes on one core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from posealign.instructions import written
from posealign.instructions.clauses import weigh_clauses
from posealign.instructions.cleaning import cleaned
from posealign.instructions.keywords import parse_text
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Query, parse
from posealign.instructions.roles import (
    FILE,
    MOST,
    ROLES,
    SIZE,
    Chosen,
    Text,
    Weights,
    compose,
    role_features,
    side_features,
    sided,
    take_apart,
)
from posealign.instructions.sets import Joints, candidates, evaluate, read
from training.textdata import Mixture, example, gather

ROUNDS = 6
DECAY = 4e-5
SMALLEST = 0.02  # weights nearer to zero are not kept
FARTHEST = 3  # mentions that are not plainly asked


@dataclass(frozen=True)
class Example:
    """`options`: all assignments that give the set; `features` per mention; `sides` per scope."""

    options: tuple[tuple[Chosen, ...], ...]
    features: tuple[list[int], ...]
    sides: tuple[dict[str, list[int]], ...]


def views(clean: str) -> list[Joints | None]:
    """What the clauses and the rules read."""
    clauses = weigh_clauses(clean)[0]
    ruled = parse_text(clean)
    return [
        evaluate(clauses, candidates) if clauses is not None else None,
        evaluate(ruled.scope, candidates) if isinstance(ruled, Query) else None,
    ]


def assignments(text: Text, asked: Joints) -> list[tuple[Chosen, ...]]:
    """Those that give the set with the fewest mentions not plainly asked, and with one more."""
    every: list[list[tuple[int, Chosen]]] = []
    for mention in text.mentions:
        scopes = sided(text, mention)
        plain = mention.bound if mention.bound in scopes else scopes[0]
        row = [(0, Chosen("asked", plain))]
        row += [(1, Chosen("said", scopes[0]))]
        row += [(1, Chosen(role, plain)) for role in ("out", "linked")]
        for scope in scopes:
            if scope != plain:
                row += [(1, Chosen("asked", scope))]
                row += [(2, Chosen(role, scope)) for role in ("out", "linked")]
        every.append(row)
    found: list[tuple[Chosen, ...]] = []
    for cost in range(FARTHEST + 1):
        for chosen in _costing(every, cost):
            made = compose(chosen)
            if made is not None and evaluate(made, candidates) == asked:
                found.append(chosen)
        if found:
            return found
    return found


def _costing(every: Sequence[list[tuple[int, Chosen]]], cost: int) -> Iterator[tuple[Chosen, ...]]:
    if not every:
        if cost == 0:
            yield ()
        return
    for price, one in every[0]:
        if price <= cost:
            for rest in _costing(every[1:], cost - price):
                yield (one, *rest)


def example_of(query: str, text: str) -> Example | None:
    parsed = parse(query)
    if not isinstance(parsed, Query):
        return None
    clean = cleaned(normalise(text))
    apart = take_apart(clean)
    if not 0 < len(apart.mentions) <= MOST:
        return None
    found = assignments(apart, read(parsed).asked)
    if not found:
        return None
    ruled = views(clean)
    features = tuple(role_features(apart, at, ruled) for at in range(len(apart.mentions)))
    sides = []
    for at, mention in enumerate(apart.mentions):
        scopes = sided(apart, mention)
        row = {str(scope): side_features(apart, at, scope) for scope in scopes}
        sides.append(row if len(scopes) > 1 else {})
    return Example(tuple(found), features, tuple(sides))


def likeliest(one: Example, table: Weights | None) -> tuple[Chosen, ...] | None:
    if len(one.options) == 1:
        return one.options[0]
    if table is None:
        return None
    roles = [_logs(table.role_FR[row].sum(0)) for row in one.features]
    sides = [
        dict(zip(row, _logs(np.array([table.side_F[p].sum() for p in row.values()])), strict=True))
        if row
        else {}
        for row in one.sides
    ]

    def score(chosen: tuple[Chosen, ...]) -> float:
        total = 0.0
        for at, part in enumerate(chosen):
            total += roles[at][ROLES.index(part.role)]
            if part.role != "said":
                total += sides[at].get(str(part.scope), 0.0)
        return total

    return max(one.options, key=score)


def _logs(scores: np.ndarray) -> np.ndarray:
    logs: np.ndarray = scores - np.logaddexp.reduce(scores)
    return logs


def fit(examples: Sequence[Example], shares: Sequence[float], rounds: int, seed: int) -> Weights:
    """First on the lines that leave no choice, then on all."""
    torch.manual_seed(seed)
    role = torch.nn.EmbeddingBag(SIZE, len(ROLES), mode="sum")
    side = torch.nn.EmbeddingBag(SIZE, 1, mode="sum")
    for table in (role, side):
        torch.nn.init.zeros_(table.weight)
    optimizer = torch.optim.Adagrad([role.weight, side.weight], lr=0.08)
    known: Weights | None = None
    kept = [np.zeros((SIZE, len(ROLES))), np.zeros((SIZE, 1))]
    for number in range(rounds):
        picked = {at: row for at, one in enumerate(examples) if (row := likeliest(one, known))}
        usable = list(picked)
        for group in torch.tensor(usable)[torch.randperm(len(usable))].split(64):
            loss = _loss([(examples[i], picked[i], shares[i]) for i in group.tolist()], role, side)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        now = [table.weight.detach().double().numpy() for table in (role, side)]
        known = Weights(now[0].astype(np.float32), now[1][:, 0].astype(np.float32))
        if number >= rounds // 2:  # the mean of the later rounds wavers less
            part = 1 / (number - rounds // 2 + 1)
            kept = [old + part * (new - old) for old, new in zip(kept, now, strict=True)]
    return Weights(kept[0].astype(np.float32), kept[1][:, 0].astype(np.float32))


def _loss(
    rows: list[tuple[Example, tuple[Chosen, ...], float]],
    role: torch.nn.EmbeddingBag,
    side: torch.nn.EmbeddingBag,
) -> torch.Tensor:
    places, truth, shares = [], [], []
    groups, right, side_shares = [], [], []
    for one, chosen, share in rows:
        for at, part in enumerate(chosen):
            places.append(one.features[at])
            truth.append(ROLES.index(part.role))
            shares.append(share)
            if part.role != "said" and one.sides[at]:
                groups.append(list(one.sides[at].values()))
                right.append(list(one.sides[at]).index(str(part.scope)))
                side_shares.append(share)
    logits = _bag(role, places)
    share_M = torch.tensor(shares)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(truth), reduction="none")
    total: torch.Tensor = (loss * share_M).sum() / len(rows)
    used = torch.tensor(sorted({p for row in places for p in row}))
    total = total + DECAY * len(used) ** 0.5 * (role.weight[used] ** 2).sum()
    if groups:
        flat = _bag(side, [row for group in groups for row in group])[:, 0]
        parts = flat.split([len(group) for group in groups])
        losses = [
            share * (scores.logsumexp(0) - scores[at])
            for scores, at, share in zip(parts, right, side_shares, strict=True)
        ]
        total = total + torch.stack(losses).sum() / len(rows)
    return total


def _bag(table: torch.nn.EmbeddingBag, places: list[list[int]]) -> torch.Tensor:
    starts = torch.tensor([0, *np.cumsum([len(row) for row in places])[:-1]])
    summed: torch.Tensor = table(torch.tensor([p for row in places for p in row]), starts)
    return summed


def collect(made: int, seed: int) -> tuple[list[Example], list[float]]:
    """Written lines count whole, made ones a third."""
    lines = [(line.query, line.text, 1.0) for line in written.load("train")]
    mixture = Mixture(written=0.35, refusals=0.0)
    sources, rng = gather(mixture), Random(seed)
    lines += [(*example(rng, mixture, sources), 0.33) for _ in range(made)]
    found = [(example_of(query, text), share) for query, text, share in lines]
    usable = [(one, share) for one, share in found if one is not None]
    return [one for one, _ in usable], [share for _, share in usable]


def save(table: Weights) -> None:
    role_rows = np.flatnonzero(np.abs(table.role_FR).max(1) > SMALLEST)
    side_rows = np.flatnonzero(np.abs(table.side_F) > SMALLEST)
    np.savez_compressed(
        FILE,
        role_rows=role_rows.astype(np.uint32),
        role=table.role_FR[role_rows].astype(np.float16),
        side_rows=side_rows.astype(np.uint32),
        side=table.side_F[side_rows].astype(np.float16),
    )


def main() -> None:
    begun = time.monotonic()
    torch.set_num_threads(1)
    made = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
    examples, shares = collect(made, seed=5)
    save(fit(examples, shares, ROUNDS, seed=5))
    print(f"{len(examples)} texts, {(time.monotonic() - begun) / 60:.1f} min", file=sys.stderr)


if __name__ == "__main__":
    main()
