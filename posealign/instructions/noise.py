"""How text gets damaged on its way: typing, dictating, guessing characters, changing script."""

from __future__ import annotations

import re
from random import Random

from posealign.instructions.normalise import traditional
from posealign.instructions.phrases import Phrasebook

_NEIGHBOURS = {
    letter: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for at, letter in enumerate(row)
}
_SPACELESS = re.compile(r"[一-鿿]")


def typo(text: str, rng: Random, count: int = 1) -> str:
    """Swap, drop, double or slip on a Latin letter inside a word of at least four."""
    for _ in range(count):
        spots = list(re.finditer(r"[A-Za-z]{4,}", text))
        if not spots:
            return text
        match = rng.choice(spots)
        at = rng.randrange(match.start() + 1, match.end() - 1)
        kind = rng.random()
        if kind < 0.3:
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        elif kind < 0.55:
            text = text[:at] + text[at + 1 :]
        elif kind < 0.75:
            text = text[:at] + text[at] + text[at:]
        else:
            slip = rng.choice(_NEIGHBOURS.get(text[at].lower(), "e") or "e")
            text = text[:at] + slip + text[at + 1 :]
    return text


def replace_words(text: str, rng: Random, book: Phrasebook, count: int = 1) -> str:
    """Usual misspellings, and homophones for Chinese."""
    found = [word for word in book.noise.replace if word in text]
    rng.shuffle(found)
    for word in found[:count]:
        wrong = rng.choice(book.noise.replace[word])
        whole = rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])" if book.joiner else re.escape(word)
        text = re.sub(whole, wrong, text, count=1)
    return text


def pinyin(text: str, rng: Random, book: Phrasebook) -> str:
    found = [word for word in book.noise.pinyin if word in text]
    if not found:
        return text
    word = max(found, key=len) if rng.random() < 0.5 else rng.choice(found)
    return text.replace(word, book.noise.pinyin[word], 1)


def spoken(text: str, rng: Random, book: Phrasebook) -> str:
    """As speech recognition writes it: no punctuation, fillers, lower case."""
    for mark, nothing in book.noise.asr.items():
        text = text.replace(mark, nothing)
    if book.noise.fillers and rng.random() < 0.6:
        text = rng.choice(book.noise.fillers) + text
    if book.joiner and rng.random() < 0.2:
        words = text.split()
        at = rng.randrange(len(words)) if words else 0
        text = " ".join(words[: at + 1] + words[at : at + 1] + words[at + 1 :])
    return text.lower()


def to_traditional(text: str) -> str:
    return text.translate(traditional())


def damage(text: str, rng: Random, book: Phrasebook, level: float = 1.0) -> str:
    """The training mixture of all of it; `level` scales how often."""
    roll = rng.random()
    if roll < 0.16 * level:
        text = replace_words(text, rng, book, rng.choice((1, 1, 2)))
    elif roll < 0.28 * level:
        text = typo(text, rng, rng.choice((1, 1, 2)))
    elif roll < 0.38 * level:
        text = spoken(text, rng, book)
    elif roll < 0.42 * level:
        text = pinyin(text, rng, book)
    if rng.random() < 0.12 * level and book.noise.tails:
        text = text.rstrip(".。?？!！ ") + rng.choice(book.noise.tails)
    if rng.random() < 0.10 * level and book.noise.fillers:
        text = rng.choice(book.noise.fillers) + text
    if rng.random() < 0.04 * level:
        text = text + rng.choice((" ", ".", "。", "!", "?", "…", " 😀", "\u200b", " :)"))
    if book.joiner and rng.random() < 0.03 * level:
        text = text.replace(" ", "") if len(text) < 14 else text.replace(", ", " ")
    return text
