"""Words of the phrasebooks found in a text: a token after each says which part or side it names.

The text encoder reads these beside the words themselves. A word added to a phrasebook is thereby
known at once; a word that is in none is still read by its letters. A near miss (one letter off)
is marked as such.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from posealign.instructions.keyword_patterns import COMPOUNDS
from posealign.instructions.mend import is_word
from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import LANGUAGES, Phrasebook, phrasebook
from posealign.instructions.query import Part, Query, leaves, parse

NEAR = "<near>"
LEFT, RIGHT = "<left>", "<right>"
TOKEN = re.compile(r"[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])[^\W\d_])+|\d+|[^\w\s]|_")
_VERBS = {"弯": "曲成起得着", "指": "出"}  # what goes on as a verb: 胳膊弯着, 把右脚指出来
_THEN = frozenset("然最随")
_SHORTEST_NEAR = 5  # letters; shorter words are too often other words


@dataclass(frozen=True)
class Hint:
    """`tokens` belong behind the character at `end`."""

    end: int
    tokens: tuple[str, ...]


def hint_tokens() -> list[str]:
    """Every token a hint can be made of, in the order of the tokenizer's vocabulary."""
    names = sorted({name for language in LANGUAGES for name in phrasebook(language).parts})
    return [NEAR, LEFT, RIGHT, *(f"<{name}>" for name in names)]


def find_hints(clean: str, words: Lexicon | None = None) -> list[Hint]:
    """The longest names in a normalised text, from left to right."""
    lexicon = words or library()
    tokens = [(match[0], match.end()) for match in TOKEN.finditer(clean)]
    found, at = [], 0
    while at < len(tokens):
        compound = compound_at(clean, tokens[at][1] - len(tokens[at][0]))
        if compound:
            end = tokens[at][1] - len(tokens[at][0]) + compound
            while at < len(tokens) and tokens[at][1] <= end:
                at += 1
            continue
        longest = lexicon.longest.get(tokens[at][0], 0)
        for size in range(min(longest, len(tokens) - at), 0, -1):
            key = " ".join(token for token, _ in tokens[at : at + size])
            names = lexicon.names.get(key)
            if names is not None and not runs_on(tokens, at, size, lexicon.names, lexicon.longest):
                found.append(Hint(tokens[at + size - 1][1], names))
                at += size
                break
        else:
            word, end = tokens[at]
            near = lexicon.near(word)
            if near is not None:
                found.append(Hint(end, (NEAR, *near)))
            at += 1
    return found


def runs_on(
    tokens: Sequence[tuple[str, int] | tuple[str, int, int]],
    at: int,
    size: int,
    names: Container[str],
    longest: Mapping[str, int],
) -> bool:
    """Whether a name of both, or a doubled one, ends within a longer: 两只手肘, 脚脚跟; or its end
    begins a verb: 胳膊弯着.
    """
    end = at + size
    if size < 2:
        return False
    if end < len(tokens) and tokens[end][0] in _VERBS.get(tokens[end - 1][0], ()):
        return True
    if tokens[at][0] not in "两俩双左右脚手条只":
        return False
    for first in range(at + 1, end):
        most = min(len(tokens), first + longest.get(tokens[first][0], 0))
        for last in range(end + 1, most + 1):
            after = tokens[last][0] if last < len(tokens) else ""
            verb = tokens[last - 1][0] == "弯" and after in ("曲", "成", "起", "了", "的")
            verb = verb or after in ("着", "得")  # 两只手弯着, 两只脚跟着
            if not verb and " ".join(token[0] for token in tokens[first:last]) in names:
                return True
    return False


@dataclass(frozen=True)
class Lexicon:
    """`names`: words joined by spaces → tokens; `close`: single words less one letter → words;
    `longest`: first word → how many words its longest name has.
    """

    names: dict[str, tuple[str, ...]]
    close: dict[str, tuple[str, ...]]
    longest: dict[str, int]

    def near(self, word: str) -> tuple[str, ...] | None:
        """The tokens of the one word that is a letter away, if there is just one meaning."""
        if len(word) < _SHORTEST_NEAR or not word.isascii() or is_word(word):
            return None  # "minus" is no slip in "manus"
        keys = {word, *_less_one(word)}
        meant = {self.names[known] for key in keys for known in self.close.get(key, ())}
        return meant.pop() if len(meant) == 1 else None


def _less_one(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def lexicon_of(books: list[Phrasebook]) -> Lexicon:
    names: dict[str, tuple[str, ...]] = {}
    for book in books:
        for side, mark in (("left", LEFT), ("right", RIGHT)):
            for form in book.sides[side]:
                names.setdefault(key_of(form), (mark,))
        for name in book.parts:
            for pair in book.forms(name):
                for form in pair:
                    names.setdefault(key_of(form), _tokens_of(name))
        for written, forms in book.fixed.items():
            for form in forms:
                if not _plain(key_of(form), names):
                    names.setdefault(key_of(form), _tokens_of(written))
        for form, written in book.derived():
            if not _plain(key_of(form), names):
                names.setdefault(key_of(form), _tokens_of(written))
    close: dict[str, list[str]] = {}
    for key in names:
        if " " in key or len(key) < _SHORTEST_NEAR or not key.isascii():
            continue
        for less in {key, *_less_one(key)}:
            close.setdefault(less, []).append(key)
    longest: dict[str, int] = {}
    for key in names:
        first = key.split(" ", 1)[0]
        longest[first] = max(longest.get(first, 0), key.count(" ") + 1)
    return Lexicon(names, {key: tuple(row) for key, row in close.items()}, longest)


def _plain(key: str, names: dict[str, tuple[str, ...]]) -> bool:
    """A side and a part, both known: found one by one, so that 左胳膊肘 is no arm."""
    first, _, rest = key.partition(" ")
    return names.get(first) in ((LEFT,), (RIGHT,)) and rest in names


@cache
def library() -> Lexicon:
    return lexicon_of([phrasebook(language) for language in LANGUAGES])


def compound_at(text: str, start: int) -> int:
    """The length of a word that holds a part's character and names none, such as 手机; else 0."""
    for word in _compounds().get(text[start], ()):
        end = start + len(word)
        if word[0] == "后" and text[start - 1 : start] in _THEN:
            continue  # 然后头也要
        if not text.startswith(word, start) or (word.isascii() and text[end : end + 1].isalpha()):
            continue
        if text.startswith(_longer().get(word, ()), start):
            continue  # 腰带以上
        # 能手腕: no 能手 there; 一下身体: no 下身 either, and in 标一下胳膊 no 下胳膊.
        if text[end - 1 : end + 1] not in _begun() or text.startswith(("身体", "胳膊"), end):
            return len(word)
    return 0


@cache
def _longer() -> dict[str, tuple[str, ...]]:
    """Names that begin with such a word."""
    book = phrasebook("zh")
    forms = {form for name in book.parts for pair in book.forms(name) for form in pair}
    found = {
        word: tuple(f for f in forms if f.startswith(word) and f != word) for word in COMPOUNDS
    }
    return {word: names for word, names in found.items() if names}


@cache
def _begun() -> frozenset[str]:
    """How the longer Chinese names begin."""
    book = phrasebook("zh")
    forms = (form for name in book.parts for pair in book.forms(name) for form in pair)
    return frozenset(form[:2] for form in forms if len(form) > 1 and form[1] != "的")


@cache
def _compounds() -> dict[str, tuple[str, ...]]:
    """By their first character, the longest first."""
    words = sorted(COMPOUNDS, key=len, reverse=True)
    return {one: tuple(w for w in words if w[0] == one) for one in {w[0] for w in words}}


def key_of(form: str) -> str:
    return " ".join(TOKEN.findall(normalise(form)))


def _tokens_of(written: str) -> tuple[str, ...]:
    query = parse(written)
    tokens: list[str] = []
    for leaf in leaves(query.scope) if isinstance(query, Query) else ():
        if isinstance(leaf, Part):
            tokens += [{"left": LEFT, "right": RIGHT}[leaf.side]] if leaf.side else []
            tokens.append(f"<{leaf.name}>")
    return tuple(tokens)
