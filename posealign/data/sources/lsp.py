"""Leeds Sports Pose and its extension: `joints.mat`, or a JSON list of cropped pictures.

The JSON's rows are `{"file", "lsp14": [[x, y, seen] …], "movenet17": [[x, y, score] …]}`. Joints
are named from the person's view. In LSP Extended a joint that nobody placed has seen = 0 and no
meaningful place: UNLABELLED. In LSP the flag means hidden, and the place is a good guess: OCCLUDED.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.data.sources.coco import beside
from posealign.data.sources.labels import box_of_points, to_vocabulary
from posealign.data.sources.pictures import Pictures
from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


class LspSource:
    """One person a picture; the box is drawn around the labelled joints."""

    def __init__(
        self,
        path: str | Path,
        images: str | Path | None = None,
        face_score: float | None = None,
    ) -> None:
        """With `face_score`, face points come from the JSON's pseudo-labels of at least that
        score, on pictures where those agree with the labelled joints; else the face is unlabelled.
        """
        self.path = Path(path)
        self.name = self.path.stem
        self.face_score = face_score
        if not self.path.is_file():
            raise NotFound(f"there is no label file {self.path}")
        matlab = self.path.suffix.lower() == ".mat"
        self._files, self._joints_N143, self._rows = (
            _of_matlab(self.path) if matlab else _of_json(self.path)
        )
        self.pictures = Pictures(images or beside(self.path))

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        image_HW3 = self.pictures.image(self._files[index])
        size = image_HW3.shape[1], image_HW3.shape[0]
        return Sample(
            key=Path(self._files[index]).stem,
            image_HW3=image_HW3,
            people=(self.person(index, size),),
            source=self.name,
            facts={"file": self._files[index], "position": index},
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def person(self, index: int, size: tuple[int, int]) -> Person:
        joints_J3 = self._joints_N143[index].astype(np.float64)
        states_J = joints_J3[:, 2].astype(np.int8)
        points_V2, states_V = to_vocabulary("lsp14", joints_J3[:, :2], states_J)
        box = box_of_points(points_V2, size) or (0.0, 0.0, float(size[0]), float(size[1]))
        row = self._rows[index] if self._rows else {}
        if self.face_score is not None and row.get("movenet_agreement", 0) >= 0.5:
            _add_face(row["movenet17"], self.face_score, points_V2, states_V)
        return Person(points_V2, states_V, box, facts=row)


def _add_face(
    pseudo: list[list[float]],
    score: float,
    points_V2: NDArray[np.float32],
    states_V: NDArray[np.int8],
) -> None:
    for name in _FACE:
        x, y, certain = pseudo[load_skeleton("coco17").index(name)]
        if certain >= score:
            joint = vocabulary().index(name)
            points_V2[joint], states_V[joint] = (x, y), State.VISIBLE


def _of_json(path: Path) -> tuple[list[str], NDArray[np.float32], list[dict[str, Any]]]:
    try:
        rows = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from error
    if not isinstance(rows, list):
        raise InvalidInput(f"{path} holds a {type(rows).__name__}; expected a list of pictures")
    joints_N143 = np.full((len(rows), 14, 3), State.UNLABELLED, np.float32)
    for number, row in enumerate(rows):
        try:
            row_J3 = np.array(row["lsp14"], dtype=np.float32)
            file = row["file"]
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{path}: row {number} needs 'file' and 'lsp14' of 14 × (x, y, seen): {error!r}"
            ) from error
        if row_J3.shape != (14, 3) or not isinstance(file, str):
            raise InvalidInput(f"{path}: row {number} has lsp14 of {row_J3.shape}, not (14, 3)")
        seen = row_J3[:, 2] > 0
        joints_N143[number, :, :2] = row_J3[:, :2]
        joints_N143[number, seen, 2] = State.VISIBLE
    facts = [{key: value for key, value in row.items() if key != "lsp14"} for row in rows]
    return [row["file"] for row in rows], joints_N143, facts


def _of_matlab(path: Path) -> tuple[list[str], NDArray[np.float32], list[dict[str, Any]]]:
    try:
        joints = np.asarray(loadmat(str(path))["joints"], dtype=np.float32)
    except (KeyError, ValueError, NotImplementedError, OSError) as error:
        raise InvalidInput(f"{path} is not LSP's joints.mat: {error}") from error
    if joints.shape[:2] == (3, 14):
        joints_N143, extended = joints.transpose(2, 1, 0).copy(), False
    elif joints.shape[:2] == (14, 3):
        joints_N143, extended = joints.transpose(2, 0, 1).copy(), True
    else:
        raise InvalidInput(f"{path}: joints is {joints.shape}; expected 3 × 14 × N or 14 × 3 × N")
    flagged = joints_N143[:, :, 2] > 0
    if extended:
        states = np.where(flagged, State.VISIBLE, State.UNLABELLED)
    else:
        states = np.where(flagged, State.OCCLUDED, State.VISIBLE)
    joints_N143[:, :, 2] = states
    digits = 5 if extended else 4
    files = [f"im{number:0{digits}}.jpg" for number in range(1, len(joints_N143) + 1)]
    return files, joints_N143, []
