"""A side that is told in one clause and pointed to in another."""

from __future__ import annotations

import pytest

from posealign.instructions.elsewhere import said_elsewhere


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("左侧臂丛神经损伤,评估健侧上肢", "评估右侧上肢"),
        ("左前臂贴着敷料,我要这段前臂", "我要左侧前臂"),
        ("左上肢外伤,请取患肢", "请取左手臂"),
        ("右膝术后,请取健肢", "请取左腿"),
        ("左侧马蹄足,右侧正常。标出患足", "标出左侧足"),
        (
            "clubfoot on the left, the right one is fine. mark the affected foot",
            "mark the left foot",
        ),
        ("健侧是左边,只取健侧下肢", "只取左侧下肢"),
        ("右脚夹着血氧,那只脚不要,别处都要", "右侧脚不要,别处都要"),
        ("输液的是左手,所以只看没输液的那条胳膊", "所以只看右侧胳膊"),
        ("右手攥着奶嘴,就标攥奶嘴的手", "就标右侧手"),
        ("右侧偏瘫,要瘫的那半身", "要右侧半身"),
        ("健侧 leg(左腿是 fracture 那条)", "右侧 leg"),
        ("the cast is on the left leg, so do the other one", "so do the right leg"),
        ("erb's palsy on the right; plot the unaffected arm", "plot the left arm"),
        ("unstrapped foot (strap = l)", "the right foot"),
        ("cuff-free arm, the cuff being on r", "the left arm"),
        ("brace == left, return the knee with no brace", "return the right knee"),
        ("the sensor sits on the right foot; show the foot without it", "show the left foot"),
        ("the drip is in her left hand, i need the one with the drip", "i need the left hand"),
        ("the left one is paralysed; look at that arm", "look at the left arm"),
        ("erb's palsy, right side. plot the healthy arm", "erb's palsy, plot the left arm"),
        ("left knee was operated on. the one that wasn't", "the right knee"),
        ("the cuff has the left arm, take the bare one", "take the right arm"),
        ("右侧锁骨骨折,请标好的那一侧的肩", "请标左侧的肩"),
        ("左腿无力,请标健侧那条", "请标右腿"),
        ("妈妈牵着他左手,要没人牵的那只", "要右手"),
        ("右手吊着盐水,标没有吊那只手", "标没有吊左侧手"),
    ],
)
def test_side_goes_where_it_is_pointed_to(text: str, said: str) -> None:
    assert said_elsewhere(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "左腿,另一条也要",  # nothing ails it: both are asked
        "左手骨折,右脚扭伤,标伤侧",  # two sides are told
        "左脚穿着鞋,鞋里挡住的点",  # nothing points back
        "右腿打了石膏就别管了,别的都标一下",
        "the left leg is broken, mark the hips",
        "left hand, unless hidden",
        "right foot; the unseen ones too",
        "bone age so the non-dominant hand, left",  # told and pointed to in one breath
        "left arm in a splint, the other points too",
    ],
)
def test_open_texts_stay(text: str) -> None:
    assert said_elsewhere(text) == text
