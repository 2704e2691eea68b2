"""What is named only to set the wish against it: "I meant the forearm, not the whole arm".

It is put away: nothing that was asked for goes with it. So is what a text takes away that it has
left out before ("everything except the head, I don't need that"), or that nobody asked for ("arms
and legs, leave the head alone"); what it takes back of a list goes as an exception.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import HALVES, bind, on_side
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.keyword_patterns import LINKED
from posealign.instructions.query import Part, Scope
from posealign.instructions.sets import meant
from posealign.instructions.sides import OTHER, called

_LIMBS = (Part("arm"), Part("leg"), Part("limbs"))
_NOT_THAT = re.compile(
    r",? (?:and |but |rather than |as opposed to |instead of )?(?<!or )(?:not|rather than"
    r"|instead of)"
    r" (?:the |his |her |its |my )?(?P<all>whole |entire |full )?"
    r"(?P<own>(?:child|baby|patient|person|infant)'s (?:own )?)?(?P<gone>[^,;.:]+?)[\s.!]*$"
)
_NOT_THAT_HAN = re.compile(
    r",(?:而|可|并)?(?:不是|并非|不要|非)(?P<all>整[个条只])?(?P<gone>[^,;。]{1,8}?)[。!]*$"
)
_MEANT = re.compile(
    r"^(?:(?:no|sorry|wait|oh|sorry,? no)[,.]? )*(?:i (?:meant|mean|said|was asking (?:for|about)"
    r"|asked (?:for|about)|was after|am after)|i'm after) "
)
_MEANT_HAN = re.compile(r"^(?:不是?,)?(?:我)?(?:说|指|问|要)的?(?:是|就是)(?=.)")
_NOT_ONE = re.compile(
    r"(?:^|[.;!?,] )(?:no,? )?not (?:the |his |her )?(?P<side>left|right) (?P<part>[a-z]+(?: arm"
    r"| leg)?)"
    r"[,;:.–—-]+ ?(?:but |rather )?(?:the |his |her )?(?P<other>left|right)(?: one)?[\s.!]*$"
)
_NOT_OWN = re.compile(
    r",? (?:and |so )?not (?:the |his |her )?(?:(?:child|baby|patient|person|infant)'s "
    r"|its )?(?:own )?"
    r"(?:left|right)(?: side| one)?[\s.!]*$"
)
_SEEN = re.compile(r"\b(?:picture|image|photo|frame|screen|shot|as (?:i|we|you) (?:look|see))\b")
_HALF_HAN = re.compile(
    r"(?P<half>(?P<side>[左右])半[边身侧](?:身[子体])?),(?:而|可)?不(?:是|要|标)(?!(?P=side))[左右]半[边身侧]"
    r"(?:身[子体])?"
)
_AGAIN = re.compile(
    r"(?P<kept>\b(?:except|but|without|minus|bar|not) [^,;.]+)[,;.] (?:i|we) (?:don't|do not|won't"
    r"|needn't) (?:need|want|care about|use)(?: to see)? (?:that|it|those|them)(?: one"
    r"| bit)?[\s.!]*$"
)
_REST_OF = re.compile(
    r"^(?:please )?(?:leave|skip|drop|ignore) (?P<gone>[^,;.]+?)(?: out| off)?,? and (?:just "
    r"|then )*(?:give me"
    r"|mark|show(?: me)?|keep|take|i want|i need) the rest of (?P<whole>[^,;.]+?)[\s.!]*$"
)
_REST_OF_HAN = re.compile(
    r"^(?P<whole>[^,;。]{1,8}?)除了(?P<gone>[^,;。]{1,8}?)(?:以外|之外|外)?,?(?:其余|其他|其它|剩下|别的)的?"
    r"(?:我|点|关节|部位)*(?:都|全)*(?:要|标|给我|留)*[。!]*$"
)
_SKIPPED_OF_HAN = re.compile(
    r"^(?P<gone>[^,;。]{1,6}?)(?:就|都)?(?:跳过|不要|不标|别标|去掉|算了|不用),(?P<whole>[^,;。]{1,6}?)(?:上|里|的)?"
    r"(?:别的|其他|其它|其余|剩下)的?(?:点|关节|部位)*(?:都|全)*(?:留着?|要|标)[。!]*$"
)
_NOT_BUT_HAN = re.compile(
    r"^(?P<gone>[^,;。]{1,8}?)(?:我们?)?(?:都|也|就)?(?:不(?:用|要|关心|管|看|需要)|用不着)[了]?[,;。](?:所以)?(?:我们?)?"
    r"只?(?:要|标|看|需要)(?P<whole>[^,;。]{1,12}?)[。!]*$"
)
_NOT_BUT = re.compile(
    r"^(?:please )?(?:leave|skip|ignore|forget|drop) (?P<gone>[^,;.]+?)(?: out"
    r"| alone)?,? and (?:just|only) "
    r"(?:give me|mark|show(?: me)?|take|do) (?P<whole>[^,;.]+?)[\s.!]*$"
)
_ALL_THE_REST = re.compile(
    r"^(?:i(?:'d| would) rather not (?:have|see) (?:any(?:thing| points?| dots?)?|points|dots) "
    r"(?:on|of|for|in)|(?:nothing|no (?:points|dots)) (?:on|for|in)"
    r"|[^,;.]*(?:won't|can't|cannot|not allowed|don't|doesn't)[^,;.]* anything (?:of|on"
    r"|from)) (?P<gone>[^,;.]+?)[,;.] "
    r"(?:but )?(?:all (?:of )?)?(?:the )?(?:rest|others?|other (?:points|joints|parts)"
    r"|everything else)\b[^,;.]*[\s.!]*$"
)
_BACK = re.compile(
    r"\s*[,;.…–—-]+\s*(?:(?:and|but|so|please|you can|just|actually|no|wait|oh|hmm),? )*"
    r"(?:scratch|cancel|scrap|ditch|lose|strike|nix|forget|ignore|skip|drop|never mind|no need for"
    r"|don't (?:need|want|bother with|show|mark|include)|(?P<leave>leave)|not|no"
    r"|without)(?: about)?"
    r" (?P<gone>[^,;.:]+?)(?(leave) (?:alone|out|off|be))(?: please)?[\s.!]*$"
)
_BACK_HAN = re.compile(
    r"[,;。](?:只是|就是|不过|但是?)?(?P<gone>[^,;。]{1,10}?)(?:就|都|也|则|统统)*"
    r"(?:(?:不用|不必|不|别|甭)(?:去)?(?:管|理|操心)|跳过|略过|免了|算了)(?:它们?)?(?:了|吧)*"
    r"(?:[,;。](?P<why>[^,;。]*))?[。!]*$"
)
_WHOLE_HAN = r"(?:全部|全身|整个人|所有(?:的)?(?:关节点?|点|关键点)?|(?:全|都)?[都全]?要|都标|全标)"
_GONE_HAN = r"(?:都|也|再|就)?(?:不要|别要|别标|不标|不用标?|去掉|除去|没有|不算)"
_CHAIN_HAN = re.compile(
    rf"^(?:请|给我|帮我)?{_WHOLE_HAN}[,;。](?P<some>(?:{_GONE_HAN}[^,;。]{{1,6}}[,;。!]*){{2,}})$"
)
_TOO_HAN = re.compile(
    rf"^除了(?P<first>[^,;。]{{1,8}}?)(?:以?外)?,?都要[,;。](?:哦|噢|对了|还有|另外|再|然后|,)*"
    rf"(?P<more>[^,;。]{{1,8}}?)也?{_GONE_HAN}[。!]*$"
)
_BETWEEN = re.compile(
    r"(?:\s|[,、/&+_]|\b(?:the|his|her|its|their|and|or|nor|both|any|baby's|s)\b|[和与跟及或的侧边])*"
)
_LEAVES = re.compile(  # it takes away more, or tells what is seen: others read that
    r"\b(?:not?|without|except|lose|forget|skip|ignore|drop|leave|minus|less)\b|n't| to |[–→~]"
    r"|[除不别没挡遮见到至]|[左右]半|\bhalf\b"
)
_WANTS_HAN = re.compile("[要标看画只取给]")


def uncontrasted(clean: str) -> str:
    """A normalised text less what is named in contrast."""
    if not clean.isascii():
        clean = _REST_OF_HAN.sub(_less, _SKIPPED_OF_HAN.sub(_less, clean))
        clean = _NOT_BUT_HAN.sub(_instead, clean)
        clean = _chained(_HALF_HAN.sub(r"\g<half>", clean))
        clean = _not_that(clean, _NOT_THAT_HAN, _MEANT_HAN)
        return _taken_back(clean, _BACK_HAN, ",不要")
    if "not " in clean:
        clean = _NOT_ONE.sub(_the_other, clean)
        own = _NOT_OWN.search(clean)
        if own is not None and _SEEN.search(clean[: own.start()]):
            clean = clean[: own.start()]
    if "not " in clean or " than " in clean or "instead" in clean:
        clean = _not_that(clean, _NOT_THAT, _MEANT)
    clean = _NOT_BUT.sub(_instead, _REST_OF.sub(_less, clean))
    clean = _AGAIN.sub(r"\g<kept>", clean)
    rest = _ALL_THE_REST.match(clean)
    if rest is not None and _is_named(rest["gone"]):
        return f"everything except {rest['gone']}"
    return _taken_back(clean, _BACK, " without ")


def _not_that(clean: str, contrast: re.Pattern[str], lead: re.Pattern[str]) -> str:
    match = contrast.search(clean)
    if match is None or not _is_named(match["gone"]):
        return clean
    wish, gone = clean[: match.start()], match["gone"]
    wanted, others = _scopes(wish), _scopes(gone)
    if not wanted or len(others) != 1 or _LEAVES.search(lead.sub("", wish)):
        return clean
    wanted = wanted[-1:]
    if match.groupdict().get("own") and _SEEN.search(wish):
        return wish
    told = lead.match(wish)
    if told is None and not match["all"] and not _is_other_half(wanted[0], others[0]):
        return clean
    inside = meant(wanted[0]) < meant(others[0])
    apart = not meant(wanted[0]) & meant(others[0])
    if not (inside or apart or told or _is_other_half(wanted[0], others[0])):
        return clean
    if meant(others[0]) < meant(wanted[0]):
        return clean  # "I meant the leg, not the foot" may leave it out
    return wish[told.end() :] if told else wish


def _is_other_half(one: Scope, other: Scope) -> bool:
    """Whether these are the left and the right of the same."""
    if not isinstance(one, Part) or not isinstance(other, Part):
        return False
    if {one.name, other.name} <= {"left_side", "right_side"}:
        return one != other
    return one.name == other.name and one.side is not None and OTHER[one.side] == other.side


def _the_other(match: re.Match[str]) -> str:
    before = [one.name for one in _scopes(match.string[: match.start()]) if isinstance(one, Part)]
    again = any(isinstance(one, Part) and one.name in before for one in _scopes(match["part"]))
    if match["side"] == match["other"] or not _is_named(match["part"]) or again:
        return match[0]
    return f"{'. ' if match[0][:1] in '.;!?,' else ''}the {match['other']} {match['part']}"


def _less(match: re.Match[str]) -> str:
    """ "Leave the ears out and give me the rest of the head" → the head without the ears."""
    if not (_is_named(match["whole"]) and _is_named(match["gone"])):
        return match[0]
    less = " without " if match[0].isascii() else ",不要"
    return f"{match['whole']}{less}{match['gone']}"


def _instead(match: re.Match[str]) -> str:
    """ "Leave the limbs and just give me the torso": nothing of the torso goes."""
    gone, asked = _scopes(match["gone"]), _scopes(match["whole"])
    if not (gone and asked and _is_named(match["gone"]) and _is_named(match["whole"])):
        return match[0]
    apart = all(_is_apart(one, whole) or _is_apart(whole, one) for one in gone for whole in asked)
    sides = {one.side for one in gone if isinstance(one, Part)} - {None}
    if len(gone) == len(asked) == len(sides) == 1 and meant(asked[0]) & meant(gone[0]):
        one = on_side(asked[0], sides.pop())  # 整条左臂用不着,只要肘部就行
        inside = isinstance(one, Part) and one.side and meant(one) < meant(gone[0])
        han = not match[0].isascii()
        return (
            called(one.name, one.side, "zh")
            if isinstance(one, Part) and inside and han
            else match[0]
        )
    return match["whole"] if apart else match[0]


def _taken_back(clean: str, pattern: re.Pattern[str], less: str) -> str:
    """ "Arms and legs, scratch the legs": of a list a piece goes, and nothing else."""
    match = pattern.search(clean)
    if match is None or not _is_named(match["gone"]):
        return clean
    why = match.groupdict().get("why")
    if why and (found_in(why) or _WANTS_HAN.search(why)):
        return clean
    before = clean[: match.start()]
    asked, gone = _scopes(before), _scopes(match["gone"])
    if (
        not asked
        or any(one == Part("all") or one in HALVES for one in asked)
        or _LEAVES.search(before)
        or LINKED.search(before)
    ):
        return clean
    if all(_is_apart(one, whole) for one in gone for whole in asked):
        return before
    inside = all(any(meant(one) <= meant(whole) for whole in asked) for one in gone)
    kept = [one for one in asked if not any(meant(one) <= meant(less) for less in gone)]
    return f"{before}{less}{match['gone']}" if inside and kept else clean


def _chained(clean: str) -> str:
    """全部,不要手,不要脚 → 除了手和脚都要."""
    match = _CHAIN_HAN.match(clean)
    if match is not None:
        gone = [one for one in re.split(rf"[,;。!]|{_GONE_HAN}", match["some"]) if one]
        return f"除了{'和'.join(gone)}都要" if all(map(_is_named, gone)) else clean
    match = _TOO_HAN.match(clean)
    if match is not None and _is_named(match["first"]) and _is_named(match["more"]):
        return f"除了{match['first']}和{match['more']}都要"
    return clean


def _is_apart(one: Scope, whole: Scope) -> bool:
    """Whether these share nothing but the corners of the trunk."""
    return not meant(one) & meant(whole) or (whole in _LIMBS and one == Part("torso"))


def _scopes(text: str) -> list[Scope]:
    return [one for one in bind(found_in(text), text) if one is not None]


def _is_named(text: str) -> bool:
    """Whether the text names parts and says nothing else."""
    return (
        any(one.scope for one in found_in(text)) and _BETWEEN.fullmatch(unnamed(text)) is not None
    )
