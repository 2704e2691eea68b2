"""Numbers that say nothing of joints: a time, a date, a bed, a ticket. 17 is no skeleton there."""

from __future__ import annotations

import re

_MOMENT = re.compile(
    r"(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])(?:\s?[ap]\.?m\b\.?)?"
    r"|\b\d{1,2}\s?[ap]\.?m\b\.?"
    r"|\b(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b"
    r"|(?:\d{2,4}年)?\d{1,2}月\d{1,2}[日号]|\d{1,2}[点时]\d{1,2}分|\d{1,2}点半"
)
_COUNTED = re.compile(
    r"(?P<what>\b(?:room|bed|bay|cot|crib|incubator|ward|unit|bug|ticket|issue|task|case|patient|subject|participant|volunteer|"
    r"frame|clip|video|picture|image|photo|img|day|week|dol|no\.?|number)[\s#_-]{0,2}|#)\d+\b"
    r"|\d+(?=\s?(?:号床|床|号房|病房|号机|号病人|周龄|个月大|天大))"
    r"|\d+(?=\s?(?:weeks?|days?|months?|years?|weekers?|wks?)\b)"
)


def without_idle_numbers(text: str) -> str:
    """The text without moments, and with 1 for whatever is counted."""
    text = _COUNTED.sub(lambda match: f"{match['what'] or ''}1", text)
    return re.sub(r"\s{2,}", " ", _MOMENT.sub("", text)).strip()
