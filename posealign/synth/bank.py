"""Settled poses and painted looks, kept so that samples can combine them anew.

An entry depends on (DICE, seed, split, number) alone, so a bank built elsewhere is the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from posealign.errors import InvalidInput
from posealign.synth import cloth, outfit, posture
from posealign.synth.body import Body, Frames, sample_adult, sample_infant
from posealign.synth.held_out import SPLITS
from posealign.synth.memory import give_back
from posealign.synth.physics import engine, settle
from posealign.synth.skin import Hands, pose_skin
from posealign.synth.stage import CLOTH
from posealign.synth.surface import Floats

VERSION = 7
# What the dice start from. It stayed at 5 when versions 6 and 7 changed the looks alone: bodies,
# poses, blankets, scenes and cameras are those of version 5.
DICE = 5
ADULTS = 0.05
LYING = ("supine", "prone", "left_lateral", "right_lateral")


@dataclass(frozen=True)
class Entry:
    """A body at rest; angles in degrees in the order of DOFS."""

    body: Body
    frames: Frames
    angles_Q: Floats
    hands: Hands
    posture: str
    split: str


def generator(kind: str, seed: int, split: str, number: int) -> np.random.Generator:
    """Streams for bodies, looks and samples never meet, nor do those of train and test."""
    if split not in SPLITS:
        raise InvalidInput(f"a split is one of {', '.join(SPLITS)}, not {split!r}")
    kinds = ("body", "look", "sample", "sequence", "cloth")
    return np.random.default_rng([DICE, seed, SPLITS.index(split), kinds.index(kind), number])


def settle_entry(seed: int, split: str, number: int, postures: tuple[str, ...] = ()) -> Entry:
    """A body of the bank; an infant is asked for one of `postures`, where any are given."""
    rng = generator("body", seed, split, number)
    adult = rng.random() < ADULTS
    body = sample_adult(rng, split) if adult else sample_infant(rng, split=split)
    for _ in range(6):
        kind = str(rng.choice(postures)) if postures else None
        if body.role == "adult":
            kind = str(
                rng.choice(
                    ["supine", "left_lateral", "right_lateral", "sitting", "standing"],
                    p=[0.3, 0.15, 0.15, 0.2, 0.2],
                )
            )
        stance = posture.sample(rng, body, kind)
        rest = settle(body, stance.wanted)
        lies = posture.lying_posture(rest.frames)
        free = stance.posture in ("sitting", "standing", "held")
        if free or lies != "upright":
            break
    return Entry(body, rest.frames, rest.angles_Q, stance.hands,
                 stance.posture if free else lies, split)  # fmt: skip


@dataclass(frozen=True)
class Draped:
    """A pose with the blanket that was settled over it."""

    entry: Entry
    skin: tuple[Floats, Floats]
    blanket: cloth.Settled


@dataclass(frozen=True)
class Bank:
    """`poses`, `looks` and `cloths` many of each, made when first asked for. `cloths` are poses
    under a blanket that physics settled; 0: blankets are only laid on (drape.py). Infants take
    `postures` alike often; () leaves them the shares of posture.SHARES.
    """

    split: str = "train"
    seed: int = 0
    poses: int = 1500
    looks: int = 250
    cloths: int = 24
    postures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.split not in SPLITS or min(self.poses, self.looks, self.cloths + 1) < 1:
            raise InvalidInput(f"a bank needs a split of {SPLITS} and poses and looks, not {self}")
        if unknown := sorted(set(self.postures) - set(posture.POSTURES)):
            raise InvalidInput(
                f"no posture {', '.join(unknown)}; expected some of {', '.join(posture.POSTURES)}"
            )

    def pose(self, number: int) -> Entry:
        return _entry(self.seed, self.split, number % self.poses, self.postures)

    def skin(self, number: int) -> tuple[Floats, Floats]:
        """The bare skin of a pose: vertices and which way is out [N, 3]."""
        return _skin(self.seed, self.split, number % self.poses, self.postures)

    def draped(self, number: int) -> Draped:
        return _draped(self.seed, self.split, number % self.cloths, self.postures)

    def look(self, number: int, role: str = "infant") -> outfit.Look:
        return _look(self.seed, self.split, number % self.looks, role)


@lru_cache(maxsize=4096)
def _entry(seed: int, split: str, number: int, postures: tuple[str, ...]) -> Entry:
    return settle_entry(seed, split, number, postures)


@lru_cache(maxsize=256)  # a quarter of a megabyte each
def _skin(seed: int, split: str, number: int, postures: tuple[str, ...]) -> tuple[Floats, Floats]:
    entry = _entry(seed, split, number, postures)
    return pose_skin(entry.body, entry.frames, entry.hands)


@lru_cache(maxsize=32)
def _draped(seed: int, split: str, number: int, postures: tuple[str, ...]) -> Draped:
    """A second of work, so the cloth alone is kept on disk, too."""
    lying = tuple(kind for kind in postures if kind in LYING)
    entry = settle_entry(seed, split, 10_000_000 + number * 64, lying)
    for attempt in range(1, 64):
        if entry.body.role == "infant" and entry.posture in LYING:
            break
        entry = settle_entry(seed, split, 10_000_000 + number * 64 + attempt, lying)
    skin = pose_skin(entry.body, entry.frames, entry.hands)
    told = "".join(f"-{kind}" for kind in lying)
    name = f"cloth-{DICE}-{engine().__version__}-{seed}-{split}-{number}{told}.npy"
    path = _cache_folder() / name
    rng = generator("cloth", seed, split, number)
    place = cloth.lay(rng, entry.body, entry.frames)
    grid = _kept(path)
    if grid is None:
        top = float(skin[0][:, 2].max())
        grid = cloth.settle_blanket(rng, entry.body, entry.frames, place, top).astype(np.float32)
        _keep(path, grid)
    return Draped(entry, skin, cloth.Settled(grid.astype(np.float64), place.length))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "posealign" / "synth"


def _kept(path: Path) -> Floats | None:
    try:
        grid = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(grid) if grid.shape == (CLOTH, CLOTH, 3) else None


def _keep(path: Path, grid: Floats) -> None:
    """Whole or not at all, whoever else writes it; a disk that cannot be written to is no fault."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as handle:
            np.save(handle, grid)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)


@lru_cache(maxsize=320)
def _look(seed: int, split: str, number: int, role: str) -> outfit.Look:
    rng = generator("look", seed, split, number * 2 + (role == "adult"))
    garments = outfit.dress(rng, split, role)
    made = outfit.make(rng, garments, split, adult=role == "adult")
    give_back()
    return made
