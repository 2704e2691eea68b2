"""Joint and Skeleton, validated at construction.

A skeleton's joint either is a vocabulary joint, or a weighted mean of some (`sources`), or is new
and carries a description from which the model makes its vector.
Shapes: J joints of this skeleton, V joints of the vocabulary, S samples, D coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidInput, nearest


@dataclass(frozen=True)
class Joint:
    name: str
    en: str
    zh: str
    swap: str
    sigma: float
    aliases: tuple[str, ...] = ()
    sources: tuple[tuple[str, float], ...] = ()
    description: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidInput("a joint needs a name")
        if not 0 < self.sigma < 1:
            raise InvalidInput(f"{self.name}: sigma is {self.sigma}; expected between 0 and 1")
        total = sum(weight for _, weight in self.sources)
        if self.sources and abs(total - 1) > 1e-6:
            raise InvalidInput(f"{self.name}: the weights in `from` add up to {total}, not 1")

    def label(self, language: str = "en") -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Skeleton:
    name: str
    joints: tuple[Joint, ...]
    edges: tuple[tuple[int, int], ...]
    title_en: str = ""
    title_zh: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        names = [joint.name for joint in self.joints]
        if not names:
            raise InvalidInput(f"skeleton {self.name!r} has no joints")
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InvalidInput(f"skeleton {self.name!r} names {', '.join(twice)} twice")
        for joint in self.joints:
            if joint.swap not in names:
                raise InvalidInput(
                    f"{joint.name} swaps with {joint.swap!r}, which {self.name!r} does not have"
                    f"{nearest(joint.swap, names)}"
                )
            if self[joint.swap].swap != joint.name:
                raise InvalidInput(
                    f"{joint.name} swaps with {joint.swap}, but {joint.swap} swaps with "
                    f"{self[joint.swap].swap}: a swap must go both ways"
                )
        for first, second in self.edges:
            if not (0 <= first < len(names) and 0 <= second < len(names)) or first == second:
                raise InvalidInput(f"skeleton {self.name!r} has an edge {first}–{second}")

    def __len__(self) -> int:
        return len(self.joints)

    def __getitem__(self, name: str) -> Joint:
        return self.joints[self.index(name)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(joint.name for joint in self.joints)

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        try:
            return self._indices[name]
        except KeyError:
            raise InvalidInput(
                f"skeleton {self.name!r} has no joint {name!r}{nearest(name, self.names)}"
            ) from None

    @cached_property
    def swap_J(self) -> NDArray[np.int64]:
        """`points[swap_J]` is the same pose with left and right exchanged."""
        return np.array([self.index(joint.swap) for joint in self.joints], dtype=np.int64)

    @cached_property
    def sigmas_J(self) -> NDArray[np.float64]:
        return np.array([joint.sigma for joint in self.joints])

    def matrix_JV(self, vocabulary: Skeleton) -> NDArray[np.float64]:
        """How this skeleton's joints are made from the vocabulary's; zero rows for new joints."""
        matrix = np.zeros((len(self), len(vocabulary)))
        for row, joint in enumerate(self.joints):
            for name, weight in joint.sources:
                matrix[row, vocabulary.index(name)] = weight
        return matrix
