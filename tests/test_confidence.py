"""What a confidence owes to its joint, and who may lack joints."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from posealign import bundle as bundles
from posealign.answer import Placed
from posealign.bundle import Bundle, CalibrationSpec
from posealign.confidence import SIGMA, at_border, calibrated, hidden
from posealign.people import Seen
from posealign.predictor import Predictor, PredictorSettings
from posealign.skeletons.load import vocabulary
from posealign.vote import Voted
from tests.sights import seen

NAMES = ("left_eye", "left_hip", "my_marker")
SIGMAS = np.array([0.025, 0.107, SIGMA])
PLACES = Voted(np.zeros((3, 2)), np.full(3, 0.5), np.full(3, 2.0), np.ones(3))


def person(confidence: float) -> Placed:
    count = len(NAMES)
    return Placed(
        NAMES, np.zeros((count, 2)), np.full(count, confidence), np.ones(count),
        np.full(count, 2, np.int8), np.zeros(count),
    )  # fmt: skip


def told(**odds: float) -> Seen:
    """Somebody of whom these joints are occluded rather than visible, by these log-odds."""
    logits = np.zeros((len(vocabulary()), 3), np.float32)
    for name, value in odds.items():
        logits[vocabulary().index(name), 1] = value
    return seen(logits)


def test_an_unfitted_bundle_changes_nothing() -> None:
    before = person(0.7)
    assert calibrated(before, PLACES, told(), SIGMAS, CalibrationSpec()) is before


def test_an_eye_is_less_sure_than_a_hip_of_the_same_heatmap() -> None:
    spec = CalibrationSpec(tolerance=1.5)
    eye, hip, marker = calibrated(person(0.5), PLACES, told(), SIGMAS, spec).confidence_K
    assert eye == pytest.approx(1 / (1 + (SIGMA / 0.025) ** 1.5))
    assert hip == pytest.approx(1 / (1 + (SIGMA / 0.107) ** 1.5))
    assert marker == pytest.approx(0.5)


def test_a_hidden_joint_is_less_sure_and_a_described_one_is_not_known_to_be() -> None:
    spec = CalibrationSpec(hidden=-0.5)
    one = told(left_hip=2.0, left_eye=900.0)
    np.testing.assert_allclose(hidden(person(0.5), one), [4, 2, 0])
    eye, hip, marker = calibrated(person(0.5), PLACES, one, SIGMAS, spec).confidence_K
    assert eye == pytest.approx(1 / (1 + np.exp(2)))
    assert hip == pytest.approx(1 / (1 + np.exp(1)))
    assert marker == pytest.approx(0.5)


def test_a_wide_heatmap_and_sights_that_look_elsewhere_are_less_sure() -> None:
    places = replace(
        PLACES, radius_K=np.array([2.0, 4.0, 0.0]), support_K=np.array([1.0, 1.0, 0.4])
    )
    alike = CalibrationSpec(spread=-1.0, radius_scale=1.0)
    narrow, wide, none = calibrated(person(0.5), places, told(), SIGMAS, alike).confidence_K
    assert narrow / (1 - narrow) == pytest.approx(2 * wide / (1 - wide))  # twice as wide
    assert narrow < none < 1
    fitted = CalibrationSpec(spread=-1.0, radius_scale=3.0, radius_offset=0.5)
    pixel = told().crop.pixel
    wider = replace(places, radius_K=3 * places.radius_K + 0.5 * pixel)
    np.testing.assert_allclose(  # the radius's own calibration makes nobody surer
        calibrated(person(0.5), wider, told(), SIGMAS, fitted).confidence_K, [narrow, wide, none]
    )
    voted = CalibrationSpec(support=5.0)
    found = calibrated(person(0.5), places, told(), SIGMAS, voted).confidence_K
    np.testing.assert_allclose(found, [0.5, 0.5, 1 / (1 + np.exp(3))])


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_the_surest_stays_in_range(sure: float) -> None:
    spec = CalibrationSpec(tolerance=3.0, hidden=-1.0)
    found = calibrated(person(sure), PLACES, told(left_hip=-9.0), SIGMAS, spec).confidence_K
    assert ((found >= 0) & (found <= 1)).all()


def test_who_stands_clear_of_the_border_goes_not_beyond_it() -> None:
    assert not at_border((10, 10, 50, 70), (100, 100))
    for box in ((0, 10, 50, 70), (10, 0, 50, 70), (49, 10, 50, 70), (10, 29, 50, 70)):
        assert at_border(box, (100, 100)), box
    assert at_border((-20, 10, 50, 50), (100, 100))


def test_bundles_of_before_keep_their_digest() -> None:
    """What is 0 is not written: an older bundle.json is the same text."""
    written = json.loads((bundles.find("default").folder / "bundle.json").read_text("utf-8"))
    plain = CalibrationSpec(bias=0.5, fitted_on="x").model_dump(mode="json")
    assert set(plain) == {"bias", "slopes", "radius_scale", "radius_offset", "fitted_on"}
    assert (
        CalibrationSpec(**written["calibration"]).model_dump(mode="json") == written["calibration"]
    )
    assert CalibrationSpec(tolerance=1.5).model_dump()["tolerance"] == 1.5


def test_the_predictor_uses_them() -> None:
    """A bundle's own numbers reach every answer, whatever else is asked with it."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8)
    plain = bundles.find("default")
    spec = plain.metadata.calibration.model_copy(update={"tolerance": 2.0})
    fitted = Bundle(plain.folder, plain.metadata.model_copy(update={"calibration": spec}))
    box = [(40.0, 30.0, 60.0, 60.0)]
    found = {}
    for name, bundle in (("plain", plain), ("fitted", fitted)):
        settings = PredictorSettings(absent_threshold=1.0)
        predictor = Predictor(bundle, "cpu", 1, settings)
        look = predictor.look(image, box)
        whole = {j.name: j.confidence for j in look.ask("all keypoints").poses[0].joints}
        alone = look.ask("the left hip").poses[0].joints[0].confidence
        assert alone == pytest.approx(whole["left_hip"], abs=1e-5)
        found[name] = whole
    bare = plain.metadata.calibration.tolerance
    for name in ("left_eye", "left_hip"):
        odds = [np.log(v[name] / (1 - v[name])) for v in (found["plain"], found["fitted"])]
        expected = (2.0 - bare) * np.log(vocabulary()[name].sigma / SIGMA)
        assert odds[1] - odds[0] == pytest.approx(expected, abs=1e-3)


def test_absence_is_judged_by_where_the_person_stands() -> None:
    """Clear of the border nothing is absent; at the border everything may be."""
    image = np.random.default_rng(0).integers(0, 256, (160, 160, 3)).astype(np.uint8)
    settings = PredictorSettings(absent_threshold=0.0, absent_whole=1.0)
    predictor = Predictor("default", "cpu", 1, settings)
    clear, cut = [(50.0, 50.0, 50.0, 50.0)], [(-0.5, 50.0, 50.0, 50.0)]
    whole = predictor.look(image, clear).ask("all keypoints").poses[0]
    part = predictor.look(image, cut).ask("all keypoints").poses[0]
    assert all(joint.x is not None for joint in whole.joints)
    assert all(joint.x is None for joint in part.joints)


def test_what_is_hidden_is_said_above_the_bundles_own_limit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (160, 160, 3)).astype(np.uint8)
    box = [(50.0, 50.0, 50.0, 50.0)]

    def states(limit: float) -> set[str]:
        settings = PredictorSettings(absent_threshold=1.0, occluded_threshold=limit)
        predictor = Predictor("default", "cpu", 1, settings)
        pose = predictor.look(image, box).ask("all keypoints").poses[0]
        return {joint.state.name for joint in pose.joints if joint.x is not None}

    assert states(1.0) == {"VISIBLE"}
    assert states(0.0) == {"OCCLUDED"}
