"""A text in two: the circumstance that it tells, and the wish: "The left elbow is taped, | so …".

Wishes often point back at the parts of the circumstance; those who put them in their place
(pointed.py, pronouns.py) begin here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from posealign.instructions.binding import HALVES, bind
from posealign.instructions.found import found_in
from posealign.instructions.keywords import parse_text
from posealign.instructions.mend_han import is_han
from posealign.instructions.query import Part, Query, Related, Scope
from posealign.instructions.sides import AND, SIDES_HAN, called

_CUT = re.compile(r"[,;.!]\s|\s[–—-]\s|\s(?=so\s)")
_CUT_HAN = re.compile("[,;。!]")
_WISHES = re.compile(
    r"\b(?:want(?:ed)?|need(?:ed)?|please|show|mark|only|just|label|track|find|give|draw|plot|not|no"
    r"|never|without|except|don't|skip|drop|ignore|leave|if|first|wait|sorry|actually|and then"
    r"|unless|when|whether|it is|it's|everything|anything|all (?:of|but|her|his)|whole|spare)\b"
    r"|[?:=]"
)
_WISHES_HAN = re.compile(
    r"(?<![两一几那这每])只|[要标画请仅除需不没别勿甭?:=先]|显示|输出|提取|加上|看|给|如果|算了|说|错|去掉|拿掉|删|剔"
)
# What is said of a part and denies no wish: "doesn't move", 看不清.
_IDLE = re.compile(
    r"(?<!\bi )(?<!\byou )\b(?:do|does|is|are|was|were|did|ca|could|wo)(?:n't| not) "
    r"(?!show|mark|need|want|include|bother|label)\w+"
)
_IDLE_HAN = re.compile(
    r"画面|看不[清见到]|不(?:良|全|对称|足|清楚?|稳|准|好|动|太|怎么|灵活|见)|看起来|没法|不大|要用"
)
_CONCLUDES = re.compile(
    r"(?:^|[\s,;.])so\s(?!much|many|that|far|badly|often)|\b(?:therefore|hence)\b|所以|因此"
)
_SAME_BREATH = re.compile(r"[,;.\s]*(?:but|not|and not|but not|except|without|minus|or|like)\b")
_CHOOSES = re.compile(
    r"\b(?:one(?! on| at)|which|that|whichever|nearer|nearest|closer|closest|higher|lower|touching"
    r"|raised|baby|infant)\b|[一有哪谁][只条个边侧]|的那[只条个]|段|最|更|举|抬|扬|贴脸|碰|远离|靠近|近的|远的|捂|宝宝|婴儿|孩子"
)
_DRAWN = re.compile(r"coco|halpe|smil|openpose|\blsp|\b[23]d\b")  # skeletons, dimensions
_WHOLES = frozenset({"all", "left_side", "right_side", "upper_body", "lower_body"})
_LEAD = re.compile(
    r"^[\s,;.!。–—-]*(?:(?:so|but|and|then|therefore|hence|that's why)\b,? ?"
    r"|所以|因此|但是?|不过|那么?|可是?)*,?"
)


@dataclass(frozen=True)
class Circumstance:
    """What is told, and the wish behind it with what joins the two."""

    told: str
    behind: str
    han: bool

    @property
    def language(self) -> str:
        return "zh" if self.han else "en"

    @cached_property
    def named(self) -> tuple[Part, ...]:
        """The parts that are named, as they are."""
        return tuple(one.scope for one in found_in(self.told) if isinstance(one.scope, Part))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts told of, by their usual names; none where something chooses among them."""
        return () if isinstance(self._ruled, Related) else self.covered

    @cached_property
    def covered(self) -> tuple[str, ...]:
        """The same, also where a blanket covers them."""
        ruled = self._ruled
        if isinstance(ruled, Related) and ruled.relation != "hidden_by_blanket":
            return ()
        if _CHOOSES.search(self.told) or _DRAWN.search(self.told):
            return ()
        named = [one for one in bind(found_in(self.told), self.told) if isinstance(one, Part)]
        if any(one.name in _WHOLES for one in named):
            return ()
        return tuple(dict.fromkeys(called(one.name, one.side, self.language) for one in named))

    @cached_property
    def _ruled(self) -> Scope | None:
        ruled = parse_text(self.told)
        return ruled.scope if isinstance(ruled, Query) else None

    @property
    def listed(self) -> str:
        return AND[self.language].join(self.covered)

    def sided(self, part: str) -> str:
        """A part on the side that is told of."""
        return f"{SIDES_HAN[self.side or '']}{part}" if self.han else f"the {self.side} {part}"

    @property
    def count(self) -> int:
        """How many joints or limbs: "knees" are two."""
        pairs = sum(one.startswith("双") or one.endswith(("s", "feet")) for one in self.parts)
        return len(self.parts) + pairs

    @cached_property
    def side(self) -> str | None:
        """The one side that is told of."""
        found = found_in(self.told)
        sides = {one.own_side or (HALVES.get(one.scope) if one.scope else None) for one in found}
        sides -= {None}
        return sides.pop() if len(sides) == 1 else None


def circumstances(text: str) -> Iterator[Circumstance]:
    """The ways to take a mended text in two, the longest circumstance first."""
    han, ends = is_han(text), []
    for cut in (_CUT_HAN if han else _CUT).finditer(text):
        told = text[: cut.start()]
        if not _is_told(told, han) or _CONCLUDES.search(told):
            break
        ends.append(cut.start())
    for end in reversed(ends):
        if not _SAME_BREATH.match(text, end):
            yield Circumstance(text[:end], text[end:], han)


def less_lead(wish: str) -> str:
    """A wish less what joins it to the circumstance."""
    return _LEAD.sub("", wish)


def _is_told(told: str, han: bool) -> bool:
    """Whether the clauses state something, and wish for nothing."""
    if han:
        return len(told) > 4 and _WISHES_HAN.search(_IDLE_HAN.sub("", told)) is None
    return told.count(" ") > 2 and _WISHES.search(_IDLE.sub("", told)) is None
