"""The word lists of the spelling mender: which words are known, and what sounds alike.

    python -m training.spelling --english WORDS --chinese WORDS --sounds pinyin_dict.json

Run after the written corpus has changed. WORDS are dictionaries, one word a line, the most
frequent first; pinyin_dict.json is pypinyin's (code point → readings). Only the words that could
be taken for one of ours, or for a slip in one, are kept.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from posealign.instructions.mend import LATIN, LONG, less_letters
from posealign.instructions.mend_han import FOLDER, GRAMMAR, HAN, chinese_targets, single_names
from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import LANGUAGES, Phrasebook, phrasebook
from posealign.instructions.written import load

_STEMS = re.findall(
    r"\w+",
    "don didn doesn isn wasn aren weren haven hasn couldn wouldn shouldn mustn needn",
)
_MISTAKEN = frozenset({"脚裸"})  # in the dictionary, but nobody means it
FREQUENT = 20_000  # words at the head of the Chinese dictionary
OFTEN = 3  # a word written that often is a word


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--english", type=Path, required=True)
    parser.add_argument("--chinese", type=Path, required=True)
    parser.add_argument("--sounds", type=Path, required=True)
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    sounds = sounds_of(options.sounds)
    english(options.english.read_text("utf-8").split(), set(sounds.values()))
    chinese(options.chinese.read_text("utf-8").split(), sounds)


def texts(value: object) -> Iterator[str]:
    """Every text of a phrasebook, but not its misspellings."""
    if isinstance(value, str):
        yield normalise(value)
    elif isinstance(value, Phrasebook):
        for name in type(value).model_fields:
            if name not in ("noise", "guards", "language"):
                yield from texts(getattr(value, name))
        yield from (normalise(text) for text in value.noise.pinyin.values())
    elif hasattr(value, "items"):
        for entry in value.items():
            yield from texts(entry)
    elif isinstance(value, Iterable):
        for entry in value:
            yield from texts(entry)
    elif hasattr(value, "model_fields_set"):
        yield from texts({name: getattr(value, name) for name in value.model_fields_set})


def english(dictionary: list[str], syllables: set[str]) -> None:
    """`word count` for what may be meant, then bare words that are no slips."""
    written: Counter[str] = Counter()
    for line in load("train"):
        written.update(LATIN.findall(normalise(line.text)))
    booked: Counter[str] = Counter()
    for name in LANGUAGES:
        booked.update(word for text in texts(phrasebook(name)) for word in LATIN.findall(text))
    # Names are left out: most look like a slip in something. Stems of "didn't" are words.
    real = {word for word in dictionary if word.islower()} | set(_STEMS)
    counts = {
        word: written[word] + min(3, booked[word])
        for word in {*written, *booked}
        if (word in booked or written[word] >= OFTEN)
        and (word in real or word in booked or written[word] >= 3 * OFTEN)
    }
    near: dict[str, int] = {}
    for word, count in counts.items():
        for less in {word, *less_letters(word, 2 if len(word) >= LONG else 1)}:
            near[less] = max(near.get(less, 0), count)

    def nearest(word: str) -> int:
        most = 2 if len(word) >= LONG else 1
        return max(near.get(less, 0) for less in {word, *less_letters(word, most)})

    for word in [w for w, n in counts.items() if w not in real and w not in booked]:
        shorter = {word, *less_letters(word, 1)}
        others = {o for o in counts if o != word and abs(len(o) - len(word)) <= 1}
        if any(
            counts[o] >= 8 * counts[word] and shorter & {o, *less_letters(o, 1)} for o in others
        ):
            del counts[word]  # a slip that many people make
    jargon = {w for w, n in written.items() if n >= OFTEN and nearest(w) < 8 * n}
    rest = {
        word
        for word in {*real, *jargon, *syllables}
        if word.isascii() and word.isalpha() and 3 <= len(word) <= 14 and word not in counts
        if nearest(word)
    }
    rows = [f"{word} {count}" for word, count in sorted(counts.items(), key=lambda x: (-x[1], x))]
    head = (
        "# Words of the written corpus and the phrasebooks with their counts, then words of the\n"
        "# dictionary (SCOWL, see NOTICE) that are a slip away from one of them.\n"
    )
    body = "\n".join((*rows, *_lines(sorted(rest))))
    (FOLDER / "english.txt").write_text(head + body + "\n", "utf-8")


def sounds_of(path: Path) -> dict[str, str]:
    """Character → its first reading without tone; what many speakers do not part is one sound."""
    found: dict[str, str] = {}
    for code, readings in json.loads(path.read_text("utf-8")).items():
        first = unicodedata.normalize("NFD", readings.split(",")[0].replace("ü", "v"))
        plain = "".join(letter for letter in first if letter.isascii() and letter.isalpha())
        found[chr(int(code))] = re.sub(r"([ie])ng$", r"\1n", re.sub(r"^([zcs])h", r"\1", plain))
    return found


def chinese(dictionary: list[str], sounds: dict[str, str]) -> None:
    """sounds.txt: `sound characters`; chinese.txt: words that a slip could be mistaken for."""
    targets = chinese_targets()
    heard = {sounds[c] for word in targets for c in word if c in sounds}
    common = {c for word in dictionary for c in word if HAN.fullmatch(c)}
    common |= {c for line in load("train") for c in normalise(line.text) if HAN.fullmatch(c)}
    rows: dict[str, list[str]] = {}
    for character in sorted(common):
        if sounds.get(character) in heard:
            rows.setdefault(sounds[character], []).append(character)
    lines = [f"{sound} {''.join(rows[sound])}" for sound in sorted(rows)]
    (FOLDER / "sounds.txt").write_text(
        "# Characters that sound alike (pypinyin's table, MIT; zh=z, ing=in).\n"
        + "\n".join(lines)
        + "\n",
        "utf-8",
    )
    alike = {c for row in rows.values() for c in row}
    pairs: Counter[str] = Counter()
    for line in load("train"):
        clean = normalise(line.text)
        pairs.update(a + b for a, b in pairwise(clean) if HAN.fullmatch(a) and HAN.fullmatch(b))
    often = set(dictionary[:FREQUENT])
    taken = {c for row in phrasebook("zh").noise.replace.values() for wrong in row for c in wrong}
    words = {word for word in often if len(word) == 2 and alike & set(word)}
    words |= {word for word in dictionary if len(word) == 2 and taken & set(word)}
    words |= {word for word in often if 3 <= len(word) <= 4 and set(word) <= alike}
    best: Counter[tuple[str, ...]] = Counter()  # how often what sounds so is written at most
    for pair, count in pairs.items():
        best[_heard(pair, sounds)] = max(best[_heard(pair, sounds)], count)
    words |= {
        pair
        for pair, count in pairs.items()
        if count >= 4 and alike & set(pair) and 8 * count > best[_heard(pair, sounds)]
    }
    said = {text for name in LANGUAGES for text in texts(phrasebook(name))}
    words |= {a + b for text in said for a, b in pairwise(text) if alike & {a, b} and HAN.search(a)}
    words = {word for word in words if all(HAN.fullmatch(c) for c in word)}
    words |= _alone(words | targets)
    words -= targets | GRAMMAR | _MISTAKEN
    (FOLDER / "chinese.txt").write_text(
        "# Words with a character that sounds like one of ours (jieba's list, MIT; the corpus).\n"
        + "\n".join(_lines(sorted(words)))
        + "\n",
        "utf-8",
    )


def _heard(word: str, sounds: dict[str, str]) -> tuple[str, ...]:
    return tuple(sounds.get(character, character) for character in word)


def _alone(words: frozenset[str] | set[str]) -> set[str]:
    """Characters written for those of a part that do stand alone in the corpus."""
    taken = {
        character: name
        for name, wrong in phrasebook("zh").noise.replace.items()
        if name in single_names()
        for character in wrong
    }
    found: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for line in load("train"):
        clean = f" {normalise(line.text)} "
        every.update(clean)
        for at in range(1, len(clean) - 1):
            if words.isdisjoint({clean[at - 1 : at + 1], clean[at : at + 2]}):
                found[clean[at]] += 1
    least = {c: max(OFTEN, 0.04 * every[name]) for c, name in taken.items()}
    return {character for character in taken if found[character] >= least[character]}


def _lines(words: list[str], width: int = 100) -> Iterator[str]:
    row = ""
    for word in words:
        if len(row) + len(word) >= width:
            yield row
            row = ""
        row = f"{row} {word}" if row else word
    yield row


if __name__ == "__main__":
    main()
