"""What asks for a part although it is hidden goes."""

from __future__ import annotations

import pytest

from posealign.instructions.concessions import without_concessions


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("both knees even if they're under the sheet", "both knees"),
        ("the legs are under the blanket but please estimate them anyway.", "the legs"),
        ("双膝,就算盖着也要", "双膝"),
        (
            "the arm on the left of the picture, whether it's his left or right",
            "the arm on the left of the picture",
        ),
        ("画面左边的手臂,不管它其实是左臂还是右臂", "画面左边的手臂"),
        ("图上靠右的那条腿,不用管是本人的左腿还是右腿", "图上靠右的那条腿"),
        (
            "the arm on the left of the photo, never mind whose left",
            "the arm on the left of the photo",
        ),
        (
            "the arm on the left, never mind whether it's the patient's left or right",
            "the arm on the left",
        ),
    ],
)
def test_they_go(said: str, plain: str) -> None:
    assert without_concessions(said) == plain


@pytest.mark.parametrize(
    "said",
    [
        "even if it's covered, show the arm",  # no part before it
        "the legs are under the blanket",
        "the knees that are covered",
        "被挡住的也要",
    ],
)
def test_what_is_hidden_stays(said: str) -> None:
    assert without_concessions(said) == said
