"""Written sentences as templates: a part that is named once can be any other part.

"her left foot looks turned in, can you show me" holds for the right elbow too. This is how the
ways real people talk meet the whole lexicon. Sentences that name further parts are left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from posealign.errors import InvalidQuery
from posealign.instructions.normalise import normalise
from posealign.instructions.parts import PAIRED
from posealign.instructions.phrases import Phrasebook, phrasebook
from posealign.instructions.query import Part, Query, parse
from posealign.instructions.sampling import WITHIN, sample_part
from posealign.instructions.sets import read

# A part's written name in a Query, not a relation or an option.
_LEAF = re.compile(r"\b(?!chain\b)[a-z_0-9]+\b(?!\()")


@dataclass(frozen=True)
class Template:
    """`text` and `query` with slots {0} {1} …; `parts` stood there, `plural` how they were said."""

    text: str
    query: str
    parts: tuple[Part, ...]
    plural: tuple[bool, ...]
    language: str

    def fill(self, rng: Random) -> tuple[Query, str] | None:
        book = phrasebook(self.language)
        chosen = _alike(self, rng)
        text, query = self.text, self.query
        for at, (part, plural) in enumerate(zip(chosen, self.plural, strict=True)):
            text = text.replace(f"{{{at}}}", _say(part, plural, rng, book))
            query = query.replace(f"{{{at}}}", str(part))
        try:
            made = parse(query)
        except InvalidQuery:
            return None
        return (made, text) if isinstance(made, Query) and read(made).asked else None


def template_of(text: str, query: str) -> Template | None:
    """None where a part is not found, found twice, or where other parts are spoken of."""
    text = normalise(text)
    scope, bar, options = query.partition(" | ")
    leaves = [m for m in _LEAF.finditer(scope) if m[0] != "all"]
    if query.startswith("refuse") or not 0 < len(leaves) <= 4:
        return None
    language = "zh" if re.search("[一-鿿]", text) else "en"
    book = phrasebook(language)
    parts, plural, lowered = [], [], text
    for at, leaf in enumerate(leaves):
        named = _part(leaf[0])
        found = _find(lowered, named, book) if named else None
        if named is None or found is None:
            return None
        start, end, many = found
        mark = f"{{{at}}}"
        text, lowered = text[:start] + mark + text[end:], lowered[:start] + mark + lowered[end:]
        parts.append(named)
        plural.append(many)
    if _other_parts(language).search(re.sub(r"\{\d\}", "•", lowered)):
        return None
    for at, leaf in reversed(list(enumerate(leaves))):
        scope = scope[: leaf.start()] + f"{{{at}}}" + scope[leaf.end() :]
    return Template(text, scope + bar + options, tuple(parts), tuple(plural), language)


def _part(word: str) -> Part | None:
    query = parse(word)
    return query.scope if isinstance(query, Query) and isinstance(query.scope, Part) else None


def _find(text: str, named: Part, book: Phrasebook) -> tuple[int, int, bool] | None:
    """Where a part is said, the longest way first; exactly once."""
    for form, many in _forms(named, book.language):
        if form not in text:
            continue
        edge = (r"(?<![a-z])", r"(?![a-z])") if form[0].isascii() else ("", "")
        places = list(re.finditer(edge[0] + re.escape(form) + edge[1], text))
        if len(places) == 1:
            return places[0].start(), places[0].end(), many
        if places:
            return None
    return None


@lru_cache(maxsize=1024)
def _forms(named: Part, language: str) -> tuple[tuple[str, bool], ...]:
    book = phrasebook(language)
    found: dict[str, bool] = {}
    for singular, plural in book.forms(named.name) if named.name in book.parts else ():
        if named.side is None:
            both = named.name in PAIRED
            found.setdefault(plural.lower(), both)
            found.setdefault(singular.lower(), both and singular == plural)
            continue
        for side in book.sides[named.side]:
            joined = (side + book.joiner + singular).lower()
            found.setdefault(joined, False)
            found.setdefault(f"{singular} on the {side}".lower(), False)
            found.setdefault(f"{singular} ({side})".lower(), False)
    for form in book.fixed.get(str(named), ()):
        found.setdefault(form.lower(), named.name in PAIRED and named.side is None)
    return tuple(sorted(found.items(), key=lambda item: -len(item[0])))


@lru_cache(maxsize=2)
def _other_parts(language: str) -> re.Pattern[str]:
    """Anything that may be a body part or a side: the rest of a template must be free of it."""
    if language == "zh":
        return re.compile(
            "[左右手脚腿头脸臂肩肘腕髋胯膝踝趾指眼耳鼻口嘴眉颈脖腰背躯肢脊骨盆掌胸腹肚全身两双俩侧边]"
        )
    words = {
        word.lower()
        for name in phrasebook("en").parts
        for forms in phrasebook("en").forms(name)
        for word in forms
    }
    extra = ("left", "right", "lt", "rt", "l", "r", "both", "two", "bilat", "sides", "side", "pair")
    options = sorted((re.escape(w) for w in words | set(extra)), key=len, reverse=True)
    return re.compile(r"(?<![a-z])(?:" + "|".join(options) + r")(?![a-z])")


def _alike(template: Template, rng: Random) -> list[Part]:
    """Other parts of the same kind: sided for sided, both for both, single for single."""
    if len(template.parts) == 2 and template.query.startswith("{0} - {1}"):
        return _nested(template.parts, rng)
    chosen: list[Part] = []
    for part in template.parts:
        for _ in range(60):
            other = sample_part(rng, 0.9 if part.side else 0.0)
            same = (other.side is None) == (part.side is None)
            if same and (other.name in PAIRED) == (part.name in PAIRED) and other not in chosen:
                break
        if "chain(" in template.query or re.search(r"[a-z]\(", template.query):
            # Relations and chains keep to their parts: what is said of them may fit no other.
            other = part
        if part.side and len(template.parts) > 1 and rng.random() < 0.7:
            other = Part(other.name, part.side) if other.name in PAIRED else other
        chosen.append(other)
    return chosen


def _nested(parts: tuple[Part, ...], rng: Random) -> list[Part]:
    """A part and one inside it, sided as before."""
    outer, inner = parts
    for _ in range(80):
        whole = rng.choice(list(WITHIN))
        part = rng.choice(WITHIN[whole])
        if (whole in PAIRED, part in PAIRED) == (outer.name in PAIRED, inner.name in PAIRED):
            swap = rng.random() < 0.5
            sides = {None: None, "left": "right" if swap else "left"}
            sides["right"] = "left" if swap else "right"
            return [Part(whole, sides[outer.side]), Part(part, sides[inner.side])]  # type: ignore[arg-type]
    return list(parts)


def _say(part: Part, plural: bool, rng: Random, book: Phrasebook) -> str:
    singular, many = rng.choice(book.forms(part.name))
    fixed = book.fixed.get(str(part))
    if fixed and rng.random() < 0.3:
        return rng.choice(fixed)
    if part.side is None:
        return many if plural else singular
    return rng.choice(book.sides[part.side]) + book.joiner + singular
