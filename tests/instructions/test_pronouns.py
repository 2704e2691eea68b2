"""A pronoun in a wish stands for what was told of."""

from __future__ import annotations

import pytest

from posealign.instructions.pronouns import named_again


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("右手肘有块淤青,交班要用,标一下这个肘", "标一下右肘"),
        ("左侧上睑下垂,只要这只眼", "只要左眼"),
        ("他整天吃左手大拇指,能不能就把那个大拇指标出来?", "左拇指"),
        ("he sucks that left thumb all day. could you get just the thumb?", "left thumb"),
        ("右手打着点滴呢,那只手别标,别的标", "右手打着点滴呢,那只手别标,别的标"),
        ("左手小指侧弯,把这根手指的点给我", "把左小指的点给我"),
        (
            "there's a drip in his left arm, so that's the arm i want marked",
            "the left arm i want marked",
        ),
        (
            "his left leg looks short, mark it from the hip to the ankle",
            "from the left hip to the left ankle",
        ),
        (
            "the quilt comes right up to his chest, which points are under it?",
            "which points are under the blanket?",
        ),
        (
            "the diaper makes the hips unreliable, so i want the legs without them.",
            "i want the legs without the hips.",
        ),
        (
            "a feeding tube sits right over the nose, so mark everything apart from it.",
            "mark everything apart from the nose.",
        ),
        (
            "her right wrist is in a splint; i want the rest of that arm.",
            "the right arm without the right wrist",
        ),
        (
            "she fell on the left arm and the swelling is below the elbow, so mark just the forearm"
            " on that side.",
            "mark just the left forearm.",
        ),
        (
            "the dressing is on the right thigh, so i can only use the hip and the knee on the"
            " other side.",
            "i can only use the left hip and the left knee.",
        ),
        (
            "he has a left-sided hemiplegia, so i want that whole side of the body.",
            "everything on the left side of the body",
        ),
        (
            "the left side of his body is a mess of cables, so everything except that side.",
            "everything except the left side of the body.",
        ),
        ("左臂被画面边缘切掉了,所以除了这条胳膊,其他的都要。", "除了左胳膊,其他的都要。"),
        ("超声提示右髋发育不良,所以我只要这个关节。", "我只要右髋。"),
        ("他用右臂投球,所以我只要这条胳膊。", "我只要右胳膊。"),
    ],
)
def test_the_pronoun_is_the_part(text: str, said: str) -> None:
    assert named_again(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "elbow pad on the right. everything else is fine, so skip that right elbow.",
        "ear on the left, hip on the other side",
        "the foot for left was tied with a cast, show that one",
        "右膝装着支具,看没装支具的那侧膝",
        "左侧耳被胶布粘了一角,干净的那侧耳朵",
        "膝盖,右边那个不要",
    ],
)
def test_what_others_read_stays(text: str) -> None:
    assert named_again(text) == text
