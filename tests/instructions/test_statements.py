"""Chinese texts whose every clause is a statement are put in one."""

import time

import pytest

from posealign.instructions.statements import restated

TOLD = {
    "头我不关心,身上其他的点给我": "除了头都要",
    "左手除外,通通收": "除了左手都要",
    "先标胳膊,算了全标": "全身",
    "除了左腿,算了,全身都给吧": "全身",
    "一个关节也别漏": "全身",
    "左胳膊和左腿,算了,腿不要了,只要胳膊": "左胳膊",
    "右膝右踝,踝算了吧,就膝": "右膝",
    "右肩,左膝……膝错了是肘": "右肩和左肘",
    "眼睛、鼻子,眼睛换耳朵": "耳朵和鼻子",
    "头、肩、髋,头一个写错了,是脖子": "脖子和肩和髋",
    "用耳朵替掉眼睛": "耳朵",
    "右脚撤下,左脚顶替": "左脚",
    "光躯干不够,右腿也添进来": "躯干和右腿",
    "除了手,脚丫子也别落下": "手和脚丫子",
    "头不要了?手也不要了?开什么玩笑,都要": "头和手",
    "胳膊,右边那条先放放": "左胳膊",
    "左边髋膝踝,髋去掉": "左膝和左踝",
    "肩和腕,腕要左": "双肩和左腕",
    "左脚踝一视同仁": "左脚踝",
    "我要左膝,条件是不能有左膝": "左膝但不要左膝",
    "躯干去掉整个躯干": "躯干但不要躯干",
    "上半身里只留两只脚踝": "上半身但不要上半身",
    "除了全身,其他都给我": "全身但不要全身",
}


@pytest.mark.parametrize("text", TOLD)
def test_what_the_clauses_state_is_one_statement(text: str) -> None:
    assert restated(text) == TOLD[text]


@pytest.mark.parametrize(
    "text",
    [
        "左膝",  # nothing to put plainly
        "左髋到左踝,再加右脚",  # a way between two
        "手,等等,还是头吧",  # one in the place of another, which corrections read
        "上半身,胳膊不要,手要",  # a piece of what is left out comes back
        "右腿不用全标,踝关节就行",
        "手吧,脚吧,嗯,脚",
        "膝盖手肘,有看到的就标",  # a wish of another kind
        "左手在打点滴,右手给我",
    ],
)
def test_what_it_cannot_hold_stays(text: str) -> None:
    assert restated(text) == text


@pytest.mark.parametrize("text", ["看" * 24 + "x", "要" * 11 + "手" + "要" * 12 + "x", "全都" * 29])
def test_no_clause_takes_long(text: str) -> None:
    restated("左膝,右膝")  # the words are loaded
    start = time.process_time()
    restated(text)
    assert time.process_time() - start < 0.5
