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


def test_an_answer_says_what_hides_its_joints() -> None:
    predictor = Predictor("default", "cpu", threads=1)
    pictures = [decode_image(sample.data()) for sample in sample_pictures()]
    hidden = [
        joint.hidden_by
        for image in pictures
        for pose in predictor.predict(image, "the hidden joints").poses
        for joint in pose.joints
    ]
    assert "blanket" in hidden, "one of the samples has one"
    for image in pictures:
        for pose in predictor.predict(image, "the joints hidden by the blanket").poses:
            assert {joint.hidden_by for joint in pose.joints} <= {"blanket"}
            assert not pose.plausibility
