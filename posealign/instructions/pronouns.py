"""A wish that names what was told of by a pronoun: "The hips are hidden, so the legs without them",
"a tube over the nose, mark everything apart from it", 左臂被切掉了,除了这条胳膊其他都要.

The part, or its side, is put where the pronoun stands, and the circumstance goes.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import is_unsided, with_side
from posealign.instructions.circumstance import Circumstance, circumstances, less_lead
from posealign.instructions.found import found_in
from posealign.instructions.naming import names_parts, only_part
from posealign.instructions.query import Part
from posealign.instructions.sets import meant
from posealign.instructions.sides import OTHER, SIDES_HAN, called

_POINTS = re.compile(
    r"\b(?:it|them|those|these|that|this|same|other|opposite|whole)\b|[这那它同另对]"
)
_EXCEPT = (
    r"(?:without|except(?: for)?|apart from|aside from|other than|but(?: not)?|not|minus|less|skip"
    r"|drop|leave|exclude|excluding|leaving|omit|ignore|bar|save for|besides)"
)
_THINGS = r"joints?|spots?|points?|parts?|stretch|areas?|fingers?|toes?|digits?"
_PRONOUN = re.compile(
    rf"(?P<lead>\b{_EXCEPT} )(?P<it>(?:it|them|those|these|that|this)(?: (?:two|three)\b)?"
    rf"(?: (?:{_THINGS}|bits?|ones?|places?)\b)?)"
    r"(?=\s*(?:[,.;:!?)]|$)| (?:and|please|out|off|alone|too|as well|for|in [23]d)\b)"
    rf"|\b(?P<place>(?:this|that|these|those)(?: two| three)? (?:{_THINGS}))\b"
)
_OUT_OF_HAN = r"(?:除了?|除开|不要|别标|跳过|去掉|不含|不算|撇开|避开|绕开|不包括)"
_THING_HAN = r"(?:关节|点|部位|地方|段|处)"
_IT_HAN = rf"它[们俩]{{0,2}}|[这那]一?[两俩几些]?[个处段些]{_THING_HAN}?"
_PRONOUN_HAN = re.compile(
    rf"(?P<lead>{_OUT_OF_HAN})(?P<it>{_IT_HAN})"
    rf"|(?:(?<=^)|(?<=[,;。把将]))(?P<first>{_IT_HAN})"
    r"(?P<tail>[就都]?(?:不要|别要|别标|跳过|不标|去掉|算了|不用))"
    rf"|(?:(?<=^)|(?<=[,;。把将要标看取只是]))(?P<place>[这那][两俩几些]?[个处]{_THING_HAN})"
)
_MANY = re.compile(r"them|those|these|它们|[两俩几些]")
_THAT_PART = re.compile(
    r"\b(?:that|this|the same|the whole|that whole|that same|that's the(?= \w+ (?:i|we)\b))"
    r" (?P<part>arm|leg|hand|foot|knee|elbow"
    r"|wrist|ankle|hip|shoulder|thigh|forearm|limb|heel|thumb|ear|eye|big toe)\b(?! side)"
)
_THAT_PART_HAN = re.compile(
    r"(?<![的左右外另])[这那]一?[条只个根侧](?P<part>大腿|小腿|前臂|上臂|胳膊|手臂|臂|腿|手肘|手腕|手|脚踝|脚|肘|腕|膝盖?|肩膀?|髋|踝|膝|拇指|大拇指|脚跟|足跟|脚后跟|耳朵|眼睛?)"
)
_DIGITS = meant(Part("fingers")) | meant(Part("toes"))
_THAT_DIGIT = re.compile(r"\b(?:that|this|the same) (?:finger|toe|digit)(?:'s)?\b")
_THAT_DIGIT_HAN = re.compile("[这那]一?[个只根](?:手指头?|脚趾头?|指头|趾头)")
_THAT_SIDE = re.compile(
    r"(?: (?:on|of|from|for))? (?:the )?(?:that|this|same|(?P<other>other|opposite)) side\b"
)
_THAT_SIDE_HAN = re.compile(r"(?:[这那同][一样]?|(?P<other>另外?一?|对))[侧边]的?")
_REST_OF = re.compile(
    r"^[^a-z]*(?:so )?(?:please |just )*(?:i(?:'d like| want| need)|give me|mark|show(?: me)?"
    r"|label|track|keep)"
    r" (?:only |just )?the rest of (?:that|this|the same|the|his|her) (?P<part>arm|leg|hand|foot"
    r"|limb)[\s.!]*$"
)
_REST_OF_HAN = re.compile(
    r"^[,;。!]+(?:所以|请|就|只|我|给我|标|要|把)*[这那]一?[条只](?P<part>胳膊|手臂|腿|手|脚)(?:上|的)?"
    r"(?:剩下|其余|其他|余下|别)的?(?:部分|部位|点|关节|地方)*(?:都|全)*(?:要|标|给我)?[。!]*$"
)
_WHOLE_SIDE = re.compile(
    r"[^a-z]*(?:so )?(?:please |just )*(?:i(?:'d like| want| need)|give me|mark|show(?: me)?"
    r"|label|track)"
    r" (?:me )?(?:all of |only |just )?(?:the )?(?:whole )?(?:of )?(?:that|this|the same"
    r"|(?P<other>the (?:other|"
    r"opposite)))(?: whole| entire)? side(?: of (?:the |his |her )?body)?(?:,? please)?[\s.!]*"
)
_WHOLE_SIDE_HAN = re.compile(
    r"[,;。!]+(?:所以|请|就|只|我|给我|标|要|把)*(?:[这那同]一?|(?P<other>另外?一?|对))[侧边](?:的)?(?:身体)?"
    r"(?:整个|全部|所有的?点|关键点)*(?:都|全)*(?:要|标|给我)?(?:出来|上)?[。!]*"
)
_IT_FROM = re.compile(
    r"\b(?:mark|show|trace|draw|label|plot|track|follow|do"
    r"|give me) it,? from (?:the )?(?P<first>[a-z]+)"
    r" (?:all the way )?(?:down |up )?to (?:the )?(?P<last>[a-z]+)"
)
_BLANKET = re.compile(r"\b(?:blanket|quilt|duvet|sheet|covers?|comforter|swaddl\w+)\b")
_UNDER_IT = re.compile(r"\b(?P<where>under|underneath|beneath|below|covered by) it\b")
_SEEN = re.compile(r"\b(?:see|view|look|screen|monitor|picture|photo|image|camera)|[看画图屏镜]")
_SAME = re.compile(r"\b(?:just|only|that) the (?P<part>[a-z]+(?: toe| finger)?)(?<!s)[\s.?!]*$")
_SAME_HAN = re.compile(
    "[就只](?:把|要|标|看)那[个只条根](?P<part>[^,;。标要看给画的]{1,5})(?:[标要看给画]|[。!?]*$)"
)
_SIDED = re.compile(r"\b(left|right)-sided\b")
_EXCEPT_SIDE = re.compile(rf"(?P<lead>\b{_EXCEPT}) (?:that|this) side\b")
_OTHERS = re.compile(
    r"[没未健好徒净空光剩]|不(?![要用标])|别(?![要标管])|free|without|\bun[a-z]+ed"
)  # of a pair the free one
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|did|got|gets?|goes|went|runs?|sits?|keeps?|fell|broke"
    r"|hurts?)\b|'s\b|\b\w{3,}ed\b"
)


def named_again(text: str) -> str:
    """A mended text with the parts in the place of the pronouns for them."""
    if not _POINTS.search(text):
        return text
    for one in circumstances(text):
        said = _rest_of_part(one) or _digit(one) or _same_again(one) or _traced(one)
        said = said or _under_it(one) or _substituted(one)
        if said is not None:
            return _that_part(one, said) or said
        said = (
            _less_that_side(one)
            or _on_that_side(one)
            or _whole_side(one)
            or _that_part(one, one.behind)
        )
        if said is not None:
            return said
    return text


def _substituted(one: Circumstance) -> str | None:
    pattern = _PRONOUN_HAN if one.han else _PRONOUN
    if not pattern.search(one.behind) or not one.parts:
        return None

    def put(match: re.Match[str]) -> str:
        told = match.groupdict()
        it = told["it"] or told.get("first") or told["place"] or ""
        if _MANY.search(it) and one.count < 2:
            return match[0]
        named = one.listed if one.han else f"the {one.listed}"
        return f"{told['lead'] or ''}{named}{told.get('tail') or ''}"

    said = pattern.sub(put, one.behind)
    return None if said == one.behind else less_lead(said)


def _with(said: str, match: re.Match[str]) -> str:
    """The wish with these words in the place of those matched."""
    return less_lead(f"{match.string[: match.start()]}{said}{match.string[match.end() :]}")


def _digit(one: Circumstance) -> str | None:
    """ "A ring on the left thumb, mark that finger"."""
    match = (_THAT_DIGIT_HAN if one.han else _THAT_DIGIT).search(one.behind)
    digits = {scope.name for scope in one.named if meant(scope) <= _DIGITS}
    if match is None or len(digits) != 1:
        return None
    named = called(digits.pop(), one.side, one.language)
    return _with(named, match)


def _same_again(one: Circumstance) -> str | None:
    """ "He sucks that left thumb all day, so just the thumb": the one that was told of."""
    match = (_SAME_HAN if one.han else _SAME).search(one.behind)
    asked = only_part(match["part"]) if match else None
    if match is None or asked is None or one.side is None or not is_unsided(asked):
        return None
    if _OTHERS.search(one.behind, match.start()):
        return None
    if not any(scope.name == asked.name for scope in one.named) or found_in(one.behind)[1:]:
        return None
    return called(asked.name, one.side, one.language)


def _traced(one: Circumstance) -> str | None:
    """ "His left leg looks short, mark it from hip to ankle": the way on that side."""
    match = None if one.han else _IT_FROM.search(one.behind)
    if match is None or one.side is None:
        return None
    way = f"from the {one.side} {match['first']} to the {one.side} {match['last']}"
    return _with(way, match)


def _under_it(one: Circumstance) -> str | None:
    """ "The quilt comes up to his chest, which points are under it?"."""
    match = None if one.han else _UNDER_IT.search(one.behind)
    if match is None or not _BLANKET.search(one.told) or names_parts(one.behind):
        return None
    if any(item.scope not in (None, Part("torso")) for item in found_in(one.told)):
        return None  # "the blanket ate his legs": those are meant
    return _with(f"{match['where']} the blanket", match)


def _that_part(one: Circumstance, wish: str) -> str | None:
    """ "So mark the whole of that leg": on the side that was told of."""
    match = (_THAT_PART_HAN if one.han else _THAT_PART).search(wish)
    if match is None or one.side is None or _OTHERS.search(wish):
        return None
    asked = [item.scope for item in found_in(match["part"]) if isinstance(item.scope, Part)]
    told = one.named
    if not told and (_SEEN.search(one.told) or any(item.own_side for item in found_in(wish))):
        return None
    if not asked or (told and not meant(told[-1]) & (meant(asked[0]) | meant(told[0]))):
        return None
    return _with(one.sided(match["part"]), match)


def _rest_of_part(one: Circumstance) -> str | None:
    """ "I want the rest of that arm": less what was told of."""
    match = (_REST_OF_HAN if one.han else _REST_OF).search(one.behind)
    if match is None or one.side is None or not one.parts:
        return None
    whole = one.sided(match["part"])
    outer, inner = found_in(whole)[-1].scope, found_in(one.listed)[-1].scope
    if outer is None or inner is None or not meant(inner) & meant(outer):
        return None
    return f"{whole},不要{one.listed}" if one.han else f"{whole} without the {one.listed}"


def _whole_side(one: Circumstance) -> str | None:
    """ "A left-sided hemiplegia, so I want that whole side"."""
    match = (_WHOLE_SIDE_HAN if one.han else _WHOLE_SIDE).fullmatch(one.behind)
    if match is None:
        return None
    side = one.side or next(iter(_SIDED.findall(one.told)), None)
    if side is None:
        return None
    side = OTHER[side] if match["other"] else side
    return f"{SIDES_HAN[side]}半身" if one.han else f"everything on the {side} side of the body"


def _less_that_side(one: Circumstance) -> str | None:
    """ "A mess of cables on the left side, so everything except that side"."""
    match = _EXCEPT_SIDE.search(one.behind)
    if match is None or one.side is None:
        return None
    said = f"{match['lead']} the {one.side} side of the body"
    return _with(said, match)


def _on_that_side(one: Circumstance) -> str | None:
    """ "The wrist and the shoulder on that side": the side at each of them."""
    pointer = (_THAT_SIDE_HAN if one.han else _THAT_SIDE).search(one.behind)
    if pointer is None or one.side is None or _OTHERS.search(one.behind):
        return None
    if not one.han and not _VERB.search(one.told):
        return None
    side = OTHER[one.side] if pointer["other"] else one.side
    plain = less_lead(one.behind[: pointer.start()] + one.behind[pointer.end() :])
    found = found_in(plain)
    if not any(is_unsided(item.scope) for item in found) or any(item.own_side for item in found):
        return None
    return with_side(plain, found, SIDES_HAN[side] if one.han else f"{side} ")
