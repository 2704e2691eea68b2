"""What a text says of all that is not the part it names: "whatever is no leg, throw it out".

Two things decide: whether everything or nothing is spoken of, and whether that is kept or dropped.
"Nothing may be missing but the head" is all but the head, "nothing but the head" the head.
"""

from __future__ import annotations

import re
from typing import Literal

_LIST = r"P\d+(?:(?: ,)?(?: (?:and|or|nor))? P\d+)*"
_BESIDE = re.compile(
    rf"\b(?:but(?: for)?|except(?:ing)?(?: for)?|apart from|aside from|besides?|other than"
    rf"|bar(?:ring)?"
    r"|save(?: for)?|beyond|outside|(?:is|are|was|'s) (?:not|no)(?: part of)?|(?:isn't|aren't"
    r"|not|no)"
    r"(?: part of| in)?|(?:(?:does|do) not|doesn't|don't) belong to|hasn't to do with)"
    rf" (?:in |of )?(?P<list>{_LIST})(?P<all> A\d+)?"
    rf"|(?P<before>{_LIST}) (?:(?:are|is|being) )?(?:excepted|aside)\b"
)
_ALL = re.compile(
    r"\b(?:A\d+|everything|anything|whatever(?: else)?|what|all|any|every|rest|others?|things|lot"
    r"|stuff|complete set|you(?:'ve)? (?:got|have|find))\b"
)
_NOTHING = re.compile(
    r"\b(?:nothing|none|(?:stay|be|left) (?:blank|empty)|(?:not (?:an?|one|any)|no|never a"
    r"|not) (?:other )?(?:single )?"
    r"(?:thing|joints?|points?|keypoints?|landmarks?|dots?|others?)|no other)\b"
)
_DROPPED = re.compile(
    r"\b(?:drop(?:ped)?|discard(?:ed)?|delet(?:e|ed)|remov(?:e|ed)|bin(?:ned)?|chuck(?:ed)?"
    r"|scrap(?:ped)?"
    r"|throw|thrown|toss(?:ed)?|trash(?:ed)?|ditch(?:ed)?|eras(?:e|ed)|missing|miss|spared?"
    r"|omit(?:ted)?"
    r"|omission|exclud(?:e|ed)|exclusion|skip(?:ped)?|lose|lost|lack(?:ing)?|absent"
    r"|strip(?:ped)?|cut|hide"
    r"|ignored?|forget|forgotten|(?:left|leave|leaving|take|taken|kept|stay|go|be|off) (?:[\w']+ )"
    r"{0,2}(?:out|off|away)|can go|may go|(?:do|does|did|would) not (?:want|need|care)|(?:don't"
    r"|wouldn't) (?:want|need|miss"
    r"|keep|show|mark|plot|include|care)|you can keep|not (?:needed|wanted|required)|unwanted|"
    r"no (?:use|interest|need)|let go|rid)\b"
)
_SPARED = re.compile(r"\b(?:don't|do not|never|without|not to|nor) $")
_ONLY = re.compile(
    rf"\b(?:only|sole(?:ly)?|one|just|alone)\b(?: [\w']+){{0,8}}? (?:(?:is|are|be|being"
    rf"|,) )*{_LIST}"
    rf"|{_LIST}(?: (?:is|are|being|will be))? (?:the )?(?:only|sole|one thing)\b"
    rf"|^joints? i don't .*{_LIST}"
)
_KNOWN = re.compile(
    r"\b(?:A\d+|P\d+|and|or|nor|is|are|was|be|been|being|may|might|should|shall|must|can|could"
    r"|to|has"
    r"|have|has|do|does|did|not|you|i|we|me|us|'m|there|there's|thing|things|joints?|points?"
    r"|keypoints?"
    r"|landmarks?|dots?|that|which|what|whatever|who|else|ones?|only|sole(?:ly)?|parts?|i've|for"
    r"|put|marks|over|blank|empty|excepted|just|all|every|any|anything"
    r"|everything|nothing|none|no|never|single|rest|others?|lot|stuff|it|them|these|those|in|of"
    r"|on|at"
    r"|from|as|for|the|this|picture|image|body|skeleton|keep|keeps|kept|keeping|want|wanted|need"
    r"|needed"
    r"|show|shown|mark|marked|plot|include|included|return|interests?|interest|interested|asking"
    r"|ask"
    r"|required|belongs?|part|got|find|found|see|you've|set|complete|full|whole|but|except|apart"
    r"|aside"
    r"|besides?|beyond|outside|lies|lying|i'm|will|would|don't|doesn't|isn't|aren't|care|other"
    r"|than|bar"
    r"|barring|save|do|done|left|leave|out|off|away|such|right|very|same|too)\b|[,.]"
)


def _joined(said: str) -> str:
    """All from the first part to the last."""
    places = [match.span() for match in re.finditer(r"P\d+", said)]
    return said[places[0][0] : places[-1][1]]


def spoken_of_others(said: str) -> tuple[Literal["only", "but"], list[str]] | None:
    """Whether the parts (by the names that `outline.py` gives them) alone are asked, or all but
    them; None where no such thing is said, or more than that.
    """
    beside = _BESIDE.search(said)
    alone = None if beside else _ONLY.search(said)
    names = re.findall(r"P\d+", said)
    if beside is None and alone is None and "nothing else" not in said:
        return None
    listed = re.findall(r"P\d+", ((beside["list"] or beside["before"]) if beside else said))
    if not names or listed != names:
        return None
    rest = said.replace(beside[0], " ") if beside else said
    dropped = _DROPPED.search(rest)
    if dropped is not None and _SPARED.search(rest, 0, dropped.start()):
        return None
    if _KNOWN.sub("", _DROPPED.sub("", rest)).strip():
        return None
    if beside is None:
        told = re.search(r"\bsole|nothing else", said) or not _ALL.search(rest)
        together = "," not in _joined(said)
        return ("but", names) if dropped and told and together else None
    if _NOTHING.search(rest):
        return ("but" if dropped else "only", names)
    if beside["all"] or _ALL.search(rest):
        return ("only" if dropped else "but", names)
    return None
