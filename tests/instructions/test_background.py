"""What is told before a wish goes, unless the wish needs it."""

from __future__ import annotations

import pytest

from posealign.instructions.background import foreground


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "right foot is bandaged after the heel prick. i want the right leg without the foot.",
            "i want the right leg without the foot.",
        ),
        (
            "ecg leads all over the chest, but can you still find the shoulders?",
            "can you still find the shoulders?",
        ),
        (
            "physio's hands are on the mat too. the baby's left leg, nobody else's.",
            "the baby's left leg, nobody else's.",
        ),
        (
            "covered from the tummy down, so the upper body will do.",
            "the upper body will do.",
        ),
        (
            "taken from the foot end. the hand on the left side of the picture.",
            "the hand on the left side of the picture.",
        ),
        (
            "the nurse's hands are in the shot, ignore her, i only want the baby.",
            "i only want the baby.",
        ),
        ("胸口贴满了心电导联,别管那些,我要的是躯干。", "我要的是躯干。"),
        ("采完足跟血两只脚都包着纱布,所以除了脚都要。", "除了脚都要。"),
        ("右脚采完足跟血包着纱布,我要右腿,不含脚", "我要右腿,不含脚"),
        ("康复师的手也在垫子上。要宝宝的左腿,别人的不要。", "要宝宝的左腿,别人的不要。"),
        ("下半身反正盖着毯子。把上半身看得见的点给我就行。", "把上半身看得见的点给我就行。"),
        ("画面里有我戴手套的手,别管我,只标宝宝", "只标宝宝"),
        ("他戴着防抓手套呢,手就不用标了", "手就不用标了"),
        ("毯子盖到腰了,上半身露出来的点给我。", "上半身露出来的点给我。"),
        ("是母子像,我现在只需要宝宝", "我现在只需要宝宝"),
        ("被子都盖到胸口了,压在被子底下的有哪些点?", "压在被子底下的有哪些点?"),
        (
            "he's got his scratch mitts on, so don't bother with the hands",
            "don't bother with the hands",
        ),
        ("my gloved hands are in the shot, ignore me and just do the baby", "just do the baby"),
        (
            "the baby's been kicking, so what's still under the blanket",
            "what's still under the blanket",
        ),
    ],
)
def test_what_is_told_before_a_wish_goes(text: str, said: str) -> None:
    assert foreground(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "the left arm is splinted, show the other one",  # points to what is told
        "the left arm is splinted, show the elbow",  # a side for whoever looks for it
        "he is held in my arms, only the head please",  # a premise of the answer
        "the arms and the legs; only the left ones",
        "扶着宝宝头的大人的手,那双手在哪",
        "膝盖和手肘,算了手肘不要了",
        "右侧从髋到踝,再要一个鼻尖",
        "the knees are what i want",
        "抬着的腿,脚踝别标",
        "左手缠着自粘绷带,露在外头的点标就行",  # of what is told
        "在smil骨架里,给我脊柱上的那些关节",  # which skeleton is part of the wish
    ],
)
def test_what_a_wish_needs_stays(text: str) -> None:
    assert foreground(text) == text
