"""Chinese texts that name a part and want no point of it."""

import pytest

from posealign.instructions.idle import is_absent, is_idle


@pytest.mark.parametrize(
    "text",
    [
        "为什么老用右手",
        "头围偏大要不要查",
        "胳膊肘要拍片吗",
        "把毯子给她盖回脚上",
        "我换尿布,你帮我按住他的腿",
        "把头缩小点",
        "宝宝小手真可爱",
        "谢谢哈,手标得挺好,不用改了",
        "脸上画颗爱心",
    ],
)
def test_nobody_wants_a_point(text: str) -> None:
    assert is_idle(text)


@pytest.mark.parametrize(
    "text",
    [
        "这小手真可爱,标一下",
        "脚是不是往里扣,给我看脚的点",
        "脖子这么有劲了,给它打个点",
        "膝盖不要紧,要紧的是髋",
        "小手是不是攥着的",
        "真可爱,左手",  # a clause that only names a part
        "wipe his nose",  # English has rules of its own
    ],
)
def test_a_wish_beside_it_counts(text: str) -> None:
    assert not is_idle(text)


@pytest.mark.parametrize(
    "text", ["八条触手,最靠近镜头的那条", "liver 的 3d 位置", "肝脏的三维坐标"]
)
def test_what_no_body_here_has_is_absent(text: str) -> None:
    assert is_absent(text)


@pytest.mark.parametrize("text", ["左手", "不要奶瓶,全身", "手机旁边的手"])
def test_what_a_body_has_is_not(text: str) -> None:
    assert not is_absent(text)
