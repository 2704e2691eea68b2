"""Places without a joint: they lie where their words say, and labels and pictures agree."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from posealign.skeletons.load import vocabulary
from posealign.synth import labels, places
from posealign.synth.body import BONES, DOFS, forward, mean_infant
from posealign.synth.dataset import ShardDataset
from posealign.synth.places import PLACES
from posealign.synth.skin import Hands, pose_skin


def test_places_lie_where_their_words_say() -> None:
    """In the neutral pose: x to the person's right, y forward, z up."""
    body, frames = mean_infant(), forward(mean_infant(), np.zeros(len(DOFS)))
    hands = Hands(np.full(5, 0.2), np.full(5, 0.2))
    skin, _ = pose_skin(body, frames, hands)
    at = dict(zip(places.PLACE_NAMES, places.locate(body, frames, skin), strict=True))
    at |= dict(zip(vocabulary().names, labels.joints(body, frames, hands), strict=True))
    assert at["belly_button"][1] > 0.03
    assert at["lower_back"][1] < -0.03
    assert at["pelvis"][2] < at["belly_button"][2] < at["breastbone"][2] < at["neck"][2]
    assert at["forehead"][2] > at["nose"][2] > at["left_cheek"][2]
    assert at["back_of_head"][1] < at["left_ear"][1] < at["forehead"][1]
    for side, m in (("left", -1), ("right", 1)):
        for name in ("cheek", "temple", "nipple", "flank", "buttock", "shoulder_blade", "sole"):
            assert m * at[f"{side}_{name}"][0] > 0, name
        elbow, wrist = at[f"{side}_elbow"], at[f"{side}_wrist"]
        np.testing.assert_allclose(at[f"{side}_mid_forearm"], (elbow + wrist) / 2, atol=1e-3)
        assert at[f"{side}_front_thigh"][1] > at[f"{side}_back_thigh"][1]
        assert m * (at[f"{side}_outer_thigh"][0] - at[f"{side}_inner_thigh"][0]) > 0.03
        assert at[f"{side}_shin"][1] > at[f"{side}_calf"][1]
        assert at[f"{side}_sole"][2] < at[f"{side}_instep"][2]
        hand = m * (at[f"{side}_back_of_hand"][0] - at[f"{side}_palm"][0])
        assert hand > 0.005, "the palm looks at the thigh"
    words = [text for place in PLACES for text in (*place.en, *place.zh)]
    assert len(set(words)) == len(words), "no two places share their words"
    assert all(place.en and place.zh for place in PLACES)


def test_written_places_agree_with_the_pictures(shards: Path) -> None:
    """Read from the files alone: what is visible shows its bone at its depth."""
    data = ShardDataset(shards)
    told = json.loads((shards / "places.json").read_text("utf-8"))
    assert "肚脐" in told["belly_button"]["zh"]
    counted = {1: 0, 2: 0}
    for number, sample in enumerate(data):
        exact, parts = (
            cv2.imdecode(np.frombuffer(data.file(number, f"{kind}.png"), np.uint8), -1)
            for kind in ("exact", "parts")
        )
        for first, person in zip((1, 16), sample.people, strict=False):
            for name, (x, y, z, state) in person.facts["places"].items():
                place = PLACES[places.PLACE_NAMES.index(name)]
                row, column = round(y), round(x)
                bone = int(parts[row, column]) - first
                own = 0 <= bone < 15 and BONES[bone] in place.shown_by
                before = z - exact[row, column] / 1000
                counted[int(state)] += 1
                if state == 2:
                    assert own, (sample.key, name)
                    assert before < 0.012 or place.angle is None, (sample.key, name)
                elif place.angle is not None and own:
                    assert before > 0.006, (sample.key, name)
    assert min(counted.values()) > 50
