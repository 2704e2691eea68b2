"""Rendered infants with exact labels, drawn once a run for all the slow tests that want them."""

from __future__ import annotations

from functools import lru_cache

from posealign.data.sample import Sample
from posealign.synth.bank import Bank
from posealign.synth.render import Renderer
from posealign.synth.write import render_sample


@lru_cache(maxsize=1)
def infants(count: int = 200, size: int = 256) -> tuple[Sample, ...]:
    """The first samples of the test split: nothing was trained on them."""
    bank, renderer = Bank("test", poses=40, looks=12), Renderer(size)
    try:
        return tuple(render_sample(bank, number, renderer).sample for number in range(count))
    finally:
        renderer.close()
