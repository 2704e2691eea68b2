"""Slips of the finger and of the ear, mended before a text is read.

A Latin word that is not known becomes the known word one slip away (two for long words): letters
exchanged, left out, doubled, struck beside the key, two words run together. Chinese characters
that sound like a part's name, and make no word where they stand, become that name. Known words are
the corpus's, the phrasebooks' and those of a dictionary that look like them (spelling/*.txt, made
by training/spelling.py), so that a real word is never taken for a slip.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from posealign.instructions.names import is_named, unless_name
from posealign.instructions.phrases import LANGUAGES, phrasebook

FOLDER = Path(__file__).with_name("spelling")
LATIN = re.compile(r"(?<![a-z0-9à-ɏß])[a-z]+(?![a-z0-9à-ɏß])")
HAN = re.compile("[\u3400-\u9fff]")
_RUN = re.compile("[\u3400-\u9fff]+")
SHORTEST = 3  # letters
LONG = 8  # letters; from here two slips may be meant
_COMMON = 15  # times a word must be written for a word of four letters to be its slip
_LONGEST_TARGET = 5  # characters
# Words beside the parts that a Chinese wish hangs on.
GRAMMAR = frozenset(
    re.findall(
        r"\w+",
        "左右 除了 以外 之外 除外 不要 去掉 不包括 可见 看得见 看不见 遮挡 遮住 被遮挡 挡住 三维 "
        "深度 关节 关键点 坐标 左边 右边 左侧 右侧 画面 全身 骨架 姿态 标出 镜头 被子 毯子 抬起 "
        "弯曲 伸直",
    )
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SIDES = frozenset({"left", "right", "both", "lt", "rt"})
_DETERMINERS = frozenset({"the", "her", "his", "their", "its", "my", "your", "of", "s"})
_BEFORE_PARTS = ("left", "right", "both", "upper", "lower")
_LEADING = frozenset(
    re.findall(r"\w+", "left right both the her his upper lower show mark only just and all")
)
# Nobody types these by mistake for another.
_KEPT = frozenset("和跟与及咗嘅喺唔啲冇佢哋畀一二三四五六七八九十指趾手脚足角尖")
_SMALL = frozenset("的得地和跟与是把")
_HEARD_SIDES = {"佐": "左", "佑": "右"}
_HEARD_RIGHT = frozenset({"write", "rite", "wright"})  # before a part
_SILENT = {"r": "w", "n": "k"}  # "rist", "nee"


def _beside() -> frozenset[tuple[str, str]]:
    """Letters whose keys touch."""
    places = {c: (x + 0.3 * y, y) for y, row in enumerate(_ROWS) for x, c in enumerate(row)}
    return frozenset(
        (a, b)
        for a, (x, y) in places.items()
        for b, (u, v) in places.items()
        if a != b and abs(x - u) <= 1 and abs(y - v) <= 1
    )


_BESIDE = _beside()


def mend(clean: str) -> str:
    """A normalised text with its slips mended; what is known stays as it is."""
    if HAN.search(clean):
        clean = _RUN.sub(lambda run: _mend_han(run[0]), clean)
    before = ""

    def mended(match: re.Match[str]) -> str:
        nonlocal before
        word = unless_name(mend_word(match[0]), match, before)
        if before in _SIDES:
            word = _part_of(word)
        if word != match[0] or before in _DETERMINERS or word in _HEARD_RIGHT:
            following = LATIN.match(clean, match.end() + 1)
            word = _side_of(match[0], following[0] if following else "") or word
        before = word
        return word

    return LATIN.sub(mended, clean)


# Latin ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelling:
    """`counts`: what may be meant; `real`: further words; `close`: a word less letters → words."""

    counts: Mapping[str, int]
    real: frozenset[str]
    close: Mapping[str, tuple[str, ...]]


@cache
def spelling() -> Spelling:
    counts: dict[str, int] = {}
    real: set[str] = set()
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
    return Spelling(counts, frozenset(real), {key: tuple(row) for key, row in close.items()})


def less_letters(word: str, most: int) -> Iterator[str]:
    """The word without one letter, or two."""
    for at in range(len(word)):
        less = word[:at] + word[at + 1 :]
        yield less
        if most > 1:
            for second in range(at, len(less)):
                yield less[:second] + less[second + 1 :]


def is_word(word: str) -> bool:
    return word in spelling().counts or word in spelling().real


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
    scored = [(cost, option) for option in options if (cost := _cost(calm, option, most)) < 9]
    if scored:
        return min(scored)[1]
    return _split(calm) or word


def _side_of(word: str, following: str) -> str | None:
    """The side that a slip before a part's name was meant for: "lef leg", "the let elbow"."""
    if word in _BEFORE_PARTS or word in _part_words():
        return None
    if following not in _part_words():
        return None
    if word in _HEARD_RIGHT:
        return "right"
    near = [side for side in _BEFORE_PARTS if side[0] == word[0] and _slips(word, side)[0] <= 1]
    return near[0] if near else None


@lru_cache(maxsize=4096)
def _part_of(word: str) -> str:
    """A real word behind a side, not one of ours but a slip from a part: "left eats"."""
    known = spelling()
    if len(word) < 4 or word in known.counts or word not in known.real:
        return word
    names = {name for less in {word, *less_letters(word, 1)} for name in known.close.get(less, ())}
    likely = [
        (cost, name)
        for name in names & _part_words()
        if name[0] == word[0] and (cost := _cost(word, name, 1)) < 0.8
    ]
    return min(likely)[1] if likely else word


@cache
def _part_words() -> frozenset[str]:
    named = frozenset(form for form in _part_forms() if form.isalpha() and len(form) >= 4)
    return named | {"arm", "leg", "hip", "ear", "eye"}


@cache
def _part_forms() -> frozenset[str]:
    book = phrasebook("en")
    pairs = (pair for name in book.parts for pair in book.forms(name))
    return frozenset(form.lower() for pair in pairs for form in pair)


def _cost(word: str, option: str, most: int) -> float:
    """How unlikely the slip is, less how common the word is; 9 and more is none."""
    common = spelling().counts[option]
    if option == _SILENT.get(word[0], "") + word and option in _part_words():
        return -1.0
    slips, cost = _slips(word, option)
    named = option in _part_words()
    likely = named and slips == 1 and sorted(word) == sorted(option)  # "elg"
    if slips > most or (word[0] != option[0] and (slips > 1 or (len(word) <= 4 and not likely))):
        return 9.0
    if len(word) <= 4 and common < _COMMON and not likely:
        return 9.0  # abbreviations are short
    cost += 0.5 * (word[0] != option[0]) - 0.3 * named
    return cost - 0.15 * math.log10(1 + common)


def _slips(word: str, option: str) -> tuple[int, float]:
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
    return best[1] if best[0] >= _COMMON else None


# Chinese -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sounds:
    """`heard`: a character's sound; `meant`: sounds → names; `words`: what is a word as it is."""

    heard: Mapping[str, str]
    meant: Mapping[tuple[str, ...], tuple[str, ...]]
    words: frozenset[str]
    targets: frozenset[str]
    taken: Mapping[str, str]  # a character → the one it is usually written for
    slips: Mapping[str, str]  # the same for words that are none as they stand


def single_names() -> frozenset[str]:
    book = phrasebook("zh")
    forms = [form for name in book.parts for pair in book.forms(name) for form in pair]
    return frozenset(form for form in forms if len(form) == 1 and HAN.fullmatch(form))


def chinese_targets() -> frozenset[str]:
    """Names of parts in Han characters of two and more, with sides before those of one."""
    found = set(GRAMMAR)
    for name in LANGUAGES:
        book = phrasebook(name)
        forms = {form for part in book.parts for pair in book.forms(part) for form in pair}
        forms |= {form for row in book.fixed.values() for form in row}
        for form in forms:
            if form and all(HAN.fullmatch(character) for character in form):
                if len(form) == 1:
                    found |= {f"{side}{form}" for side in "左右双两"}
                elif len(form) <= _LONGEST_TARGET:
                    found.add(form)
                    if len(form) == 2:
                        found |= {f"{side}{form}" for side in "左右双"}
    return frozenset(found)


@cache
def sounds() -> Sounds:
    heard: dict[str, str] = {}
    for row in _rows("sounds.txt"):
        sound, _, characters = row.partition(" ")
        heard.update(dict.fromkeys(characters, sound))
    words = frozenset(word for row in _rows("chinese.txt") for word in row.split())
    words -= {word for word in words if len(word) == 2 and word[0] in _SMALL}  # 的脚 is two words
    meant: dict[tuple[str, ...], list[str]] = {}
    targets = chinese_targets()
    for word in sorted(targets):
        if all(character in heard for character in word):
            meant.setdefault(tuple(heard[character] for character in word), []).append(word)
    taken: dict[str, str] = {}
    slips: dict[str, str] = {}
    for name, wrong in phrasebook("zh").noise.replace.items():
        if name in single_names():
            taken.update({character: name for character in wrong if len(character) == 1})
        if name in targets and len(name) > 1:
            unknown = [word for word in wrong if len(word) == len(name) and word not in words]
            sides = ("", *(side for side in "左右双" if side + name in targets))
            slips.update({side + word: side + name for word in unknown for side in sides})
    named = {key: tuple(row) for key, row in meant.items()}
    return Sounds(heard, named, words, targets, taken, slips)


def _rows(name: str) -> list[str]:
    rows = (FOLDER / name).read_text("utf-8").splitlines()
    return [row for row in rows if row and row[0] != "#"]


@lru_cache(maxsize=16384)
def _mend_han(run: str) -> str:
    known, at, mended = sounds(), 0, ""
    while at < len(run):
        for size in range(min(_LONGEST_TARGET, len(run) - at), 1, -1):
            window = run[at : at + size]
            if window in known.targets or window in known.words:
                mended, at = mended + window, at + size
                break
            better = _meant(run, at, window, known)
            if better is not None:
                mended, at = mended + better, at + size
                break
        else:
            mended, at = mended + _alone(run, at, known), at + 1
    return mended


def _alone(run: str, at: int, known: Sounds) -> str:
    """A character often written for a part's, that is no word by itself nor with a neighbour."""
    written = run[at]
    if written in _HEARD_SIDES and _part_at(run, at + 1):
        return _HEARD_SIDES[written]
    if written in "得地" and run[max(0, at - 1) : at + 1] not in known.words:
        return "的" if _part_at(run, at + 1) else written
    meant = known.taken.get(written)
    if meant is None or written in known.words or written in _KEPT or is_named(run, at):
        return written
    pairs = (run[max(0, at - 1) : at + 1], run[at : at + 2])
    return written if any(pair in known.words for pair in pairs) else meant


def _part_at(run: str, at: int) -> bool:
    return any(run.startswith(form, at) for form in _names_from().get(run[at : at + 1], ()))


@cache
def _names_from() -> Mapping[str, tuple[str, ...]]:
    """Parts' names in Han characters by their first."""
    book = phrasebook("zh")
    forms = {form for name in book.parts for pair in book.forms(name) for form in pair}
    found: dict[str, list[str]] = {}
    for form in sorted(forms):
        if HAN.match(form):
            found.setdefault(form[0], []).append(form)
    return {first: tuple(row) for first, row in found.items()}


def _meant(run: str, at: int, window: str, known: Sounds) -> str | None:
    """The name that sounds like the window, keeps most of it and breaks up no word."""
    options = known.meant.get(tuple(known.heard.get(character, "") for character in window), ())
    usual = "".join(known.taken.get(character, character) for character in window)
    options = (usual, *options) if usual in known.targets else options
    options = (*options, known.slips[window]) if window in known.slips else options
    best, kept = None, 0
    for option in options:
        same = sum(a == b for a, b in zip(window, option, strict=True))
        if same > kept and not _breaks(run, at, window, option, known):
            best, kept = option, same
    return best


def _breaks(run: str, at: int, window: str, option: str, known: Sounds) -> bool:
    last = at + len(window) - 1
    goes_on = window[-1] == option[-1] and run[last : last + 2] in known.targets
    if goes_on and option[0] not in "左右双":
        return True  # 地骨架 is no 骶骨
    for offset, (written, meant) in enumerate(zip(window, option, strict=True)):
        place = at + offset
        if written == meant:
            continue
        pairs = (run[max(0, place - 1) : place + 1], run[place : place + 2])
        kept = written in _KEPT or (written == "更" and len(window) == 2)  # 脚更冲着: no 脚跟
        if kept or any(pair in known.words for pair in pairs if len(pair) == 2):
            return True
        if offset + 1 == len(window) and run[place : place + 2] in known.targets:
            return True  # 鼻子肩膀 is no 鼻子尖
        if written in known.words and len(window) > 2:
            return True  # a word by itself is taken for another only beside a side
    return False
