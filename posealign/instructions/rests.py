"""What is left when something goes: "leave the ears out and give me the rest of the head",
眼睛跳过,脸上别的留着, "nothing on the face, all the rest is fine", 全部,不要手,不要脚.

It is put as the whole less what goes; where nothing of the wish goes, as the wish alone.
"""

from __future__ import annotations

import re

from posealign.instructions.background import states
from posealign.instructions.binding import on_side
from posealign.instructions.naming import is_apart, is_name, scopes_in
from posealign.instructions.query import Part
from posealign.instructions.sets import meant
from posealign.instructions.sides import called

_END, _END_HAN = r"[\s.!]*$", "[。!]*$"
_OTHERS_HAN = r"(?:其余|其他|其它|剩下|别的)的?(?:我|点|关节|部位)*[都全]*"
_REST_OF = re.compile(
    r"^(?:please )?(?:leave|skip|drop|ignore) (?P<gone>[^,;.]+?)(?: out| off)?,? and"
    r" (?:just |then )*(?:give me|mark|show(?: me)?|keep|take|i want|i need)"
    r" the rest of (?P<whole>[^,;.]+?)" + _END
)
_REST_OF_HAN = re.compile(
    r"^(?P<whole>[^,;。]{1,8}?)除了(?P<gone>[^,;。]{1,8}?)(?:以外|之外|外)?,?"
    rf"{_OTHERS_HAN}(?:要|标|给我|留)*{_END_HAN}"
)
_SKIPPED_OF_HAN = re.compile(
    r"^(?P<gone>[^,;。]{1,6}?)[就都]?(?:跳过|不要|不标|别标|去掉|算了|不用),"
    rf"(?P<whole>[^,;。]{{1,6}}?)[上里的]?{_OTHERS_HAN}(?:留着?|要|标){_END_HAN}"
)
_NOT_BUT = re.compile(
    r"^(?:please )?(?:leave|skip|ignore|forget|drop) (?P<gone>[^,;.]+?)(?: out| alone)?,? and"
    r" (?:just|only) (?:give me|mark|show(?: me)?|take|do) (?P<whole>[^,;.]+?)" + _END
)
_NOT_BUT_HAN = re.compile(
    r"^(?:整[个条只])?(?P<gone>[^,;。]{1,8}?)(?:我们?)?[都也就]?(?:不(?:用|要|关心|管|看|需要)|用不着)了?[,;。]"
    rf"(?:所以)?(?:我们?)?只?(?:要|标|看|需要)(?P<whole>[^,;。]{{1,12}}?)"
    rf"(?:就行|就好|就够了?|即可)?{_END_HAN}"
)
_AGAIN = re.compile(
    r"(?P<kept>\b(?:except|but|without|minus|bar|not) [^,;.]+)[,;.] (?:i|we) (?:don't|do not|won't"
    r"|needn't) (?:need|want|care about|use)(?: to see)? (?:that|it|those|them)(?: one| bit)?"
    + _END
)
_ALL_THE_REST = re.compile(
    r"^(?:i(?:'d| would) rather not (?:have|see) (?:any(?:thing| points?| dots?)?|points|dots)"
    r" (?:on|of|for|in)|(?:nothing|no (?:points|dots)) (?:on|for|in)"
    r"|[^,;.]*(?:won't|can't|cannot|not allowed|don't|doesn't)[^,;.]* anything (?:of|on|from))"
    r" (?P<gone>[^,;.]+?)[,;.] (?:but )?(?:all (?:of )?)?(?:the )?(?:rest|others?"
    r"|other (?:points|joints|parts)|everything else)\b[^,;.]*" + _END
)
_THE_REST = (
    r"(?:all )?(?:of )?(?:the )?(?:rest(?: of (?:the|his|her) body)?|others?"
    r"|everything (?:else|apart from that|but that))"
)
_NO_MATTER = re.compile(
    r"^(?:(?:ok|okay|well|so|please),? )*"
    r"(?:(?:you can |let's |we can )?(?:leave|skip|forget|ignore) (?P<gone>[^,;.]+?)(?: alone"
    r"| out| off| aside)?"
    r"|(?P<idle>[^,;.]+?) (?:doesn't|don't|does not|do not) matter(?: today| now| here| to me)?"
    r"|[^,;.]*?(?:didn't|don't|doesn't|won't) (?:consent to|agree to|want)(?: showing)?"
    r" (?P<kept_out>[^,;.]+?)"
    r"|(?:i've|we've) (?:seen|had|got) enough of (?P<enough>[^,;.]+?))"
    r"(?:,(?P<why>[^,;.]*))?[,;.] (?:(?:but|and|so|i'd like|i want|i need|give me|mark|show|just"
    r"|can i have) )*"
    rf"{_THE_REST}(?:,? please)?[\s.!]*$"
)
_NO_MATTER_HAN = re.compile(
    r"^(?P<gone>[^,;。]{1,8}?)[就先]?(?:不用|不要|不标|不管|算|免)了?[,;。](?:(?P<why>[^,;。要标]{1,12})[,;。])"
    rf"(?:别的|其他的?|其余的?|剩下的?)(?:都|全)*(?:要|标|给我){_END_HAN}"
    r"|^[^,;。]*?不太?(?:希望|想|愿意|能|许|准|让)(?:有|出现|看到|看见|露出?|拍到?|让)(?P<unwanted>[^,;。]{1,8}?)"
    r"(?:(?:进|入|出现)[^,;。]{1,6})?[,;。]"
    rf"(?:除此之外|除此以外|其他的?|别的)(?:点|关节)?(?:都|全)?(?:要|可以|标|行|给我|没关系|没问题){_END_HAN}"
)
_UNDER_GONE = re.compile(
    r"^(?:whatever|what|anything|everything(?: that)?)(?:'s| is) (?P<where>(?:under|hidden by"
    r"|covered by"
    r"|beneath|below) (?:the |a |his |her )?(?:blanket|quilt|duvet|sheet|cover|covers))"
    r" (?:(?:we|you|i|they)? ?(?:can|could|may|should) )?(?:be )?(?:skip|skipped|ignore|ignored"
    r"|leave out"
    rf"|left out|go)[,;.] (?:but |and )?{_THE_REST}(?:,? please)?[\s.!]*$"
)
_WHOLE_HAN = r"(?:全部|全身|整个人|所有的?(?:关节点?|点|关键点)?|[全都]?[都全]?要|都标|全标)"
_GONE_HAN = r"[都也再就]?(?:不要|别要|别标|不标|不用标?|去掉|除去|没有|不算)"
_CHAIN_HAN = re.compile(
    rf"^(?:请|给我|帮我)?{_WHOLE_HAN}[,;。](?P<some>(?:{_GONE_HAN}[^,;。]{{1,6}}[,;。!]*){{2,}})$"
)
_TOO_HAN = re.compile(
    r"^除了(?P<first>[^,;。]{1,8}?)(?:以?外)?,?都要[,;。](?:哦|噢|对了|还有|另外|再|然后|,)*"
    rf"(?P<more>[^,;。]{{1,8}}?)也?{_GONE_HAN}{_END_HAN}"
)


def without_gone(clean: str) -> str:
    """A normalised text with what is left put plainly."""
    if not clean.isascii():
        clean = _NO_MATTER_HAN.sub(_all_but, clean)
        clean = _REST_OF_HAN.sub(_less, _SKIPPED_OF_HAN.sub(_less, clean))
        return _chained(_NOT_BUT_HAN.sub(_instead, clean))
    clean = _UNDER_GONE.sub(r"everything except what is \g<where>", clean)
    clean = _NO_MATTER.sub(_all_but, clean)
    clean = _NOT_BUT.sub(_instead, _REST_OF.sub(_less, clean))
    clean = _AGAIN.sub(r"\g<kept>", clean)
    rest = _ALL_THE_REST.match(clean)
    named = rest is not None and is_name(rest["gone"])
    return f"everything except {rest['gone']}" if rest is not None and named else clean


def _all_but(match: re.Match[str]) -> str:
    """ "The head doesn't matter, I want the rest" → everything except the head."""
    told = match.groupdict()
    why = told.pop("why", None)
    gone = next((words for words in told.values() if words), "")
    if not is_name(gone) or (why and scopes_in(why) and not states(why.strip())):
        return match[0]
    return f"everything except {gone}" if match[0].isascii() else f"除了{gone}都要"


def _less(match: re.Match[str]) -> str:
    """ "Leave the ears out and give me the rest of the head" → the head without the ears."""
    if not (is_name(match["whole"]) and is_name(match["gone"])):
        return match[0]
    less = " without " if match[0].isascii() else ",不要"
    return f"{match['whole']}{less}{match['gone']}"


def _instead(match: re.Match[str]) -> str:
    """ "Leave the limbs and just give me the torso": nothing of the torso goes."""
    if not (is_name(match["gone"]) and is_name(match["whole"])):
        return match[0]
    gone, asked = scopes_in(match["gone"]), scopes_in(match["whole"])
    if gone and all(is_apart(one, whole) for one in gone for whole in asked):
        return match["whole"]
    first = gone[0] if len(gone) == len(asked) == 1 else None
    side = first.side if isinstance(first, Part) else None
    if first is None or side is None or match[0].isascii():
        return match[0]
    one = on_side(asked[0], side)  # 整条左臂用不着,只要肘部就行
    inside = isinstance(one, Part) and one.side == side and meant(one) < meant(first)
    return called(one.name, side, "zh") if isinstance(one, Part) and inside else match[0]


def _chained(clean: str) -> str:
    """全部,不要手,不要脚 → 除了手和脚都要."""
    match = _CHAIN_HAN.match(clean)
    if match is not None:
        gone = [one for one in re.split(rf"[,;。!]|{_GONE_HAN}", match["some"]) if one]
        return f"除了{'和'.join(gone)}都要" if all(map(is_name, gone)) else clean
    match = _TOO_HAN.match(clean)
    if match is not None and is_name(match["first"]) and is_name(match["more"]):
        return f"除了{match['first']}和{match['more']}都要"
    return clean
