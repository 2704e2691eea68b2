"""Decoding is exact where it can be, keeps all 16 bits of depth, and writing is its inverse."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from posealign.commands.predict import pictures
from posealign.data.image import (
    decode_depth,
    decode_image,
    encode_depth,
    encode_image,
    read_depth,
    read_image,
)
from posealign.data.image_header import SUFFIXES, TAKEN, read_header
from posealign.errors import InvalidInput, TooLarge, UnsupportedImage
from tests.hostile.pictures import exif, grey16, saved


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 1000 + height).integers(
        0, 255, (height, width, 3), dtype=np.uint8
    )


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 9))
def test_exif_is_applied_exactly_once(width: int, height: int, orientation: int) -> None:
    stored = Image.fromarray(noise(width, height))
    data = saved(stored, "PNG", exif=exif(orientation))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    image = decode_image(data)
    assert np.array_equal(image, upright)
    assert image.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_encoding_keeps_red_red(suffix: str, tmp_path: Path) -> None:
    image = np.zeros((32, 48, 3), np.uint8)
    image[..., 0] = 200
    path = tmp_path / f"red{suffix}"
    path.write_bytes(encode_image(image, suffix))
    assert np.abs(read_image(path).astype(int) - image).max() <= 8


def test_png_is_lossless() -> None:
    image = noise(31, 17)
    assert np.array_equal(decode_image(encode_image(image)), image)


def test_unknown_suffix_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"\.png, \.jpg.*got '\.tif'"):
        encode_image(noise(4, 4), ".tif")


def test_sixteen_bit_grey_is_scaled_not_cut() -> None:
    image = decode_image(grey16((0, 32_768, 65_535, 257)))
    assert image[..., 0].tolist() == [[0, 128], [255, 1]]


@given(st.lists(st.integers(0, 65_535), min_size=6, max_size=6))
def test_depth_keeps_all_bits(units: list[int]) -> None:
    depth = np.array(units, np.float64).reshape(2, 3) * 0.001
    again = decode_depth(encode_depth(depth))
    assert again.dtype == np.float32
    assert np.abs(again - depth).max() <= 5e-6  # float32 of 65 m


def test_depth_in_another_unit(tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    path.write_bytes(grey16((0, 5_000, 10_000, 1)))
    assert read_depth(path, metres_per_unit=0.0002)[0, 1] == pytest.approx(1.0)
    with pytest.raises(InvalidInput, match="means millimetres"):
        read_depth(path, metres_per_unit=0)


def test_depth_must_be_deep() -> None:
    with pytest.raises(UnsupportedImage, match="this is a 8-bit PNG with 3 channel"):
        decode_depth(saved(Image.new("RGB", (4, 4)), "PNG"))
    with pytest.raises(UnsupportedImage, match="8-bit JPEG"):
        decode_depth(saved(Image.new("L", (4, 4)), "JPEG"))


def test_depth_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"0 to 65\.535 m"):
        encode_depth(np.full((2, 2), 70.0))
    with pytest.raises(InvalidInput, match="fits into 16 bits"):
        encode_depth(np.full((2, 2), -0.1))


def test_a_missing_file_and_a_large_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "none.png")
    with pytest.raises(TooLarge):
        decode_image(b"\x89PNG" + b"\0" * (33 << 20))


def test_what_is_taken_from_a_folder_is_what_can_be_read(tmp_path: Path) -> None:
    """`posealign predict FOLDER` goes by the name; reading goes by the content."""
    formats = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}
    for suffix in (*SUFFIXES, ".tif"):
        kind = formats.get(suffix, suffix[1:].upper())
        (tmp_path / f"a{suffix}").write_bytes(saved(Image.new("RGB", (8, 8)), kind))
    taken = pictures([str(tmp_path)])
    assert {path.suffix for path in taken} == set(SUFFIXES)
    assert {TAKEN.index(read_header(path.read_bytes()).format) for path in taken} == {0, 1, 2, 3, 4}
    assert all(read_image(path).shape == (8, 8, 3) for path in taken)
    with pytest.raises(UnsupportedImage, match="TIFF"):
        read_image(tmp_path / "a.tif")
