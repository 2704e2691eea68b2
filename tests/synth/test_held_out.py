"""Test bodies, fabrics, skins and cameras lie where no training sample ever lies."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from posealign.errors import InvalidInput
from posealign.synth import outfit, pattern, scene
from posealign.synth.bank import Bank, generator
from posealign.synth.body import sample_adult, sample_infant
from posealign.synth.held_out import BANDS, SPLITS, draw, held_out
from posealign.synth.sensor import SENSORS


@pytest.mark.parametrize("split", SPLITS)
def test_cameras_of_train_and_test_have_no_angle_in_common(split: str) -> None:
    bank, test = Bank(split, poses=4, looks=2, cloths=0), split == "test"
    views = set()
    for number in range(24):
        world = scene.sample(bank, number, 256)
        camera = world.stage.camera
        field = float(np.rad2deg(2 * np.arctan(camera.height / 2 / camera.focal)))
        tilt = float(np.rad2deg(np.arcsin(-camera.R[2, 2])))
        assert held_out("field_of_view_deg", field) == test, field
        assert held_out("tilt_deg", tilt) == test, tilt
        assert camera.position[2] > world.stage.floor_z + 0.24
        views.add(world.view)
    assert len(views) >= 2
    assert {s.name for s in SENSORS["train"]}.isdisjoint(s.name for s in SENSORS["test"])


@pytest.mark.parametrize("split", SPLITS)
def test_bodies_and_looks_of_train_and_test_come_from_other_ranges(split: str) -> None:
    rng, test = generator("body", 3, split, 0), split == "test"
    for _ in range(200):
        body = sample_infant(rng, split=split)
        assert held_out("age_months", body.age_months) == test
        assert held_out("fat", body.extra["fat"]) == test
        assert held_out("adult_stature_m", sample_adult(rng, split).stature) == test
        cloth = pattern.fabric(rng, split)
        assert cloth.kind == "plain" or cloth.kind in pattern.KINDS[split]
        for colour in cloth.colours:
            hue, saturation, _ = colorsys.rgb_to_hsv(*colour)
            if saturation > 0.09:  # what has less is grey
                near = {held_out("hue", hue + nudge) for nudge in (-1e-9, 0, 1e-9)}
                assert test in near
            elif colour[0] == colour[1]:
                assert held_out("grey", colour[0]) == test
    assert set(pattern.KINDS["train"]) & set(pattern.KINDS["test"]) == {"plain"}
    tones = [outfit.make(rng, (), split).tone for _ in range(2)]
    assert len(set(tones)) == 2


def test_a_range_without_the_splits_values_says_so() -> None:
    with pytest.raises(InvalidInput, match="no tilt_deg of the test split"):
        draw("test", "tilt_deg", lambda: 50.0)
    assert draw(None, "tilt_deg", lambda: 50.0) == 50.0
    for name, bands in BANDS.items():
        assert all(low < high for low, high in bands), name
