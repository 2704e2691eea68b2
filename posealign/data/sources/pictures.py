"""The files beside the labels: a folder, or a ZIP that stays packed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.data.image import decode_depth, decode_image
from posealign.errors import InvalidInput, NotFound, nearest


class Pictures:
    """Bytes by name. A ZIP is opened once a process, so a source may be sent to workers."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.packed = self.root.suffix.lower() == ".zip"
        if not (self.root.is_file() if self.packed else self.root.is_dir()):
            what = "ZIP file" if self.packed else "folder of pictures"
            raise NotFound(f"there is no {what} {self.root}")
        self._open: tuple[int, zipfile.ZipFile, dict[str, str]] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_open": None}

    def read(self, name: str) -> bytes:
        if self.packed:
            return self._unpack(name)
        path = self.root / name
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise InvalidInput(f"{name!r} leads out of {self.root}")
        if not path.is_file():
            siblings = (
                [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            )
            raise NotFound(f"the labels name {name!r}, which {self.root} does not have"
                           f"{nearest(path.name, siblings)}")  # fmt: skip
        return path.read_bytes()

    def image(self, name: str) -> NDArray[np.uint8]:
        try:
            return decode_image(self.read(name))
        except InvalidInput as error:
            raise type(error)(f"{self.root / name}: {error}") from error

    def depth(self, name: str, metres_per_unit: float = 0.001) -> NDArray[np.float32]:
        try:
            return decode_depth(self.read(name), metres_per_unit)
        except InvalidInput as error:
            raise type(error)(f"{self.root / name}: {error}") from error

    def _unpack(self, name: str) -> bytes:
        if self._open is None or self._open[0] != os.getpid():
            archive = zipfile.ZipFile(self.root)
            # Archives often hold one folder; labels name the files inside it.
            names = {Path(member).name: member for member in archive.namelist()}
            names.update({member: member for member in archive.namelist()})
            self._open = os.getpid(), archive, names
        _, archive, names = self._open
        if name not in names:
            raise NotFound(
                f"the labels name {name!r}, which {self.root} does not have{nearest(name, names)}"
            )
        return archive.read(names[name])
