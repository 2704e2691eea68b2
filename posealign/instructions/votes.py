"""A second opinion on whether a text asks for joints: its words and pairs of words vote.

The text graph judges a whole sentence; this is a weight for each word, pair and triple, fitted to
the written corpus by training/votes.py (logistic regression). Near misses ("can someone face the
audit") give themselves away by words about something else, which a bag of words knows early.
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.hints import Hint

FILE = Path(__file__).with_name("votes.npz")
SIZE = 1 << 15
_TOKEN = re.compile(r"[a-z']+|\d+|[\u3400-\u9fff]|[^\w\s]")
_MOST = 4.0


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


def vote(clean: str, hints: list[Hint]) -> float:
    """Positive for a wish about joints, negative for anything else; log odds, bounded."""
    weights, bias = _table()
    total = float(weights[features(clean, hints)].sum()) + bias
    return max(-_MOST, min(_MOST, total))


@cache
def _table() -> tuple[NDArray[np.float32], float]:
    with np.load(FILE) as data:
        return data["weights"].astype(np.float32), float(data["bias"])
