"""The shape of a text speaks for a wish."""

from __future__ import annotations

import pytest

from posealign.instructions.wished import denies, is_errand, is_impossible, names_alone, wishes


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("new shoes! the feet, please.", True),
        ("this is for the audit: just the wrists", True),
        ("midline hand play - hands", True),
        ("the left knee", True),
        ("can someone face the audit", False),
        ("foot-and-mouth disease in cattle", False),
        ("hands, but without any hands", False),
        ("is the blanket blue", False),
    ],
)
def test_a_clause_of_nothing_but_a_part_is_a_wish(text: str, alone: bool) -> None:
    assert names_alone(text) is alone


def test_somebody_alone_speaks_for_an_answer() -> None:
    assert wishes("only the baby", False, {"subject": "infant"}) == {"people": 2.0}
    assert wishes("good morning", False, {}) == {"people": 0.0}


@pytest.mark.parametrize(
    ("text", "errand"),
    [
        ("please wipe his nose", True),
        ("put cream on the elbows", True),
        ("crop the picture to the face", True),
        ("take blood from the left heel", True),
        ("put a dot on the left heel", False),
        ("wash the face first, then show me where the nose is", False),
        ("give me the thighs", False),
        ("the splint clinic wants the wrists", False),
    ],
)
def test_what_is_to_be_done_to_a_part_is_no_question_of_it(text: str, errand: bool) -> None:
    assert is_errand(text) is errand


@pytest.mark.parametrize(
    ("text", "impossible"),
    [
        ("the hands, but none of the hands", True),
        ("左膝,不含左膝", True),
        ("only her right foot, and leave out her right foot", True),
        ("只标露着的被遮住的点", True),
        ("the visible joints that cannot be seen", True),
        ("all six knees", True),
        ("the left knee, but not the right knee", False),
        ("the arms without the left arm", False),
        ("nothing but the nose, the nose", False),
        ("the visible joints and those that are hidden", False),
        ("the nose is off, skip the nose and show the rest", False),
        ("露着的和被遮住的点", False),
    ],
)
def test_what_is_asked_and_taken_back_is_impossible(text: str, impossible: bool) -> None:
    assert is_impossible(text) is impossible


def test_without_a_denial_nothing_is_contradicted() -> None:
    assert not denies("the left banana")
    assert denies("the occluded joints, visible only")
    assert denies("看得见的全不要")
