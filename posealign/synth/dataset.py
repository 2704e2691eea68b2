"""Reading rendered samples back: shards of pictures with exact labels.

A shard is three files: `shard-00000.tar` (per sample KEY.jpg, KEY.depth.png in millimetres as
the sensor gave it, KEY.exact.png the true depth, KEY.parts.png), `shard-00000.npz` (label arrays
and the places of the files in the tar) and `shard-00000.jsonl` (one line of facts a sample).
Shapes: N samples, P people (padded), V vocabulary joints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.errors import InvalidInput, NotFound

PEOPLE = 2  # at most, in one picture
SHARD = 100
MILLIMETRES = 1000.0
KINDS = ("jpg", "depth.png", "exact.png", "parts.png")


def decode(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InvalidInput("a shard holds bytes that are no picture")
    return np.ascontiguousarray(image[..., ::-1]).astype(np.uint8, copy=False)


@dataclass(frozen=True)
class ShardDataset:
    """Random access to a folder of shards: `dataset[7]` is a Sample; picklable, so that loaders
    may copy it into workers.
    """

    folder: Path
    depth: bool = True

    def __post_init__(self) -> None:
        if not self._paths:
            raise NotFound(
                f"{self.folder} holds no finished shard; `posealign synth --count 1000 "
                f"--out {self.folder}` makes some"
            )

    @cached_property
    def _paths(self) -> list[Path]:
        return sorted(p for p in Path(self.folder).glob("shard-?????.npz"))

    @cached_property
    def _shards(self) -> list[dict[str, NDArray[Any]]]:
        return [dict(np.load(path)) for path in self._paths]

    @cached_property
    def _rows(self) -> list[list[dict[str, Any]]]:
        return [
            [
                json.loads(line)
                for line in path.with_suffix(".jsonl").read_text("utf-8").splitlines()
            ]
            for path in self._paths
        ]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(s, k) for s, shard in enumerate(self._shards) for k in range(len(shard["count"]))]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[k] for k in range(len(self)))

    def key(self, number: int) -> str:
        shard, row = self._places[number]
        return str(self._rows[shard][row]["key"])

    def file(self, number: int, kind: str) -> bytes:
        """The bytes of one of a sample's files: jpg, depth.png, exact.png or parts.png."""
        shard, row = self._places[number]
        start, size = self._shards[shard]["files"][row, KINDS.index(kind)]
        with self._paths[shard].with_suffix(".tar").open("rb") as handle:
            handle.seek(int(start))
            return handle.read(int(size))

    def __getitem__(self, number: int) -> Sample:
        shard, k = self._places[number]
        arrays, row = self._shards[shard], self._rows[shard][k]
        depth = None
        if self.depth:
            raw = cv2.imdecode(
                np.frombuffer(self.file(number, "depth.png"), np.uint8), cv2.IMREAD_UNCHANGED
            )
            depth = (np.asarray(raw) / MILLIMETRES).astype(np.float32)
        people = tuple(_read_person(arrays, row, k, p) for p in range(int(arrays["count"][k])))
        fx, fy, cx, cy = row["intrinsics"]
        return Sample(row["key"], decode(self.file(number, "jpg")), people, "synthetic", depth,
                      (fx, fy, cx, cy), row["facts"])  # fmt: skip


def _read_person(arrays: dict[str, NDArray[Any]], row: dict[str, Any], k: int, p: int) -> Person:
    states = arrays["states_NPV"][k, p]
    placed = states >= State.OCCLUDED
    about = row["people"][p]
    x, y, w, h = (float(v) for v in arrays["box_NP4"][k, p])
    return Person(
        np.where(placed[:, None], arrays["points_NPV2"][k, p], np.nan).astype(np.float32), states,
        (x, y, w, h), arrays["points_NPV3"][k, p], arrays["hidden_by_NPV"][k, p], about["role"],
        about["posture"], about["age_months"], about["area"], about["facts"],
    )  # fmt: skip
