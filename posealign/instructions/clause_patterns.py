"""The phrasebooks' exceptions, corrections, remarks and chains as patterns to find in a text.

"{x} with {y} left out" becomes regular expressions that take a text apart; clauses.py reads the
pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import LANGUAGES, phrasebook

_SLOT = re.compile(r"\{(\w)\}")
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Pattern:
    """`weight` is how much of the pattern is fixed text: the more, the surer."""

    regexes: tuple[re.Pattern[str], ...]  # slots parted by commas, by less; long ones, short ones
    needle: str  # without it in the text none of them matches
    weight: int
    bare: bool  # nothing but one short word, such as "to", holds it together
    behind: bool  # the fixed words stand behind what is removed
    whole: bool  # of everything, where nothing else is named
    aside: bool  # what it names was never asked for: a correction, a remark


@cache
def exceptions() -> tuple[Pattern, ...]:
    """Of all phrasebooks, the surest first."""
    books = [phrasebook(name) for name in LANGUAGES]
    made = [_pattern(text, whole=True) for book in books for text in book.except_all]
    made += [_pattern(text) for book in books for text in book.subtract]
    known = {text for book in books for text in book.subtract}
    for book in books:
        for text in (*book.corrections, *book.background):
            turned = text.replace("{w}", "{y}")
            if turned not in known:
                made.append(_pattern(turned, aside=True))
    return _sorted(made)


@cache
def exceptions_by_start() -> dict[str, list[int]]:
    """Their places by how their needles begin: most are in no text and need no look."""
    found: dict[str, list[int]] = {}
    for place, pattern in enumerate(exceptions()):
        found.setdefault(pattern.needle[:2], []).append(place)
    return found


@cache
def said_by_mistake() -> re.Pattern[str]:
    """The words between what was said and what is meant, where the text before them ends: all of
    it was said by mistake.
    """
    books = [phrasebook(name) for name in LANGUAGES]
    forms = [text.split("{x}")[0] for book in books for text in book.corrections]
    words = {normalise(text.removeprefix("{w}")) for text in forms if text.startswith("{w}")}
    found = sorted({word.strip(" ,.;:") for word in words if re.search(r"\w", word)})
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, found))})[\s,.;:>-]*$")


@cache
def chains() -> tuple[Pattern, ...]:
    books = [phrasebook(name) for name in LANGUAGES]
    return _sorted([_pattern(text) for book in books for text in book.chain])


def _sorted(made: list[Pattern | None]) -> tuple[Pattern, ...]:
    unique = {(one.regexes, one.whole, one.aside): one for one in made if one is not None}
    return tuple(sorted(unique.values(), key=lambda pattern: (-pattern.weight, pattern.whole)))


def _pattern(text: str, whole: bool = False, aside: bool = False) -> Pattern | None:
    pieces = _SLOT.split(normalise(text))
    literals, slots = pieces[::2], pieces[1::2]
    if len(set(slots)) != len(slots) or "{" in "".join(literals):
        return None
    weight = sum(len(re.sub(r"[\s,]", "", x)) * (1 if x.isascii() else 2) for x in literals)
    if not weight:
        return None
    behind = "y" in slots and not re.search(r"\w|-", literals[slots.index("y")])
    before = "^" if not literals[0].strip() else "^(?P<pre>.*?)"
    after = "$" if not literals[-1].strip() else "(?P<post>.*)$"
    regexes: list[str] = []
    for strict in (True, False):
        for slot in ("(?P<{}>.+)", "(?P<{}>.+?)"):
            middle = "".join(
                _literal(literal, strict, weight > 1)
                + (slot.format(slots[at]) if at < len(slots) else "")
                for at, literal in enumerate(literals)
            )
            regexes.append(before + middle + after)
    compiled = tuple(re.compile(regex) for regex in dict.fromkeys(regexes))
    words = re.findall(r"[a-z']+|[^\sa-z',;、:]+", " ".join(literals))
    letters = sum(len(_WORDS.findall(literal)) for literal in literals)
    return Pattern(compiled, max(words, key=len), weight, letters <= 1, behind, whole, aside)


def _literal(text: str, strict: bool, worded: bool) -> str:
    """Fixed words with free space and commas between them; `strict` wants a lone comma, `worded`:
    the pattern has words, a hyphen need not tell it.
    """
    words = re.findall(r"[a-z'/]+|[^\sa-z'/]", text)
    marks = [word for word in words if word not in ",;"]
    if not marks:
        if "," in text or ";" in text or ":" in text:
            return r"\s*[,;、:]\s*" if strict else r"(?:[\s,;、:]+|(?<=[\u3400-\u9fff]))"
        return r"[\s,;、:]*" if text else ""
    built = r"[\s,;、:]*".join(
        rf"(?<![a-z]){re.escape(word)}(?![a-z])" if re.match("[a-z]", word) else re.escape(word)
        for word in marks
    )
    if not re.search(r"\w", text):
        free = rf"\s*{built}\s*"
        if text.strip() != "-" or worded:
            return free
        # Of Latin words a hyphen without spaces makes one: "left-hand".
        return rf"(?:\s+-\s+|(?<=[\u3400-\u9fff]){free}(?=[\u3400-\u9fff]))"
    return rf"[\s,;、:]*{built}[\s,;、:]*"
