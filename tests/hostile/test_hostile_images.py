"""Every hostile picture ends in the right pixels or in a named error, within little memory."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from posealign.data.image import ImageLimits, check_header, decode_image, read_image
from posealign.errors import InvalidInput, PoseAlignError, TooLarge
from tests.hostile import pictures
from tests.hostile.pictures import RIGHT, WRONG, saved, scene


def test_there_are_enough_classes() -> None:
    assert len(RIGHT) + len(WRONG) >= 60
    made = {name: make() for name, (make, *_) in {**RIGHT, **WRONG}.items()}
    assert len(set(made.values())) == len(made), "two classes are the same bytes"


@pytest.mark.parametrize("name", RIGHT)
def test_right_picture(name: str) -> None:
    make, what = RIGHT[name]
    image = decode_image(make())
    wanted = np.asarray(scene(size=(48, 32)) if what == "scene48" else scene())
    if what == "grey":
        wanted = np.asarray(scene("1" if "bit" in name else "L").convert("RGB"))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.shape == wanted.shape
    # Lossy formats smear the borders between the fields; the fields themselves must be right.
    off = np.abs(image.astype(int) - wanted)
    assert np.median(off) <= 4, name
    assert (off.max(axis=2) > 40).mean() < 0.2, name


@pytest.mark.parametrize("name", WRONG)
def test_named_error(name: str) -> None:
    make, kind, words = WRONG[name]
    with pytest.raises(kind, match=words) as caught:
        decode_image(make())
    assert type(caught.value) is kind
    assert caught.value.status in (400, 413, 415)


@given(st.data())
def test_damage_anywhere_is_a_picture_or_a_named_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP"]))
    content = bytearray(saved(pictures.noise(24, 16), kind))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        content[place] = value
    end = data.draw(st.integers(0, len(content)))
    try:
        image = decode_image(bytes(content[:end]))
    except PoseAlignError as error:
        assert error.status in (400, 413, 415)
    else:
        assert image.ndim == 3
        assert image.shape[2] == 3


def test_limits_are_the_callers() -> None:
    data = saved(scene(), "PNG")
    with pytest.raises(TooLarge, match="at most 0.0005 are taken"):
        decode_image(data, ImageLimits(pixels=500))
    with pytest.raises(TooLarge, match="at most 30 pixels"):
        decode_image(data, ImageLimits(side=30))
    with pytest.raises(TooLarge, match="bytes; at most 50"):
        decode_image(data, ImageLimits(file_bytes=50))
    with pytest.raises(InvalidInput, match="positive"):
        ImageLimits(pixels=0)
    assert check_header(data).size == (40, 24)


# VmHWM and not getrusage: the latter begins with what the parent had used.
_MEASURE = """
import re, sys
from posealign.data.image import decode_image
from posealign.errors import PoseAlignError
def memory(what):
    return int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
data = open(sys.argv[1], "rb").read()
idle = memory("VmRSS")
try: what = decode_image(data).shape
except PoseAlignError as error: what = type(error).__name__
print(what, memory("VmHWM") - idle, sep="|")
"""


def _large(folder: Path) -> dict[str, Path]:
    """The dearest pictures that are allowed, and bombs that are not."""
    flat = np.zeros((5000, 5000, 3), np.uint8)
    flat[::7, ::5] = (200, 90, 30)
    picture = Image.fromarray(flat)
    sixth = Image.fromarray(flat[:4800, :4800])
    made = {
        "png_25mp_turned.png": saved(picture, "PNG", compress_level=1, exif=pictures.exif(6)),
        "jpeg_25mp.jpg": saved(picture, "JPEG", quality=60),
        "jpeg_progressive.jpg": saved(sixth, "JPEG", quality=30, progressive=True, subsampling=0),
        "webp_12mp.webp": saved(picture.crop((0, 0, 3500, 3500)), "WEBP", quality=10, method=0),
        "gif_25mp.gif": saved(Image.fromarray(flat[..., 0]), "GIF"),
        "bomb.png": pictures.png_bomb(),
        "text_bomb.png": pictures.text_bomb(),
        "liar.gif": pictures.gif_sized(65_535, 65_535),
    }
    return {name: _written(folder / name, data) for name, data in made.items()}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_memory_stays_within_256_mib(tmp_path: Path) -> None:
    """Each in a process of its own, as peak memory only ever grows."""
    assert 100_000 < len(pictures.png_bomb()) < 200_000
    for name, path in _large(tmp_path).items():
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(path)],
            capture_output=True, text=True, check=True, env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        )  # fmt: skip
        what, grown = done.stdout.strip().split("|")
        print(f"{name:24} {what:18} +{grown} MiB")
        assert int(grown) <= 256, name


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = _written(tmp_path / "large.png", b"\x89PNG" + b"\0" * 4096)
    with pytest.raises(TooLarge, match="more than the 1,000 bytes"):
        read_image(path, ImageLimits(file_bytes=1000))
    buffer = io.BytesIO()
    scene().save(buffer, "PNG")
    assert read_image(_written(tmp_path / "small.dat", buffer.getvalue())).shape == (24, 40, 3)
