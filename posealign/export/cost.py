"""What an int8 or fp16 bundle costs: how far its joints move on the same crops. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.bundle import Bundle
from posealign.runtime.session import Arrays, Graphs, open_graphs


@dataclass(frozen=True)
class PlaceShift:
    """How far joints move between two bundles on the same crops, in input pixels."""

    pictures: int
    median: float
    p95: float
    largest: float
    share_over_2px: float

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def place_shift(
    before: Bundle, after: Bundle, crops: Sequence[NDArray[np.uint8]], joints: int = 17
) -> PlaceShift:
    """What an int8 or fp16 bundle costs in places: the first `joints` of the vocabulary."""
    first, second = (open_graphs(bundle.folder, "cpu") for bundle in (before, after))
    moved = []
    for crop in crops:
        image = before.image_feeds(crop[None])
        apart = _places(first, image, joints) - _places(second, image, joints)
        moved.append(np.linalg.norm(apart, axis=-1).ravel())
    moved_N = np.concatenate(moved)
    return PlaceShift(
        len(crops),
        float(np.median(moved_N)),
        float(np.percentile(moved_N, 95)),
        float(moved_N.max()),
        float((moved_N > 2).mean()),
    )


def _places(graphs: Graphs, image: Arrays, joints: int) -> NDArray[np.float32]:
    seen = graphs["image"](image)
    ids = np.ones((1, 2), dtype=np.int64)
    read = graphs["text"]({"ids": ids})
    crop = np.array([[0, 1, 0, 0]], dtype=np.float32)
    chosen = graphs["select"](
        {"tokens": seen["tokens"], "text_tokens": read["text_tokens"], "ids": ids, "crop": crop}
    )
    vectors = chosen["vectors"][:, :joints]
    placed: NDArray[np.float32] = graphs["locate"](
        {"features": seen["features"], "vectors": vectors}
    )["xy"]
    return placed
