"""Whose parts are asked for: "the aunt's arms", "hands of the woman changing her".

Who looks after an infant goes by more names than any list of sentences holds. So this looks for a
person's name beside a part ("… of the surgeon", "the surgeon's …"), or for what only an adult does
("whoever is holding him"). Who was only mentioned ("the nurse said to show the legs") owns nothing.
"""

from __future__ import annotations

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.found import found_in

_NEAR = 24  # characters between an owner's name and the part


def owner(clean: str) -> str | None:
    """ "adult" where a part of one is asked for and nobody else is named."""
    if patterns.CHILDREN.search(clean) or patterns.CORRECTION.search(clean):
        return None
    alone = patterns.ADULT_ALONE.fullmatch(clean)
    return "adult" if alone or _is_of(clean) or _has(clean) else None


def _is_of(clean: str) -> bool:
    """ "Hands of the man with the bottle": the part stands before its owner."""
    for match in patterns.OF_ADULT.finditer(clean):
        if _ends_with_part(clean[: match.start()]):
            return True
    return False


def _has(clean: str) -> bool:
    """ "The aunt's left arm": the part stands behind its owner."""
    for match in patterns.ADULTS_OWN.finditer(clean):
        named = next((one for one in found_in(clean[match.end() :]) if one.scope), None)
        if named is None or named.start > _NEAR:
            continue
        gap = clean[match.end() : match.end() + named.start]
        if not patterns.NO_OWNING.search(gap):
            return True
    return False


def _ends_with_part(before: str) -> bool:
    named = [one for one in found_in(before) if one.scope is not None]
    return bool(named) and not before[named[-1].end :].strip(" ,")
