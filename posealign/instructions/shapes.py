"""What stands around a part in a text, whichever part it is, and which words are no wish's.

"Wipe his nose" and "wipe her chin" have one shape, "wipe her _"; "the ear probe" and "the knee
scooter" have another: a part, and behind it a word that hardly any wish has. So what the votes
learn of one part and of one thing holds for the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from posealign.instructions.found import found_in

PART, SIDE = "_part", "_side"
TOKEN = re.compile(r"[a-z']+|\d+|[\u3400-\u9fff]|[^\w\s]")
_LONGEST = 4
_USUAL = 40  # wishes that must have a word for it to be one of theirs
_KNOWN = 2  # texts that must have it for it to be known at all
_MOST_UNKNOWN = 4


@dataclass(frozen=True)
class Words:
    """`usual`: those that wishes are made of; `known`: those that anything written has."""

    usual: frozenset[str]
    known: frozenset[str]


def words_of(lines: Iterable[tuple[str, bool]]) -> Words:
    """Of cleaned texts, and whether each is a wish."""
    wished: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for clean, wish in lines:
        words = set(partless(clean))
        met.update(words)
        wished.update(words if wish else ())
    usual = {word for word, count in wished.items() if count >= _USUAL}
    return Words(
        frozenset(usual | {PART, SIDE}),
        frozenset(word for word, count in met.items() if count >= _KNOWN),
    )


def shapes(clean: str, words: Words) -> set[str]:
    """Runs of words with every part alike, and with words that wishes do not use alike."""
    plain = partless(clean)
    seen = {f"d:{run}" for run in _runs(plain) if PART in run or " " not in run}
    alike = [word if word in words.usual else "#" if word[0] > "\u3400" else "?" for word in plain]
    seen |= {f"s:{run}" for run in _runs(alike) if PART in run or "?" in run or "#" in run}
    unknown = sum(word not in words.known for word in plain)
    return seen | {f"u:{min(unknown, _MOST_UNKNOWN)}"}


def partless(clean: str) -> list[str]:
    """The words, numbers alike, with one mark for a part and its side."""
    words: list[str] = []
    at = 0
    for one in found_in(clean):
        words += TOKEN.findall(clean[at : one.start])
        if one.scope is not None and words and words[-1] == SIDE:
            words.pop()
        words.append(SIDE if one.scope is None else PART)
        at = one.end
    words += TOKEN.findall(clean[at:])
    return ["0" if word.isdigit() else word for word in words]


def _runs(words: list[str]) -> list[str]:
    bound = ["^", *words, "$"]
    last = len(bound)
    return [
        " ".join(bound[at : at + size])
        for size in range(1, _LONGEST + 1)
        for at in range(last - size + 1)
    ]
