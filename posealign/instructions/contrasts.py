"""What is named only to set the wish against it: "I meant the forearm, not the whole arm".

It is put away: nothing that was asked for goes with it. So goes what a text takes away that nobody
asked for ("arms and legs, leave the head alone"); what it takes back of a list is an exception.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import HALVES
from posealign.instructions.found import found_in
from posealign.instructions.keyword_patterns import LINKED
from posealign.instructions.naming import is_apart, is_name, scopes_in
from posealign.instructions.query import Part, Scope
from posealign.instructions.sets import meant
from posealign.instructions.sides import OTHER

_OWN = r"(?:child|baby|patient|person|infant)'s (?:own )?"
_NOT_THAT = re.compile(
    r",? (?:and |but )?(?<!or )(?:not|rather than|instead of) (?:the |his |her |its |my )?"
    rf"(?P<all>whole |entire |full )?(?P<own>{_OWN})?(?P<gone>[^,;.:]+?)[\s.!]*$"
)
_NOT_THAT_HAN = re.compile(
    r",[而可并]?(?:不是|并非|不要|非)(?P<all>整[个条只])?(?P<gone>[^,;。]{1,8}?)[。!]*$"
)
_MEANT = re.compile(
    r"^(?:(?:no|sorry|wait|oh|sorry,? no)[,.]? )*(?:i (?:meant|mean|said|was asking (?:for|about)"
    r"|asked (?:for|about)|was after|am after)|i'm after) "
)
_MEANT_HAN = re.compile(r"^(?:不是?,)?我?(?:说|指|问|要)的?(?:是|就是)(?=.)")
_NOT_ONE = re.compile(
    r"(?:^|[.;!?,] )(?:no,? )?not (?:the |his |her )?(?P<side>left|right)"
    r" (?P<part>[a-z]+(?: arm| leg)?)[,;:.–—-]+ ?(?:but |rather )?(?:the |his |her )?"
    r"(?P<other>left|right)(?: one)?[\s.!]*$"
)
_NOT_OWN = re.compile(
    rf",? (?:and |so )?not (?:the |his |her )?(?:{_OWN}|its )?(?:own )?(?:left|right)"
    r"(?: side| one)?[\s.!]*$"
)
_NOT_OWN_HAN = re.compile(
    r"[,;(](?:而)?(?:并)?不(?:是|指|算)(?:她|他|它|宝宝|孩子|婴儿|患儿|本人)(?:自己|本人|自身)?的?(?:身体的?)?"
    r"[左右](?:边|侧)?[^,;。]{0,3}\)?(?=$|[,;。!])"
)
_SEEN_HAN = re.compile("画面|照片|图片?|屏幕|镜头|看过去|我看")
_SEEN = re.compile(r"\b(?:picture|image|photo|frame|screen|shot|as (?:i|we|you) (?:look|see))\b")
_HALF = r"[左右]半[边身侧](?:身[子体])?"
_HALF_HAN = re.compile(
    rf"(?P<half>(?P<side>[左右])半[边身侧](?:身[子体])?),[而可]?不[是要标](?!(?P=side)){_HALF}"
)
_BACK = re.compile(
    r"\s*[,;.…–—-]+\s*(?:(?:and|but|so|please|you can|just|actually|no|wait|oh|hmm),? )*"
    r"(?:scratch|cancel|scrap|ditch|lose|strike|nix|forget|ignore|skip|drop|never mind|no need for"
    r"|don't (?:need|want|bother with|show|mark|include)|(?P<leave>leave)|not|no|without)"
    r"(?: about)? (?P<gone>[^,;.:]+?)(?(leave) (?:alone|out|off|be))"
    r"(?: please|,? (?:for now|for the moment|this time|today))*[\s.!]*$"
)
_BACK_HAN = re.compile(
    r"[,;。](?:只是|就是|不过|但是?)?(?P<gone>[^,;。]{1,10}?)(?:就|都|也|则|统统|先|暂时)*"
    r"(?:(?:不用|不必|不|别|甭)去?(?:管|理|操心)|跳过|略过|免了|算了)(?:它们?)?[了吧]*"
    r"(?:[,;。](?P<why>[^,;。]*))?[。!]*$"
)
_LEAVES = re.compile(  # it takes away more, or tells what is seen: others read that
    r"\b(?:not?|without|except|lose|forget|skip|ignore|drop|leave|minus|less)\b|n't| to |[–→~]"
    r"|[除不别没挡遮见到至]|[左右]半|(?:left|right) half"
)
_WANTS_HAN = re.compile("[要标看画只取给]")


def uncontrasted(clean: str) -> str:
    """A normalised text less what is named in contrast."""
    if not clean.isascii():
        clean = _less_own(clean, _NOT_OWN_HAN, _SEEN_HAN)
        clean = _not_that(_HALF_HAN.sub(r"\g<half>", clean), _NOT_THAT_HAN, _MEANT_HAN)
        return _taken_back(clean, _BACK_HAN, ",不要")
    if "not " in clean:
        clean = _NOT_ONE.sub(_the_other, clean)
        clean = _less_own(clean, _NOT_OWN, _SEEN)
    if "not " in clean or " than " in clean or "instead" in clean:
        clean = _not_that(clean, _NOT_THAT, _MEANT)
    return _taken_back(clean, _BACK, " without ")


def _less_own(clean: str, own: re.Pattern[str], seen: re.Pattern[str]) -> str:
    """ "On the left of the photo, not her own left": the picture's side was told."""
    match = own.search(clean)
    if match is None or not seen.search(clean[: match.start()]):
        return clean
    return clean[: match.start()] + clean[match.end() :]


def _not_that(clean: str, contrast: re.Pattern[str], lead: re.Pattern[str]) -> str:
    match = contrast.search(clean)
    if match is None or not is_name(match["gone"]):
        return clean
    wish = clean[: match.start()]
    wanted, others = scopes_in(wish), scopes_in(match["gone"])
    if not wanted or len(others) != 1 or _LEAVES.search(lead.sub("", wish)):
        return clean
    if match.groupdict().get("own") and _SEEN.search(wish):
        return wish
    one, other = wanted[-1], others[0]
    halves, told = _are_halves(one, other), lead.match(wish)
    if told is None and not match["all"] and not halves:
        return clean
    if not (halves or told or meant(one) < meant(other) or not meant(one) & meant(other)):
        return clean
    if meant(other) < meant(one):
        return clean  # "I meant the leg, not the foot" may leave it out
    return wish[told.end() :] if told else wish


def _are_halves(one: Scope, other: Scope) -> bool:
    """Whether these are the left and the right of the same."""
    if not isinstance(one, Part) or not isinstance(other, Part):
        return False
    if one in HALVES and other in HALVES:
        return one != other
    return one.name == other.name and one.side is not None and OTHER[one.side] == other.side


def _the_other(match: re.Match[str]) -> str:
    """ "Not his left arm, his right" → the right arm; of a list that names it others know more."""
    before = [one.name for one in scopes_in(match.string[: match.start()]) if isinstance(one, Part)]
    again = any(isinstance(one, Part) and one.name in before for one in scopes_in(match["part"]))
    if match["side"] == match["other"] or not is_name(match["part"]) or again:
        return match[0]
    return f"{'. ' if match[0][:1] in '.;!?,' else ''}the {match['other']} {match['part']}"


def _taken_back(clean: str, pattern: re.Pattern[str], less: str) -> str:
    """ "Arms and legs, scratch the legs": of a list a piece goes, and nothing else."""
    match = pattern.search(clean)
    if match is None or not is_name(match["gone"]):
        return clean
    why, before = match.groupdict().get("why"), clean[: match.start()]
    if why and (found_in(why) or _WANTS_HAN.search(why)):
        return clean
    asked, gone = scopes_in(before), scopes_in(match["gone"])
    wholes = any(one == Part("all") or one in HALVES for one in asked)
    if not asked or wholes or _LEAVES.search(before) or LINKED.search(before):
        return clean
    if all(is_apart(one, whole) for one in gone for whole in asked):
        return before
    inside = all(any(meant(one) <= meant(whole) for whole in asked) for one in gone)
    kept = [one for one in asked if not any(meant(one) <= meant(less) for less in gone)]
    return f"{before}{less}{match['gone']}" if inside and kept else clean
