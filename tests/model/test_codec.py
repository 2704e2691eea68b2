"""Encode and decode are inverse; the distribution is one: sums, samples and divergences agree."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posealign.model import codec

HEIGHT, WIDTH = 64, 48
xs, ys = st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1)
sigmas = st.sampled_from([1.0, 1.5, 2.0, 3.0])


@given(xs, ys, sigmas)
def test_decode_inverts_encode_everywhere_in_the_picture(x: float, y: float, sigma: float) -> None:
    point = torch.tensor([x, y])
    logits = codec.log_target(point, HEIGHT, WIDTH, sigma)
    assert (codec.decode(logits, HEIGHT, WIDTH) - point).abs().max() < 0.02


@given(xs, ys)
def test_decode_inverts_the_probabilities_too(x: float, y: float) -> None:
    """What training sees: a normalised target, whose logarithm is what the network learns."""
    point = torch.tensor([x, y])
    target = codec.soft_target(point, HEIGHT, WIDTH)
    assert abs(float(target.sum()) - 1) < 1e-5
    found = codec.decode(target.clamp(min=1e-30).log(), HEIGHT, WIDTH)
    assert (found - point).abs().max() < 0.02


@pytest.mark.parametrize(
    "point", [(0, 0), (47, 63), (0, 63), (47, 0), (0, 31.5), (46.6, 20.2), (0.4, 62.7)]
)
def test_decode_at_the_borders(point: tuple[float, float]) -> None:
    """The stencil moves inwards there; the parabola still finds its vertex."""
    wanted = torch.tensor(point, dtype=torch.float32)
    found = codec.decode(codec.log_target(wanted, HEIGHT, WIDTH), HEIGHT, WIDTH)
    assert (found - wanted).abs().max() < 0.02


def test_points_outside_decode_to_the_nearest_border() -> None:
    outside = torch.tensor([[-3.0, 10.0], [60.0, 80.0]])
    found = codec.decode(codec.log_target(outside, HEIGHT, WIDTH), HEIGHT, WIDTH)
    torch.testing.assert_close(found, torch.tensor([[0.0, 10.0], [47.0, 63.0]]), atol=0.02, rtol=0)


def test_a_flat_map_and_a_ridge_stay_on_their_cell() -> None:
    flat = torch.zeros(HEIGHT * WIDTH)
    assert codec.decode(flat, HEIGHT, WIDTH).tolist() == [0, 0]
    ridge = torch.zeros(HEIGHT, WIDTH)
    ridge[:, 20] = 5
    x, _ = codec.decode(ridge.flatten(), HEIGHT, WIDTH).tolist()
    assert abs(x - 20) <= 0.5


def test_decode_is_finite_for_any_logits() -> None:
    logits = torch.randn(200, HEIGHT * WIDTH, generator=torch.Generator().manual_seed(0)) * 30
    found = codec.decode(logits, HEIGHT, WIDTH)
    assert found.isfinite().all()
    best = logits.argmax(-1)
    cells = torch.stack([best % WIDTH, best // WIDTH], -1)
    assert (found - cells).abs().max() <= 0.5


def test_log_prob_sums_to_one_on_a_small_grid() -> None:
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1)) * 4
    for tau in (0.5, 1.0, 2.0):
        total = codec.log_prob(logits.expand(12, 12), torch.arange(12), tau).exp().sum()
        assert abs(float(total) - 1) < 1e-5


def test_samples_follow_the_distribution_and_stay_in_their_cell() -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, 0.5, 0.0])
    cells, points = codec.sample(logits.expand(60_000, 6), 3, 1.0, generator)
    share = torch.bincount(cells, minlength=6) / len(cells)
    torch.testing.assert_close(share, logits.softmax(-1), atol=0.01, rtol=0)
    inside = points - torch.stack([cells % 3, cells // 3], -1)
    assert inside.abs().max() <= 0.5
    assert abs(float(inside.mean())) < 0.01


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tau", [0.7, 1.0])
def test_closed_form_kl_equals_monte_carlo(seed: int, tau: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    p, q = torch.randn(2, 30, generator=generator)
    exact = float(codec.kl(p, q, tau))
    cells, _ = codec.sample(p.expand(20_000, 30), 6, tau, generator)
    terms = codec.log_prob(p.expand(20_000, 30), cells, tau) - codec.log_prob(
        q.expand(20_000, 30), cells, tau
    )
    error = float(terms.std()) / math.sqrt(len(terms))
    assert abs(float(terms.mean()) - exact) < 5 * error
    assert exact >= 0
    assert float(codec.kl(p, p, tau)) == 0


def test_entropy_is_that_of_the_distribution() -> None:
    assert abs(float(codec.entropy(torch.zeros(64))) - math.log(64)) < 1e-5
    assert float(codec.entropy(torch.tensor([100.0, 0.0, 0.0]))) < 1e-5


@given(st.floats(-1.5, 1.5))
def test_z_decodes_what_was_encoded(z: float) -> None:
    value = torch.tensor(z)
    target = codec.z_target(value)
    assert target.shape == (codec.Z_BINS,)
    assert abs(float(codec.z_decode(target.clamp(min=1e-30).log())) - z) < 0.01


def test_z_beyond_the_range_goes_to_its_end() -> None:
    found = codec.z_decode(codec.z_target(torch.tensor([-9.0, 9.0])).clamp(min=1e-30).log())
    torch.testing.assert_close(found, torch.tensor([-1.5, 1.5]), atol=0.01, rtol=0)
