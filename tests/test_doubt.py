"""Second thoughts: verification and contrast, by hand and through the predictor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posealign import verify
from posealign.answer import Placed
from posealign.data.pose import State
from posealign.doubt import disagreement
from posealign.errors import InvalidInput
from posealign.predictor import Predictor, PredictorSettings
from tests.serving.conftest import png, toy  # noqa: F401 - a fixture

NAMES = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee")


def test_contrast_takes_habits_away() -> None:
    seen = np.log(np.array([[0.3, 0.3, 0.4], [0.02, 0.08, 0.9]]))
    habit = np.log(np.array([[0.1, 0.1, 0.8], [0.9, 0.05, 0.05]]))
    assert verify.contrasted(seen, habit, 0.0) == pytest.approx(seen)
    shifted = verify.contrasted(seen, habit, 1.0)
    assert shifted[0].argmax() == 0 or shifted[0, 0] > shifted[0, 2]  # visible was habit alone
    assert shifted[1].argmax() == 2  # what the picture makes clear stays
    # Absent, very unlikely for the picture, is not raised by a habit of visibility.
    odd = verify.contrasted(np.log([[0.01, 0.01, 0.98]]), np.log([[0.001, 0.001, 0.998]]), 5.0)
    assert odd[0].argmax() == 2


def test_support_falls_with_weak_evidence_and_with_a_depth_picture_against_it() -> None:
    absent, nothing = np.array([0.2]), np.array([np.nan])
    sure, weak = (verify.supported(absent, np.array([c]), nothing)[0] for c in (1.0, 0.1))
    against = verify.supported(absent, np.array([1.0]), np.array([0.6]))[0]
    assert sure == pytest.approx(0.2)
    assert weak > against > sure


def test_states_are_corrected() -> None:
    states = np.array([2, 2, 2, 1], np.int8)
    absent, off = np.array([0.9, 0.1, 0.1, 0.1]), np.array([np.nan, 0.6, -0.6, 0.6])
    found = verify.corrected_states(states, absent, 0.5, off)
    assert found.tolist() == [State.ABSENT, State.OCCLUDED, State.VISIBLE, State.OCCLUDED]


def body(knee_behind: float) -> tuple[Placed, np.ndarray]:  # type: ignore[type-arg]
    points = np.array([[60.0, 20], [40, 20], [56, 60], [44, 60], [58, 80]])
    count = len(NAMES)
    person = Placed(
        NAMES,
        points,
        np.ones(count),
        np.ones(count),
        np.full(count, State.VISIBLE, np.int8),
        np.array([0, 0, 0, 0, knee_behind]),
    )
    return person, np.full((100, 100), 1.0)


def test_a_knee_behind_the_measured_surface_disagrees() -> None:
    flat, depth = body(0.0)
    behind, _ = body(0.6)
    calm, odd = (disagreement(p, depth, None) for p in (flat, behind))
    assert np.abs(calm).max() < 0.2
    assert odd[-1] > 0.4
    assert np.isnan(disagreement(flat, None, None)).all()
    hole = depth.copy()
    hole[70:90] = 0
    assert np.isnan(disagreement(behind, hole, None)[-1])


def test_the_predictor_has_both_and_both_are_off(toy: Path) -> None:  # noqa: F811
    from posealign.data.image import decode_image

    image = decode_image(png())
    plain = Predictor(str(toy), "cpu", 1)
    assert not plain.settings.verify
    assert plain.settings.contrast == 0
    before = plain.look(image).ask("all joints").poses[0]
    for change in ({"verify": True}, {"contrast": 1.0}):
        other = Predictor(str(toy), "cpu", 1, replace(plain.settings, **change))
        look = other.look(image)
        after = look.ask("all joints").poses[0]
        assert [j.name for j in after.joints] == [j.name for j in before.joints]
        placed = [(a.x, b.x) for a, b in zip(after.joints, before.joints, strict=True)
                  if a.x is not None and b.x is not None]  # fmt: skip
        assert all(one == other_ for one, other_ in placed)  # states change, places never
        assert look.image_HW3 is None
    with pytest.raises(InvalidInput, match="contrast"):
        PredictorSettings(contrast=-1.0)


def test_verification_makes_doubtful_joints_absent(toy: Path) -> None:  # noqa: F811
    """A toy bundle's places are weak: under a strict threshold verification lets them go."""
    from posealign.data.image import decode_image

    image = decode_image(png())
    plain = Predictor(str(toy), "cpu", 1)
    given = [
        sum(j.state != State.ABSENT for j in
            Predictor(str(toy), "cpu", 1, replace(plain.settings, verify=on))
            .look(image).ask("all joints").poses[0].joints)
        for on in (False, True)
    ]  # fmt: skip
    assert given[1] <= given[0]
