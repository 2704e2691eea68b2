"""What is told behind a part and narrows it: "legs: only the knees", "the arm in the splint, left".

The text is put so that side and part stand together and a whole that is explained by its parts is
gone: "only the knees", "the left arm in the splint". Rules, roles and graph then need no word for
it. Where more is said than that, the text stays as it is.
"""

from __future__ import annotations

import re

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.binding import bind, is_unsided, with_side
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.mend_han import HAN
from posealign.instructions.naming import names_parts
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import Part
from posealign.instructions.sets import meant
from posealign.instructions.sides import called

_EXPLAINS = re.compile(
    r"\s*(?::|[,.;–—-]?\s*\b(?:i\.?e\b\.?|that is(?! not)|that means|meaning|namely|specifically|"
    r"more precisely|(?:just )?to be (?:exact|precise)|viz\.?)[,:]?)\s+"
)
_BRACKET = re.compile(r"\s*\(([^()]{3,60})\)")
_BEFORE = re.compile(r"(?:\b(?:of|from|in|on|for|out of|both|all)\s+)?(?:\b(?:the|her|his)\s+)?$")
_TRAILS = re.compile(
    r"\s*[,;:(=.–—-]+\s*(?:(?:and )?(?:it's|its|it is|that's|that is|that|which|is|i think|i mean|"
    r"the|her|his|side|one|namely|hers?)[ ,:=]+)*(?P<side>left|right)(?: one| side| hand side)?"
    r"(?:,? (?:please|pls|thanks|that is))?[\s).!]*$"
)
_LINKED = re.compile(
    r" (?:down |up |on |through |all the way )*(?:to|till|until|through) (?:the )?"
)
_NOT_ALONE = re.compile(
    r"\b(?:both|or|and|not|no|except|without|nor|picture|image|photo|frame|screen|shot|view|viewer"
    r"|camera|lying|turned|side of|twins?|person|people|baby on|child on|one on)\b"
)
_LIES = re.compile(  # "lying on the left side: the left leg" is of all of it
    r"\b(?:lying|lies|lain|laid|turned|rolled|resting|asleep|sleeping|placed|positioned|nursed) "
    r"(?:\w+ )*side$"
)
_LONGEST = 120  # characters; who tells a story means more


# "Left knee, hmm, do both": the part named before on both sides.
_BOTH = re.compile(
    r"(?:[,;:.!?–—]|\b(?:no|well|actually|wait|hmm?)\b)[^,;:.!?–—]*(?<!not )(?<!need )\bboth\b"
    r"(?: of (?:them|those))?(?:[ ,]+(?:actually|in fact|please|pls|then|instead|sides|rather"
    r"|thanks|(?:is|would be) better|after all|really|now|as well|of course))*[\s.!)]*$"
    r"|[,;。:!?][^,;。]{0,6}?(?:两[只条个边侧]|双侧)都[要标给看画来上]?[吧了的呀啊]*[。!]?$"
)
_ARTICLE = re.compile(r"\b(?:the|her|his|its|their) $")
_LESS = re.compile(r"(?:\b(?:an?|the) )?\b(?P<part>head|arm|leg|limb|face|hand|foot)less\b,?")
_LESS_OF = {"arm": "arms", "leg": "legs", "limb": "limbs", "hand": "hands", "foot": "feet"}


def put_together(text: str) -> str:
    """A normalised English text with such afterthoughts where they belong."""
    if "less" in text:
        text = _lessened(text)
    if "both" in text or "都" in text:
        text = _both(text)
    if len(text) > _LONGEST or patterns.CORRECTION.search(text):
        return text
    return _explained(_sided(text))


def _lessened(text: str) -> str:
    """ "A headless skeleton" → "skeleton without the head"."""
    parts = [_LESS_OF.get(match["part"], match["part"]) for match in _LESS.finditer(text)]
    if not parts:
        return text
    rest = re.sub(r"[\s,]*\band\s*$|^\s*and\b|\s+", " ", _LESS.sub("", text)).strip(" ,")
    return f"{rest} without the {' and the '.join(parts)}".strip()


def _both(text: str) -> str:
    """ "The left leg. Both, in fact." → "both legs"."""
    match = _BOTH.search(text)
    if match is None or names_parts(match[0]):
        return text
    before = text[: match.start()]
    found = found_in(before)
    bound = bind(found, before)
    one = bound[0] if len(bound) == 1 else None
    if not isinstance(one, Part) or one.side is None or one.name not in PAIRED:
        return text
    han = HAN.search(match[0])
    name = called(one.name, None, "zh") if han else f"both {called(one.name, None, 'en')}"
    return f"{_ARTICLE.sub('', before[: found[0].start])}{name}"


def _sided(text: str) -> str:
    """ "The arm in the splint, left" → "the left arm in the splint"."""
    match = _TRAILS.search(text)
    if match is None or _NOT_ALONE.search(text[: match.start()]):
        return text
    before = text[: match.start()]
    found = found_in(before)
    if len(found) == 2 and _LINKED.fullmatch(before[found[0].end : found[1].start]):
        return with_side(before, found, f"{match['side']} ")  # "knee down to ankle, her right"
    if len(found) != 1 or found[0].both:
        return text
    one = found[0].scope
    gap = before[found[0].end :]
    if not is_unsided(one) or not gap.strip(" ,"):
        return text  # "arm, left" is read as it is
    return f"{before[: found[0].start]}{match['side']} {before[found[0].start :]}"


def _explained(text: str) -> str:
    """ "Legs: only the knees" → "only the knees"."""
    bracket = _BRACKET.search(text)
    cut = bracket or _EXPLAINS.search(text)
    if cut is None:
        return text
    before, inner = text[: cut.start()], cut[1] if bracket else text[cut.end() :]
    after = text[cut.end() :] if bracket else ""
    wholes, parts = found_in(before), found_in(inner)
    named = [one for one in wholes if one.scope is not None]
    if len(named) != 1 or not any(one.scope for one in parts) or _says_more(before, inner):
        return text
    if _LIES.search(before):
        return text
    whole = named[0].scope
    if not isinstance(whole, Part) or whole == Part("all") or before[named[0].end :].strip(" ,"):
        return text
    if bracket and (found_in(after) or not _is_list(inner)):
        return text
    outer = meant(whole)
    if not all(meant(one.scope) < outer for one in parts if one.scope is not None):
        return text
    sides = {one.side for one in wholes if one.side} | {whole.side}
    side = next((side for side in sides if side), None)
    if side and any(one.side for one in parts):
        return text
    lead = _BEFORE.sub("", before[: wholes[0].start])
    return f"{lead}{with_side(inner, parts, side and f'{side} ')}{after}"


def _says_more(before: str, inner: str) -> bool:
    return bool(
        patterns.LESS.search(before)
        or patterns.LESS.search(inner)
        or patterns.GONE.search(inner)
        or patterns.ALSO.search(inner)
        or patterns.REST.search(inner)
        or re.search(r"\bincl|^(?:with|plus)\b|-free\b", inner)
    )


def _is_list(inner: str) -> bool:
    """Whether nothing but parts, and "only", stands in brackets."""
    return not re.sub(r"\b(?:only|just|and|the|or|both|that is|ie)\b|\W|_", "", unnamed(inner))
