"""How well words go together: runs of up to three, counted in the written corpus.

All parts are one word here and so are the sides: what was written of a knee holds for a wrist, in
both languages and where they mix. training/neighbours.py makes the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from posealign.instructions.keyword_patterns import COMPOUNDS, NOT_PARTS
from posealign.instructions.mend_han import FOLDER
from posealign.instructions.phrases import phrasebook

TABLE = FOLDER / "neighbours.txt"
SIDES = frozenset({"left", "right", "lt", "rt", "lft", "rgt", "左", "右"})
PART, SIDE, NUMBER, START, END = "PART", "SIDE", "NUMBER", "START", "END"
RARE, RARE_HAN = "RARE", "RAREHAN"
BY_NAME = " PART="  # marks the table's rows of parts by their names
_RUN = re.compile("[\u3400-\u9fff]+")
_PIECE = re.compile("[a-z]+|\\d+|[\u3400-\u9fff]+|\\S")
# How often a part's name anywhere counts beside what was seen of it behind a word.
_OF_PARTS = 20.0
_LESS = 0.6  # of each count, for what was not written yet
# Log-probabilities of one among the rare.
_CHARACTER, _SIGN, _WORD = -7.0, -3.0, -9.0
_LETTER = -2.6  # for each letter of what is no word
_REMEMBERED = 100_000  # runs of three


class Unit(NamedTuple):
    """A word, a Han character or the whole name of a part: what it counts as, what is written."""

    kind: str
    written: str


@cache
def part_words() -> frozenset[str]:
    """Names of parts in one Latin word."""
    return frozenset(form for form in _forms("en") if form.isascii() and form.isalpha())


@cache
def part_runs() -> frozenset[str]:
    """Names of parts in Han characters."""
    return frozenset(form for form in _forms("zh") if _RUN.fullmatch(form))


def _forms(language: str) -> set[str]:
    book = phrasebook(language)
    forms = {form.lower() for name in book.parts for pair in book.forms(name) for form in pair}
    return forms - {*NOT_PARTS, "everything"}


@cache
def _runs_from() -> Mapping[str, tuple[str, ...]]:
    """Names, and words with a part's character that name none, by their first character."""
    found: dict[str, list[str]] = {}
    words = {word for word in COMPOUNDS if _RUN.fullmatch(word)}
    for run in sorted(part_runs() | words, key=lambda run: (-len(run), run)):
        found.setdefault(run[0], []).append(run)
    return {first: tuple(row) for first, row in found.items()}


def units(text: str) -> list[Unit]:
    """A normalised text taken apart."""
    return [unit for piece in _PIECE.findall(text) for unit in _cut(piece)]


@lru_cache(maxsize=4096)  # of a text and the same with a slip mended all pieces but one are alike
def _cut(piece: str) -> tuple[Unit, ...]:
    if not _RUN.match(piece):
        return (Unit(_latin_kind(piece), piece),)
    found, at = [], 0
    while at < len(piece):
        runs = _runs_from().get(piece[at], ())
        run = next((run for run in runs if piece.startswith(run, at)), piece[at])
        kind = SIDE if run in SIDES else PART if run in part_runs() else run
        found.append(Unit(kind, run))
        at += len(run)
    return tuple(found)


def _latin_kind(word: str) -> str:
    if word in SIDES:
        return SIDE
    return PART if word in part_words() else NUMBER if word.isdigit() else word


@dataclass(frozen=True)
class Neighbours:
    """`runs`: how often kinds were written in a row; `spare`: what part of the times that a run was
    written is left for what the table does not have behind it; `named`: how often a part or a
    side by its name behind a kind, or ("", name) anywhere.
    """

    runs: Mapping[tuple[str, ...], int]
    spare: Mapping[tuple[str, ...], float]
    named: Mapping[tuple[str, str], int]
    _known: dict[tuple[str, str, str], float] = field(default_factory=dict, repr=False)

    def gain(self, said: Sequence[Unit], meant: Sequence[Unit], words: Container[str]) -> float:
        """How much likelier the second reading of a text is than the first, as a log-ratio; of
        `words` the rare ones are less strange than others.
        """
        most = min(len(said), len(meant))
        first = next((at for at in range(most) if said[at] != meant[at]), most)
        last = next((at for at in range(most - first) if said[-1 - at] != meant[-1 - at]), 0)
        return self._likelihood(meant, first, len(meant) - last, words) - self._likelihood(
            said, first, len(said) - last, words
        )

    def _likelihood(
        self, row: Sequence[Unit], first: int, end: int, words: Container[str]
    ) -> float:
        """Of the units from `first` to `end`, and of the two behind them given these."""
        kinds = [START, START, *(self.kind(unit) for unit in row[max(0, first - 2) : end + 2])]
        shift = 2 - max(0, first - 2)
        if end + 2 > len(row):
            kinds.append(END)
        total = 0.0
        for at in range(first + shift, len(kinds)):
            before, kind = kinds[at - 1], kinds[at]
            total += self._after(kinds[at - 2], before, kind)
            if at - shift < end:
                total += self._written(before, kind, row[at - shift].written, words)
        return total

    def kind(self, unit: Unit) -> str:
        if (unit.kind,) in self.runs:
            return unit.kind
        return RARE if unit.kind.isascii() else RARE_HAN

    def _after(self, first: str, second: str, third: str) -> float:
        key = (first, second, third)
        known = self._known.get(key)  # once: another thread may clear it
        if known is None:
            chance = 1 / self.runs[()]
            for run in (key[2:], key[1:], key):
                if run[:-1] in self.spare:
                    seen = max(0.0, self.runs.get(run, 0) - _LESS) / self.runs[run[:-1]]
                    chance = seen + self.spare[run[:-1]] * chance
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = math.log(chance)
        return known

    def _written(self, before: str, kind: str, written: str, words: Container[str]) -> float:
        """Log-probability of a word among all of its kind."""
        if kind in (PART, SIDE):
            chance = (self.named.get(("", written), 0) + 0.3) / self.runs[(kind,)]
            if kind == SIDE:
                return math.log(chance)
            seen = self.runs.get((before, kind), 0)
            row = self.named.get((before, written), 0)
            return math.log((row + _OF_PARTS * chance) / (seen + _OF_PARTS))
        if kind == RARE_HAN:
            return _CHARACTER
        if kind == RARE:
            known = written in words
            return _SIGN if len(written) == 1 else _WORD if known else _LETTER * len(written)
        return 0.0


@cache
def neighbours() -> Neighbours:
    runs: dict[tuple[str, ...], int] = {}
    named: dict[tuple[str, str], int] = {}
    kept: dict[tuple[str, ...], float] = {}
    for row in TABLE.read_text("utf-8").splitlines()[1:]:
        before, _, followers = row.partition("\t")
        fields = followers.split(" ")
        counts = dict(zip(fields[::2], map(int, fields[1::2]), strict=True))
        if before.endswith(BY_NAME):
            named.update({(before.removesuffix(BY_NAME), word): n for word, n in counts.items()})
            continue
        context = tuple(before.split())
        runs.update({(*context, word): count for word, count in counts.items()})
        kept[context] = sum(counts.values()) - _LESS * len(counts)
    runs[()] = sum(count for run, count in runs.items() if len(run) == 1)
    spare = {before: 1 - seen / runs[before] for before, seen in kept.items()}
    return Neighbours(runs, spare, named)
