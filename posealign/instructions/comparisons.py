"""Which of a pair a Chinese question means, in the words of a relation.

哪只脚翘得高就标哪只 is 更高的那只脚, 两臂谁举着就给谁 is 举起的那只臂. What holds of the one
that is wanted is looked up; the rest of the question is a frame.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.query import Part

_MORE = r"(?:比较|更加?|最|较|要)?"
_VERY = r"(?:一?[点些]|得多|得更?厉害)?"
# What is said of the one → the words of its relation.
_HOLDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (plain, re.compile(pattern))
    for plain, pattern in (
        ("更低的", rf"(?:放|垂|搁|位置|落)?(?:得)?{_MORE}低{_VERY}|在(?:更)?下(?:头|面|边|方)"),
        ("更高的", rf"(?:举|抬|翘|位置)?(?:得)?{_MORE}高{_VERY}|在(?:更)?上(?:头|面|边|方)"),
        ("举起的", r"(?:举|抬|扬|翘)(?:着|起来?了?|起|了起来)|(?:悬空|离床|离开床)(?:着|了)?"),
        ("更弯的", rf"(?:弯|屈|曲|蜷|弯曲|屈曲)(?:得)?{_MORE}(?:多|紧|狠|厉害){_VERY}|"
         rf"屈[肘膝]?{_MORE}多|{_MORE}弯"),
        ("更直的", rf"(?:伸|绷|打)?(?:得)?{_MORE}直{_VERY}|伸得开"),
        ("离镜头更近的", rf"[离距靠贴挨](?:着)?(?:镜头|相机|摄像头|我们|咱们?)(?:得|"
         rf"那?个?){_MORE}近?{_VERY}"),
        ("离镜头更远的", rf"[离距](?:镜头|相机|摄像头|我们|咱们?){_MORE}远{_VERY}"),
        ("离脸最近的", rf"[离距靠挨](?:脸|面部){_MORE}近{_VERY}|[凑挨](?:在|到|着)?(?:脸|"
         rf"嘴)(?:边|旁|跟前|前)?{_MORE}近?"),
    )
)  # fmt: skip
_WHO = r"(?:谁|[哪边]一?[只条个边侧根])"
_GIVE = (
    r"(?:,?(?:就|那就|请)?(?:是|给|标|要|看|取|选|画|留|显示)(?:出来?)?(?:谁|"
    r"[哪边那]?一?[只条个边侧根]?|它)(?:出来)?)?"
)
_PART = r"(?P<{0}>[^,;。谁哪边]{{1,4}}?)"
_PAIR = r"(?:(?:两|俩|双|二)[个只条边]?)?"
_AMONG = r"(?:之中|之间|当中|中|里头?)?[,的]*"
_FRAMES = (
    re.compile(
        rf"(?:看看?|"
        rf"请?问)?{_PAIR}{_PART.format('a')}{_AMONG}{_WHO}(?P<how>[^,;。谁哪]+?){_GIVE}[?。!]*"
    ),
    re.compile(rf"(?:看看?|请?问)?{_WHO}{_PART.format('a')}(?P<how>[^,;。谁哪]+?){_GIVE}[?。!]*"),
    re.compile(rf"(?P<how>[^,;。谁哪]+?)的?是{_WHO}{_PART.format('a')}{_GIVE}[?。!]*"),
    re.compile(
        rf"{_PAIR}{_PART.format('a')}{_AMONG}(?<=[里中间,头])(?P<how>[^,;。谁哪]+?)的?[那这]一?[只条个边侧根]"
        rf"{_GIVE}[?。!]*"
    ),
    re.compile(
        r"(?P<how>[屈弯曲蜷伸绷][^,;。谁哪]*?)的?[那这]一?[只条个边侧根](?P<a>[^,;。谁哪]{1,4})"
        r"(?P<rest>(?:,.*)?)"
    ),
)
_ASKS = re.compile("[谁哪边那这]")


def compared(text: str) -> str:
    """A mended text with the question put as a relation."""
    if not _ASKS.search(text):
        return text
    for frame in _FRAMES:
        match = frame.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict()
        name = groups["a"]
        how = match["how"].removesuffix("的")
        plain = next((word for word, pattern in _HOLDS if pattern.fullmatch(how)), None)
        if plain is not None and _is_part(name):
            return f"{plain}那只{name}{groups.get('rest') or ''}"
    return text


def _is_part(name: str) -> bool:
    found = found_in(name)
    whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(name))
    return whole and isinstance(found[0].scope, Part)
