"""What asks for a part although it is hidden, as every wish does: "both knees, even if they're
under the sheet", "the legs are covered but please estimate them anyway", 双膝,就算盖着也要.

And what says that its side does not matter: "the arm on the left of the picture, whether it's his
left or right", 画面左边的手臂,不管其实是左手还是右手.
"""

from __future__ import annotations

import re

from posealign.instructions.naming import names_parts

_UNSEEN = (
    r"(?:under|beneath|behind|covered|hidden|occluded|out of (?:sight|view)|not visible|can't)"
)
_EVEN_IF = re.compile(
    r",? (?:even (?:if|though|when)|regardless of whether|no matter (?:if|whether)|whether or not"
    r"|although|though) (?:they|it|he|she|you|those|that)(?:'re|'s| are| is| can't| cannot"
    rf"| might be| may be)?(?: \w+)? {_UNSEEN}\b[^,;.]*"
)
_STILL = re.compile(
    rf"^(?P<wish>(?:the |his |her |its )?(?:both )?[a-z ]{{3,20}}?) (?:is|are) (?:\w+ )?{_UNSEEN}\b"
    r"[^,;.]*?[,;.]? (?:but|so) (?:please |can you |could you |just )*(?:still )?(?:estimate|guess"
    r"|include|mark|show|give(?: me)?|infer|label|predict|do|try) (?:them|it)\b[^,;.]*[\s.!?]*$"
)
_EVEN_HAN = re.compile(
    r"[,;]?(?:即使|就算|哪怕|即便|不管|甭管|无论)(?:[^,;。]*?)(?:遮|(?<!膝)盖|挡|藏|看不[见到清]|毯|被子)"
    r"[^,;。也都]*[,;]?(?:也|都|照样|仍|还是)*(?:要|标|算|给|画|估计|猜)?(?:出来|上)?(?=$|[,;。!])"
)
_HIS = r"(?:(?:his|her|its|the|a)(?: [a-z]+'s)?(?: own)? )?"
_EITHER = re.compile(
    r",? never mind whose (?:left|right)(?: it is| that is)?(?=\s*(?:[,.;!]|$))"
    r"|[,;(]? ?(?:no matter|regardless of|whether(?: or not)?|never mind|i don't care)"
    r"(?: if| whether| which)?(?: (?:it|that|this)(?:'s| is)?)?(?: actually| really| anatomically)*"
    rf" {_HIS}left(?: [a-z]+)? or {_HIS}right"
    r"(?: (?:arm|leg|hand|foot|one|side|limb))?\)?(?=\s*(?:[,;.!]|$))"
)
_EITHER_HAN = re.compile(
    r"[,;(]?(?:不用管|不必管|不管|不论|无论|甭管|别管)[^,;。左右]{0,6}左[^,;。左右]{0,3}(?:还是|或者?|和|跟)右[^,;。左右也都]{0,4}\)?"
    r"(?=$|[,;。!])"
)


def without_concessions(clean: str) -> str:
    """A normalised text less such words, where a part is named before them."""
    still = _STILL.match(clean)
    if still is not None and names_parts(still["wish"]):
        return still["wish"]
    for even in (_EVEN_IF, _EVEN_HAN, _EITHER, _EITHER_HAN):
        match = even.search(clean)
        if match is not None and names_parts(clean[: match.start()]):
            clean = clean[: match.start()] + clean[match.end() :]
    return clean
