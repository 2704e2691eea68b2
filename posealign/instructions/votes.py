"""A second opinion on whether a text asks for joints: its words and pairs of words vote.

The text graph judges a whole sentence; this is a weight for each word, pair and triple, fitted to
the written corpus by training/votes.py (logistic regression). Near misses ("can someone face the
audit") give themselves away by words about something else, which a bag of words knows early.
The same words vote on the slots (visibility, subject, relation …): a small encoder invents a
subject where no word names one, words alone do not. Sides count alike there, so that a text and its
mirror image get mirrored votes.
Shapes: K classes of all voted slots, side by side.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.hints import Hint
from posealign.instructions.query import PREMISES, RELATIONS, SUBJECTS, VISIBILITIES

FILE = Path(__file__).with_name("votes.npz")
SIZE = 1 << 15
_TOKEN = re.compile(r"[a-z']+|\d+|[\u3400-\u9fff]|[^\w\s]")
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
    """Places in the table, for a normalised and mended text."""
    words = _TOKEN.findall(clean)
    found = set(words)
    found |= {" ".join(words[at : at + 2]) for at in range(len(words) - 1)}
    found |= {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}
    if words:
        found |= {f"^{words[0]}", f"^{' '.join(words[:2])}", f"${words[-1]}"}
    named = [token for hint in hints for token in hint.tokens]
    found |= {f"#{token}" for token in named}
    found |= {f"#{min(4, len(named))}", f"~{min(6, len(words) // 3)}"}
    return sorted({zlib.crc32(text.encode()) % SIZE for text in found})


def sideless(clean: str, hints: list[Hint]) -> list[int]:
    """The same with every side alike."""
    named = [Hint(h.end, tuple(_SIDES.sub("side", token) for token in h.tokens)) for h in hints]
    return features(_SIDES.sub("side", clean), named)


def slot_votes(clean: str, hints: list[Hint]) -> dict[str, NDArray[np.float32]]:
    """Log probabilities of each slot's classes."""
    slots_FK, bias_K = _slot_table()
    scores_K = slots_FK.take(sideless(clean, hints), 0).sum(0) + bias_K
    voted: dict[str, NDArray[np.float32]] = {}
    at = 0
    for name, classes in SLOTS.items():
        voted[name] = log_softmax(scores_K[at : at + len(classes)]).astype(np.float32)
        at += len(classes)
    return voted


def log_softmax(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Log probabilities of one choice, in the precision of its scores."""
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def folded(classes: Sequence[str]) -> list[int]:
    """For each class the place of the one that votes for it: of twins the first."""
    first = {b: a for a, b in TWINS}
    return [classes.index(first.get(name, name)) for name in classes]


def vote(clean: str, hints: list[Hint]) -> float:
    """Positive for a wish about joints, negative for anything else; log odds, bounded."""
    weights, bias = _table()
    total = float(weights[features(clean, hints)].sum()) + bias
    return max(-_MOST, min(_MOST, total))


@cache
def _table() -> tuple[NDArray[np.float32], float]:
    with np.load(FILE) as data:
        return data["weights"].astype(np.float32), float(data["bias"])


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
