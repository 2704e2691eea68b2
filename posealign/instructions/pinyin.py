"""Names typed by their sound in Latin letters: "zuo xi gai" and "zuoxigai" are 左膝盖.

One syllable alone is a name only where characters beside it complete it (kuan关节, 双tui) or where
no word but pinyin is written in letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from posealign.instructions.mend import LATIN, less_letters, slips, spelling
from posealign.instructions.mend_han import HAN, chinese_targets, sounds
from posealign.instructions.phrases import phrasebook

_MOST = 6  # syllables typed apart
_LONG = 5  # letters of a name that is known with a slip in it
_COMMON = 15  # times a word must be written to be an English word whatever it sounds like
# Beside the names.
_AROUND = frozenset(
    re.findall(r"\w+", "两个 两只 两条 标一下 看一下 一下 在哪 在哪里 哪儿 只要 不要")
)
# Sounds as `merged` writes them.
_ALONE = dict(
    re.findall(
        r"(\w+) (\w+)",
        "tou 头 lian 脸 sou 手 jiao 脚 zu 足 tui 腿 jian 肩 zou 肘 wan 腕 xi 膝 huai 踝 kuan 髋 "
        "kua 胯 de 的 he 和 yao 要 dou 都 bu 不 zi 只 kan 看 biao 标 zuo 左 you 右",
    )
)
_BESIDE = 3  # characters that may complete a name
_OF = re.compile("(?<=[\u3400-\u9fff]) ?de ?(?=[\u3400-\u9fff])")
_BETWEEN = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_MERGED = ((re.compile("([zcs])h"), r"\1"), (re.compile("([ie])ng"), r"\1n"))


def from_pinyin(clean: str) -> str:
    """The text with the names that are typed in pinyin written in characters."""
    clean = _unslipped(clean)
    words = list(LATIN.finditer(clean))
    foreign = [_foreign(word[0]) for word in words]
    if True not in foreign:
        return clean
    alone = all(merged(word[0]) in _spelt() for word in words)
    pieces: list[str] = []
    end = at = 0
    while at < len(words):
        size, name = _longest(clean, words[at : at + _MOST], foreign[at : at + _MOST])
        if not size and foreign[at]:
            size, name = 1, _completed(clean, words[at])
        if not name and alone and (foreign[at] or not HAN.search(clean)):
            size, name = 1, _ALONE.get(merged(words[at][0]), "")
        if name:
            pieces += [clean[end : words[at].start()], name]
            end = words[at + size - 1].end()
        at += max(size, 1)
    if not pieces:
        return clean
    return _BETWEEN.sub("", _OF.sub("的", "".join(pieces) + clean[end:]))


def _unslipped(clean: str) -> str:
    """The text with long names mended that are a slip away, where all beside them is pinyin."""
    words = LATIN.findall(clean)
    if not 1 < len(words) <= _MOST:
        return clean
    spelt = [merged(word) in _spelt() or _nearest(word) != word for word in words]
    return LATIN.sub(lambda match: _nearest(match[0]), clean) if all(spelt) else clean


@lru_cache(maxsize=4096)
def _nearest(word: str) -> str:
    """The joined syllables that an unknown word is one slip away from."""
    joined = merged(word)
    if len(joined) < _LONG or joined in _spelt() or spelling().counts.get(word, 0) >= _COMMON:
        return word
    near = {name for less in {joined, *less_letters(joined, 1)} for name in _close().get(less, ())}
    close = sorted((slips(joined, name), name) for name in near)
    return close[0][1] if close and close[0][0][0] == 1 else word


@cache
def _close() -> Mapping[str, tuple[str, ...]]:
    """A long name in joined syllables, whole or less one letter → such names."""
    found: dict[str, list[str]] = {}
    for name in _names():
        for less in {name, *less_letters(name, 1)} if len(name) >= _LONG else ():
            found.setdefault(less, []).append(name)
    return {less: tuple(names) for less, names in found.items()}


def _completed(text: str, word: re.Match[str]) -> str:
    """The syllable in characters, where it makes a name with those beside it; else nothing."""
    known = sounds()
    before = _run(text[max(0, word.start() - _BESIDE) : word.start()], last=True)
    after = _run(text[word.end() : word.end() + _BESIDE], last=False)
    for left in range(len(before), -1, -1):
        for right in range(len(after), -1, -1):
            head, tail = before[len(before) - left :], after[:right]
            spelt = [known.heard.get(one, "") for one in head + tail]
            if not spelt or not all(spelt):
                continue
            name = _names().get("".join([*spelt[:left], merged(word[0]), *spelt[left:]]), "")
            if name.startswith(head) and name.endswith(tail) and len(name) > left + right:
                return name[left : len(name) - right]
    return ""


def _run(text: str, last: bool) -> str:
    """The Chinese characters at the end, or at the start, of a piece of text."""
    found = re.search("[\u3400-\u9fff]*$" if last else "^[\u3400-\u9fff]*", text)
    return found[0] if found else ""


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


@lru_cache(maxsize=16384)
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
