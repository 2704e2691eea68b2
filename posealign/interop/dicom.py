"""DICOM pictures, single and multi-frame, as RGB: what a person at a viewer sees.

Only pixels and their geometry come out: no patient, study or device attribute is returned, logged
or repeated in an error. Shapes: H, W picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.image import LIMITS, ImageLimits
from posealign.errors import (
    InvalidImage,
    InvalidInput,
    MissingExtra,
    NotFound,
    TooLarge,
    UnsupportedImage,
)

COLOURS = (
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT",
    "YBR_RCT",
)  # fmt: skip
MAX_FRAMES = 100_000


@dataclass(frozen=True)
class DicomInfo:
    """What the pixels are; `burned_in` warns that names may be written into the picture."""

    width: int
    height: int
    frames: int
    colours: str
    seconds_per_frame: float | None
    burned_in: bool


class Dicom:
    """One DICOM file. `for image in dicom` decodes a frame at a time."""

    def __init__(self, source: str | Path | bytes, limits: ImageLimits = LIMITS) -> None:
        self._set = _opened(source, limits)
        self.info = _checked(self._set, limits)

    def __len__(self) -> int:
        return self.info.frames

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.frame(number) for number in range(self.info.frames))

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Frame `number` (from 0) as RGB."""
        if not 0 <= number < self.info.frames:
            raise NotFound(f"no frame {number}; the file has {self.info.frames}, counted from 0")
        pixels = _pydicom("pydicom.pixels")
        try:
            values = pixels.pixel_array(self._set, index=number, raw=False)
            return _rgb(values, self._set, pixels)
        except (InvalidInput, MemoryError):
            raise
        except (RuntimeError, NotImplementedError, AttributeError):
            name = self._set.file_meta.TransferSyntaxUID.name
            raise UnsupportedImage(
                f"no decoder for {name} is installed (or it does not fit the file); decompress the "
                "file first, or pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
            ) from None
        except Exception:
            raise InvalidImage(f"the pixel data of frame {number} is damaged") from None


def read_dicom(source: str | Path | bytes, frame: int = 0) -> NDArray[np.uint8]:
    """One frame of a DICOM file as RGB."""
    return Dicom(source).frame(frame)


def is_dicom(data: bytes) -> bool:
    """Whether the bytes begin like a DICOM file (part 10)."""
    return data[128:132] == b"DICM"


def _pydicom(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra("DICOM needs pydicom: pip install 'posealign[dicom]'") from error


def _opened(source: str | Path | bytes, limits: ImageLimits) -> Any:
    pydicom = _pydicom("pydicom")
    most = limits.file_bytes * 64  # one file may hold a whole clip
    if isinstance(source, bytes):
        data = source
    else:
        path = Path(source)
        if not path.is_file():
            raise NotFound(f"no DICOM file at {path}")
        if path.stat().st_size > most:
            raise TooLarge(f"{path} has more than the {most:,} bytes that are taken")
        data = path.read_bytes()
    if len(data) > most:
        raise TooLarge(f"the file has {len(data):,} bytes; at most {most:,} are taken")
    if not is_dicom(data):
        raise InvalidImage("not a DICOM file: no DICM after 128 bytes")
    try:
        found = pydicom.dcmread(io.BytesIO(data))
        list(found.keys())
    except Exception:  # `from None`: pydicom's messages repeat attribute values, names too
        raise InvalidImage("the DICOM file is damaged: its attributes cannot be read") from None
    return found


def _checked(found: Any, limits: ImageLimits) -> DicomInfo:
    if "PixelData" not in found:
        raise UnsupportedImage("this DICOM file has no picture (no Pixel Data), e.g. a report")
    try:
        width, height = int(found.Columns), int(found.Rows)
        frames = int(found.get("NumberOfFrames", 1) or 1)
        bits, samples = int(found.BitsAllocated), int(found.SamplesPerPixel)
        colours = str(found.PhotometricInterpretation)
        found.file_meta.TransferSyntaxUID.name  # noqa: B018 - must be there
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidImage(
            "the DICOM file does not describe its picture: Rows, Columns, Bits Allocated, Samples "
            "per Pixel, Photometric Interpretation and the transfer syntax are needed"
        ) from error
    if colours not in COLOURS:
        raise UnsupportedImage(f"colours {colours[:16]!r}; expected one of {', '.join(COLOURS)}")
    if bits not in (8, 16) or samples != (1 if colours[0] in "MP" else 3):
        raise UnsupportedImage(f"{bits} bits × {samples} samples a pixel with {colours}")
    if min(width, height, frames) < 1:
        raise InvalidImage(f"the picture is empty: {width}×{height}, {frames} frames")
    if width * height > limits.pixels or max(width, height) > limits.side or frames > MAX_FRAMES:
        raise TooLarge(
            f"{frames} frames of {width}×{height}; at most {MAX_FRAMES:,} frames of "
            f"{limits.pixels:,} pixels and a side of {limits.side:,} are taken"
        )
    pause = found.get("FrameTime")
    seconds = float(pause) / 1e3 if pause else None
    return DicomInfo(
        width, height, frames, colours, seconds, str(found.get("BurnedInAnnotation", "")) == "YES"
    )


def _rgb(values: NDArray[Any], found: Any, pixels: Any) -> NDArray[np.uint8]:
    colours = str(found.PhotometricInterpretation)
    if colours == "PALETTE COLOR":
        values = pixels.apply_color_lut(values, found)
        return _eight_bits(values, int(values.max(initial=0)) > 255)
    if colours[0] != "M":
        return _eight_bits(values, int(found.BitsAllocated) == 16, int(found.BitsStored))
    grey = np.asarray(pixels.apply_rescale(values, found), np.float64)
    windowed = bool(found.get("WindowWidth") or found.get("VOILUTSequence"))
    if windowed:
        grey = np.asarray(pixels.apply_voi_lut(grey, found, index=0), np.float64)
    low, high = _range(grey, found, windowed)
    grey_HW = np.clip((grey - low) / max(high - low, 1e-9), 0, 1)
    if colours == "MONOCHROME1":  # the lowest value is white
        grey_HW = 1 - grey_HW
    return np.repeat(np.round(grey_HW * 255).astype(np.uint8)[..., None], 3, axis=2)


def _range(grey: NDArray[np.float64], found: Any, windowed: bool) -> tuple[float, float]:
    """What is black and what is white: the window's output, all of 8 bits, or what occurs."""
    bits = int(found.BitsStored)
    signed = int(found.get("PixelRepresentation", 0)) == 1
    if windowed or (bits <= 8 and not signed):
        slope = float(found.get("RescaleSlope", 1) or 1)
        base = float(found.get("RescaleIntercept", 0) or 0)
        least = -(2 ** (bits - 1)) if signed else 0
        ends = (least * slope + base, (least + 2**bits - 1) * slope + base)
        return min(ends), max(ends)
    # 16 bits without a window: percentiles, so that one hot pixel does not make it all black.
    low, high = np.percentile(grey, (0.5, 99.5))
    return float(low), float(high)


def _eight_bits(values: NDArray[Any], deep: bool, bits: int = 16) -> NDArray[np.uint8]:
    if not deep:
        return np.ascontiguousarray(values, dtype=np.uint8)
    return cv2.convertScaleAbs(values.astype(np.float32), alpha=255 / (2**bits - 1)).astype(
        np.uint8, copy=False
    )
