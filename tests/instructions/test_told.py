"""What words say so plainly that it counts beside the graph: visibility, whose parts, postures."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.instructions.found import found_in
from posealign.instructions.mirror import mirror_text
from posealign.instructions.normalise import normalise
from posealign.instructions.owners import owner
from posealign.instructions.query import SUBJECTS, VISIBILITIES, parse
from posealign.instructions.told import plainly, told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("legs, skip whatever's hidden", {"visibility": "visible"}),
        ("hidden joints needn't be returned", {"visibility": "visible"}),
        ("arms (non-occluded)", {"visibility": "visible"}),
        ("leave out any point that isn't visible", {"visibility": "visible"}),
        ("only the ones that are not visible", {"visibility": "occluded"}),
        ("don't skip the hidden ones", {}),
        ("the joints hidden by the blanket", {}),
        ("arms of the surgeon", {"subject": "adult"}),
        ("static trial with the subject standing", {"premise": "standing"}),
        ("the arms are held by the parent", {}),
        ("他仰着睡的", {"premise": "supine"}),
        ("leave out whichever one is not visible", {"visibility": "visible"}),
        ("the aunt's left elbow", {"subject": "adult"}),
        ("hands of whoever is holding him", {"subject": "adult"}),
        ("head of the person standing furthest left", {"subject": "leftmost"}),
        ("the doctor's words were: only the legs", {}),
        ("not the nurse's hands, the baby's", {"subject": "infant"}),
        ("ignore mum, legs please", {"subject": "infant"}),
        ("tummy time: arms", {"premise": "prone"}),
        ("lying on her left side, the hips", {"premise": "left_lateral"}),
        ("everything on her left side", {}),
        ("prone, no, supine, the legs", {}),
        ("in mum's arms, the head", {"premise": "held"}),
        ("挡住的别猜，只给看得清的", {"visibility": "visible"}),
        ("遮挡的关节请勿输出", {"visibility": "visible"}),
        ("被挡住的也要，别漏", {}),
        ("右脚被袜子遮住的点", {"visibility": "occluded"}),
        ("被毯子盖住的腿", {}),
        ("膝，dims=2", {"dims": "2"}),
        ("腿的二维，更正，三维", {}),
    ],
)
def test_what_the_words_alone_settle(text: str, said: dict[str, str]) -> None:
    assert plainly(normalise(text)) == said


@pytest.mark.parametrize(
    "text",
    [
        "not just the visible joints, all of them",
        "the left heel, even if it's hidden",
        "thumbs, no matter whether they are covered",
        "feet vis+occl",
        "heels, hidden ones too",
        "don't limit yourself to visible points",
    ],
)
def test_who_wants_what_is_hidden_too_filters_nothing(text: str) -> None:
    assert plainly(text)["visibility"] == "any"


def test_postures_and_mirroring_exchange() -> None:
    text = "lying on her left side, the hips"
    assert plainly(mirror_text(text) or "") == {"premise": "right_lateral"}


def test_an_adult_who_is_only_mentioned_owns_nothing() -> None:
    assert owner("the nurse asked for the legs") is None
    assert owner("my daughter's legs, says the doctor") is None


def test_words_of_a_posture_name_no_part() -> None:
    assert [str(one.scope) for one in found_in("tummy time and in mum's arms: hips")] == ["hip"]


def test_logits_hear_of_it_and_nothing_else_changes() -> None:
    out = {
        "visibility": np.zeros((2, len(VISIBILITIES)), np.float32),
        "subject": np.zeros((2, len(SUBJECTS)), np.float32),
    }
    heard = told(out, 1, parse("arm"), "arms of the surgeon")
    assert heard["subject"][1].argmax() == SUBJECTS.index("adult")
    assert not heard["subject"][0].any()
    assert heard["visibility"] is out["visibility"]
    assert not out["subject"].any()
