"""Questions for one of a pair, as relations."""

import pytest

from posealign.instructions.comparisons import compared

PLAIN = {
    "俩胳膊谁高要谁": "更高的那只胳膊",
    "两臂谁举着就给谁": "举起的那只臂",
    "哪只脚离镜头近就标哪只": "离镜头更近的那只脚",
    "凑在脸跟前的是哪只手,标出来": "离脸最近的那只手",
    "两条腿里弯得厉害的那条": "更弯的那只腿",
    "屈肘多的那侧上肢,三维": "更弯的那只上肢,三维",
}


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_of_one_is_a_relation(text: str) -> None:
    assert compared(text) == PLAIN[text]


@pytest.mark.parametrize("text", ["压在上面的那条腿", "谁高兴要谁", "哪只手标得不好", "左手"])
def test_other_questions_stay(text: str) -> None:
    assert compared(text) == text
