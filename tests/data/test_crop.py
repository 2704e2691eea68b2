"""Crop is the only affine between picture and input: it inverts, and cutting agrees with it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posealign.data.crop import Crop
from posealign.errors import InvalidInput

SIZES = ((192, 192), (192, 256), (256, 192), (64, 48))
boxes = st.tuples(
    st.floats(-500, 4000), st.floats(-500, 4000), st.floats(1, 4000), st.floats(1, 4000)
)
crops = st.builds(
    Crop.of_box, boxes, st.sampled_from(SIZES), st.floats(-720, 720), st.floats(0.8, 2.0)
)


@given(crops, st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=9))
def test_apply_and_invert_are_inverse(crop: Crop, shares: list[tuple[float, float]]) -> None:
    """Inside the input, on its border and outside of it."""
    points = np.array(shares) * crop.input_size
    assert np.abs(crop.apply(crop.invert(points)) - points).max() <= 1e-3
    there = crop.invert(points)
    assert np.abs(crop.invert(crop.apply(there)) - there).max() <= 1e-3


@given(crops)
def test_the_centre_is_the_centre_and_corners_are_corners(crop: Crop) -> None:
    width, height = crop.input_size
    middle = np.array([[(width - 1) / 2, (height - 1) / 2]])
    assert np.abs(crop.invert(middle) - crop.center).max() <= 1e-3
    corners = crop.invert(np.array([[0.0, 0.0], [width - 1, 0], [0, height - 1]]))
    assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(crop.scale[0])
    assert np.linalg.norm(corners[2] - corners[0]) == pytest.approx(crop.scale[1])
    # A rotation moves and turns, it never mirrors.
    assert np.linalg.det(crop.matrix[:, :2]) > 0


@given(boxes, st.sampled_from(SIZES), st.floats(0, 360))
def test_the_box_lies_in_the_crop(
    box: tuple[float, float, float, float], size: tuple[int, int], rotation: float
) -> None:
    x, y, width, height = box
    crop = Crop.of_box(box, size, rotation, padding=1.0)
    corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])
    # A turned box is bounded to first order: its corners, seen along the crop's axes.
    seen = crop.apply(corners)
    slack = 1e-3 + 1e-6 * max(width, height)
    assert (seen >= -slack).all()
    assert (seen <= np.array(size) - 1 + slack).all()


def _spots(points_N2: np.ndarray, size: tuple[int, int], spread: float) -> np.ndarray:
    """A picture per point with a soft spot at it."""
    ys, xs = np.mgrid[: size[1], : size[0]]
    squared = (xs - points_N2[:, 0, None, None]) ** 2 + (ys - points_N2[:, 1, None, None]) ** 2
    return np.exp(-squared / (2 * spread**2)).astype(np.float32)


@given(
    st.tuples(st.floats(-40, 120), st.floats(-40, 90), st.floats(40, 220), st.floats(40, 220)),
    st.sampled_from(SIZES),
    st.floats(-180, 180),
    st.tuples(st.floats(20, 180), st.floats(20, 130)),
)
def test_cutting_agrees_with_applying(
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    rotation: float,
    point: tuple[float, float],
) -> None:
    """A spot in the picture stands in the cut where `apply` says, borders included."""
    crop = Crop.of_box(box, size, rotation)
    where = crop.apply(np.array([point]))[0]
    if not ((where > 12) & (where < np.array(size) - 13)).all():
        return
    spread = max(2.5, 2.5 * crop.pixel)
    picture = _spots(np.array([point]), (200, 150), spread)[0]
    cut = crop.cut(picture)
    ys, xs = np.mgrid[: size[1], : size[0]]
    near = np.hypot(xs - where[0], ys - where[1]) < 3 * spread / crop.pixel
    weight = np.where(near, cut, 0)
    found = np.array([(weight * xs).sum(), (weight * ys).sum()]) / weight.sum()
    edge = min(point[0], 199 - point[0], point[1], 149 - point[1])
    reach = 3 * spread / crop.pixel
    whole = (where > reach).all() and (where < np.array(size) - 1 - reach).all()
    if edge > 3 * spread and whole:
        assert np.abs(found - where).max() < 0.12
    else:
        assert np.unravel_index(cut.argmax(), cut.shape) == pytest.approx(where[::-1], abs=1.5)


@settings(max_examples=12)
@given(st.integers(3, 7), st.floats(-30, 30), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_shrinking_keeps_places(factor: int, rotation: float, x: float, y: float) -> None:
    """Large pictures are averaged before they are sampled; nothing may shift by that."""
    picture_size = (192 * factor + 37, 160 * factor + 21)
    point = np.array([[x * picture_size[0], y * picture_size[1]]])
    crop = Crop.of_box((0, 0, *picture_size), (192, 192), rotation, padding=1.0)
    picture = _spots(point, picture_size, 3.0 * crop.pixel)[0]
    cut = crop.cut(picture)
    ys, xs = np.mgrid[:192, :192]
    found = np.array([(cut * xs).sum(), (cut * ys).sum()]) / cut.sum()
    assert np.abs(found - crop.apply(point)[0]).max() < 0.1


def test_no_rotation_and_no_scaling_is_a_copy() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    crop = Crop((31.5, 23.5), (63, 47), 0.0, (64, 48))
    assert np.array_equal(crop.cut(picture), picture)
    turned = Crop((31.5, 23.5), (47, 63), 90.0, (48, 64)).cut(picture)
    assert np.array_equal(turned, cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE))


def test_depth_is_never_mixed() -> None:
    depth = np.where(np.arange(64) < 30, 0.5, 2.0).astype(np.float32) * np.ones((48, 1), np.float32)
    cut = Crop.of_box((5, 5, 50, 40), (96, 80), 17.0).cut(depth, nearest=True)
    assert set(np.unique(cut)) <= {np.float32(0), np.float32(0.5), np.float32(2.0)}


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, 0, 0, 5), "positive size"),
        ((0, 0, 5, -1), "positive size"),
        ((0, float("nan"), 5, 5), "positive size"),
        ((float("inf"), 0, 5, 5), "positive size"),
    ],
)
def test_wrong_boxes_are_named(box: tuple[float, float, float, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Crop.of_box(box, (192, 192))


def test_wrong_crops_are_named() -> None:
    with pytest.raises(InvalidInput, match="finite"):
        Crop((0, 0), (1, 1), float("nan"), (192, 192))
    with pytest.raises(InvalidInput, match="needs a size"):
        Crop((0, 0), (1, 0), 0, (192, 192))
    with pytest.raises(InvalidInput, match="needs a size"):
        Crop((0, 0), (1, 1), 0, (1, 192))


def test_facts_say_turn_size_and_padding() -> None:
    """A box in the middle has no padding; one at the left border, as much as lies beyond it."""
    inside = Crop((500.0, 500.0), (192.0, 192.0), 0.0, (192, 192)).facts((1000, 1000))
    assert inside == pytest.approx([0, 1, 0, 0], abs=1e-6)
    half = Crop((0.0, 500.0), (384.0, 384.0), 90.0, (192, 192)).facts((1000, 1000))
    assert half == pytest.approx([1, 0, np.log(2), 0.5], abs=1e-6)
    assert Crop((-500.0, 0.0), (100.0, 100.0), 0.0, (192, 192)).outside((50, 50)) == 1
