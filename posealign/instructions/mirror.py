"""Left and right exchanged, in words and in Queries: the same wish seen in a mirror."""

from __future__ import annotations

import re

from posealign.instructions.query import Query, Refusal, parse

_SWAPS = {
    "left": "right", "lt": "rt", "lft": "rgt", "l": "r", "lue": "rue", "lle": "rle",
    "lefthand": "righthand", "leftmost": "rightmost", "lhand": "rhand", "lfoot": "rfoot",
    "lknee": "rknee", "lh": "rh", "lf": "rf", "lk": "rk", "leftarm": "rightarm",
    "leftleg": "rightleg", "os": "od", "sinister": "dexter", "sinistral": "dextral",
    "lower left": "lower right", "links": "rechts",
}  # fmt: skip
_BOTH = {**_SWAPS, **{b: a for a, b in _SWAPS.items()}}
_LETTER = r"[^\W\d_]"
_WORD = re.compile(  # "l/e" is a lower extremity
    rf"(?<!{_LETTER})(?:{'|'.join(sorted(_BOTH, key=len, reverse=True))})(?!{_LETTER}|/e\b)",
    re.IGNORECASE,
)
_QUERY_SIDE = re.compile(
    r"(?<![a-z])(left|right)(?=[_m])|(?<=_)(left|right)(?=_half)|(?<=image_)(left|right)"
)
# Uses of the words that name no side.
_NO_SIDE = re.compile(
    r"\b(right now|right away|all ?right|alright|right then|right\?|that'?s right|you'?re right|"
    r"am i right|just right|right on|rights?'?s|the right (way|one to|thing|place|answer|order)|"
    r"(get|got|do|done|put) (it|them|this) right|right (so|ok|okay|here|there|under|above|below|"
    r"beside|behind|by|next to|in (the|front)|up|off|across|through|at|from the start)|"
    r"what'?s left|left (over|out|off|behind|alone|blank|to (do|mark|get))|is left|are left|"
    r"nothing left|leave)\b|"
    r"\bb/[lr]\b|\bo[sd] (femor|cox|tib)|"  # bilateral; bones
    r"^right([,.!]|$| (the|an?|so|ok|now|then|lets?|i|i'?m|we|you|can|could|give|show|get|and|"
    r"this|that|it|here|for|what|where|which|please|left|well|my|his|her|just|all|how|do|mark)\b)|"
    r"[.!?,] right,|左右|座右|左撇子",
    re.IGNORECASE,
)


def mirror_text(text: str) -> str | None:
    """The text with sides exchanged; None where a side word may mean something else."""
    if _NO_SIDE.search(text):
        return None
    swapped = _WORD.sub(lambda match: _matched_case(match[0]), text)
    return swapped.translate({ord("左"): "右", ord("右"): "左"})


def _matched_case(word: str) -> str:
    other = _BOTH.get(word.lower())
    if other is None:
        return word
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def mirror_query(query: Query | Refusal) -> Query | Refusal:
    if isinstance(query, Refusal):
        return query
    swap = {"left": "right", "right": "left"}
    return parse(_QUERY_SIDE.sub(lambda match: swap[match[0]], str(query)))
