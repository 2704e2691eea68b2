"""A side behind its part goes before it; what is switched off is unwanted."""

from __future__ import annotations

import pytest

from posealign.instructions.singled import singled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eyes plus one ear, namely the right", "eyes plus the right ear"),
        ("one eye, left, one ear, right", "the left eye, the right ear"),
        ("head and one arm (the right)", "head and the right arm"),
        ("两只手一只脚,脚要左边", "两只手左脚"),
        ("双膝加一侧髋,具体是左髋", "双膝加左髋"),
        ("踝两个,腕一个,右腕", "踝两个,右腕"),
        ("胳膊:左。腿:右。", "左胳膊。右腿。"),
        ("右腿开,左腿关", "右腿要,左腿不要"),
        ("左膝=n,右膝=y", "右膝要,左膝不要"),
        ("show the left hand and hide the right hand", "show the left hand without the right hand"),
    ],
)
def test_side_stands_before_its_part(text: str, said: str) -> None:
    assert " ".join(singled(text).split()) == said


@pytest.mark.parametrize(
    "text",
    [
        "one ear and the left eye",  # another part's side
        "one nose, left",  # no pair
        "both hips but one knee: right",
        "the hidden ones",
        "hip.left=hide hip.right=show",
        "试验眼=左;对照眼=右",
        "一只手,左脚",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert singled(text) == text
