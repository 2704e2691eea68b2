import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from posealign.data import finder
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.skeletons.load import vocabulary
from training import losses
from training.figures import drawn
from training.people import CELL, SCENE, People

SIZE = (96, 96)


@pytest.fixture(scope="module")
def people() -> People:
    shards = {"drawn": drawn(12)}
    mixture = Mixture({"drawn": 12, SCENE: 100}, {"drawn": 0.7, SCENE: 0.3}, seed=5)
    return People(shards, mixture, Augmentation(), SIZE, frozenset({"drawn"}), with_person=True)


def test_a_position_is_the_same_view_every_time(people: People) -> None:
    one, two = people[4], people[4]
    for name in ("pixels", "points", "weights", "state", "finder", "crop"):
        assert (one[name] == two[name]).all(), name


def test_of_a_shard_only_the_postures_that_are_wanted_are_drawn() -> None:
    told = ("prone", "supine", "supine", "prone", "sitting", "supine")
    shard = replace(drawn(6), facts_N=tuple(json.dumps({"posture": one}) for one in told))
    rows = shard.rows_in(["prone", "sitting"])
    assert rows.tolist() == [0, 3, 4]
    mixture = Mixture({"drawn": len(rows)}, {"drawn": 1.0}, seed=5)
    kept = People({"drawn": shard}, mixture, Augmentation(), SIZE, kept={"drawn": rows})
    for position in range(6):
        _, row = mixture.pick(position)
        wanted = kept.person("drawn", int(rows[row]), mixture.random(position))
        np.testing.assert_array_equal(kept[position]["pixels"], wanted["pixels"])
    with pytest.raises(InvalidInput, match="nobody in held; its postures: prone, sitting, supine"):
        shard.rows_in(["held"])


def test_what_left_the_view_is_absent_and_has_no_place(people: People) -> None:
    seen = 0
    for row in range(12):
        item = people.person("drawn", row, np.random.default_rng(row))
        x, y = item["points"].T
        outside = (x < 0) | (y < 0) | (x > 95) | (y > 95)
        labelled = item["state_weight"] > 0
        assert (item["state"][outside & labelled] == State.ABSENT).all()
        assert (item["weights"][outside] == 0).all()
        assert (item["z_weight"][outside] == 0).all()
        seen += int((outside & labelled).sum())
    assert seen > 0


def test_a_cut_picture_makes_joints_absent_and_tells_of_padding() -> None:
    """As at a photograph's border: what lies beyond is absent, and the crop is padded there."""
    quiet = {"roll": 0, "tilt": 0, "zoom": (1, 1), "shift": 0, "truncate": 0, "mirror": 0}
    cut = People({"drawn": drawn(12)}, Mixture({"drawn": 12}, {"drawn": 1.0}, seed=5),
                 Augmentation(**quiet, cut=1.0), SIZE, with_person=True)  # fmt: skip
    whole = People({"drawn": drawn(12)}, cut.mixture, Augmentation(**quiet), SIZE)
    absent, padding = [], []
    for row in range(12):
        item = cut.person("drawn", row, np.random.default_rng(row))
        before = whole.person("drawn", row, np.random.default_rng(row))
        known = item["state_weight"] > 0
        absent.append((item["state"][known] == State.ABSENT).sum())
        absent[-1] -= (before["state"][known] == State.ABSENT).sum()
        padding.append(item["crop"][3] - before["crop"][3])
        # The crop that caches depth by is the whole picture's: labelled places agree.
        placed = item["weights"] > 0
        expected = item["view"].crop.apply(cut.shards["drawn"].points_NV2[row][placed])
        np.testing.assert_allclose(item["points"][placed], expected, atol=1e-2)
    assert min(absent) >= 0
    assert np.mean(np.array(absent) > 0) > 0.8
    assert np.mean(padding) > 0.03


def test_the_unlabelled_counts_nowhere(people: People) -> None:
    item = people.person("drawn", 0, np.random.default_rng(0))
    never = [vocabulary().index(name) for name in ("left_big_toe", "face_30", "spine2")]
    for key in ("weights", "state_weight", "z_weight"):
        assert (item[key][never] == 0).all()


def test_scenes_say_where_everybody_is(people: People) -> None:
    found = 0
    for position in range(80):
        name, _ = people.mixture.pick(position)
        if name != SCENE:
            continue
        item = people[position]
        target = item["finder"].copy()
        assert target.shape == (finder.CHANNELS, 6, 6)
        logits = target.copy()
        logits[0] = np.where(target[0] >= 0.99, 9.0, -9.0)
        found += len(finder.decode(logits, CELL))
        assert item["weights"].sum() == 0
    assert found > 5


def test_totals_are_what_sums_are_divided_by(people: People) -> None:
    rows = [people.person("drawn", row, np.random.default_rng(row)) for row in range(3)]
    batch = {key: torch.from_numpy(np.stack([row[key] for row in rows]))
             for key in ("weights", "state_weight", "z_weight", "finder_on")}  # fmt: skip
    total = losses.totals(batch)
    parts = [
        losses.totals({key: value[i : i + 1] for key, value in batch.items()}) for i in range(3)
    ]
    for key, value in total.items():
        assert float(value) == pytest.approx(sum(float(part[key]) for part in parts), rel=1e-5)
