"""A joint's first look: silent at first, and what lets a decoder tell a joint from its twin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from posealign.model.config import DecoderConfig
from posealign.model.decoder import Decoder
from posealign.model.glance import CELLS, Glance, with_features
from tests.model.toys import toy_model

GRID, WIDTH, CHANNELS = (4, 4), 8, 3
CROP_4 = torch.tensor([0.0, 1.0, 0.0, 0.0])


def decoder_with(glance: bool) -> Decoder:
    torch.manual_seed(0)
    shape = DecoderConfig(width=16, layers=1, text_layers=1, heads=2, glance=glance)
    return Decoder(shape, 2, WIDTH + CHANNELS, GRID, 8, CHANNELS + 1, CHANNELS)


def twins(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(tokens, which of two joints is covered [B]): one joint lies on a covered cell, its twin on
    an open one. The tokens' own part shows both cells and not whose they are.
    """
    cells_B2 = torch.rand(count, GRID[0] * GRID[1], generator=generator).argsort(1)[:, :2]
    covered_B = torch.randint(0, 2, (count,), generator=generator)
    rows = torch.arange(count)
    own = torch.zeros(count, GRID[0] * GRID[1], WIDTH)
    own[rows, cells_B2[rows, covered_B], 0] = 1
    own[rows, cells_B2[rows, 1 - covered_B], 1] = 1
    features = torch.zeros(count, GRID[0] * GRID[1], CHANNELS)
    for joint in (0, 1):
        features[rows, cells_B2[:, joint], joint] = 1
    return torch.cat([own, features], -1), covered_B


def taught(decoder: Decoder, steps: int = 150) -> float:
    """Share of unseen pictures in which the covered twin is named, after a little training."""
    if decoder.glance is not None:
        decoder.glance.look_for(torch.tensor([[8.0, 0, 0, 0], [0, 8.0, 0, 0]]))
    generator = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=5e-3)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            tokens, covered_B = twins(32, generator)
            if decoder.glance is None:
                tokens = torch.cat([tokens[..., :WIDTH], torch.zeros(32, 16, CHANNELS)], -1)
            state = decoder.look(tokens, CROP_4.expand(32, 4))[2]
            yield state[..., 1] - state[..., 2], covered_B

    for (odds_B2, covered_B), _ in zip(batches(), range(steps), strict=False):
        optimiser.zero_grad()
        functional.cross_entropy(odds_B2, covered_B).backward()
        optimiser.step()
    with torch.no_grad():
        odds_B2, covered_B = next(batches())
    return float((odds_B2.argmax(1) == covered_B).float().mean())


def test_what_enters_the_decoder_is_at_first_what_it_was_without() -> None:
    new, old = decoder_with(True), decoder_with(False)
    old.picture_in = new.picture_in
    missing, unknown = old.load_state_dict(new.state_dict(), strict=False)
    assert not missing
    assert all(name.startswith("glance.") for name in unknown)
    tokens, _ = twins(3, torch.Generator().manual_seed(0))
    crop_B4 = CROP_4.expand(3, 4)
    for first, second in zip(
        new.look(tokens, crop_B4), old.look(tokens[..., :WIDTH], crop_B4), strict=True
    ):
        torch.testing.assert_close(first, second, atol=0, rtol=0)


def test_a_joint_is_told_from_its_twin_only_by_a_glance() -> None:
    assert taught(decoder_with(True)) > 0.95
    assert taught(decoder_with(False)) < 0.8


def test_a_token_carries_the_mean_of_the_feature_map_where_it_lies() -> None:
    features = torch.rand(2, CHANNELS, 2 * CELLS, 3 * CELLS)
    tokens = with_features(torch.rand(2, 6, WIDTH), features)
    assert tokens.shape == (2, 6, WIDTH + CHANNELS)
    block = features[1, :, CELLS:, :CELLS].mean((1, 2))
    torch.testing.assert_close(tokens[1, 3, WIDTH:], block)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_glance_begins_with_the_places_that_joint_vectors_give(kernel: int) -> None:
    model = toy_model(kernel=kernel)
    glance = Glance(model.channels, model.config.joints, 16)
    glance.look_for(model.table.detach())
    features = torch.rand(1, model.channels, 16, 24)
    even = features.mean((2, 3), keepdim=True).expand_as(features)  # borders pad a 3×3 kernel
    inside = model.heatmaps(even, model.table[None])[0, :, 1:-1, 1:-1]
    said = glance.rows(even[0, :, 0, 0])
    torch.testing.assert_close(said, inside[:, 0, 0], atol=1e-5, rtol=1e-5)
