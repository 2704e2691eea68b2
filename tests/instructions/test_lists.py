"""Lists without commas are lists."""

from __future__ import annotations

import pytest

from posealign.instructions.lists import listed
from tests.instructions.test_resolve import shipped


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("knees. elbows. nose.", "knees, elbows, nose"),
        ("左膝。右肘。", "左膝, 右肘"),
        ("ankles are needed; so, equally, are eyes", "ankles and eyes are needed"),
        ("the knees are wanted, and so are the wrists", "the knees and the wrists are wanted"),
        ("先右后左,前臂", "双侧前臂"),
        ("wrists, please. actually, would you add the elbows as well?", "wrists and the elbows"),
        ("先标左边再标右边的手腕", "双侧手腕"),
    ],
)
def test_it_is_put_as_a_plain_list(said: str, plain: str) -> None:
    assert listed(said) == plain


@pytest.mark.parametrize(
    "said",
    [
        "the left knee. no, the right one.",  # a correction
        "big toe. right foot.",  # a part, and of what
        "the knees are not needed; so are the wrists",
        "tag round the ankle, so do the two legs without it",
        "she needs the knees and so do i",
        "先左后右",
    ],
)
def test_what_is_no_list_stays(said: str) -> None:
    assert listed(said) == said


def test_the_bundle_reads_them() -> None:
    assert set(shipped().resolve("Knees. Elbows. Nose.").joints) == {
        "nose", "left_knee", "right_knee", "left_elbow", "right_elbow",
    }  # fmt: skip
    assert shipped().resolve("先右后左，前臂").query == "forearm"
