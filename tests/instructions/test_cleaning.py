"""What people write in several ways is written in one before it is read."""

from __future__ import annotations

import pytest

from posealign.instructions.cleaning import cleaned
from posealign.instructions.normalise import normalise
from posealign.instructions.pinyin import from_pinyin
from posealign.instructions.written import load


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("zuo xi gai", "左膝盖"),
        ("xigai", "膝盖"),
        ("biao yi xia you jian bang", "标一下右肩膀"),
        ("bi zi he liang ge er duo", "鼻子 he 两个耳朵"),
        ("mark zuoshou please", "mark 左手 please"),
        ("jiao huai", "脚踝"),
    ],
)
def test_names_typed_in_pinyin_are_names(typed: str, meant: str) -> None:
    assert from_pinyin(typed) == meant


def test_english_is_no_pinyin() -> None:
    english = [line.text for line in load("dev") if line.language == "en"]
    changed = [text for text in english if from_pinyin(normalise(text)) != normalise(text)]
    assert not changed


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("left and right acromion", "both acromion"),
        ("both the left and the right tibia", "both tibia"),
        ("r/l hip", "both hip"),
        ("the rite kne and 作褪", "the right knee and 左腿"),
        ("左、右膝", "双侧膝"),
        ("左边和右边的胳膊肘", "双侧胳膊肘"),
        ("left and right of the photo", "left and right of the photo"),
        ("left arm and right leg", "left arm and right leg"),
        ("左手和右脚", "左手和右脚"),
    ],
)
def test_a_part_on_both_sides_is_said_in_one_word(said: str, written: str) -> None:
    assert cleaned(said) == written


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("crus sinistrum", "left crus"),
        ("pes dexter, please", "right pes, please"),
        ("membrum inferius dextrum", "right membrum inferius"),
        ("a sinister face", "a sinister face"),
    ],
)
def test_latin_sides_are_ours(said: str, written: str) -> None:
    assert cleaned(said) == written
