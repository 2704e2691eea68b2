"""How programs write it: "LShoulder, RHip", "+left_arm -left_wrist", "a && !b", "ignore: feet",
"where part in (elbow, wrist)", "kpts".

Such signs become the words that they stand for.
"""

from __future__ import annotations

import re

from posealign.instructions.naming import names_parts

_JOINTS = {"sho": "shoulder", "elb": "elbow", "wri": "wrist", "ank": "ankle"}
_CAMEL = re.compile(  # no ear: "rear" is a word
    r"\b(?P<side>[lr])(?P<part>shoulder|elbow|wrist|hip|knee|ankle|eye|arm|leg|foot|hand|sho|elb"
    r"|wri|ank)s?\b"
)
_SIGNED = re.compile(r"\s*(?:[+-]\s?[a-z_]+[\s,]*)+")
_TERM = re.compile(r"(?P<sign>[+-])\s?(?P<name>[a-z_]+)")
_NOT = re.compile(r"[\s,;]*(?:&&?|\band\b)?\s*(?<![a-z0-9!])!(?=[a-z])")
_NOT_HAN = re.compile(r"(?:^|[\s,;(]*(?:&&?|且)\s*|(?<=[\s,;(]))!(?=[\u3400-\u9fff])")
_KEYED = re.compile(
    r"(?P<lead>^|\s*[;,/]\s*)(?:ignore|exclude|skip|omit|drop|hide|blacklist|忽略|排除|剔除|去掉|不要|跳过|黑名单)"
    r"(?: ?list|列表)?\s*[:=]\s*(?P<row>[^:=;/]+)(?![^:=]*[:=])"
)
_FLAG = re.compile(
    r"(?:\b(?:with|where|whose) )?(?<![a-z])v\s*(?P<is>[<=>]{1,2})\s*(?P<flag>[12])(?!\.?\d)"
)
_FLAGS = {("<", "2"): "hidden", ("=", "1"): "hidden", ("=", "2"): "visible", (">", "1"): "visible"}
_WHERE = re.compile(
    r"\bwhere (?:the )?(?:part|name|joint|keypoint|label)s? (?:in|is|are"
    r"|=+)\s*[(\[]?(?P<row>[^()\[\]]+)"
    r"[)\]]?(?=\s*$)"
)
_SUBJECT = re.compile(
    r"\"?\bsubject\"?\s*[:=]\s*\"?(?P<who>largest|leftmost|rightmost|infant|adult)\b\"?"
)
_PEOPLE = {
    "largest": "the largest person", "leftmost": "the leftmost person",
    "rightmost": "the rightmost person", "infant": "only the infant", "adult": "only the adult",
}  # fmt: skip
_HYPHEN = re.compile(r"\b(?P<which>upper|lower)-(?=(?:limb|extremit)[a-z]*\b)")
_KPTS = re.compile(r"\bkpts\b")
_SHORT = re.compile(r"\b(?:contralat\b\.?|ipsilat\b\.?)")


def in_words(text: str) -> str:
    """A normalised text with such signs in words."""
    text = _CAMEL.sub(_sided, text)
    if "er-" in text:
        text = _HYPHEN.sub(r"\g<which> ", text)
    text = _SHORT.sub(lambda match: f"{match[0].rstrip('.')}eral", _KPTS.sub("keypoints", text))
    if _SIGNED.fullmatch(text):
        text = _sum(text)
    if "!" in text:
        text = _NOT.sub(" without ", _NOT_HAN.sub(",不要", text)).replace("&&", ",").lstrip(",")
    if ":" in text or "=" in text:
        text = _KEYED.sub(_denied, text)
    if " where " in text:
        text = _WHERE.sub(r"\g<row>", text)
    text = _FLAG.sub(_flagged, text)
    return _SUBJECT.sub(lambda match: _PEOPLE[match["who"]], text) if "subject" in text else text


def _sided(match: re.Match[str]) -> str:
    part = _JOINTS.get(match["part"], match["part"])
    return f"{'left' if match['side'] == 'l' else 'right'} {part}"


def _denied(match: re.Match[str]) -> str:
    """ "Ignore: feet" → "ignore feet", behind a wish "without feet"."""
    han, row = not match[0].isascii(), match["row"].strip("[]\"' ")
    if not names_parts(row) or "的" in row:
        return match[0]
    if han:
        return f"{',不要' if match['lead'] else '忽略'}{row.replace(', ', '、')}"
    return f"{' without' if match['lead'] else 'ignore'} {row.replace(', ', ' and ')}"


def _flagged(match: re.Match[str]) -> str:
    """COCO's flags: 2 is visible, 1 labelled but hidden."""
    return _FLAGS.get((match["is"].replace(">=", "=")[0], match["flag"]), match[0])


def _sum(text: str) -> str:
    """ "+left_arm -left_wrist" → "left_arm without left_wrist"; as it is where nothing is added."""
    terms = [(match["sign"], match["name"]) for match in _TERM.finditer(text)]
    added = [name for sign, name in terms if sign == "+"]
    gone = [name for sign, name in terms if sign == "-"]
    if not added:
        return text
    return " and ".join(added) + (f" without {' and '.join(gone)}" if gone else "")
