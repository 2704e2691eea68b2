"""A second opinion on whether a text asks for joints: its words and pairs of words vote.

The text graph judges a whole sentence; this is a weight for each word, pair and triple, fitted to
the written corpus by training/votes.py (logistic regression). Near misses ("can someone face the
audit") give themselves away by words about something else, which a bag of words knows early; what
stands around a part, whichever it is, and words that wishes do not use add to that (shapes.py).
The same words vote on the slots (visibility, subject, relation …): a small encoder invents a
subject where no word names one, words alone do not. Sides count alike there, so that a text and its
mirror image get mirrored votes. Of what a relation chooses they say whether it goes.
Shapes: K classes of all voted slots, side by side.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.hints import Hint
from posealign.instructions.query import PREMISES, RELATIONS, SUBJECTS, VISIBILITIES
from posealign.instructions.shapes import TOKEN, Words, shapes

FILE = Path(__file__).with_name("votes.npz")
SIZE = 1 << 15
GATE_SIZE = 1 << 20  # so wide that what was never read seldom falls on what was
_MOST = 4.0
# Slot → its classes, in the order of the graph's.
SLOTS: dict[str, tuple[str, ...]] = {
    "dims": ("2", "3"),
    "visibility": VISIBILITIES,
    "subject": SUBJECTS,
    "relation": ("", *RELATIONS),
    "premise": ("", *PREMISES),
}
TWINS = (
    ("leftmost", "rightmost"), ("image_left", "image_right"), ("in_left_half", "in_right_half"),
    ("left_lateral", "right_lateral"),
)  # fmt: skip
_SIDES = re.compile(r"left|right|[左右]|(?<![a-z])[lr]t?(?![a-z])")


def features(clean: str, hints: list[Hint]) -> list[int]:
    """Places in the slots' table, for a normalised and mended text."""
    return places(grams(clean, hints), SIZE)


def gate_features(clean: str, hints: list[Hint], words: Words) -> list[int]:
    """Places in the table of the votes on an answer at all."""
    return places(grams(clean, hints) | shapes(clean, words), GATE_SIZE)


def places(texts: frozenset[str], size: int) -> list[int]:
    """Where a table has the weights of these."""
    return sorted({zlib.crc32(text.encode()) % size for text in texts})


def grams(clean: str, hints: list[Hint]) -> frozenset[str]:
    """Words, pairs and triples, and the parts that are named."""
    return _grams(clean, tuple(token for hint in hints for token in hint.tokens))


@lru_cache(maxsize=16)  # a text without sides is asked for twice in a row
def _grams(clean: str, named: tuple[str, ...]) -> frozenset[str]:
    words = TOKEN.findall(clean)
    found = set(words)
    found |= {" ".join(words[at : at + 2]) for at in range(len(words) - 1)}
    found |= {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}
    if words:
        found |= {f"^{words[0]}", f"^{' '.join(words[:2])}", f"${words[-1]}"}
    found |= {f"#{token}" for token in named}
    found |= {f"#{min(4, len(named))}", f"~{min(6, len(words) // 3)}"}
    return frozenset(found)


def sideless(clean: str, hints: list[Hint]) -> list[int]:
    """The same with every side alike."""
    named = [Hint(h.end, tuple(_SIDES.sub("side", token) for token in h.tokens)) for h in hints]
    return features(_SIDES.sub("side", clean), named)


def slot_votes(clean: str, hints: list[Hint]) -> dict[str, NDArray[np.float32]]:
    """Log probabilities of each slot's classes."""
    slots_FK, bias_K = _slot_table()
    scores_K = slots_FK.take(sideless(clean, hints), 0).sum(0) + bias_K
    first_S, size_S = _spans()
    # All slots' log_softmax at once.
    scores_K -= np.maximum.reduceat(scores_K, first_S).repeat(size_S)
    scores_K -= np.log(np.add.reduceat(np.exp(scores_K), first_S)).repeat(size_S)
    return dict(zip(SLOTS, np.split(scores_K, first_S[1:]), strict=True))


def goes(clean: str, hints: list[Hint]) -> float:
    """Positive where what a relation chooses is to be left out; log odds."""
    weights_F, bias = _taken_table()
    return float(weights_F[sideless(clean, hints)].sum()) + bias


@cache
def _taken_table() -> tuple[NDArray[np.float32], float]:
    weights_F = np.zeros(SIZE, np.float32)
    with np.load(FILE) as data:
        weights_F[data["taken_rows"]] = data["taken"]
        return weights_F, float(data["taken_bias"])


@cache
def _spans() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each slot's classes begin, and how many they are."""
    size_S = np.array([len(classes) for classes in SLOTS.values()])
    return size_S.cumsum() - size_S, size_S


def folded(classes: Sequence[str]) -> list[int]:
    """For each class the place of the one that votes for it: of twins the first."""
    first = {b: a for a, b in TWINS}
    return [classes.index(first.get(name, name)) for name in classes]


def vote(clean: str, hints: list[Hint]) -> float:
    """Positive for a wish about joints, negative for anything else; log odds, bounded."""
    table = _gate_table()
    total = float(table.weights_F[gate_features(clean, hints, table.words)].sum()) + table.bias
    return max(-_MOST, min(_MOST, total))


@dataclass(frozen=True)
class GateTable:
    """`weights_F`: one for each place of the table; most are 0."""

    weights_F: NDArray[np.float32]
    bias: float
    words: Words


@cache
def _gate_table() -> GateTable:
    weights_F = np.zeros(GATE_SIZE, np.float32)
    with np.load(FILE) as data:
        weights_F[data["gate_rows"]] = data["gate"]
        usual, known = (frozenset(str(data[name]).split()) for name in ("usual", "known"))
        return GateTable(weights_F, float(data["bias"]), Words(usual, known))


@cache
def _slot_table() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    width = sum(len(classes) for classes in SLOTS.values())
    slots_FK = np.zeros((SIZE, width), np.float32)
    with np.load(FILE) as data:
        slots_FK[data["slot_rows"]] = data["slots"]
        bias_K = data["slot_bias"].astype(np.float32)
    order, at = [], 0
    for classes in SLOTS.values():
        order += [at + place for place in folded(classes)]
        at += len(classes)
    return np.ascontiguousarray(slots_FK[:, order]), bias_K[order]  # rows are what is read
