"""Clauses that only give a reason."""

from __future__ import annotations

import pytest

from posealign.instructions.reasons import without_reasons


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("ears, since the eyes are closed anyway", "ears"),
        ("because her feet are in booties, knees please", "knees please"),
        ("i'm measuring elbow flexion, so i need the right arm", "i need the right arm"),
        ("我想量腿长,所以从右髋标到右脚踝", "从右髋标到右脚踝"),
        ("first i wanted the arms, but give me the legs instead", "give me the legs"),
        ("i first asked for elbows, please change that to wrists", "wrists"),
        ("no head for this hip study, the rest please", "no head, the rest please"),
        ("这次查髋,头和胳膊都不需要", "头和胳膊都不需要"),
        ("要给她配臂套,需要两侧上臂", "需要两侧上臂"),
        ("看手位用的,上半身就好", "上半身就好"),
        ("今天练肩外展,右肩和右肘", "右肩和右肘"),
        ("left thumb as the hand is wrapped, and the nose", "left thumb  , and the nose"),
    ],
)
def test_a_part_of_a_reason_is_not_asked_for(text: str, rest: str) -> None:
    assert without_reasons(text).split() == rest.split()


@pytest.mark.parametrize(
    "text",
    [
        "since the left thumb is taped, the other one",  # points to it
        "because her feet are cold",  # names nothing else
        "i'm measuring the left arm, so give me the wrist",  # the side is told there
        "hips since the nappy is off",
        "everything, since only the head is hidden without it",
        "it's been a long night since we met, ears",
    ],
)
def test_what_is_pointed_to_or_asked_for_stays(text: str) -> None:
    assert without_reasons(text) == text
