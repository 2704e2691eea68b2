import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posealign.data.augment import (
    LEAST_LEFT,
    Augmentation,
    cut_picture,
    light,
    mirror,
    occlude,
    random_crop,
    view,
    without_beyond,
)
from posealign.data.crop import Crop
from posealign.errors import InvalidConfig
from posealign.skeletons.load import vocabulary

QUIET = Augmentation(colour=0, grey=0, infrared=0, blur=0, jpeg=0, noise=0, occlude=0, mirror=0)


def dots(points_N2: np.ndarray, side: int = 128) -> np.ndarray:
    image = np.zeros((side, side, 3), np.uint8)
    for x, y in points_N2.astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_points_go_with_the_pixels(seed: int) -> None:
    """A bright dot is still bright where its point went, whatever the turn, zoom and mirror."""
    random = np.random.default_rng(seed)
    points = np.full((len(vocabulary()), 2), np.nan, np.float32)
    points[:3] = [(40, 50), (70, 60), (60, 90)]
    config = Augmentation(colour=0, grey=0, infrared=0, blur=0, jpeg=0, noise=0, occlude=0)
    crop = random_crop((30, 40, 60, 60), (96, 96), config, random)
    seen = view(dots(points[:3]), points, crop, vocabulary().swap_J, config, random)
    inside = seen.inside_V
    assert inside.sum() <= 3
    for x, y in seen.points_V2[inside]:
        if 3 < x < 92 and 3 < y < 92:
            assert seen.pixels_HW3[round(float(y)), round(float(x))].min() > 100


def test_a_mirror_twice_is_nothing_and_once_swaps_sides() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    points = random.uniform(0, 30, (len(vocabulary()), 2)).astype(np.float32)
    swap = vocabulary().swap_J
    once_pixels, once = mirror(pixels, points, swap)
    left, right = vocabulary().index("left_knee"), vocabulary().index("right_knee")
    assert once[left, 0] == pytest.approx(47 - points[right, 0])
    twice_pixels, twice = mirror(once_pixels, once, swap)
    assert (twice_pixels == pixels).all()
    assert np.allclose(twice, points, atol=1e-4)


def test_turns_are_spread_over_the_whole_circle() -> None:
    random = np.random.default_rng(1)
    config = Augmentation(roll=1.0)
    angles = [random_crop((0, 0, 10, 10), (64, 64), config, random).rotation for _ in range(400)]
    counts = np.histogram(angles, bins=4, range=(-180, 180))[0]
    assert counts.min() > 60


def test_what_an_occluder_covers_is_known() -> None:
    random = np.random.default_rng(2)
    pixels = np.zeros((96, 96, 3), np.uint8)
    points = random.uniform(0, 95, (len(vocabulary()), 2)).astype(np.float32)
    points[5] = np.nan
    covered_pixels, covered = occlude(pixels, points, random)
    assert covered_pixels.shape == pixels.shape
    assert not covered[5]
    assert 0 < covered.sum() < len(points)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_light_keeps_size_and_kind(seed: int) -> None:
    config = Augmentation(colour=1, grey=0.5, infrared=0.5, blur=1, jpeg=1, noise=1)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    changed = light(pixels, config, np.random.default_rng(seed))
    assert changed.shape == pixels.shape
    assert changed.dtype == np.uint8


def test_a_quiet_view_is_the_crop_itself() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    crop = Crop.of_box((10, 10, 40, 40), (64, 64))
    points = np.zeros((len(vocabulary()), 2), np.float32)
    for seed in range(20):
        seen = view(pixels, points, crop, vocabulary().swap_J, QUIET, np.random.default_rng(seed))
        inner = slice(16, 48)
        assert (seen.pixels_HW3[inner, inner] == crop.cut(pixels)[inner, inner]).all()


@pytest.mark.parametrize("bad", [{"roll": 1.2}, {"zoom": (2.0, 1.0)}, {"mirror": -0.1}])
def test_impossible_chances_are_errors(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidConfig):
        Augmentation(**bad)  # type: ignore[arg-type]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_a_cut_picture_ends_within_the_person(seed: int) -> None:
    """What is left shows the same pixels at the same points; the rest is beyond every view."""
    random = np.random.default_rng(seed)
    box = (20.0, 30.0, 80.0, 60.0)
    points = np.array([[25, 35], [95, 35], [25, 85], [95, 85], [60, 60], [np.nan] * 2], np.float32)
    image = dots(points[:5])
    part, origin, (x, y, width, height) = cut_picture(image, box, random)
    assert part.size < image.size
    assert min(width, height) >= LEAST_LEFT
    assert 0 <= x <= x + width <= part.shape[1] + 0.5
    assert 0 <= y <= y + height <= part.shape[0] + 0.5
    assert width * height < 0.95 * 80 * 60
    moved = without_beyond(points, origin, (part.shape[1], part.shape[0]))
    gone = moved[:, 0] < -1e4
    assert 2 <= gone.sum() <= 3, "a line takes two corners, and perhaps the middle"
    assert np.isnan(moved[5]).all()
    for at, (px, py) in zip(points[:5][~gone[:5]], moved[:5][~gone[:5]], strict=True):
        assert (part[round(float(py)), round(float(px))] == 255).all()
        np.testing.assert_allclose(at - origin, (px, py))
