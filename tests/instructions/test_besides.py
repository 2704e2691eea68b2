"""Apart from X: Y too, nothing, or everything."""

from __future__ import annotations

import pytest

from posealign.instructions.besides import besides
from posealign.instructions.query import parse
from posealign.instructions.scoring import heads_of, same_meaning
from tests.instructions.test_resolve import shipped


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("apart from the neck I need nothing", "neck"),
        ("besides the knees, not a thing", "knee"),
        ("besides the knees, do the nose too", "nose + knee"),
        ("in addition to the wrists I also want ankles", "wrist + ankle"),
        ("apart from the knees, everything", "all - knee"),
        ("aside from the left arm I want all joints in 3D", "all - left_arm | dims=3"),
        ("除了髋，膝也要", "hip + knee"),
        ("除脚之外不做任何标注", "foot"),
        ("除了膝盖，其他点一个不少", "all - knee"),
    ],
)
def test_what_stands_beside(text: str, query: str) -> None:
    assert same_meaning(shipped().heads(text), heads_of(parse(query)))


@pytest.mark.parametrize(
    "text",
    [
        "everything but the knees",
        "aside from the left hand there's nothing i wouldn't look at",
        "besides the left elbow leave none unmarked",
        "上半身除了手,另外还要脚",
        "除了头,其他的不论遮没遮都要",
        "the left knee",
    ],
)
def test_what_is_an_exception_stays(text: str) -> None:
    assert besides(text) == text
