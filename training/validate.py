"""Judge a pose model on held-out LSP-format crops: mean OKS and PCK@0.1·box with intervals.

    python -m training.validate ../shared/data/lspet --peer ../shared/peers/movenet….tflite

The box is the tight box of the labelled joints (they are all there is), padded by 1.25; OKS uses
COCO's sigmas over the joints both sides have, and 0.53 of the box as area, as COCO-style tools do
for LSP. Nothing is filtered. Half A (even rows) selects models, half B (odd rows) is reported.

Shapes: N pictures, J the 12 joints LSP and COCO share.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.errors import InvalidImage
from posealign.skeletons.load import skeleton

Locate = Callable[[NDArray[np.uint8]], NDArray[np.floating]]  # [N,H,W,3] → COCO-17 [N,17,2]
AREA_SHARE = 0.53  # of the box, as COCO-style tools take it where there is no outline


@dataclass(frozen=True)
class Judged:
    """Pictures with their boxes and the joints that LSP and COCO share."""

    images: tuple[NDArray[np.uint8], ...]
    points_NJ2: NDArray[np.float64]
    seen_NJ: NDArray[np.bool_]
    coco_J: NDArray[np.int64]

    @property
    def boxes_N4(self) -> NDArray[np.float64]:
        points = np.where(self.seen_NJ[..., None], self.points_NJ2, np.nan)
        low, high = np.nanmin(points, axis=1), np.nanmax(points, axis=1)
        return np.hstack([low, high - low])


def decoded(encoded: bytes, name: str) -> NDArray[np.uint8]:
    """RGB of a picture in an archive; one that cannot be read is named."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InvalidImage(f"expected a picture, but {name} cannot be decoded")
    return np.asarray(image, np.uint8)


def read_lsp(folder: Path, name: str = "val") -> Judged:
    rows = json.loads((folder / f"{name}.json").read_text())
    with zipfile.ZipFile(folder / "images.zip") as archive:
        images = tuple(decoded(archive.read(row["file"]), row["file"]) for row in rows)
    labels = np.array([row["lsp14"] for row in rows])
    coco, shared = skeleton("coco17"), []
    for index, joint in enumerate(skeleton("lsp14").names):
        if joint in coco.names:
            shared.append((index, coco.index(joint)))
    lsp_J, coco_J = np.array(shared).T
    return Judged(images, labels[:, lsp_J, :2], labels[:, lsp_J, 2] > 0, coco_J)


def turned(judged: Judged, seed: int = 0) -> Judged:
    """Every picture turned about its centre by a random angle; the box follows the joints."""
    random = np.random.default_rng(seed)
    images, points = [], []
    for image, points_J2 in zip(judged.images, judged.points_NJ2, strict=True):
        angle, side = random.uniform(-180, 180), image.shape[0]
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, 1.0)
        images.append(np.asarray(cv2.warpAffine(image, matrix, (side, side)), np.uint8))
        points.append(points_J2 @ matrix[:, :2].T + matrix[:, 2])
    return Judged(tuple(images), np.array(points), judged.seen_NJ, judged.coco_J)


def half(judged: Judged, which: str) -> Judged:
    """A: even rows; B: odd rows; both: all."""
    rows = {"A": slice(0, None, 2), "B": slice(1, None, 2), "": slice(None)}[which]
    return Judged(judged.images[rows], judged.points_NJ2[rows], judged.seen_NJ[rows], judged.coco_J)


def predict(
    judged: Judged, locate: Locate, input_size: tuple[int, int], rotation: float = 0.0
) -> NDArray[np.float64]:
    """COCO-17 in picture pixels, through the crop everybody uses."""
    crops = [Crop.of_box(tuple(box), input_size, rotation) for box in judged.boxes_N4]
    cuts = [crop.cut(image) for crop, image in zip(crops, judged.images, strict=True)]
    found: list[NDArray[np.floating]] = []
    for start in range(0, len(cuts), 25):
        found.extend(locate(np.stack(cuts[start : start + 25])))
    return np.stack([crop.invert(xy) for crop, xy in zip(crops, found, strict=True)])


def scores(judged: Judged, found_N172: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Per picture: OKS and PCK@0.1·box over labelled joints, and whether sides are swapped."""
    sigmas = skeleton("coco17").sigmas_J[judged.coco_J]
    distance = np.linalg.norm(found_N172[:, judged.coco_J] - judged.points_NJ2, axis=-1)
    box = judged.boxes_N4
    area = box[:, 2] * box[:, 3] * AREA_SHARE
    exponent = distance**2 / (2 * area[:, None] * (2 * sigmas) ** 2)
    count = judged.seen_NJ.sum(1)
    oks = (np.exp(-exponent) * judged.seen_NJ).sum(1) / count
    near = distance <= 0.1 * box[:, 2:].max(1)[:, None]
    swap_J = skeleton("coco17").swap_J[judged.coco_J]
    other = np.linalg.norm(found_N172[:, swap_J] - judged.points_NJ2, axis=-1)
    swapped = ((other < 0.5 * distance) & judged.seen_NJ).sum(1) / count
    return {"oks": oks, "pck": (near & judged.seen_NJ).sum(1) / count, "swapped": swapped}


def summary(judged: Judged, found_N172: NDArray[np.floating]) -> dict[str, Any]:
    """Means with 95 % bootstrap intervals."""
    random = np.random.default_rng(0)
    report: dict[str, Any] = {}
    for name, values in scores(judged, found_N172).items():
        draws = random.integers(0, len(values), (1000, len(values)))
        low, high = np.percentile(values[draws].mean(1), [2.5, 97.5])
        report[name] = [round(float(value), 4) for value in (values.mean(), low, high)]
    return report


def movenet(path: Path) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """The peer, on 192×192 crops: COCO-17 x, y in input pixels and its score."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    reader = Interpreter(str(path), num_threads=1)
    reader.allocate_tensors()
    source = reader.get_input_details()[0]["index"]
    target = reader.get_output_details()[0]["index"]

    def run(crops_NHW3: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = []
        for crop in crops_NHW3:
            reader.set_tensor(source, crop[None])
            reader.invoke()
            y, x, score = reader.get_tensor(target)[0, 0].T
            found.append(np.stack([x * 192 - 0.5, y * 192 - 0.5, score], axis=-1))
        return np.array(found)

    return run


def movenet_best_of_four(judged: Judged, path: Path) -> NDArray[np.float64]:
    """The stronger peer: four turns of each crop, the one with the best mean score is kept."""
    run = movenet(path)
    places, certainty = [], []
    for rotation in (0, 90, 180, 270):
        kept: list[NDArray[np.float64]] = []

        def locate(crops: NDArray[np.uint8], kept: list[Any] = kept) -> NDArray[np.floating]:
            found = run(crops)
            kept.extend(found[..., 2].mean(1))
            return found[..., :2]

        places.append(predict(judged, locate, (192, 192), rotation))
        certainty.append(np.array(kept))
    best = np.argmax(certainty, axis=0)
    chosen: NDArray[np.float64] = np.stack(places)[best, np.arange(len(best))]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    options = parser.parse_args()
    upright = read_lsp(options.folder)
    run = movenet(options.peer)
    for name, whole in (("upright", upright), ("turned", turned(upright))):
        judged = half(whole, "B")
        one = predict(judged, lambda crops: run(crops)[..., :2], (192, 192))
        four = movenet_best_of_four(judged, options.peer)
        for peer, found in (("movenet", one), ("movenet best of four", four)):
            print(json.dumps({"data": name, "model": peer, "half": "B"} | summary(judged, found)))


if __name__ == "__main__":
    main()
