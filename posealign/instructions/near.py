"""Near matches: which parts a refused text may have meant, by overlapping letter pairs."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import LANGUAGES, phrasebook

_WORDS = re.compile(r"[a-zà-ÿ]{3,}|[\u3400-\u9fff]{1,6}")
ENOUGH = 0.62


def near_matches(text: str, most: int = 3) -> tuple[str, ...]:
    """Part names (as written in a Query), the nearest first."""
    sizes, holders = _index()
    best: dict[str, float] = {}
    for word in _WORDS.findall(normalise(text))[:24]:
        pairs = _pairs(word)
        shared: Counter[tuple[str, str]] = Counter()
        for pair in pairs:
            shared.update(holders.get(pair, ()))
        for (form, name), count in shared.items():
            score = 2 * count / (len(pairs) + sizes[form])
            if score >= ENOUGH and score > best.get(name, 0.0):
                best[name] = score
    return tuple(sorted(best, key=lambda name: (-best[name], name))[:most])


def _pairs(word: str) -> set[str]:
    padded = f"^{word}$"
    return {padded[at : at + 2] for at in range(len(padded) - 1)}


@cache
def _index() -> tuple[dict[str, int], dict[str, tuple[tuple[str, str], ...]]]:
    """Single words of all phrasebooks by their letter pairs."""
    rows = {
        (form.lower(), name)
        for language in LANGUAGES
        for name in phrasebook(language).parts
        for forms in phrasebook(language).forms(name)
        for form in forms
        if " " not in form and name != "all"
    }
    holders: dict[str, list[tuple[str, str]]] = {}
    for form, name in sorted(rows):
        for pair in _pairs(form):
            holders.setdefault(pair, []).append((form, name))
    sizes = {form: len(_pairs(form)) for form, _ in rows}
    return sizes, {pair: tuple(found) for pair, found in holders.items()}
