"""Names typed by their sound in Latin letters: "zuo xi gai" and "zuoxigai" are 左膝盖."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from posealign.instructions.mend import LATIN, spelling
from posealign.instructions.mend_han import chinese_targets, sounds
from posealign.instructions.phrases import phrasebook

_MOST = 6  # syllables typed apart
_COMMON = 15  # times a word must be written to be an English word whatever it sounds like
# Beside the names.
_AROUND = frozenset(
    re.findall(r"\w+", "两个 两只 两条 标一下 看一下 一下 在哪 在哪里 哪儿 只要 不要")
)
_BETWEEN = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_MERGED = ((re.compile("([zcs])h"), r"\1"), (re.compile("([ie])ng"), r"\1n"))


def from_pinyin(clean: str) -> str:
    """The text with the names that are typed in pinyin written in characters."""
    words = list(LATIN.finditer(clean))
    foreign = [_foreign(word[0]) for word in words]
    if True not in foreign:
        return clean
    pieces, end, at = [], 0, 0
    while at < len(words):
        size, name = _longest(clean, words[at : at + _MOST], foreign[at : at + _MOST])
        if size:
            pieces += [clean[end : words[at].start()], name]
            end = words[at + size - 1].end()
            at += size
        else:
            at += 1
    return _BETWEEN.sub("", "".join(pieces) + clean[end:]) if pieces else clean


def _longest(text: str, words: Sequence[re.Match[str]], foreign: Sequence[bool]) -> tuple[int, str]:
    """How many of the words spell a name, and the name; 0 where none do."""
    joined, found = "", (0, "")
    for size, word in enumerate(words, 1):
        if size > 1 and text[words[size - 2].end() : word.start()] not in (" ", "'"):
            break
        joined += merged(word[0])
        if any(foreign[:size]) and joined in _names():
            found = (size, _names()[joined])
    return found


@lru_cache(maxsize=16384)
def _foreign(word: str) -> bool:
    """Whether it is spelt like Chinese syllables and is no common English word."""
    return spelling().counts.get(word, 0) < _COMMON and merged(word) in _spelt()


def merged(word: str) -> str:
    """As sounds.txt writes it: what many speakers do not part is one sound."""
    for pattern, sound in _MERGED:
        word = pattern.sub(sound, word)
    return word


@cache
def _names() -> Mapping[str, str]:
    """Joined syllables → the name that sounds so, the most usual first."""
    found: dict[str, str] = {}
    places = _places()
    names = sorted(chinese_targets() | _AROUND)
    for name in sorted(names, key=lambda word: places.get(word.strip("左右双两"), 0)):
        spelt = [sounds().heard.get(character, "") for character in name]
        if all(spelt):
            found.setdefault("".join(spelt), name)
    return found


@cache
def _places() -> Mapping[str, int]:
    """Where a name stands in its part's row: a phrasebook begins with the usual ones."""
    rows = phrasebook("zh").parts.values()
    return {form: at for row in rows for at, form in reversed(list(enumerate(row)))}


@cache
def _spelt() -> frozenset[str]:
    """Syllables, and names whose syllables run together."""
    return frozenset(sounds().heard.values()) | frozenset(_names())
