"""Slips in Chinese: characters that sound or look like a part's name and make no word become it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from posealign.instructions.keyword_patterns import COMPOUNDS
from posealign.instructions.names import is_named
from posealign.instructions.phrases import LANGUAGES, phrasebook

FOLDER = Path(__file__).with_name("spelling")
HAN = re.compile("[\u3400-\u9fff]")
_LONGEST_TARGET = 5  # characters
# Words beside the parts that a Chinese wish hangs on.
GRAMMAR = frozenset(
    re.findall(
        r"\w+",
        "左右 除了 以外 之外 除外 不要 去掉 不包括 可见 看得见 看不见 遮挡 遮住 被遮挡 挡住 三维 "
        "深度 关节 关键点 坐标 左边 右边 左侧 右侧 画面 全身 骨架 姿态 标出 镜头 被子 毯子 抬起 "
        "弯曲 伸直",
    )
)
# Nobody types these by mistake for another.
KEPT = frozenset("由和跟与及咗嘅喺唔啲冇佢哋畀一二三四五六七八九十指趾手脚足角尖去改省")
_HAD = re.compile("有[^,;。]{1,8}就(?:足?够|行|好|可以)|(?<=望)有")
_SMALL = frozenset("的得地和跟与是把")
# Words of ours that no list of words has, and that hold what is often written for a part.
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "口周 嘴周 眼周 鼻周 脐周 个轴 三轴 各轴 轴向 轴线 坐标轴 长轴 中轴 独坐 "
        "有条 有只 有个 有双 我做 在做 走的 走管 有肩 想量 要量 腿长 臂长 "
        "髋角 膝角 肘角 肩角 踝角 腕角 夹角 这款 那款 哪款 款式 一款 同款 "
        "两肢 对角线 全部 部分 部位 量好 量过 量完",
    )
)
HEARD_SIDES = {"佐": "左", "佑": "右"}


@dataclass(frozen=True)
class Sounds:
    """`heard`: a character's sound; `meant`: sounds → names; `words`: what is a word as it is."""

    heard: Mapping[str, str]
    meant: Mapping[tuple[str, ...], tuple[str, ...]]
    words: frozenset[str]
    targets: frozenset[str]
    taken: Mapping[str, str]  # a character → the one it is usually written for
    slips: Mapping[str, str]  # the same for words that are none as they stand


def is_han(text: str) -> bool:
    return HAN.search(text) is not None


def single_names() -> frozenset[str]:
    book = phrasebook("zh")
    forms = [form for name in book.parts for pair in book.forms(name) for form in pair]
    return frozenset(form for form in forms if len(form) == 1 and HAN.fullmatch(form))


def chinese_targets() -> frozenset[str]:
    """Names of parts in Han characters of two and more, with sides before those of one."""
    found = set(GRAMMAR)
    for name in LANGUAGES:
        book = phrasebook(name)
        forms = {form for part in book.parts for pair in book.forms(part) for form in pair}
        forms |= {form for row in book.fixed.values() for form in row}
        for form in forms:
            if form and all(HAN.fullmatch(character) for character in form):
                if len(form) == 1:
                    found |= {f"{side}{form}" for side in "左右双两"}
                elif len(form) <= _LONGEST_TARGET:
                    found.add(form)
                    if len(form) == 2:
                        found |= {f"{side}{form}" for side in "左右双"}
    return frozenset(found)


@cache
def sounds() -> Sounds:
    heard: dict[str, str] = {}
    for row in _rows("sounds.txt"):
        sound, _, characters = row.partition(" ")
        heard.update(dict.fromkeys(characters, sound))
    words = frozenset(word for row in _rows("chinese.txt") for word in row.split())
    words -= {word for word in words if len(word) == 2 and word[0] in _SMALL}  # 的脚 is two words
    words |= _WORDS
    meant: dict[tuple[str, ...], list[str]] = {}
    targets = chinese_targets()
    for word in sorted(targets):
        if all(character in heard for character in word):
            meant.setdefault(tuple(heard[character] for character in word), []).append(word)
    taken: dict[str, str] = {}
    slips: dict[str, str] = {}
    for name, wrong in phrasebook("zh").noise.replace.items():
        if name in single_names():
            taken.update({character: name for character in wrong if len(character) == 1})
        if name in targets and len(name) > 1:
            unknown = [word for word in wrong if len(word) == len(name) and word not in words]
            slips.update(dict.fromkeys(unknown, name))
    named = {key: tuple(row) for key, row in meant.items()}
    return Sounds(heard, named, words, targets, taken, slips)


def _rows(name: str) -> list[str]:
    rows = (FOLDER / name).read_text("utf-8").splitlines()
    return [row for row in rows if row and row[0] != "#"]


@lru_cache(maxsize=16384)
def mend_han(run: str) -> str:
    known, at, mended = sounds(), 0, ""
    while at < len(run):
        if is_had(run, at):
            mended, at = mended + run[at], at + 1
            continue
        for size in range(min(_LONGEST_TARGET, len(run) - at), 1, -1):
            window = run[at : at + size]
            if window in known.targets or window in known.words:
                end = at + size - _holds_slip(run, at + size, window, known)
                mended, at = mended + run[at:end], end
                break
            better = _meant(run, at, window, known)
            if better is not None:
                mended, at = mended + better, at + size
                break
        else:
            mended, at = mended + _alone(run, at, known), at + 1
    return mended


def _holds_slip(run: str, end: int, window: str, known: Sounds) -> bool:
    """Whether the last character of a word begins a slip: 标胳 is none in 标胳脖."""
    return run[end - 1 : end + 1] in known.slips and window[-2:] not in COMPOUNDS


def _alone(run: str, at: int, known: Sounds) -> str:
    """A character often written for a part's, that is no word by itself nor with a neighbour."""
    written = run[at]
    if written in HEARD_SIDES and _part_at(run, at + 1):
        return HEARD_SIDES[written]
    if written in "得地" and run[max(0, at - 1) : at + 1] not in known.words:
        return "的" if _part_at(run, at + 1) else written
    meant = known.taken.get(written)
    if meant is None or written in known.words or written in KEPT or is_named(run, at):
        return written
    pairs = (run[max(0, at - 1) : at + 1], run[at : at + 2])
    return written if any(pair in known.words for pair in pairs) else meant


def is_had(run: str, at: int) -> bool:
    """Whether 有 is no slip for 右 here: 有肘和膝就够了."""
    return _HAD.match(run, at) is not None


def _part_at(run: str, at: int) -> bool:
    return any(run.startswith(form, at) for form in _names_from().get(run[at : at + 1], ()))


@cache
def _names_from() -> Mapping[str, tuple[str, ...]]:
    """Parts' names in Han characters by their first."""
    book = phrasebook("zh")
    forms = {form for name in book.parts for pair in book.forms(name) for form in pair}
    found: dict[str, list[str]] = {}
    for form in sorted(forms):
        if HAN.match(form):
            found.setdefault(form[0], []).append(form)
    return {first: tuple(row) for first, row in found.items()}


def _meant(run: str, at: int, window: str, known: Sounds) -> str | None:
    """The name that sounds like the window, keeps most of it and breaks up no word."""
    options = known.meant.get(tuple(known.heard.get(character, "") for character in window), ())
    usual = "".join(known.taken.get(character, character) for character in window)
    options = (usual, *options) if usual in known.targets else options
    options = (*options, known.slips[window]) if window in known.slips else options
    best, kept = None, 0
    for option in options:
        same = sum(a == b for a, b in zip(window, option, strict=True))
        if same > kept and not _breaks(run, at, window, option, known):
            best, kept = option, same
    return best


def _breaks(run: str, at: int, window: str, option: str, known: Sounds) -> bool:
    if run[max(0, at - 1) : at + 1] in COMPOUNDS:
        return True  # 一下吧 has no 下巴
    last = at + len(window) - 1
    goes_on = window[-1] == option[-1] and run[last : last + 2] in known.targets
    if goes_on and option[0] not in "左右双":
        return True  # 地骨架 is no 骶骨
    for offset, (written, meant) in enumerate(zip(window, option, strict=True)):
        place = at + offset
        if written == meant:
            continue
        pairs = (run[max(0, place - 1) : place + 1], run[place : place + 2])
        kept = written in KEPT or (written == "更" and len(window) == 2)  # 脚更冲着: no 脚跟
        if kept or any(pair in known.words for pair in pairs if len(pair) == 2):
            return True
        if offset + 1 == len(window) and run[place : place + 2] in known.targets:
            return True  # 鼻子肩膀 is no 鼻子尖
        if written in known.words and len(window) > 2:
            return True  # a word by itself is taken for another only beside a side
    return False
