"""What a served model is made of: the bundle's own settings, unless the operator says otherwise."""

from __future__ import annotations

import pytest

from posealign import bundle as bundles
from posealign.predictor import PredictorSettings
from serving.models import open_predictor
from serving.settings import Settings


def test_the_server_answers_with_the_settings_of_the_bundle() -> None:
    own = PredictorSettings.of(bundles.find("default"))
    assert own != PredictorSettings(), "a bundle without settings of its own shows nothing here"
    assert open_predictor(Settings(), "default").settings == own


@pytest.mark.parametrize("changes", [{"passes": 1}, {"passes": 3, "max_people": 2}])
def test_what_the_operator_sets_goes_before_them(changes: dict[str, int]) -> None:
    found = open_predictor(Settings.model_validate(changes), "default").settings
    assert found == PredictorSettings.of(bundles.find("default"), **changes)
