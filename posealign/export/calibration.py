"""Crops to calibrate int8 with, as the running model sees them: people, upright and turned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.bundle import Bundle
from posealign.data.crop import Crop
from posealign.data.image import read_image
from posealign.data.image_header import SUFFIXES
from posealign.data.sample import Sample
from posealign.errors import InvalidInput, NotFound

COUNT = 64  # enough for ranges; more changes them little
LEAST = 8


def calibration_crops(
    bundle: Bundle, pictures: str | None, count: int = COUNT
) -> list[NDArray[np.uint8]]:
    """From a folder of synthetic shards, a folder or glob of pictures, or rendered now (None)."""
    if pictures is None:
        return crops_of(bundle, _rendered(count), count)
    folder = Path(pictures)
    if folder.is_dir() and any(folder.glob("shard-*.npz")):
        from posealign.synth.dataset import ShardDataset  # noqa: PLC0415

        return crops_of(bundle, ShardDataset(folder, depth=False), count)
    paths = [p for p in _paths(folder, pictures) if p.suffix.lower() in SUFFIXES]
    if len(paths) < LEAST:
        raise InvalidInput(
            f"at least {LEAST} pictures are needed to calibrate and compare with; "
            f"{pictures!r} has {len(paths)}"
        )
    # Spread over the folder: its first pictures are often of one scene.
    chosen = [paths[int(i)] for i in np.linspace(0, len(paths) - 1, min(count, len(paths)))]
    crops = []
    for path in chosen:
        image = read_image(path)
        whole = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
        crops.append(_cut(Crop.of_box(whole, bundle.input_size, padding=1.0), image))
    return crops


def crops_of(bundle: Bundle, samples: Iterable[Sample], count: int) -> list[NDArray[np.uint8]]:
    """Each labelled person once, every second one turned by a fixed series of angles."""
    crops: list[NDArray[np.uint8]] = []
    for sample in samples:
        for person in sample.people:
            turn = 0.0 if len(crops) % 2 == 0 else (len(crops) * 67.0) % 360
            crop = Crop.of_box(person.box, bundle.input_size, turn)
            crops.append(_cut(crop, sample.image_HW3))
            if len(crops) == count:
                return crops
    return crops


def _cut(crop: Crop, image_HW3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(crop.cut(image_HW3), dtype=np.uint8)


def _paths(folder: Path, pattern: str) -> list[Path]:
    if folder.is_dir():
        return sorted(folder.rglob("*"))
    found = sorted(Path(folder.anchor or ".").glob(pattern.removeprefix(folder.anchor)))
    if not found:
        raise NotFound(f"no pictures at {pattern!r}")
    return found


def labelled(test: str) -> Iterable[Sample] | None:
    """Labelled samples to measure with: a folder of shards, or so many rendered; "0" is none."""
    if not test.isdigit():
        from posealign.synth.dataset import ShardDataset  # noqa: PLC0415

        return ShardDataset(Path(test), depth=False)
    return _rendered(int(test), "test") if int(test) else None


def _rendered(count: int, split: str = "train") -> Iterable[Sample]:
    """Made one by one, when they are asked for; the splits share no body, pose or look."""
    from posealign.synth.bank import Bank  # noqa: PLC0415
    from posealign.synth.render import Renderer  # noqa: PLC0415
    from posealign.synth.write import render_sample  # noqa: PLC0415

    bank, renderer = Bank(split, poses=min(count, 64), looks=16), Renderer()
    return (render_sample(bank, number, renderer).sample for number in range(count))
