"""One renderer and one small rendered data set for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posealign.synth.bank import Bank
from posealign.synth.render import Renderer
from posealign.synth.write import claim, write_shard

COUNT = 16


@pytest.fixture(scope="session")
def bank() -> Bank:
    return Bank("train", seed=0, poses=16, looks=6, cloths=1)


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    one = Renderer(256)
    yield one
    one.close()


@pytest.fixture(scope="session")
def shards(bank: Bank, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth")
    claim(folder, bank, 256)
    write_shard(folder, bank, range(COUNT), renderer)
    return folder
