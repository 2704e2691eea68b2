"""Speed and memory, from a warm bank (slow; the speed wants a quiet machine)."""

from __future__ import annotations

from pathlib import Path

import pytest

from posealign.commands.synth import measure_speed
from posealign.synth import bank as banks
from posealign.synth import extremities, scene
from posealign.synth.bank import Bank


@pytest.mark.slow
def test_speed(tmp_path: Path) -> None:
    """On two quiet cores: 25 samples a second, 200 read."""
    told = measure_speed(tmp_path, Bank("train"), 150, 256)
    print(told)
    assert 2 * float(str(told["rendered_per_processor_second"])) >= 25
    assert float(str(told["read_per_processor_second"])) >= 200


@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """600 samples after the warm-up: what grew there would be gigabytes after 20,000."""
    told = measure_speed(tmp_path, Bank("train"), 600, 96)
    print(told)
    assert float(str(told["memory_growth_mb"])) < 24


def test_every_cache_has_a_bound() -> None:
    """What a bank keeps, in megabytes at most, for one process."""
    mb = {banks._entry: 0.02, banks._skin: 0.27, banks._draped: 0.35, banks._look: 0.84,
          scene._painted: 0.2,
          extremities.bend_hand: 0.003}  # fmt: skip
    total = 0.0
    for cache, each in mb.items():
        limit = cache.cache_info().maxsize
        assert limit is not None
        total += limit * each
    assert total < 500
