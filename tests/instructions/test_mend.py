"""Slips are mended, real words are left alone, and the lists behind that are whole."""

from __future__ import annotations

import pytest

from posealign.instructions.mend import LATIN, mend, mend_word, spelling
from posealign.instructions.mend_han import chinese_targets
from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import phrasebook
from posealign.instructions.written import load


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("shuolder", "shoulder"),  # exchanged
        ("elbw", "elbow"),  # left out
        ("kneee", "knee"),  # doubled
        ("aaaarms", "arms"),
        ("wrisr", "wrist"),  # the key beside it
        ("evreythnig", "everything"),  # two slips in a long word
        ("leftknee", "left knee"),  # run together
        ("showtheleftknee", "show the left knee"),
        ("left rist", "left wrist"),  # a letter nobody hears
        ("rihtg knee", "right knee"),
        ("right elg and aers", "right leg and ears"),  # the first two exchanged
        ("write leg", "right leg"),
        ("keft leg", "left leg"),  # the key beside the first letter
        ("both heals", "both heels"),
        ("left cornea", "left cornea"),
        ("let me see the head", "let me see the head"),
        ("hipsonly", "hips only"),
        ("write a report", "write a report"),
    ],
)
def test_a_slip_becomes_the_known_word(slip: str, meant: str) -> None:
    assert mend(slip) == meant


@pytest.mark.parametrize(
    "word", ["lag", "hop", "farm", "chip", "bear", "tail", "gma", "zuo", "ehr", "adl", "ngt"]
)
def test_real_words_and_abbreviations_are_no_slips(word: str) -> None:
    assert mend(f"the {word}") == f"the {word}"


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("左退", "左腿"),
        ("手碗和希盖", "手腕和膝盖"),
        ("标出又手", "标出右手"),
        ("区干", "躯干"),
        ("左脚裸", "左脚踝"),
        ("标胳脖", "标胳膊"),
        ("标一下吧", "标一下吧"),
    ],
)
def test_what_sounds_like_a_part_becomes_it(slip: str, meant: str) -> None:
    assert mend(slip) == meant


def test_every_slip_of_the_phrasebook_can_be_read() -> None:
    for name, wrong in phrasebook("zh").noise.replace.items():
        for word in wrong:
            assert mend(normalise(f"{word}的点")), name


@pytest.mark.parametrize(
    "text",
    [
        "没有手机",
        "晚上退烧",
        "工作人员",
        "东西盖好",
        "左转右转",
        "z 轴的",
        "有肘就够了",
        "右髋角",
        "这款",
    ],
)
def test_chinese_words_are_not_broken_up(text: str) -> None:
    assert mend(text) == text


def test_clean_text_hardly_changes() -> None:
    lines = [normalise(line.text) for line in load("dev")]
    changed = sum(mend(line) != line for line in lines)
    assert changed <= 0.05 * len(lines)  # some of them are slips on purpose


def test_mending_is_done_once_and_for_all() -> None:
    for line in load("dev")[::7]:
        once = mend(normalise(line.text))
        assert mend(once) == once


def test_letters_of_other_languages_are_not_touched() -> None:
    assert LATIN.findall("müßte knie3") == []
    assert mend_word("x" * 400) == "x" * 400


def test_known_words_hold_every_name_of_the_phrasebooks() -> None:
    assert {"knee", "elbow", "forearm", "except", "visible"} <= set(spelling().counts)
    assert {"左腿", "膝盖", "除了"} <= chinese_targets()


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("lef leg", "left leg"),
        ("let me see", "let me see"),
        ('["left_elow"]', '["left_elbow"]'),
        ("pasw, both", "paws, both"),
        ("妈妈得手在哪里", "妈妈的手在哪里"),
        ("觉得手疼", "觉得手疼"),
        ("halpe 地骨架", "halpe 的骨架"),
        ("是坐髋", "是左髋"),
        ("两脚的脚止", "两脚的脚指"),
    ],
)
def test_slips_before_parts_and_in_small_words(slip: str, meant: str) -> None:
    assert mend(slip) == meant


@pytest.mark.parametrize(
    "text",
    [
        "anke's left knee", "ask dr handel about hips", "周医生要左膝", "他叫周轩,标肘",
        "希希的左手", "这周只看上半身", "哪只脚更靠前",
    ],
)  # fmt: skip
def test_names_are_no_slips(text: str) -> None:
    assert mend(text) == text


def test_owners_and_sides_still_are() -> None:
    assert mend("bayb's hand") == "baby's hand"
    assert mend("her hnad's points") == "her hand's points"
    assert mend("右叫和标退") == "右脚和标腿"
