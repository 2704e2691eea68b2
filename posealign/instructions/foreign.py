"""Whether a text is in a language that nobody here reads.

The text graph knows the letters of every Latin word and hears a name of ours in many: "le bras
gauche" was a leg. So what is mostly foreign is refused before the graph is believed: scripts
beside Latin and Han, kana, words that are foreign (spelling/foreign.txt) or have letters that no
English word has. A name, a loan word or a term of anatomy in an English or Chinese wish stays far
below that.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from posealign.instructions.mend import spelling
from posealign.instructions.mend_han import FOLDER, HAN, sounds
from posealign.instructions.normalise import language_of
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.pinyin import from_pinyin

_LETTERS = r"[^\W\d_\u3041-\u30ff\u3400-\u9fff]+"  # but kana and Han
_WORD = re.compile(rf"{_LETTERS}(?:['’-]{_LETTERS})*")
_KANA = re.compile("[\u3041-\u306d\u306f-\u30ff]")  # not の, which Chinese people write for 的
_CHINESE = re.compile("[的请标给这那吗呢们把哪你您她它谁么啥]")  # no Japanese wish has these
_KANA_SHARE = 0.3  # of kana, Han and, twice each, other words
_MORE = 2  # times as many foreign words as known ones
_LEAST = 0.5  # share of all words that must be foreign


@lru_cache(maxsize=1024)
def is_foreign(clean: str) -> bool:
    """Of a normalised text whose slips are not yet mended."""
    words = _WORD.findall(clean)
    known, kana = len(HAN.findall(clean)), len(_KANA.findall(clean))
    if kana and kana >= _KANA_SHARE * (kana + known + 2 * len(words)):
        return not _CHINESE.search(clean) and "ja" not in LANGUAGES
    foreign = unknown = 0
    for word in words:
        if word in spelling().counts:
            known += word not in foreign_words()
        elif word in foreign_words():
            foreign += 1
        elif word in spelling().real or _plain(word) in syllables():
            known += 1
        elif word.isascii() or own_letters().issuperset(_accented(word)):
            unknown += 1
        else:
            foreign += 1
    if foreign <= _MORE * known or foreign < _LEAST * (foreign + unknown):
        return False
    spoken = from_pinyin(clean)  # "si" is Spanish, "si zhi" are the limbs
    return spoken == clean or is_foreign(spoken)


def language(clean: str) -> str:
    """en | zh | mixed by script; what nobody here reads is other."""
    return "other" if is_foreign(clean) else language_of(clean)


@cache
def foreign_words() -> frozenset[str]:
    """Of all languages but those that have a phrasebook."""
    rows = (FOLDER / "foreign.txt").read_text("utf-8").splitlines()
    lists = (row.partition(": ") for row in rows if row[:1] != "#")
    return frozenset(w for name, _, words in lists if name not in LANGUAGES for w in words.split())


@cache
def own_letters() -> frozenset[str]:
    """Letters beside a to z and Han in which a phrasebook writes parts and sides."""
    books = [phrasebook(name) for name in LANGUAGES]
    forms = [form for book in books for row in (book.parts, book.sides) for form in row.values()]
    return _accented("".join(text for form in forms for text in form).lower())


def _accented(text: str) -> frozenset[str]:
    return frozenset(x for x in text if x.isalpha() and not x.isascii() and not HAN.match(x))


@cache
def syllables() -> frozenset[str]:
    """Of pinyin, as people type it without tones."""
    return frozenset(sounds().heard.values())


def _plain(word: str) -> str:
    """Without the marks of tones and accents."""
    if word.isascii():
        return word
    return "".join(x for x in unicodedata.normalize("NFD", word) if not unicodedata.combining(x))
