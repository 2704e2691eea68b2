"""Fit what counts for a reading and for an answer at all (posealign/instructions/weights.json).

    python -m training.weights [--folder runs/text] [--also FILE.jsonl …] [--only gate] [--dry]

Every reading of a written line is one row of what speaks for it; a softmax over a line's rows
is fitted to those that mean its set, a logistic regression to whether it is to be answered. Both
are drawn to the weights that were there. Lines of dev (and further ones, not trained on): of lines
that the graph was trained on it is too sure. Figures are cross-validated by sentence pattern.
The last step after training.text, training.roles and training.votes; a minute on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.bundle import find
from posealign.instructions import written
from posealign.instructions.candidates import (
    FILE,
    Poll,
    Weights,
    choose_mask,
    every_reading,
    poll,
    weights,
)
from posealign.instructions.hints import find_hints
from posealign.instructions.mirror import mirror_query
from posealign.instructions.query import parse
from posealign.instructions.resolve import Resolver, suspicious
from posealign.instructions.targets import target_of
from posealign.instructions.twofold import twofold

FOLDS = 5
MOST = 8  # readings that nobody proposes: the likeliest by the logits
PULL = 3e-4  # towards the weights there were, for a reading's
GATE_PULL = 3e-3
# Set by hand: exceptions inside sums are too rare in dev to be fitted, and so are parts given back
# and sides "in the picture" on which rules and clauses agree.
FIXED = ("clauses_composed", "clauses_told", "clauses_settled", "agreed")
FALSE_REFUSALS = 0.0125  # the most that is borne on the fitted lines


@dataclass(frozen=True)
class Case:
    """`found_CF`: what speaks for each reading; `right_C`: those that mean the line's set."""

    fold: int
    answered: bool
    asked_V: NDArray[np.bool_]
    polled: Poll
    found_CF: NDArray[np.float32]
    right_C: NDArray[np.bool_]


def cases_of(lines: Sequence[written.Line], resolver: Resolver, known: Weights) -> list[Case]:
    names = list(known.readings)
    made = []
    for line in lines:
        seen = twofold(resolver.clean(line.text))
        if suspicious(seen.text):
            continue  # refused whatever the weights are
        hints = find_hints(seen.text)
        polled = poll(resolver.logits(seen.text, hints)[0], 0, hints, seen.text, False, known.slots)
        target = target_of(str(mirror_query(parse(line.query))) if seen.turned else line.query)
        masks_CV, said = every_reading(polled.asked_V, polled.ballot)
        found_CF = np.array([[row.get(name, 0.0) for name in names] for row in said], np.float32)
        right_C = (masks_CV == target.asked_V).all(1)
        far_C = np.array(["unnamed" in row for row in said])
        far_C[np.argsort(found_CF[:, names.index("sum8")])[-MOST:]] = False
        near_C = right_C | ~far_C
        fold = zlib.crc32(line.frame.encode()) % FOLDS
        made.append(
            Case(fold, target.answered, target.asked_V, polled, found_CF[near_C], right_C[near_C])
        )
    return made


def fit_readings(cases: Sequence[Case], known: Mapping[str, float]) -> dict[str, float]:
    """Softmax over the readings of each line; where none is right there is nothing to learn."""
    usable = [case for case in cases if case.answered and case.right_C.any()]
    flat = np.concatenate([case.found_CF for case in usable])
    scale_F = torch.tensor(np.sqrt(flat.std(0) + 1e-3))
    found_CF = torch.tensor(flat) / scale_F
    line_C = torch.tensor(np.repeat(range(len(usable)), [len(c.right_C) for c in usable]))
    right_C = torch.tensor(np.concatenate([case.right_C for case in usable]))
    start_F = torch.tensor(list(known.values()), dtype=torch.float32) * scale_F
    weight_F = start_F.clone().requires_grad_(True)

    def log_sums(scores_C: torch.Tensor) -> torch.Tensor:
        top = torch.full((len(usable),), -1e9).scatter_reduce(0, line_C, scores_C, "amax").detach()
        sums = torch.zeros(len(usable)).index_add(0, line_C, (scores_C - top[line_C]).exp())
        return top + sums.log()

    def loss() -> torch.Tensor:
        scores_C = found_CF @ weight_F
        wrong = scores_C.masked_fill(~right_C, -1e9)
        away = ((weight_F - start_F) ** 2).sum()
        return (log_sums(scores_C) - log_sums(wrong)).mean() + PULL * away

    free_F = torch.tensor([float(name not in FIXED) for name in known])
    weight_F.register_hook(lambda slope_F: slope_F * free_F)
    fitted_F = _minimised(loss, weight_F) / scale_F
    return dict(zip(known, (round(float(value), 3) for value in fitted_F), strict=True))


def fit_gate(cases: Sequence[Case], known: Mapping[str, float]) -> dict[str, float]:
    """Logistic regression, then the threshold with the best refusal F1 that refuses few wrongly."""
    names = list(known)
    said_BF = torch.tensor([[c.polled.said.get(name, 0.0) for name in names] for c in cases])
    truth_B = torch.tensor([float(case.answered) for case in cases])
    start_F = torch.tensor(list(known.values()), dtype=torch.float32)
    weight_F = start_F.clone().requires_grad_(True)

    def loss() -> torch.Tensor:
        errors = torch.nn.functional.binary_cross_entropy_with_logits(said_BF @ weight_F, truth_B)
        return errors + GATE_PULL * ((weight_F - start_F) ** 2).sum()

    fitted_F = _minimised(loss, weight_F)
    gate_B = (said_BF @ fitted_F).numpy()
    fitted = dict(zip(names, (float(value) for value in fitted_F), strict=True))
    fitted["bias"] -= _threshold(gate_B, truth_B.numpy() > 0)
    return {name: round(value, 3) for name, value in fitted.items()}


def _minimised(loss, weight_F: torch.Tensor) -> torch.Tensor:  # type: ignore[no-untyped-def]
    optimizer = torch.optim.LBFGS([weight_F], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value: torch.Tensor = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return weight_F.detach()


def _threshold(gate_B: NDArray[np.float32], answered_B: NDArray[np.bool_]) -> float:
    best, chosen = -1.0, 0.0
    for value in np.linspace(-3, 3, 121):
        f1, wrong = refusal_figures(gate_B > value, answered_B)
        score = f1 - 0.002 * abs(value) - (1.0 if wrong > FALSE_REFUSALS else 0.0)
        if score > best:
            best, chosen = score, float(value)
    return chosen


def refusal_figures(
    said_yes_B: NDArray[np.bool_], answered_B: NDArray[np.bool_]
) -> tuple[float, float]:
    """(F1 of refusals, share of the answerable that is refused)."""
    refused = ~said_yes_B
    hit = (refused & ~answered_B).sum()
    f1 = 2 * hit / max(1, refused.sum() + (~answered_B).sum())
    return float(f1), float((refused & answered_B).sum() / max(1, answered_B.sum()))


def figures(cases: Sequence[Case], known: Weights) -> dict[str, float]:
    answered_B = np.array([case.answered for case in cases])
    yes_B = np.array([known.answers(case.polled.said) for case in cases])
    right_B = np.array(
        [
            (choose_mask(c.polled.asked_V, c.polled.ballot, known.readings) == c.asked_V).all()
            for c in cases
        ]
    )
    reachable = [case.right_C.any() for case in cases if case.answered]
    f1, wrong = refusal_figures(yes_B, answered_B)
    return {
        "exact": float((right_B & yes_B)[answered_B].mean()),
        "reachable": float(np.mean(reachable)),
        "refusal_f1": f1,
        "false_refusals": wrong,
    }


PARTS = ("readings", "gate")


def fitted(cases: Sequence[Case], known: Weights, parts: Sequence[str] = PARTS) -> Weights:
    """The weights with these of their parts fitted anew."""
    return Weights(
        fit_readings(cases, known.readings) if "readings" in parts else known.readings,
        known.foreign,
        fit_gate(cases, known.gate) if "gate" in parts else known.gate,
        known.slots,
    )


def crossed(
    cases: Sequence[Case], known: Weights, parts: Sequence[str] = PARTS
) -> dict[str, float]:
    """Each sentence pattern judged by weights fitted to the others."""
    rows, sizes = [], []
    for fold in range(FOLDS):
        held = [case for case in cases if case.fold == fold]
        rest = [case for case in cases if case.fold != fold]
        rows.append(figures(held, fitted(rest, known, parts)))
        sizes.append(len(held))
    return {name: float(np.average([row[name] for row in rows], weights=sizes)) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="text.onnx and tokenizer.json")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="further written lines")
    parser.add_argument("--dry", action="store_true", help="print figures, write nothing")
    parser.add_argument("--only", choices=PARTS, help="leave the rest as it is")
    options = parser.parse_args()
    parts = (options.only,) if options.only else PARTS
    begun = time.monotonic()
    torch.set_num_threads(1)
    lines = written.load("dev")
    for path in options.also:
        rows = path.read_text("utf-8").splitlines()
        lines += [written.Line(**json.loads(row)) for row in rows if row]
    known = weights()
    cases = cases_of(lines, Resolver.of_folder(options.folder or find("default").folder), known)
    best = fitted(cases, known, parts)
    report(f"{len(cases)} lines, weights there were", figures(cases, known))
    report("fitted, cross-validated", crossed(cases, known, parts))
    report("fitted, on the same lines", figures(cases, best))
    print(f"{(time.monotonic() - begun) / 60:.1f} min", file=sys.stderr)
    if not options.dry:
        FILE.write_text(json.dumps(vars(best), indent=1) + "\n", "utf-8")


def report(name: str, found: Mapping[str, float]) -> None:
    said = " ".join(f"{key}={value:.4f}" for key, value in found.items())
    print(f"{name}: {said}", file=sys.stderr)


if __name__ == "__main__":
    main()
