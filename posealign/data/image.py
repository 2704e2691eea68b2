"""Bytes → RGB pictures and 16-bit depth. The only file that knows EXIF, alpha and BGR.

The header decides before anything is decoded: the format by content, the size against the limits,
and the memory that decoding would take. Then Pillow decodes strictly (a truncated file is an
error), strip by strip into the upright picture, so that EXIF is applied exactly once and no second
full copy exists. Shapes: H, W picture.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from posealign.data.image_header import Header, read_header
from posealign.errors import InvalidImage, InvalidInput, PoseAlignError, TooLarge, UnsupportedImage

_OPEN: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.jpeg_factory,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
_STRIP = 1 << 20  # pixels converted at a time
_ORIENTATION = 0x0112
_DEEP_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")


# Pillow warns of a damaged EXIF block; here such a block simply turns nothing.
warnings.filterwarnings("ignore", "(Corrupt|Possibly corrupt) EXIF data", UserWarning)


@dataclass(frozen=True)
class ImageLimits:
    """What is refused from the header alone. Decoding takes at most `memory` bytes."""

    pixels: int = 25_000_000
    side: int = 16_384
    file_bytes: int = 32 << 20
    memory: int = 224 << 20

    def __post_init__(self) -> None:
        if min(self.pixels, self.side, self.file_bytes, self.memory) <= 0:
            raise InvalidInput(f"image limits are positive numbers; got {self}")


LIMITS = ImageLimits()


def decode_image(data: bytes, limits: ImageLimits = LIMITS) -> NDArray[np.uint8]:
    """RGB as a person sees it: EXIF applied, alpha over white, 16-bit grey scaled to 8."""
    header = check_header(data, limits)
    return _decode(data, header, depth=False)


def decode_depth(
    data: bytes, metres_per_unit: float = 0.001, limits: ImageLimits = LIMITS
) -> NDArray[np.float32]:
    """Metres from a 16-bit grey PNG, 0 where unknown; all 16 bits are kept."""
    if not 0 < metres_per_unit < 1:
        raise InvalidInput(f"metres_per_unit is {metres_per_unit}; 0.001 means millimetres")
    header = check_header(data, limits)
    if header.format != "PNG" or header.bits != 16 or header.channels != 1:
        raise UnsupportedImage(
            f"depth is a 16-bit grey PNG; this is a {header.bits}-bit {header.format} "
            f"with {header.channels} channel(s)"
        )
    depth_HW = _decode(data, header, depth=True)
    return depth_HW.astype(np.float32) * np.float32(metres_per_unit)


def read_image(path: str | Path, limits: ImageLimits = LIMITS) -> NDArray[np.uint8]:
    """`decode_image` of a file; the file's size is looked at before it is read."""
    return decode_image(_read(Path(path), limits), limits)


def read_depth(
    path: str | Path, metres_per_unit: float = 0.001, limits: ImageLimits = LIMITS
) -> NDArray[np.float32]:
    """`decode_depth` of a file."""
    return decode_depth(_read(Path(path), limits), metres_per_unit, limits)


def encode_image(image_HW3: NDArray[np.uint8], suffix: str = ".png", quality: int = 90) -> bytes:
    """RGB → the bytes of a .png, .jpg or .webp."""
    flags = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 4],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    if suffix.lower() not in flags:
        raise InvalidInput(f"pictures are written as {', '.join(flags)}; got {suffix!r}")
    bgr_HW3 = cv2.cvtColor(image_HW3, cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix.lower(), bgr_HW3, flags[suffix.lower()])[1].tobytes()


def encode_depth(depth_HW: NDArray[np.floating], metres_per_unit: float = 0.001) -> bytes:
    """Metres → a 16-bit PNG; the inverse of `decode_depth` up to half a unit."""
    units = np.nan_to_num(np.asarray(depth_HW, dtype=np.float64) / metres_per_unit)
    if units.size == 0 or units.min() < 0 or units.max() > 65535:
        raise InvalidInput(
            f"depth of 0 to {65535 * metres_per_unit:g} m fits into 16 bits; "
            f"got {np.nanmin(depth_HW):g} to {np.nanmax(depth_HW):g}"
        )
    return cv2.imencode(".png", np.round(units).astype(np.uint16))[1].tobytes()


def check_header(data: bytes, limits: ImageLimits = LIMITS) -> Header:
    """The header if its picture may be decoded; the error says which limit it is over."""
    if len(data) > limits.file_bytes:
        raise TooLarge(f"the file has {len(data):,} bytes; at most {limits.file_bytes:,} are taken")
    header = read_header(data)
    width, height = header.width, header.height
    if width * height > limits.pixels:
        raise TooLarge(
            f"the picture is {width}×{height}, {width * height / 1e6:.1f} megapixels; "
            f"at most {limits.pixels / 1e6:g} are taken"
        )
    if max(width, height) > limits.side:
        raise TooLarge(f"the picture is {width}×{height}; a side has at most {limits.side} pixels")
    if header.cost > limits.memory:
        raise TooLarge(
            f"decoding this {width}×{height} {header.format} would take "
            f"{header.cost / 2**20:.0f} MiB; at most {limits.memory / 2**20:.0f} are given"
        )
    return header


def _read(path: Path, limits: ImageLimits) -> bytes:
    with path.open("rb") as file:
        data = file.read(limits.file_bytes + 1)  # one more than allowed is enough to know
    if len(data) > limits.file_bytes:
        raise TooLarge(f"{path} has more than the {limits.file_bytes:,} bytes that are taken")
    return data


def _decode(data: bytes, header: Header, depth: bool) -> NDArray[Any]:
    """Pillow's plugins raise whatever comes; here it becomes one of ours."""
    try:
        picture = _loaded(data, header)
        return _upright(picture, _raw if depth else _rgb)
    except PoseAlignError:
        raise
    except MemoryError as error:
        raise TooLarge(f"no memory for a {header.width}×{header.height} picture") from error
    except Exception as error:
        raise InvalidImage(f"the {header.format} is damaged: {error}") from error


def _loaded(data: bytes, header: Header) -> ImageFile.ImageFile:
    if header.channels == 4 and header.format == "JPEG":
        raise UnsupportedImage(
            "a CMYK picture: its colours depend on an ink profile; convert it to sRGB first"
        )
    # WebP's plugin decodes when it opens: an animation is known from the header alone.
    picture = None if header.animated else _OPEN[header.format](io.BytesIO(data))
    # A phone's JPEG may hold further pictures (MPO); what a person sees is the first.
    if picture is None or (header.format != "JPEG" and getattr(picture, "is_animated", False)):
        raise UnsupportedImage("an animated picture; send one frame, or a video where one is taken")
    if picture.size != header.size:
        raise InvalidImage(f"its headers disagree on the size: {picture.size} and {header.size}")
    picture.load()
    return picture


def _upright(picture: Image.Image, convert: Callable[[Image.Image], NDArray[Any]]) -> NDArray[Any]:
    """Written strip by strip through a view that undoes EXIF's orientation."""
    width, height = picture.size
    orientation = _orientation(picture)
    first = convert(picture.crop((0, 0, 1, 1)))
    size = (width, height) if orientation >= 5 else (height, width)
    upright = np.empty((*size, *first.shape[2:]), first.dtype)
    as_stored = _STORED[orientation](upright)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        as_stored[top:bottom] = convert(picture.crop((0, top, width, bottom)))
    return upright


# EXIF orientation → the stored picture as a view of the upright one.
_STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.swapaxes(0, 1),
    6: lambda seen: seen[:, ::-1].swapaxes(0, 1),
    7: lambda seen: seen[::-1, ::-1].swapaxes(0, 1),
    8: lambda seen: seen[::-1].swapaxes(0, 1),
}


def _orientation(picture: Image.Image) -> int:
    """1 to 8; a damaged EXIF block turns nothing."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and value in _STORED else 1


def _rgb(strip: Image.Image) -> NDArray[np.uint8]:
    if strip.mode in _DEEP_GREY:
        grey_HW = np.clip(np.asarray(strip).astype(np.int64), 0, 65535)
        return np.repeat(((grey_HW * 255 + 32767) // 65535).astype(np.uint8)[..., None], 3, axis=2)
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGBA", strip.size, "white")
        strip = Image.alpha_composite(paper, strip)
    return np.asarray(strip.convert("RGB"))


def _raw(strip: Image.Image) -> NDArray[np.uint16]:
    return np.asarray(strip).astype(np.uint16)
