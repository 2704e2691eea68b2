from __future__ import annotations

import pytest

from posealign.instructions.mirror import mirror_query, mirror_text
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import parse
from posealign.instructions.scoring import heads_of
from posealign.instructions.twofold import Twofold, mirrored, twofold


@pytest.mark.parametrize(
    "text",
    [
        "right shoulder: it clicked when i lifted her",
        "right need, i mean knee",
        "the leg, and i mean the right",
        "右胳膊，不要左手",
    ],
)
def test_a_text_and_its_mirror_image_are_read_as_one(text: str) -> None:
    image = mirror_text(text)
    assert image is not None
    one, other = twofold(text), twofold(image)
    assert one.text == other.text
    assert one.turned is not other.turned
    assert one.text.replace("左", "left").find("left") >= 0


@pytest.mark.parametrize(
    "text",
    [
        "right, show the head",
        "right so the arms please",
        "show the knees right away",
        "get the hips, and get them right",
        "the toy right under her chin",
        "nothing left but the hands",
        "the face, the ears left blank",
        "both legs",
        "b/l ue",
    ],
)
def test_words_that_name_no_side_are_not_turned(text: str) -> None:
    assert twofold(text) == Twofold(text, False)


@pytest.mark.parametrize(
    "query",
    [
        "left_arm - left_wrist | vis=visible subject=leftmost",
        "image_left(hand)",
        "in_left_half(all)",
        "all | dims=3 premise=left_lateral",
    ],
)
def test_a_reading_turned_is_that_of_the_query_turned(query: str) -> None:
    heads, other = heads_of(parse(query)), heads_of(mirror_query(parse(query)))
    assert heads is not None
    assert other is not None
    turned = mirrored(heads)
    assert (turned.asked_V == other.asked_V).all()
    assert (turned.related_V == other.related_V).all()
    for slot in ("subject", "relation", "premise", "visibility", "dims"):
        assert getattr(turned, slot) == getattr(other, slot)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_for_a_side_has_its_mirror_image(language: str) -> None:
    sides = phrasebook(language).sides
    for left, right in zip(sides["left"], sides["right"], strict=True):
        assert mirror_text(f"{left} l/e") == f"{right} l/e"
        assert mirror_text(f"{right} l/e") == f"{left} l/e"
