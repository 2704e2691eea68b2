"""Slips of the finger and of the ear, mended before a text is read.

A Latin word that is not known becomes the known word one slip away (two for long words): letters
exchanged, left out, doubled, struck beside the key, two words run together. Known words are the
corpus's, the phrasebooks' and those of a dictionary that look like them (spelling/*.txt, made by
training/spelling.py), so that a real word is never taken for a slip. Chinese: mend_han.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from posealign.instructions.mend_han import FOLDER, HAN, mend_han
from posealign.instructions.names import unless_name
from posealign.instructions.phrases import phrasebook

LATIN = re.compile(r"(?<![a-z0-9à-ɏß])[a-z]+(?![a-z0-9à-ɏß])")
_RUN = re.compile("(?!(?:(?<=[xyz])|(?<=[xyz] ))轴)[\u3400-\u9fff]+")  # a z轴 is an axis
SHORTEST = 3  # letters
LONG = 8  # letters; from here two slips may be meant
NEVER = 9.0  # the cost of what is no slip
_COMMON = 15  # times a word must be written for a word of four letters to be its slip
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SIDES = frozenset({"left", "right", "both", "lt", "rt", "lft", "rgt"})
_BEFORE_PARTS = ("left", "right", "both", "upper", "lower")
_LEADING = frozenset(
    re.findall(
        r"\w+",
        "left right both the her his upper lower show mark only just and all without but except",
    )
)
_TRAILING = frozenset({"only", "please", "too", "and", "without", "but"})
# What telephones and recognisers put: for the right before a part, and for a part behind a side.
_HEARD_RIGHT = frozenset({"write", "rite", "wright"})
_HEARD_PARTS = {
    "heal": "heel", "heals": "heels", "tow": "toe", "tows": "toes", "log": "leg", "lag": "leg",
    "soldier": "shoulder", "soldiers": "shoulders", "uncle": "ankle", "uncles": "ankles",
}  # fmt: skip
_SILENT = {"r": "w", "n": "k"}  # "rist", "nee"


def _beside() -> frozenset[tuple[str, str]]:
    """Letters whose keys touch."""
    places = {c: (x + 0.3 * y, y) for y, row in enumerate(_ROWS) for x, c in enumerate(row)}
    return frozenset(
        (a, b)
        for a, (x, y) in places.items()
        for b, (u, v) in places.items()
        if a != b and abs(x - u) < 1.1 and abs(y - v) <= 1
    )


_BESIDE = _beside()
# What hospitals and programs abbreviate is no slip: "for the EHR" has no ear.
_ABBREVIATED = frozenset(
    re.findall(
        r"\w+",
        "ehr emr adl adls tpn ngt ogt bpd slt lis hoi ttn asd tof dmd crp axr uss opd hipaa hcp "
        "mrn timp dob fov ece mae cnn vit smpl avi ptz",
    )
)


def mend(clean: str) -> str:
    """A normalised text with its slips mended; what is known stays as it is."""
    if HAN.search(clean):
        clean = _RUN.sub(lambda run: mend_han(run[0]), clean)
    before = ""

    def mended(match: re.Match[str]) -> str:
        nonlocal before
        word = unless_name(mend_word(match[0]), match, before)
        if before in _SIDES:
            word = _HEARD_PARTS.get(word, word)
        elif (after := LATIN.match(clean, match.end() + 1)) and after[0] in _part_words():
            word = _side_of(match[0]) or word
        before = word
        return word

    return LATIN.sub(mended, clean)


# Latin ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelling:
    """`counts`: what may be meant; `real`: further words; `close`: a word less letters → words."""

    counts: Mapping[str, int]
    real: frozenset[str]
    known: frozenset[str]  # both
    close: Mapping[str, tuple[str, ...]]


@cache
def spelling() -> Spelling:
    counts: dict[str, int] = {}
    real = set(_ABBREVIATED)
    for row in (FOLDER / "english.txt").read_text("utf-8").splitlines():
        if row[:1] == "#":
            continue
        word, _, rest = row.partition(" ")
        if rest.isdigit():
            counts[word] = int(rest)
        else:
            real.update(row.split())
    for word in re.findall(r"[a-z]{9,}", " ".join(_part_forms())):
        counts.setdefault(word, 3)
    close: dict[str, list[str]] = {}
    for word in counts:
        if len(word) >= SHORTEST:
            for less in {word, *less_letters(word, 2 if len(word) >= LONG else 1)}:
                close.setdefault(less, []).append(word)
    known = frozenset(real.union(counts))
    return Spelling(counts, frozenset(real), known, {key: tuple(row) for key, row in close.items()})


def less_letters(word: str, most: int) -> Iterator[str]:
    """The word without one letter, or two."""
    for at in range(len(word)):
        less = word[:at] + word[at + 1 :]
        yield less
        if most > 1:
            for second in range(at, len(less)):
                yield less[:second] + less[second + 1 :]


def is_word(word: str) -> bool:
    return word in spelling().known


@lru_cache(maxsize=16384)
def mend_word(word: str) -> str:
    known = spelling()
    if len(word) < SHORTEST or is_word(word) or len(word) > 24:
        return word
    calm = re.sub(r"(.)\1{2,}", r"\1\1", word)  # kneeee
    if calm != word and (calm in known.counts or re.sub(r"(.)\1$", r"\1", calm) in known.counts):
        return calm if calm in known.counts else re.sub(r"(.)\1$", r"\1", calm)
    most = 2 if len(calm) >= LONG else 1
    keys = {calm, *less_letters(calm, most)}
    options = {option for key in keys for option in known.close.get(key, ())}
    scored = [(cost, option) for option in options if (cost := how_unlikely(calm, option)) < NEVER]
    if scored:
        return min(scored)[1]
    return _split(calm) or word


def _side_of(word: str) -> str | None:
    """What a word that is none, or is heard for the right, means before a part: "rihtg knee"."""
    if word in _HEARD_RIGHT:
        return "right"
    if is_word(word):
        return None
    first = {word[0], *(b for a, b in _BESIDE if a == word[0])}
    most = 2 if len(word) > SHORTEST + 2 else 1  # "rihhgt"
    near = (
        side
        for side in _BEFORE_PARTS
        if side[0] in first and (slips(word, side)[0] <= most or sorted(word) == sorted(side))
    )
    return next(near, None)


@cache
def _part_words() -> frozenset[str]:
    named = frozenset(form for form in _part_forms() if form.isalpha() and len(form) >= 4)
    return named | {"arm", "leg", "hip", "ear", "eye"}


@cache
def _part_forms() -> frozenset[str]:
    book = phrasebook("en")
    pairs = (pair for name in book.parts for pair in book.forms(name))
    return frozenset(form.lower() for pair in pairs for form in pair)


def how_unlikely(word: str, option: str, most: int | None = None) -> float:
    """How unlikely the slip is, less how common the word is; NEVER and more is none."""
    most = most or (2 if len(word) >= LONG else 1)
    common = spelling().counts[option]
    if option == _SILENT.get(word[0], "") + word and option in _part_words():
        return -1.0
    number, cost = slips(word, option)
    named = option in _part_words()
    likely = named and number == 1 and sorted(word) == sorted(option)  # "elg"
    if number > most or (word[0] != option[0] and (number > 1 or (len(word) <= 4 and not likely))):
        return NEVER
    if len(word) <= 4 and common < _COMMON and not likely:
        return NEVER  # abbreviations are short
    cost += 0.5 * (word[0] != option[0]) - 0.3 * named
    return cost - 0.15 * math.log10(1 + common)


def slips(word: str, option: str) -> tuple[int, float]:
    """Damerau's distance (neighbours exchanged are one), and that with likely slips cheap."""
    rows, columns = len(word) + 1, len(option) + 1
    table = [[(0, 0.0)] * columns for _ in range(rows)]
    for i in range(1, rows):
        table[i][0] = (i, 1.1 * i)
    for j in range(1, columns):
        table[0][j] = (j, 1.0 * j)
    for i in range(1, rows):
        for j in range(1, columns):
            a, b = word[i - 1], option[j - 1]
            typed_twice = i > 1 and word[i - 2] == a
            steps = [
                _add(table[i - 1][j], 0.7 if typed_twice else 1.1),
                _add(table[i][j - 1], 0.7 if b in "aeiou" or option[j - 2 : j - 1] == b else 0.9),
                table[i - 1][j - 1]
                if a == b
                else _add(table[i - 1][j - 1], 0.8 if (a, b) in _BESIDE else 1.1),
            ]
            if i > 1 and j > 1 and a == option[j - 2] and b == word[i - 2] and a != b:
                steps.append(_add(table[i - 2][j - 2], 0.7))
            table[i][j] = min(steps)
    return table[-1][-1]


def _add(cell: tuple[int, float], cost: float) -> tuple[int, float]:
    return cell[0] + 1, cell[1] + cost


def _split(word: str) -> str | None:
    """A small word or a side run together with another word."""
    counts, best = spelling().counts, (0, "")
    for at in range(SHORTEST, len(word) - SHORTEST + 1):
        first, last = word[:at], word[at:]
        if first in _LEADING:
            whole = last if counts.get(last, 0) >= _COMMON else _split(last) or last
            best = max(best, (counts.get(whole.rpartition(" ")[2], 0), f"{first} {whole}"))
        elif last in _TRAILING and first in _part_words():
            best = max(best, (counts.get(first, 0), f"{first} {last}"))
    return best[1] if best[0] >= _COMMON else None
