"""Left and right: which is the other, and what a part on a side is called."""

from __future__ import annotations

from posealign.instructions.parts import PAIRED
from posealign.instructions.phrases import phrasebook

OTHER = {"left": "right", "right": "left"}
SIDES_HAN = {"left": "左", "right": "右"}
SIDE_OF = {"left": "left", "right": "right", "左": "left", "右": "right"}  # by the word for it
AND = {"en": " and ", "zh": "和"}


def called(part: str, side: str | None, language: str) -> str:
    """The usual words: "left knee", 左膝; of both "knees", 双膝; of what has no sides "nose"."""
    one, many = phrasebook(language).forms(part)[0]
    if part not in PAIRED:
        return one
    if language == "zh":
        return f"{SIDES_HAN[side] if side else '双'}{one}"
    return f"{side} {one}" if side else many
