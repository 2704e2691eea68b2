"""The synthetic infant through a DataLoader: read from shards, and drawn by two workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from posealign.errors import InvalidInput
from posealign.synth.bank import Bank
from posealign.synth.dataset import ShardDataset
from posealign.synth.places import PLACE_NAMES
from posealign.synth.render import Renderer
from posealign.synth.write import claim, write_shard
from training import shards
from training.synthetic import SyntheticInfants, seed_worker

BANK = Bank("train", seed=0, poses=4, looks=2, cloths=0)
SIZE = (96, 128)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, renderer = tmp_path_factory.mktemp("rendered"), Renderer(96)
    claim(out, BANK, 96)
    write_shard(out, BANK, range(4), renderer)
    renderer.close()
    return out


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(other[key]), err_msg=key)


def test_two_workers_draw_what_one_process_draws() -> None:
    data = SyntheticInfants(BANK, SIZE, count=4, picture=96)
    loader = DataLoader(
        data, 2, num_workers=2, worker_init_fn=seed_worker, multiprocessing_context="spawn"
    )
    batches = list(loader)
    assert [tuple(b["pixels"].shape) for b in batches] == [(2, 128, 96, 3)] * 2
    alone = SyntheticInfants(BANK, SIZE, count=4, picture=96)
    same({key: value[1] for key, value in batches[0].items()}, alone[1])
    assert float(batches[0]["weights"].sum()) > 20
    first = alone.sample(1)
    alone.set_epoch(1)
    assert alone.sample(1).key == "train-0-0000005"
    assert first.key == "train-0-0000001"
    assert not np.array_equal(alone[1]["pixels"], batches[0]["pixels"][1])


def test_rendered_shards_give_the_same_items_as_drawing(folder: Path) -> None:
    read, drawn = SyntheticInfants(folder, SIZE), SyntheticInfants(BANK, SIZE, count=4, picture=96)
    assert len(read) == 4
    same(read[2], drawn[2])
    batch = next(iter(DataLoader(read, 4)))
    assert isinstance(batch["points"], torch.Tensor)
    with pytest.raises(InvalidInput, match="which has 4"):
        SyntheticInfants(folder, SIZE, count=9)
    with pytest.raises(IndexError):
        read[4]


def test_places_are_packed(folder: Path, tmp_path: Path) -> None:
    shards.pack_synth(folder, tmp_path / "packed")
    packed = shards.read_shard(tmp_path / "packed")
    places_NK3 = packed.extra["places_NK3"]
    assert places_NK3.shape == (len(packed), len(PLACE_NAMES), 3)
    assert np.isfinite(places_NK3).any(axis=(1, 2)).all()
    sides = [PLACE_NAMES.index(f"{side}_mid_thigh") for side in ("left", "right")]
    told = places_NK3[:, sides]
    apart = np.linalg.norm(told[:, 0, :2] - told[:, 1, :2], axis=1)
    assert np.nanmax(apart) > 3


def test_those_beside_the_infant_are_packed_as_rows_of_their_own(folder: Path) -> None:
    sample = ShardDataset(folder)[0]
    infant = sample.people[0]
    beside = replace(infant, role="adult", points_V2=infant.points_V2 + np.float32(7))
    labels = shards.synth_labels(replace(sample, people=(infant, beside)), 1)
    assert (labels["infant_N"], labels["other_infant_N"]) == (0, 1)
    np.testing.assert_array_equal(labels["points_NV2"], infant.points_V2 + np.float32(7))
    np.testing.assert_array_equal(labels["other_NV2"], infant.points_V2)


def test_a_folder_without_anybody_else_has_no_others(folder: Path, tmp_path: Path) -> None:
    beside = [person for sample in ShardDataset(folder) for person in sample.people[1:]]
    assert not any(person.role == "adult" for person in beside), "the bank of this test has none"
    with pytest.raises(InvalidInput, match="nobody to pack beside the infant"):
        shards.pack_synth(folder, tmp_path / "others", others=True)
