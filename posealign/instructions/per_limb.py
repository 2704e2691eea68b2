"""A side said once for a list: "R elbow ROM: shoulder/elbow/wrist", 右臂:肩和腕要,肘不要.

And a list that goes limb by limb: "for the left leg the knee will do, for the right one I need the
ankle". Each part gets the side of its limb.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import is_unsided
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.naming import only_part
from posealign.instructions.parts import joints_of
from posealign.instructions.query import Part
from posealign.instructions.sides import AND, OTHER, called

_WAY = re.compile(
    r"\b(?:(?:on|for) )?(?:the |his |her )?(?P<side>left"
    r"|right)(?: side(?: only)?|(?=[,:]))(?:[,:] (?:everything "
    r"|all |the joints |joints )?| )from (?:the )?(?P<first>[a-z]+) (?:all the way )?(?:down "
    r"|up )?to (?:the )?"
    r"(?P<last>[a-z]+)(?=[\s.!]*$)"
)
_OTHER_SIDE = re.compile(
    r"^(?P<first>[^,;.]+?)[,;] (?:but |and )?(?:on|for|of|from) the (?:other|opposite"
    r"|(?P<side>left|right))"
    r"(?: side| one)?,? (?:just |only |i want )?(?:the )?(?P<last>[a-z]+)[\s.!]*$"
)
_CROSSED = re.compile(
    r"\b(?P<first>[a-z]+) on (?:the|his|her|its) (?P<side>left|right)(?: side)?,? (?:and|plus)"
    r" (?:the |his |her )?(?P<last>[a-z]+) on (?:the|his|her|its) (?!(?P=side))(?P<other>left"
    r"|right)"
    r"(?: side)?\b(?! (?:of|in)\b)"
)
_CUT = re.compile(r"\s*[:;,]\s*|\s[–—-]\s")
_PURPOSE = re.compile(
    r"(?:[\W_]|\b(?:for|the|his|her|rom|range|of|motion|movement|angles?|flex(?:ion)?|ext(?:ension)?"
    r"|contracture|exam|check|test|assessment|study|measurement|goniometry)\b"
    r"|活动度|角度|屈曲|伸展|伸直|弯曲|度|测量|评估|检查|关节|的|测|量|做)*"
)
_ASKS = re.compile(
    r"(?:[\W_]|\b(?:i|we|need|want|show|mark|give|me|only|just|please|pls|the|and|joints?|points?)\b"
    r"|[和与跟及、要标看画给取只请需点]|关节|显示)*"
)
_EACH = re.compile(
    r"(?:[\W_]|\b(?:for|on|of|from|the|his|her|will|do|i|we|need|want|just|only|is|are|enough|give"
    r"|me|show|mark|ones?|side|take|fine|please)\b|[给要标看画取只就行好够的是我那条只边侧在]|就行|就够)*"
)
_BETWEEN = re.compile(r"\s*[,;，]\s*(?:and |but |while |而)?|\s(?:and|but|while)\s")
_NO_HAN = re.compile(r"[不别没](?:要|标|用|看)")
_ARM, _LEG = joints_of("arm") | joints_of("hand"), joints_of("leg") | joints_of("foot")


def with_sides(clean: str) -> str:
    """A normalised text with the side at each part of such a list."""
    if "from " in clean:
        clean = _WAY.sub(r"from the \g<side> \g<first> to the \g<side> \g<last>", clean)
    if " on " in clean:
        clean = _CROSSED.sub(_each, clean)
    other = _OTHER_SIDE.match(clean)
    if other is not None:
        clean = _beside(clean, other)
    return _under_one(clean) or _limb_by_limb(clean) or clean


def _each(match: re.Match[str]) -> str:
    """ "The arm on her right and the leg on her left" → the right arm and the left leg."""
    if not (is_unsided(only_part(match["first"])) and is_unsided(only_part(match["last"]))):
        return match[0]
    return f"{match['side']} {match['first']} and the {match['other']} {match['last']}"


def _beside(clean: str, match: re.Match[str]) -> str:
    """ "The left hip, but on the other side the knee" → left hip and right knee."""
    one, two = only_part(match["first"]), only_part(match["last"])
    if one is None or one.side is None or two is None or not is_unsided(two):
        return clean
    side = match["side"] or OTHER[one.side]
    return _named([(one.name, one.side), (two.name, side)], clean) if side != one.side else clean


def _under_one(clean: str) -> str | None:
    cut = _CUT.search(clean)
    if cut is None:
        return None
    head, tail = clean[: cut.start()], clean[cut.end() :]
    over = only_part(head)
    words = unnamed(head).replace("_", "").strip()
    if over is None or over.side is None or not _PURPOSE.fullmatch(words):
        return None
    if not any(map(str.isalnum, words)) and (over.name not in ("arm", "leg") or ":" not in cut[0]):
        return None
    kept: list[str] = []
    for clause in re.split("[,;]", tail):
        found = [one for one in found_in(clause) if one.scope]
        denied = _NO_HAN.search(clause) is not None
        words = _NO_HAN.sub("", unnamed(clause))
        alike = all(is_unsided(one.scope) and _is_of(one.scope, over.name) for one in found)
        if not found or not alike or not _ASKS.fullmatch(words):
            return None
        kept += [] if denied else [one.scope.name for one in found if isinstance(one.scope, Part)]
    return _named([(name, over.side) for name in kept], clean) if len(kept) > 1 else None


def _limb_by_limb(clean: str) -> str | None:
    pieces = _BETWEEN.split(clean.rstrip(" .。!"))
    if len(pieces) != 2:
        return None
    limb, kept, sides = "", [], []
    for piece in pieces:
        found = found_in(piece)
        side = next((one.own_side for one in found if one.own_side), None)
        named = [one.scope for one in found if isinstance(one.scope, Part)]
        if named and named[0].name in ("arm", "leg"):
            limb = named.pop(0).name
        inside = all(
            is_unsided(one) and joints_of(one.name) <= joints_of(limb or one.name) for one in named
        )
        if (
            side is None
            or not limb
            or not named
            or not inside
            or not _EACH.fullmatch(unnamed(piece))
        ):
            return None
        sides.append(side)
        kept += [(one.name, side) for one in named]
    return _named(kept, clean) if sides[0] != sides[1] else None


def _named(kept: list[tuple[str, str]], clean: str) -> str:
    language = "en" if clean.isascii() else "zh"
    words = [called(name, side, language) for name, side in kept]
    return AND[language].join(words)


def _is_of(scope: Part, over: str) -> bool:
    """Whether the part lies in the limb that the other belongs to."""
    return any(joints_of(scope.name) <= limb and joints_of(over) <= limb for limb in (_ARM, _LEG))
