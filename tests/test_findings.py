"""What an answer says of itself when the pose hardly settles what was asked."""

from __future__ import annotations

from posealign.data.image import decode_image
from posealign.findings import relation_findings
from posealign.instructions.relations import Choice
from posealign.predictor import Predictor
from serving.samples import sample_pictures

NOSE = frozenset({"nose"})


def test_what_is_clear_needs_no_word() -> None:
    assert relation_findings("higher", Choice(NOSE)) == ()


def test_a_close_call_is_said() -> None:
    (found,) = relation_findings("nearer_camera", Choice(NOSE, clear=False))
    assert found.code == "close_call"
    assert "nearer camera" in found.message
    (found,) = relation_findings("touching_face", Choice(frozenset(), clear=False))
    assert found.code == "close_call", "that none does may be as close"


def test_nobody_sees_what_hides_a_joint() -> None:
    (found,) = relation_findings("hidden_by_blanket", Choice(NOSE, clear=False))
    assert found.code == "hider_not_known"
    assert relation_findings("hidden_by_blanket", Choice(frozenset(), clear=False)) == ()


def test_an_answer_carries_it() -> None:
    predictor = Predictor("default", "cpu", threads=1)
    image = decode_image(sample_pictures()[0].data())
    (pose,) = predictor.predict(image, "the joints hidden by the blanket").poses[:1]
    assert [found.code for found in pose.plausibility] == ["hider_not_known"]
