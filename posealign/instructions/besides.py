"""What stands beside: "apart from X, Y too" asks for both, "apart from X, nothing" for X alone.

And "apart from X, everything" for all but X. They are put in plain words: "X and Y", 只要X,
"everything except X".
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.keyword_patterns import REST
from posealign.instructions.ledger import settled
from posealign.instructions.naming import names_parts
from posealign.instructions.query import ALL
from posealign.instructions.sets import meant

_BESIDE = re.compile(
    r"\b(?:apart from|aside from|besides?|other than|except for|save for|over and above|beyond|"
    r"in addition to|as well as|on top of|not (?:just|only))\b"
)
_TOO = re.compile(r"\b(?:too|as well|also|in addition|plus)\b[.!]?")
_ONLY_TOO = re.compile(r"in addition to|as well as|on top of|over and above|not (?:just|only)")
_NOTHING = re.compile(
    r"\b(?:nothing(?: else| more)?|not a (?:thing|point|joint)|none|"
    r"no (?:other )?(?:points?|joints?|others?))\b(?! but| except| besides| apart)"
)
_NEGATED = re.compile(
    r"n't\b|\b(?:not|no|never|leave|leaving|skip|drop|forget|omit|without|but|un\w+ed)\b"
)
_OTHERWISE = re.compile(
    r"^(?:with )?(?:no|without|not|skip|drop|leave out) (?:the |his |her |any )?(?P<some>[^,;.]+?)"
    r"[,;.]? (?:but |and )?otherwise (?:everything|all)"
    r"(?: of (?:it|him|her|the body))?(?P<rest>[ .!].*|)$"
)
_BESIDE_HAN = re.compile(
    r"(?:除(?:了|开|去|却|掉)?(?P<first>[^,;。]{1,12}?)(?:(?:以外|之外|外),?|,)|"
    r"(?P<bare>[^,;。]{1,8}?)(?:以外|之外)的?,?)(?P<rest>[^;。]+)$"
)
_PLUS_HAN = re.compile(r",(?:还|也)?(?:包括|包含|(?<![不包])含|连同)(?P<more>[^,;。不]+)$")
_TOO_HAN = re.compile(r"也|还|同样|一并|加上|一块|一起")
_NOT_HAN = re.compile(r"不|别|甭|免|没|无|留空|除|都|全")
_NOTHING_HAN = re.compile(
    r"(?:一概|一律|统统|通通|全部?|都|一个|任何|其[他它余]|别[的处]|剩|余|什么|啥|谁|[点个])"
    r"(?!.*(?:都|全部?)[要标给取看留]).*(?:不|别|甭|免|没|勿|留空|删|丢)"
    r"|(?:不|别|甭|勿|无需)[^,]{0,3}(?:任何|其[他它余]|别的)"
)
_ALL_HAN = re.compile(r"(?:[不别没]能?|无一)(?:许|可|准|得)?(?:少|漏|落|缺)")


def besides(clean: str) -> str:
    """The text with what is beside put plainly."""
    otherwise = _OTHERWISE.match(clean) if "otherwise" in clean else None
    if otherwise is not None and found_in(otherwise["some"]):
        return f"everything except {otherwise['some']}{otherwise['rest']}"
    beside = _BESIDE.search(clean)
    if beside is not None:
        return _in_english(clean, beside)
    clean = _PLUS_HAN.sub(_added, clean) if "包" in clean or "含" in clean else clean
    han = _BESIDE_HAN.search(clean)
    return _in_chinese(clean, han) if han is not None else clean


def _added(match: re.Match[str]) -> str:
    """ "两只眼睛,包括鼻子" asks for both: what is no piece of the one before comes on top of it."""
    before, behind = found_in(match.string[: match.start()]), found_in(match["more"])
    if not before or not behind or before[-1].scope is None or behind[0].scope is None:
        return match[0]
    inside = meant(behind[0].scope) & meant(before[-1].scope)
    return match[0] if inside or behind[0].start else f"和{match['more']}"


def _in_english(clean: str, beside: re.Match[str]) -> str:
    before, behind = clean[: beside.start()], clean[beside.end() :]
    named = [one for one in found_in(behind) if one.scope is not None]
    if not named or REST.search(clean) or settled(clean) is not None:
        return clean
    nothing = _NOTHING.search(clean)
    if nothing and not found_in(before) and not _NEGATED.search(clean[nothing.end() :]):
        return "only " + _NOTHING.sub("", behind)
    first, last = named[0], named[-1]
    if last.scope == ALL and last is not first and not (found_in(before) or _TOO.search(behind)):
        return f"{before}everything except{behind[: named[-2].end]}{behind[last.end :]}"
    more = _TOO.search(behind[first.end :]) or _ONLY_TOO.fullmatch(beside[0])
    if more is None or len(named) < 2 or found_in(before) or _NEGATED.search(behind):
        return clean
    rest = _TOO.sub("", behind[first.end :]).lstrip(" ,")
    return f"{before}{behind[: first.end]} and {rest}"


def _in_chinese(clean: str, match: re.Match[str]) -> str:
    kept, rest = match["first"] or match["bare"], match["rest"]
    if not found_in(kept) or found_in(clean[: match.start()]):
        return clean
    named = names_parts(rest)
    if not named and _ALL_HAN.search(rest):
        return f"{clean[: match.start()]}除了{kept}都要"
    if not named and _NOTHING_HAN.match(rest):
        return f"{clean[: match.start()]}只要{kept}"
    if named and _TOO_HAN.search(rest) and not _NOT_HAN.search(rest) and not REST.search(rest):
        return f"{clean[: match.start()]}{kept}和{_TOO_HAN.sub('', rest)}"
    return clean
