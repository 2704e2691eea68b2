"""Slips that only the words beside them give away: "the let elbow up", 耳朵到尖, "nose and his".

A word becomes another one slip away, and a Chinese character one that sounds the same, where that
makes the text much likelier (neighbours.py). Words that are none lose against any that fits; a real
one needs a slip that fingers do make, and hardly becomes anything but a part or a side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from posealign.instructions.keyword_patterns import COMPOUNDS
from posealign.instructions.mend import (
    LONG,
    NEVER,
    SHORTEST,
    how_unlikely,
    is_word,
    less_letters,
    slips,
    spelling,
)
from posealign.instructions.mend_han import GRAMMAR, HAN, KEPT, is_had, sounds
from posealign.instructions.names import is_named, unless_name
from posealign.instructions.neighbours import (
    PART,
    SIDE,
    SIDES,
    Unit,
    neighbours,
    part_runs,
    part_words,
    units,
)
from posealign.instructions.phrases import phrasebook

MOST = 3  # slips mended in one text
_AROUND = 40  # characters on each side that a slip is judged by
_PIECE = re.compile("[a-z]{3,}|[\u3400-\u9fff]")
# How unlikely a slip is, as a negative log-probability; in a word also for each unit of its cost.
_SLIP, _PER_COST = 1.0, 4.5
_USUALLY, _HEARD = 6.2, 12.5  # a character that is often mistaken for another, or sounds the same
_WORD = 2.0  # and one that makes a word with its neighbour
_LONE = 2.0  # and one that is a part by itself and has no side before it
_LIKELY, _LIKELY_TWO = 0.9, 1.95  # what a slip in a real word may cost, and two in a short one
# What a word has to gain beside that: one that is none, a real one that becomes a part or a side,
# and a real one that becomes another.
_MARGIN, _REAL_MARGIN, _FURTHER_MARGIN = 0.5, 0.3, 3.0
_HEARD_FOR_PARTS = frozenset("尖角")
_USUAL = 15  # times a word must be written to be what a real one was meant for
_CLOSEST = 6  # options
_SHORT = 6  # units of a text that may hold a real word for its only part
_LONGEST = 24  # letters


def unslipped(text: str) -> str:
    """A normalised text with the slips mended that its neighbours give away."""
    for _ in range(MOST):
        said = units(text)
        best, mended = 0.0, text
        for start, written, meant, dear in _options(text, said):
            first, last = max(0, start - _AROUND), start + _AROUND
            here = units(text[first:last]) if first or last < len(text) else said
            behind = start + len(written)
            there = units(text[first:start] + meant + text[behind:last])
            gain = neighbours().gain(here, there, spelling().known) - dear
            if gain > best:
                best, mended = gain, text[:start] + meant + text[behind:]
        if mended == text:
            break
        text = mended
    return text


def _options(text: str, said: list[Unit]) -> Iterator[tuple[int, str, str, float]]:
    """Where a slip may be, what is written and meant, and the gain that it has to bring."""
    before = ""
    company = len(said) <= _SHORT or any(unit.kind in (PART, SIDE) for unit in said)
    for match in _PIECE.finditer(text):
        written, start = match[0], match.start()
        if HAN.match(written):
            options = () if is_named(text, start) or is_had(text, start) else _alike(written)
            if options:
                pairs = (text[max(0, start - 1) : start + 1], text[start : start + 2])
                held = _WORD * any(pair in sounds().words for pair in pairs)
                for meant, dear in options:
                    name = _completed(text, start, meant)
                    if name:
                        lone = _LONE * (name not in "左右" and _is_lone(text, start, name))
                        yield start, written, meant, dear + held + lone
            continue
        for meant, dear in _close(written) if company or not is_word(written) else ():
            if unless_name(meant, match, before) == meant:
                yield start, written, meant, dear
        before = written


@lru_cache(maxsize=16384)
def _close(word: str) -> tuple[tuple[str, float], ...]:
    """Known words that a Latin word may be a slip for, and what each has to gain."""
    if len(word) > _LONGEST or word in SIDES:
        return ()
    options = _close_to_real(word) if is_word(word) else _close_to_none(word)
    return tuple((meant, dear) for dear, meant in sorted(options)[:_CLOSEST])


def _close_to_real(word: str) -> Iterator[tuple[float, str]]:
    counts = spelling().counts
    if word in part_words():
        return
    for meant in _within_one(word):
        ours = meant in part_words() or meant in SIDES
        if meant[0] != word[0] or counts[meant] < _USUAL or not (ours or word not in counts):
            continue
        cost = slips(word, meant)[1]
        if cost <= _LIKELY:
            yield _SLIP + _PER_COST * cost + (_REAL_MARGIN if ours else _FURTHER_MARGIN), meant


def _close_to_none(word: str) -> Iterator[tuple[float, str]]:
    for meant in _within_one(word):
        cost = how_unlikely(word, meant)
        if cost < NEVER:
            yield _SLIP + _PER_COST * cost + _MARGIN, meant
    if SHORTEST + 2 <= len(word) < LONG:
        for meant in _begin_with().get(word[0], ()):
            if abs(len(meant) - len(word)) < 2:
                number, cost = slips(word, meant)
                if number == 2 and cost <= _LIKELY_TWO:
                    yield _SLIP + _PER_COST * cost + _MARGIN, meant


def _within_one(word: str) -> set[str]:
    close, most = spelling().close, 2 if len(word) >= LONG else 1
    found = {name for less in {word, *less_letters(word, most)} for name in close.get(less, ())}
    return {name for name in found if name.rstrip("s") != word.rstrip("s")}


@cache
def _begin_with() -> Mapping[str, tuple[str, ...]]:
    """Parts and sides that two slips may hide, by their first letter."""
    counts = spelling().counts
    found: dict[str, list[str]] = {}
    for name in sorted(part_words() | SIDES):
        if len(name) > SHORTEST and counts.get(name, 0) >= _USUAL:
            found.setdefault(name[0], []).append(name)
    return {first: tuple(row) for first, row in found.items()}


@cache
def _targets() -> Mapping[str, str]:
    """The characters of parts, sides and grammar by their sound."""
    found: dict[str, str] = {}
    for character in sorted({c for run in part_runs() | GRAMMAR | {"左", "右"} for c in run}):
        sound = sounds().heard.get(character, "")
        found[sound] = found.get(sound, "") + character
    return found


@lru_cache(maxsize=4096)
def _alike(written: str) -> tuple[tuple[str, float], ...]:
    """Characters of ours that sound like this one or are often written so."""
    if written in KEPT - _HEARD_FOR_PARTS:
        return ()
    usual = _usual().get(written, "")
    heard = _targets().get(sounds().heard.get(written, "-"), "")
    return tuple(
        (meant, _USUALLY if meant in usual else _HEARD)
        for meant in dict.fromkeys(usual + heard)
        if meant != written
    )


@cache
def _usual() -> Mapping[str, str]:
    """What a character is often written for."""
    found: dict[str, str] = {}
    for name, wrong in phrasebook("zh").noise.replace.items():
        for word in wrong:
            if len(word) == len(name) and HAN.match(word):
                for written, meant in zip(word, name, strict=True):
                    if written != meant:
                        found[written] = found.get(written, "") + meant
    return found


def _completed(text: str, at: int, meant: str) -> str:
    """The longest name, side or word of grammar that a character makes, breaking up no compound."""
    if _in_compound(text, at) or _in_compound(text[:at] + meant + text[at + 1 :], at):
        return ""
    found = meant if meant in "左右" else ""
    for word in _ours().get(meant, ()):
        for place, one in enumerate(word):
            if one == meant and place <= at and len(word) > len(found):
                around = text[at - place : at] + meant + text[at + 1 : at - place + len(word)]
                found = word if around == word else found
    return found


def _is_lone(text: str, at: int, name: str) -> bool:
    return len(name) == 1 and text[max(0, at - 1) : at] not in {*"左右双两"}


def _in_compound(text: str, at: int) -> bool:
    return any(
        text.startswith(word, at - place)
        for word in _compounds().get(text[at], ())
        for place, one in enumerate(word)
        if one == text[at] and place <= at
    )


@cache
def _compounds() -> Mapping[str, tuple[str, ...]]:
    return _by_character(frozenset(word for word in COMPOUNDS if HAN.match(word)))


@cache
def _ours() -> Mapping[str, tuple[str, ...]]:
    return _by_character(part_runs() | GRAMMAR)


def _by_character(words: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in sorted(words):
        for character in dict.fromkeys(word):
            found.setdefault(character, []).append(word)
    return {character: tuple(row) for character, row in found.items()}
