"""DICOM pictures are read as a viewer shows them; what cannot be read is named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from posealign.data.image import ImageLimits, encode_image
from posealign.errors import InvalidImage, NotFound, PoseAlignError, TooLarge, UnsupportedImage
from posealign.interop.dicom import Dicom, is_dicom, read_dicom

NAME = "DOE^JANE-7731"


def dicom(
    pixels: np.ndarray, colours: str, syntax: str = ExplicitVRLittleEndian, **more: Any
) -> Dataset:
    """A whole file: pixels are [frames,] H, W [, 3]."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    found.SOPClassUID, found.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    found.PatientName = found.PatientID = NAME
    colour = pixels.shape[-1] == 3
    frames = pixels.ndim == (4 if colour else 3)
    shape = pixels.shape[1:] if frames else pixels.shape
    if frames:
        found.NumberOfFrames = len(pixels)
    found.Rows, found.Columns = shape[:2]
    found.SamplesPerPixel = 3 if colour else 1
    if colour:
        found.PlanarConfiguration = 0
    found.PhotometricInterpretation = colours
    bits = pixels.dtype.itemsize * 8
    found.BitsAllocated, found.BitsStored, found.HighBit = bits, bits, bits - 1
    found.PixelRepresentation = int(pixels.dtype.kind == "i")
    data = pixels.tobytes()
    found.PixelData = data + b"\0" * (len(data) % 2)
    for name, value in more.items():
        setattr(found, name, value)
    return found


def saved(found: Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, found, enforce_file_format=True)
    return buffer.getvalue()


RAMP = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
GREY = (RAMP % 256).astype(np.uint8)
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_grey_and_colour(syntax: str) -> None:
    assert (read_dicom(saved(dicom(GREY, "MONOCHROME2", syntax)))[..., 1] == GREY).all()
    assert (read_dicom(saved(dicom(GREY, "MONOCHROME1", syntax)))[..., 1] == 255 - GREY).all()
    assert (read_dicom(saved(dicom(RGB, "RGB", syntax))) == RGB).all()


def test_planar_and_ybr() -> None:
    planar = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    found = dicom(RGB, "RGB", PlanarConfiguration=1, PixelData=planar.tobytes())
    assert (read_dicom(saved(found)) == RGB).all()
    ybr = convert_color_space(RGB, "RGB", "YBR_FULL")
    near = read_dicom(saved(dicom(ybr, "YBR_FULL"))).astype(int)
    assert np.abs(near - RGB).max() <= 3


def test_sixteen_bits_windows_and_rescale() -> None:
    deep = (RAMP * 16).astype(np.uint16)
    plain = read_dicom(saved(dicom(deep, "MONOCHROME2")))[..., 0]
    assert plain[0, 0] == 0
    assert plain[-1, -1] == 255
    assert (np.diff(plain.ravel().astype(int)) >= 0).all()
    windowed = dicom(deep, "MONOCHROME2", WindowCenter=20000, WindowWidth=10000)
    seen = read_dicom(saved(windowed))[..., 0]
    assert (seen[deep < 14900] == 0).all()
    assert (seen[deep > 25100] == 255).all()
    assert abs(int(seen[deep == 20000][0]) - 128) <= 1
    signed = (RAMP.astype(np.int32) - 1000).astype(np.int16)
    hounsfield = dicom(signed, "MONOCHROME2", RescaleSlope="1", RescaleIntercept="-24",
                       WindowCenter=40, WindowWidth=400)  # fmt: skip
    seen = read_dicom(saved(hounsfield))[..., 0]
    assert seen[0, 0] == 0
    assert seen[-1, -1] == 255


def test_palette() -> None:
    found = dicom(GREY, "PALETTE COLOR")
    for name, table in (("Red", range(256)), ("Green", range(255, -1, -1)), ("Blue", [7] * 256)):
        setattr(found, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        wide = (np.array(list(table), np.uint16) * 257).tobytes()
        setattr(found, f"{name}PaletteColorLookupTableData", wide)
    seen = read_dicom(saved(found))
    assert (seen[..., 0] == GREY).all()
    assert (seen[..., 1] == 255 - GREY).all()
    assert (seen[..., 2] == 7).all()


def test_multi_frame_is_decoded_a_frame_at_a_time() -> None:
    clip = np.stack([np.roll(RGB, n, axis=1) for n in range(5)])
    found = Dicom(saved(dicom(clip, "RGB", FrameTime="40")))
    assert (len(found), found.info.seconds_per_frame) == (5, 0.04)
    assert all((image == clip[n]).all() for n, image in enumerate(found))
    assert (found.frame(3) == clip[3]).all()
    with pytest.raises(NotFound, match="5"):
        found.frame(5)


def test_compressed() -> None:
    found = dicom(RGB, "RGB")
    found.compress(RLELossless)
    assert (read_dicom(saved(found)) == RGB).all()
    smooth = np.repeat((RAMP // 16).astype(np.uint8)[..., None], 3, axis=2)
    jpeg = dicom(smooth, "YBR_FULL_422", JPEGBaseline8Bit)
    jpeg.PixelData = encapsulate([encode_image(smooth, ".jpg", 95)])
    jpeg["PixelData"].VR = "OB"
    assert np.abs(read_dicom(saved(jpeg)).astype(int) - smooth).max() <= 6


def test_from_a_file_and_by_content(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(saved(dicom(GREY, "MONOCHROME2", BurnedInAnnotation="YES")))
    assert Dicom(path).info.burned_in
    assert is_dicom(path.read_bytes())
    assert not is_dicom(b"\x89PNG")


def without(name: str) -> bytes:
    found = dicom(GREY, "MONOCHROME2")
    delattr(found, name)
    return saved(found)


def changed(**more: Any) -> bytes:
    return saved(dicom(GREY, "MONOCHROME2", **more))


WRONG: dict[str, tuple[bytes, type[PoseAlignError]]] = {
    "empty": (b"", InvalidImage),
    "not dicom": (b"\x89PNG" * 50, InvalidImage),
    "cut": (changed()[:900], PoseAlignError),
    "cut in the pixels": (changed()[:-200], InvalidImage),
    "no pixels": (without("PixelData"), UnsupportedImage),
    "no rows": (without("Rows"), InvalidImage),
    "no colours": (without("PhotometricInterpretation"), InvalidImage),
    "strange colours": (changed(PhotometricInterpretation="CMYK"), UnsupportedImage),
    "one bit": (changed(BitsAllocated=1), UnsupportedImage),
    "samples": (changed(SamplesPerPixel=3), UnsupportedImage),
    "no columns": (changed(Columns=0), InvalidImage),
    "too large": (changed(Rows=60000, Columns=60000), TooLarge),
    "more frames than data": (changed(NumberOfFrames=50), InvalidImage),
    "garbage": (changed()[:132] + bytes(range(256)) * 20, PoseAlignError),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_read_is_named_without_the_patient(name: str) -> None:
    data, error = WRONG[name]
    with pytest.raises(error) as caught:
        [found.frame(found.info.frames - 1) for found in [Dicom(data)]]
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    assert NAME not in str(caught.value)
    assert "DOE" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_syntax_without_a_decoder_is_named() -> None:
    found = dicom(GREY, "MONOCHROME2", "1.2.840.10008.1.2.4.80")  # JPEG-LS
    found.PixelData = encapsulate([b"\xff\xd8nonsense"])
    found["PixelData"].VR = "OB"
    with pytest.raises(UnsupportedImage, match="JPEG-LS"):
        read_dicom(saved(found))


def test_limits_come_before_decoding() -> None:
    with pytest.raises(TooLarge):
        Dicom(saved(dicom(GREY, "MONOCHROME2")), ImageLimits(pixels=100))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_give_named_errors(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(saved(dicom(GREY[:8, :8].copy(), "MONOCHROME2")))
    for place in random.integers(132, len(data), 6):
        data[place] = random.integers(0, 256)
    try:
        image = read_dicom(bytes(data))
    except PoseAlignError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
