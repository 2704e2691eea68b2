"""What a picture's first bytes say: format by content, size, and what decoding would cost.

Nothing is decompressed here, so that a bomb is refused before it goes off. Formats that we do not
take are named, so that a person knows what to convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import error as StructError
from struct import unpack_from

from posealign.errors import InvalidImage, UnsupportedImage

TAKEN = ("JPEG", "PNG", "WebP", "GIF", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")  # under which they lie in folders

# What people send by mistake: where the mark stands, the mark, what it is.
_OTHERS = (
    (4, b"ftypavif", "an AVIF picture"), (4, b"ftypavis", "an AVIF sequence"),
    (4, b"ftypheic", "a HEIC picture"), (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"), (4, b"ftyp", "an MP4 or QuickTime video"),
    (0, b"\xff\x0a", "a JPEG XL picture"), (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"), (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"II*\0", "a TIFF file"), (0, b"MM\0*", "a TIFF file"), (0, b"II+\0", "a BigTIFF file"),
    (0, b"8BPS", "a Photoshop file"), (0, b"\0\0\x01\0", "a Windows icon"),
    (0, b"%PDF", "a PDF document"), (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"), (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"), (8, b"AVI ", "an AVI video"),
    (8, b"WAVE", "a WAV sound"), (128, b"DICM", "a DICOM file"), (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"), (0, b"qoif", "a QOI picture"), (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"), (0, b"#!", "a script"),
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """`cost` is the peak of bytes that decoding into upright RGB takes, the answer included."""

    format: str
    width: int
    height: int
    channels: int
    bits: int  # a channel
    cost: int
    animated: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def read_header(data: bytes) -> Header:
    """Read it, or say what the bytes are instead."""
    if not data:
        raise InvalidImage("no picture: the file is empty")
    for mark, parse in _PARSERS.items():
        if data.startswith(mark):
            try:
                header = parse(data)
            except (StructError, IndexError) as error:
                raise InvalidImage("the picture is cut off inside its header") from error
            break
    else:
        raise _stranger(data)
    if header.width == 0 or header.height == 0:
        raise InvalidImage(f"the picture has no area: {header.width}×{header.height}")
    return header


def _stranger(data: bytes) -> InvalidImage | UnsupportedImage:
    takes = f"pictures are taken as {', '.join(TAKEN)}"
    for place, mark, name in _OTHERS:
        if data[place : place + len(mark)] == mark:
            return UnsupportedImage(f"this is {name}; {takes}")
    text = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml")):
        return UnsupportedImage(f"this is XML or SVG; {takes}")
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<!--", b"<script")):
        return UnsupportedImage(f"this is an HTML page, perhaps of an error or a login; {takes}")
    if text.startswith((b"{", b"[")):
        return UnsupportedImage(f"this is JSON; {takes}")
    if text.startswith((b"data:image/", b"ivborw0k", b"/9j/")):
        return UnsupportedImage(f"this is a picture as base64 text; send its bytes; {takes}")
    return InvalidImage(f"no picture begins with {data[:8].hex(' ')}; {takes}")


def _png(data: bytes) -> Header:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise InvalidImage("a PNG whose first bytes were changed, perhaps sent as text")
    if data[12:16] != b"IHDR":
        raise InvalidImage(f"a PNG begins with IHDR; this one with {data[12:16]!r}")
    width, height, bits, colour = unpack_from(">IIBB", data, 16)
    if colour not in (0, 2, 3, 4, 6):
        raise InvalidImage(f"a PNG has colour type 0, 2, 3, 4 or 6; this one {colour}")
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    return Header("PNG", width, height, channels, bits, width * height * 7)


def _jpeg(data: bytes) -> Header:
    place, frame = 2, None
    while True:
        if data[place] != 0xFF:
            raise InvalidImage(f"a JPEG whose markers end at byte {place:,}, before the picture")
        while data[place] == 0xFF:  # fill bytes
            place += 1
        marker, place = data[place], place + 1
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        (length,) = unpack_from(">H", data, place)
        if marker == 0xD9:
            raise InvalidImage("a JPEG that ends before its picture begins")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            frame = (marker, *unpack_from(">BHHB", data, place + 2))
        if marker == 0xDA:
            break
        place += length
    if frame is None:
        raise InvalidImage("a JPEG without a frame header")
    kind, bits, height, width, channels = frame
    if bits != 8 or kind in (0xC3, 0xC7, 0xCB, 0xCF):
        raise UnsupportedImage(f"a {bits}-bit or lossless JPEG; 8-bit ones are taken")
    progressive = kind in (0xC2, 0xC6, 0xCA, 0xCE)
    # Decoders fill what is missing with grey: a block of 8×8 takes two bits, or one and later more.
    if width * height / 64 * (1 if progressive else 2) > len(data) * 8:
        raise InvalidImage(f"a JPEG of {len(data):,} bytes cannot hold {width}×{height} pixels")
    # Several scans (progressive, or one a channel) keep all coefficients, two bytes each.
    scans = progressive or data[place + 2] < channels
    shown = 1 if channels == 1 else 4
    cost = max(shown + 3, shown + 2 * channels if scans else 0)
    return Header("JPEG", width, height, channels, bits, width * height * cost)


def _webp(data: bytes) -> Header:
    if data[8:12] != b"WEBP":
        raise _stranger(b"\0" * 8 + data[8:12])
    chunk, animated, alpha = data[12:16], False, False
    if chunk == b"VP8X":
        animated, alpha = bool(data[20] & 0x02), bool(data[20] & 0x10)
        width = int.from_bytes(_exactly(data, 24, 3), "little") + 1
        height = int.from_bytes(_exactly(data, 27, 3), "little") + 1
    elif chunk == b"VP8L":
        (packed,) = unpack_from("<I", data, 21)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        alpha = bool(packed >> 28 & 1)
    elif chunk == b"VP8 ":
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, 26))
    else:
        raise InvalidImage(f"a WebP begins with VP8, VP8L or VP8X; this one with {chunk!r}")
    # libwebp's decoder keeps two canvases and hands out a third, Pillow copies once more.
    return Header("WebP", width, height, 4 if alpha else 3, 8, width * height * 19, animated)


def _gif(data: bytes) -> Header:
    width, height = unpack_from("<HH", data, 6)
    return Header("GIF", width, height, 1, 8, width * height * 8)


def _bmp(data: bytes) -> Header:
    (size,) = unpack_from("<I", data, 14)
    if size == 12:
        width, height, _, bits = unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = unpack_from("<iiHH", data, 18)
    return Header("BMP", abs(width), abs(height), 3, min(bits, 8), abs(width * height) * 7)


def _exactly(data: bytes, place: int, count: int) -> bytes:
    if len(data) < place + count:
        raise IndexError
    return data[place : place + count]


_PARSERS = {
    b"\x89PNG": _png,
    b"\xff\xd8": _jpeg,
    b"RIFF": _webp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"BM": _bmp,
}
