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
        ("bi zi he liang ge er duo", "鼻子和两个耳朵"),
        ("zuo bian de tui", "左边的腿"),
        ("chu le tou dou yao", "除了头都要"),
        ("双tui", "双腿"),
        ("左脚huai", "左脚踝"),
        ("kuan关节", "髋关节"),
        ("除了tou其他都要", "除了头其他都要"),
        ("右leg", "右leg"),
        ("mark zuoshou please", "mark 左手 please"),
        ("jiao huai", "脚踝"),
    ],
)
def test_names_typed_in_pinyin_are_names(typed: str, meant: str) -> None:
    assert from_pinyin(typed) == meant


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("右邊嗰個膝頭哥喺邊", "右边那个膝头哥在哪"),
        ("除咗對手，其他都要", "除了对手,其他都要"),
        ("淨係標睇得見嗰啲", "只标看得见那些"),
        ("除了头什么都不要", "头"),
        ("除手以外别的都甭标", "手"),
        ("除了头其他都要", "除了头其他都要"),
        ("由髋至踝，三个轴都要", "由髋至踝,三个轴都要"),
        ("看口周", "看口周"),
        ("左上肢三大关节：肩、肘、腕", "左肩、左肘、左腕"),
        ("左胳膊上单单要手腕", "左手腕"),
        ("左腿：不要膝盖", "左腿,不要膝盖"),
        ("左肩左肘，写错了，右边的", "右肩右肘"),
        ("右膝和右踝，更正：左侧的", "左膝和左踝"),
        ("左腿，不对，右边", "左腿,不对,右边"),
    ],
)
def test_chinese_said_otherwise_is_put_plainly(said: str, written: str) -> None:
    assert cleaned(normalise(said)) == written


def test_english_is_no_pinyin() -> None:
    written = [line for line in load("dev") if line.language == "en"]
    english = [line.text for line in written if "拼音" not in line.frame]
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
