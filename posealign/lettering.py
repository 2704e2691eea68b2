"""Words on pictures, in English or Chinese, with the font that comes with the package.

Pillow draws the letters; a character that the font lacks becomes a box, never an error.
"""

from __future__ import annotations

import io
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_FILE = "NotoSansSC-subset.otf"


@cache
def font(size: int) -> Font:
    """The bundled font; Pillow's own where a distribution left it out."""
    path = files("posealign").joinpath("fonts", _FILE)
    try:
        return ImageFont.truetype(io.BytesIO(path.read_bytes()), size)
    except OSError:
        return ImageFont.load_default(size)


@cache
def _has(character: str, size: int = 16) -> bool:
    """Whether the font draws it; missing characters all look like one that nobody assigned."""
    if character.isspace():
        return True
    return _bitmap(character, size) != _bitmap("\U000e0fff", size)


def _bitmap(text: str, size: int) -> bytes:
    image = Image.new("L", (size * 2, size * 2))
    ImageDraw.Draw(image).text((0, 0), text, font=font(size), fill=255)
    return image.tobytes()


def drawable(text: str) -> str:
    """One line, with a box for each character that the font lacks."""
    line = " ".join(text.split())
    return "".join(character if _has(character) else "□" for character in line)


def measure(text: str, size: int) -> tuple[int, int]:
    """Width and line height in pixels."""
    box = font(size).getbbox(text)
    return int(np.ceil(box[2])), round(size * 1.3)


def shortened(text: str, size: int, width: int) -> str:
    """Cut with an ellipsis so that it fits."""
    if measure(text, size)[0] <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "...", size)[0] <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "..."


def write(
    image_HW3: NDArray[np.uint8], text: str, left: int, top: int, size: int, colour: Colour
) -> None:
    """Draw one line into the picture, clipped at its edges."""
    width, height = measure(text, size)
    image_height, image_width = image_HW3.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width + 2, image_width), min(top + height, image_height)
    if x1 <= x0 or y1 <= y0:
        return
    patch = Image.fromarray(np.ascontiguousarray(image_HW3[y0:y1, x0:x1]))
    ImageDraw.Draw(patch).text(
        (left - x0, top - y0 - size * 0.12), text, font=font(size), fill=colour
    )
    image_HW3[y0:y1, x0:x1] = np.asarray(patch)
