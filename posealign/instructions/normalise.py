"""One clean form for every text before tokens are made: what cannot be seen must not matter."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

# Zero-width, bidirectional and other format characters, and variation selectors of emoji.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")


@cache
def simplified() -> dict[int, str]:
    """Traditional → simplified, character by character, as a table for str.translate."""
    text = files(__package__).joinpath("phrasebook/characters.txt").read_text("utf-8")
    pairs = [pair for line in text.splitlines() if line[:1] != "#" for pair in line.split()]
    return {ord(pair[0]): pair[1] for pair in pairs}


@cache
def traditional() -> dict[int, str]:
    """Simplified → one traditional form; for noise and tests, not for typesetting."""
    table: dict[int, str] = {}
    for source, target in simplified().items():
        table.setdefault(ord(target), chr(source))
    return table


@lru_cache(maxsize=1024)  # tokens, hints and names each ask for it
def normalise(text: str) -> str:
    """NFKC, no invisible or control characters, one kind of space, lower case, simplified."""
    if text.isascii() and text.isprintable():
        return _SPACE.sub(" ", text).strip().lower()
    clean = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    clean = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") else character
        for character in clean
    )
    return _SPACE.sub(" ", clean).strip().lower().translate(simplified())


_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[a-z]{2,}", re.IGNORECASE)


def language_of(text: str) -> str:
    """en | zh | mixed | other, by script: a stray "3D" or "COCO" leaves Chinese Chinese."""
    words = re.sub(r"\b(3d|2d|xyz|coco|gma|smil|halpe|lsp|openpose)\b", "", text.lower())
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(words))
    if han and latin:
        return "mixed"
    if han:
        return "zh"
    return "en" if _LATIN.search(text) or re.search("[a-z]", text, re.IGNORECASE) else "other"
