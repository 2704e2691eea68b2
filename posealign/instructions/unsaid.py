"""What a text leaves unsaid: "the left one" has a part, "the same side" and "the other" a side.

"The right knee and the left one too" becomes "the right knee and the left knee too" before anything
reads it: rules, roles and graph know parts with sides, and need no word of their own for these.
Where it is open what was meant, the text stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from posealign.instructions.binding import bind
from posealign.instructions.found import found_in
from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.query import Part
from posealign.instructions.sides import OTHER, SIDE_OF, SIDES_HAN, called

# What may follow a side that stands for a part: "the left.", "the left too", 左边那个也要.
_ENDS = (
    r"(?=\s*(?:[,.;:!?)]|$)|\s+(?:too|also|as well|please|excluded|aside|off|alone|and|instead)\b)"
)
_ENDS_HAN = r"(?=$|[,;.。!?)]|[也就都不去除要排跳算吧顺同别拿照补剔减扣]|一样|一起|先|可以)"
_RELATED = r"(?<!over )(?<!than )(?<!across )(?<!onto )(?<!on )(?<!under )(?<!behind )(?<!against )"
_TOLD = re.compile(
    # a side like the one before
    r"(?P<same_on>\b(?:on|of|from) (?:the |that |this )?(?:very )?(?:same|that)[- ](?:same )?side\b"
    r"(?! (?:of|as)\b))"
    r"|(?P<same>\b(?:same[- ]side(?:d)?|ipsilateral)\b(?! (?:of|as)\b))"
    r"|(?P<same_han>(?<![左右侧边])(?:同(?:一|样)?|那一)[侧边]的?(?!人|图|画)"
    r"|它(?:上面|下面|上方|下方|上边|下边|旁边|连着)的)"
    # the other side
    r"|(?P<other_on>\b(?:on|of|from) (?:the|her|his|its) (?:other|opposite|contralateral) side\b"
    r"(?! of\b))"
    r"|(?P<other_side>\b(?:opposite|contralateral)(?= [a-z]))"
    r"|(?P<other_han>(?<![左右侧边])(?:[对反]侧|另外?一?[侧边]|对边|对角线?(?:上|那一?[侧边]))的?)"
    # the other one of a pair
    rf"|{_RELATED}\b(?:the|her|his|its|that) other (?P<other_part>[a-z]+)"
    r"|\bits (?:(?:left|right|matching|other|opposite) )?(?P<twin>twin|counterpart|fellow|mate"
    r"|partner|neighbou?r|opposite number|match)\b"
    r"(?: (?:on|across|at) the (?:left|right|other side)\b)?"
    r"|(?P<other_one_han>(?<![在到过比着])另外?(?:[那一]|那一)?[只条个](?:的)?)"
    # a side of which only a piece is wanted: "of the left one only the wrist"
    r"|\b(?:of|from|for|on|with) the (?P<piece>left|right)(?: one| side)?(?=,? (?:i (?:only )?)?"
    r"(?:just|only|merely|nothing but|need just|want just)\b)"
    r"|(?P<piece_han>[左右])(?:边|侧|面)?的?(?:那[只条个边])?(?=我?(?:只|就|单|仅)[要取看留给标剩])"
    # a side alone
    r"|\bthe one on the (?P<on_side>left|right)\b(?! (?:side )?of)"
    rf"|(?<!on )(?<!to )(?<!at )(?<!of )(?<!from )(?<!in )(?<!by )(?<!with )"
    rf"\bthe (?P<side>left|right)(?:-hand)?(?: ones?)?{_ENDS}"
    rf"|(?P<side_han>[左右])(?:手?边|侧|面)?[那这]一?[个只条边侧](?:的)?{_ENDS_HAN}"
    r"|(?<!都是)(?<![,，]要)(?P<side_of_han>[左右])(?:边|侧|面)的(?=$|也|去掉|除外|不|排除|跳过|拿掉|剔|减|别|算|照|同|一样)"
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|minus|without|except|for|less|skip|skipping|drop|off|out|excluding|bar|but|save)"
    r"|不要|不含|不算|去掉|减去|减|除了?|扣掉|扣除|排除|剔除|跳过|别标|别要|拿掉|把|少)\s*$"
)
_DENIES = re.compile(r"\s*(?:excluded|aside|off\b|去掉|除外|不|拿掉|排除|跳过|剔|减|别|算了|可以)")


@dataclass(frozen=True)
class _Named:
    """The part named last, and the sides that were named."""

    part: Part | None
    sides: tuple[str, ...]


def complete(clean: str) -> str:
    """A normalised text with such parts and sides put in."""
    said, at = "", 0
    for match in _TOLD.finditer(clean):
        said += clean[at : match.start()]
        meant = _meant(match, said, clean)
        said += match[0] if meant is None else meant
        at = match.end()
    return said + clean[at:] if at else clean


def _meant(match: re.Match[str], before: str, clean: str) -> str | None:
    """What stands for the words matched; None where they stay."""
    named = _named(before)
    side, one = named.sides[-1] if named.sides else None, named.part
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    kind, text = next(iter(found.items()))
    if kind in ("on_side", "side", "side_han", "side_of_han"):
        return _sided(one, SIDE_OF[text], before, clean[match.end() :], kind)
    if kind in ("piece", "piece_han"):
        return _whole(one, SIDE_OF[text], clean[match.end() :], kind)
    if side is None:
        return None
    if kind in ("same_on", "other_on"):
        return f"on the {side if kind == 'same_on' else OTHER[side]}"
    if kind in ("same", "other_side"):
        return side if kind == "same" else OTHER[side]
    if kind in ("same_han", "other_han"):
        return f"{SIDES_HAN[side if kind == 'same_han' else OTHER[side]]}侧的"
    return _other_one(named, kind, text, clean[match.end() :])


def _other_one(named: _Named, kind: str, text: str, after: str) -> str | None:
    """The other of the pair named last, where one side of it was named."""
    one = named.part
    if one is None or one.side is None or len(set(named.sides)) > 1:
        return None
    other = OTHER[one.side]
    if kind == "other_one_han":
        follows = next(iter(found_in(after)), None)
        if follows is not None and follows.start == 0:
            same = isinstance(follows.scope, Part) and follows.scope.name == one.name
            return f"{SIDES_HAN[other]}侧的" if same else None
        return called(one.name, other, "zh") if re.match(_ENDS_HAN, after) else None
    if kind == "twin" or text == "one":
        return f"the {called(one.name, other, 'en')}"
    said = next(iter(found_in(text)), None)
    same = said is not None and isinstance(said.scope, Part) and said.scope.name == one.name
    return f"the {other} {text}" if same else None


def _sided(one: Part | None, side: str, before: str, after: str, kind: str) -> str | None:
    """A side alone with the part it is of: the other one of a pair, or one taken from both."""
    if one is None or one.side == side:
        return None
    if one.side is None and not (_DENIED.search(before) or _DENIES.match(after)):
        return None  # "one elbow, the left one" says which
    language = "zh" if kind.endswith("han") else "en"
    name = called(one.name, side, language)
    return name if language == "zh" else f"the {name}"


def _whole(one: Part | None, side: str, after: str, kind: str) -> str | None:
    """A side of the pair named last, of which a part inside it follows."""
    follows = next((item.scope for item in found_in(after) if item.scope is not None), None)
    if one is None or one.side is not None or not isinstance(follows, Part):
        return None
    if not joints_of(follows.name) < joints_of(one.name):
        return None
    return (
        called(one.name, side, "zh")
        if kind == "piece_han"
        else f"of the {called(one.name, side, 'en')}"
    )


def _named(text: str) -> _Named:
    found = found_in(text)
    bound = bind(found, text)
    sides = [item.own_side for item in found]
    last = bound[-1] if bound else None
    paired = isinstance(last, Part) and last.name in PAIRED
    return _Named(last if paired else None, tuple(side for side in sides if side))  # type: ignore[arg-type]
