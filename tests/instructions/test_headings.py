"""Each part of a list gets the side that stands over it."""

from __future__ import annotations

import pytest

from posealign.instructions.headings import headed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "left: knee + ankle, right: just the knee",
            "left knee and left ankle and right knee",
        ),
        (
            "on the left the wrist, on the right elbow and wrist",
            "left wrist and right elbow and right wrist",
        ),
        ("左:膝+踝,右:膝", "左膝和左踝和右膝"),
        ("左边要手腕,右边要肘和腕", "左手腕和右肘和右腕"),
    ],
)
def test_side_stands_at_each_part(text: str, said: str) -> None:
    assert headed(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "left knee, right elbow and wrist",  # no headings
        "left: nose, right: knee, ankle",  # a nose has no side
        "left: knee, ankle",
        "show left: knee + ankle, right: knee, but hidden only",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert headed(text) == text
