"""Hostile and odd pictures, generated: name → bytes, and what must come of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from posealign.errors import InvalidImage, PoseAlignError, TooLarge, UnsupportedImage

WIDTH, HEIGHT = 40, 24


def scene(mode: str = "RGB", size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """Red left, blue right, a green bar on top: orientation and colour order can be told."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 220
    pixels[:, width // 2 :, 2] = 220
    pixels[: height // 4] = (20, 200, 20)
    return Image.fromarray(pixels).convert(mode)


def lucid() -> Image.Image:
    """The scene with a white corner that is white only because nothing covers the paper."""
    picture = scene("RGBA")
    picture.paste((255, 0, 255, 0), (0, HEIGHT - 2, 4, HEIGHT))
    return picture


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(
    width: int, height: int, bits: int, colour: int, rows: bytes, *extra: bytes, interlace: int = 0
) -> bytes:
    """A PNG by hand; `rows` is the filtered data before deflate."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@cache
def png_bomb() -> bytes:
    """144 megapixels in 140 KB or so."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + 12_000)
    packed = b"".join(packer.compress(row) for _ in range(12_000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)


@cache
def text_bomb() -> bytes:
    """A PNG whose compressed comment unpacks to 200 MB."""
    comment = b"Comment\0\0" + zlib.compress(b"a" * 200_000_000, 1)
    return png(2, 2, 8, 0, b"\0\1\2\0\3\4", chunk(b"zTXt", comment))


def grey16(values: tuple[int, ...] = (0, 32_768, 65_535, 257)) -> bytes:
    rows = b"\0" + struct.pack(">HH", *values[:2]) + b"\0" + struct.pack(">HH", *values[2:])
    return png(2, 2, 16, 0, rows)


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def noise(width: int = 160, height: int = 120) -> Image.Image:
    """Data that does not compress away, so that a cut falls into it."""
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def animation(kind: str) -> bytes:
    frames = [scene(), scene().rotate(180)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)


def jpeg_sized(width: int, height: int) -> bytes:
    """A small JPEG whose frame header lies about its size."""
    data = bytearray(saved(scene(), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_sized(width: int, height: int) -> bytes:
    data = bytearray(saved(scene(), "WEBP", quality=80))
    place = data.index(b"VP8 ") + 14
    data[place : place + 4] = struct.pack("<HH", width, height)
    return bytes(data)


def gif_sized(width: int, height: int) -> bytes:
    data = bytearray(saved(scene(), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def bmp_sized(width: int, height: int) -> bytes:
    data = bytearray(saved(scene(), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


def patterned_mpo() -> bytes:
    """A phone's JPEG with a second picture behind the first."""
    return saved(scene(), "MPO", save_all=True, append_images=[scene().rotate(180)])


# What a person sees: "scene" is the picture above; "any" some picture of the stated size.
RIGHT: dict[str, tuple[Callable[[], bytes], str]] = {
    "jpeg": (lambda: saved(scene(), "JPEG", quality=95), "scene"),
    "jpeg_progressive": (lambda: saved(scene(), "JPEG", quality=95, progressive=True), "scene"),
    "jpeg_444": (lambda: saved(scene(), "JPEG", quality=95, subsampling=0), "scene"),
    "jpeg_restarts": (lambda: saved(scene(), "JPEG", quality=95, restart_marker_rows=1), "scene"),
    "jpeg_with_trailing_bytes": (
        lambda: saved(scene(), "JPEG", quality=95) + b"\0" * 999, "scene"),
    "jpeg_with_fill_bytes": (
        lambda: replaced(saved(scene(), "JPEG", quality=95), b"\xff\xdb", b"\xff\xff\xff\xdb"),
        "scene"),
    "jpeg_with_broken_exif": (
        lambda: saved(scene(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"), "scene"),
    "jpeg_with_orientation_9": (
        lambda: saved(scene(), "JPEG", quality=95, exif=exif(9)), "scene"),
    "jpeg_with_garbage_icc": (
        lambda: saved(scene(), "JPEG", quality=95, icc_profile=b"\xde\xad" * 500), "scene"),
    "jpeg_mpo_first_picture": (patterned_mpo, "scene"),
    "png": (lambda: saved(scene(), "PNG"), "scene"),
    "png_palette": (lambda: saved(scene("P"), "PNG"), "scene"),
    "png_alpha_opaque": (lambda: saved(scene("RGBA"), "PNG"), "scene"),
    "png_with_unknown_chunk": (
        lambda: replaced(saved(scene(), "PNG"), chunk(b"IEND", b""),
                         chunk(b"zzZz", b"?" * 99) + chunk(b"IEND", b"")), "scene"),
    "png_with_trailing_bytes": (lambda: saved(scene(), "PNG") + b"<script>", "scene"),
    "png_turned_by_exif": (
        lambda: saved(scene().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif(6)), "scene"),
    "webp_lossy": (lambda: saved(scene(), "WEBP", quality=95), "scene"),
    "webp_lossless": (lambda: saved(scene(), "WEBP", lossless=True), "scene"),
    "webp_alpha": (lambda: saved(lucid(), "WEBP", lossless=True, exact=True), "scene"),
    "png_alpha_over_white": (lambda: saved(lucid(), "PNG"), "scene"),
    "webp_turned_by_exif": (
        lambda: saved(scene().transpose(Image.Transpose.ROTATE_90), "WEBP", lossless=True,
                      exif=exif(6)), "scene"),
    "gif_still": (lambda: saved(scene(), "GIF"), "scene"),
    "bmp": (lambda: saved(scene(), "BMP"), "scene"),
    "bmp_top_down": (
        lambda: saved(scene().transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP")[:22]
        + struct.pack("<i", -HEIGHT)
        + saved(scene().transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP")[26:], "scene"),
    "jpeg_grey": (lambda: saved(scene("L"), "JPEG"), "grey"),
    "png_one_bit": (lambda: saved(scene("1"), "PNG"), "grey"),
    "png_grey_alpha": (lambda: saved(scene("LA"), "PNG"), "grey"),
    **{
        f"jpeg_exif_{turn}": (
            lambda turn=turn: saved(  # type: ignore[misc]
                turned(scene(size=(48, 32)), turn), "JPEG", quality=95, exif=exif(turn)),
            "scene48")
        for turn in range(1, 9)
    },
}  # fmt: skip


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """Stored so that EXIF's orientation brings it back."""
    back = Image.Transpose
    how = {
        2: back.FLIP_LEFT_RIGHT,
        3: back.ROTATE_180,
        4: back.FLIP_TOP_BOTTOM,
        5: back.TRANSPOSE,
        6: back.ROTATE_90,
        7: back.TRANSVERSE,
        8: back.ROTATE_270,
    }
    return picture if orientation == 1 else picture.transpose(how[orientation])  # fmt: skip


WRONG: dict[str, tuple[Callable[[], bytes], type[PoseAlignError], str]] = {
    "empty": (lambda: b"", InvalidImage, "empty"),
    "one_byte": (lambda: b"\xff", InvalidImage, "no picture begins with"),
    "zeros": (lambda: b"\0" * 4096, InvalidImage, "no picture begins with"),
    "noise": (lambda: np.random.default_rng(1).bytes(4096), InvalidImage, "no picture"),
    "text": (lambda: b"hello, this is a picture", InvalidImage, "no picture"),
    "html": (lambda: b"<!DOCTYPE html><title>404</title>", UnsupportedImage, "HTML"),
    "html_after_bom": (lambda: b"\xef\xbb\xbf\n <html>", UnsupportedImage, "HTML"),
    "html_comment": (lambda: b"<!-- moved --><p>", UnsupportedImage, "HTML"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedImage, "SVG"),
    "xml": (lambda: b"<?xml version='1.0'?><a/>", UnsupportedImage, "XML"),
    "json": (lambda: b'{"error": "expired"}', UnsupportedImage, "JSON"),
    "base64_png": (lambda: b"iVBORw0KGgoAAAANSUhEUg", UnsupportedImage, "base64"),
    "data_url": (lambda: b"data:image/png;base64,iVBORw0", UnsupportedImage, "base64"),
    "pdf": (lambda: b"%PDF-1.7\n", UnsupportedImage, "PDF"),
    "zip": (lambda: b"PK\x03\x04" + b"\0" * 40, UnsupportedImage, "ZIP"),
    "gzip": (lambda: b"\x1f\x8b\x08" + b"\0" * 40, UnsupportedImage, "gzip"),
    "elf": (lambda: b"\x7fELF" + b"\0" * 40, UnsupportedImage, "program"),
    "script": (lambda: b"#!/bin/sh\nrm -rf /\n", UnsupportedImage, "script"),
    "tiff": (lambda: saved(scene(), "TIFF"), UnsupportedImage, "TIFF"),
    "tiff_big_endian": (lambda: b"MM\0*\0\0\0\x08", UnsupportedImage, "TIFF"),
    "avif": (lambda: b"\0\0\0\x20ftypavif" + b"\0" * 20, UnsupportedImage, "AVIF"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 20, UnsupportedImage, "HEIC"),
    "mp4": (lambda: b"\0\0\0\x18ftypisom" + b"\0" * 20, UnsupportedImage, "MP4"),
    "webm": (lambda: b"\x1a\x45\xdf\xa3" + b"\0" * 20, UnsupportedImage, "WebM"),
    "jpeg_2000": (lambda: b"\0\0\0\x0cjP  \r\n\x87\n", UnsupportedImage, "JPEG 2000"),
    "jpeg_xl": (lambda: b"\xff\x0a\0\0", UnsupportedImage, "JPEG XL"),
    "photoshop": (lambda: b"8BPS\0\x01" + b"\0" * 30, UnsupportedImage, "Photoshop"),
    "icon": (lambda: saved(scene(), "ICO"), UnsupportedImage, "icon"),
    "dicom": (lambda: b"\0" * 128 + b"DICM", UnsupportedImage, "DICOM"),
    "numpy": (lambda: b"\x93NUMPY\x01\0", UnsupportedImage, "NumPy"),
    "wav": (lambda: b"RIFF\x24\0\0\0WAVEfmt ", UnsupportedImage, "WAV"),
    "avi": (lambda: b"RIFF\x24\0\0\0AVI LIST", UnsupportedImage, "AVI"),
    "png_65535": (lambda: png(65_535, 65_535, 8, 2, b""), TooLarge, "65535×65535"),
    "png_2_31": (lambda: png(2**31 - 1, 2**31 - 1, 16, 6, b""), TooLarge, "megapixels"),
    "png_bomb": (png_bomb, TooLarge, "144.0 megapixels"),
    "png_text_bomb": (text_bomb, InvalidImage, "damaged"),
    "png_sliver": (lambda: png(20_000, 1, 8, 0, b"\0" * 20_001), TooLarge, "a side has"),
    "png_zero_width": (lambda: png(0, 10, 8, 2, b""), InvalidImage, "no area: 0×10"),
    "png_zero_height": (lambda: png(10, 0, 8, 2, b""), InvalidImage, "no area: 10×0"),
    "png_colour_type_5": (lambda: png(4, 4, 8, 5, b"\0" * 20), InvalidImage, "colour type"),
    "png_bits_7": (lambda: png(4, 4, 7, 0, b"\0" * 20), InvalidImage, "damaged"),
    "png_as_text": (
        lambda: saved(scene(), "PNG").replace(b"\r\n", b"\n"), InvalidImage, "as text"),
    "png_without_header": (
        lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b""), InvalidImage, "begins with IHDR"),
    "png_signature_only": (lambda: b"\x89PNG\r\n\x1a\n", InvalidImage, "IHDR"),
    "png_header_only": (
        lambda: saved(scene(), "PNG")[:33], InvalidImage, "damaged"),
    "png_cut": (lambda: cut(saved(noise(), "PNG"), 0.5), InvalidImage, "damaged"),
    "png_bad_header_crc": (
        lambda: b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0), crc=1)
        + chunk(b"IDAT", zlib.compress(b"\0" * 20)) + chunk(b"IEND", b""),
        InvalidImage, "damaged"),
    "png_data_not_deflate": (
        lambda: replaced(png(4, 4, 8, 0, b"\0" * 20), zlib.compress(b"\0" * 20, 9),
                         b"\xff" * len(zlib.compress(b"\0" * 20, 9))), InvalidImage, "damaged"),
    "png_too_little_data": (lambda: png(64, 64, 8, 2, b"\0" * 50), InvalidImage, "damaged"),
    "png_animated": (lambda: animation("PNG"), UnsupportedImage, "animated"),
    "gif_animated": (lambda: animation("GIF"), UnsupportedImage, "animated"),
    "webp_animated": (lambda: animation("WEBP"), UnsupportedImage, "animated"),
    "gif_65535": (lambda: gif_sized(65_535, 65_535), TooLarge, "megapixels"),
    "gif_zero": (lambda: gif_sized(0, 7), InvalidImage, "no area"),
    "gif_cut": (lambda: cut(saved(noise().convert("P"), "GIF"), 0.4), InvalidImage, "damaged"),
    "gif_header_only": (lambda: b"GIF89a", InvalidImage, "inside its header"),
    "bmp_huge": (lambda: bmp_sized(60_000, 60_000), TooLarge, "megapixels"),
    "bmp_zero": (lambda: bmp_sized(0, 60), InvalidImage, "no area"),
    "bmp_cut": (lambda: cut(saved(noise(), "BMP"), 0.5), InvalidImage, "damaged"),
    "webp_16383": (lambda: webp_sized(16_383, 16_383), TooLarge, "megapixels"),
    "webp_costly": (lambda: webp_sized(4_000, 4_000), TooLarge, "MiB"),
    "webp_cut": (lambda: cut(saved(noise(), "WEBP"), 0.5), InvalidImage, "damaged"),
    "webp_header_only": (lambda: saved(scene(), "WEBP")[:16], InvalidImage, "inside its header"),
    "webp_unknown_chunk": (
        lambda: replaced(saved(scene(), "WEBP"), b"VP8 ", b"VP9 "), InvalidImage, "begins with"),
    "jpeg_65535": (lambda: jpeg_sized(65_535, 65_535), InvalidImage, "cannot hold 65535×65535"),
    "jpeg_zero_height": (lambda: jpeg_sized(64, 0), InvalidImage, "no area"),
    "jpeg_zero_width": (lambda: jpeg_sized(0, 64), InvalidImage, "no area"),
    "jpeg_larger_than_data": (lambda: jpeg_sized(2_000, 2_000), InvalidImage, "cannot hold"),
    "jpeg_cut_in_data": (lambda: cut(saved(noise(), "JPEG"), 0.6), InvalidImage, "damaged"),
    "jpeg_cut_in_header": (lambda: saved(scene(), "JPEG")[:60], InvalidImage, "header"),
    "jpeg_start_only": (lambda: b"\xff\xd8", InvalidImage, "inside its header"),
    "jpeg_start_and_end": (lambda: b"\xff\xd8\xff\xd9\0\0", InvalidImage, "ends before"),
    "jpeg_html_inside": (lambda: b"\xff\xd8<html>", InvalidImage, "markers end"),
    "jpeg_no_frame": (
        lambda: b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0\x3f\0", InvalidImage, "frame header"),
    "jpeg_12_bit": (
        lambda: replaced(saved(scene(), "JPEG"), b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
        UnsupportedImage, "12-bit"),
    "jpeg_lossless": (
        lambda: replaced(saved(scene(), "JPEG"), b"\xff\xc0", b"\xff\xc3"),
        UnsupportedImage, "lossless"),
    "jpeg_cmyk": (lambda: saved(scene("CMYK"), "JPEG"), UnsupportedImage, "CMYK"),
    "jpeg_progressive_costly": (
        lambda: replaced(jpeg_sized(5_000, 5_000), b"\xff\xc0", b"\xff\xc2") + b"\0" * 99_999,
        TooLarge, "MiB"),
}  # fmt: skip
