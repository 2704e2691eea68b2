"""mmpose's metainfo files → skeletons.

    posealign skeletons from-mmpose coco_wholebody > mine.json

Order, twins, links and sigmas are mmpose's. What metainfo does not say is filled in: the words of
a joint from its name, its place from the vocabulary where a human joint of that name is there
(else a description, from which the model makes a vector), and a sigma where a file has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from posealign.errors import InvalidInput, MissingExtra, NotFound, among, nearest
from posealign.skeletons.load import NAMES, vocabulary
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Joint, Skeleton

SIGMA = 0.05  # where neither the file nor the vocabulary has one: between an eye and a shoulder
# A tiger's shoulder is none of ours, whatever it is called.
_NO_PEOPLE = frozenset({
    "Animal Kingdom", "animalpose", "ap10k", "atrw", "deepfashion2", "deepfashion_full",
    "deepfashion_lower", "deepfashion_upper", "fly", "horse10", "locust", "macaque", "zebra",
})  # fmt: skip


def folder() -> Path:
    """Where the installed mmpose keeps its metainfo files."""
    found = find_spec("mmpose")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("mmpose is not installed: run `make mm`, then .venv-mm/bin/posealign …")
    return Path(found.submodule_search_locations[0]) / ".mim" / "configs" / "_base_" / "datasets"


def skeleton_of(source: str | Path) -> Skeleton:
    """From a metainfo file, or the name of one of mmpose's (coco, h36m …)."""
    path = Path(source)
    if not path.is_file():
        known = {file.stem: file for file in folder().glob("*.py")}
        if str(source) not in known:
            raise NotFound(
                f"no metainfo file {source}{among(str(source), sorted(known), 'mmpose has')}"
            )
        path = known[str(source)]
    try:
        config = import_module("mmengine.config").Config
    except ImportError as error:
        raise MissingExtra("metainfo files are read by mmengine: run `make mm`") from error
    content = config.fromfile(str(path))
    if "dataset_info" not in content:
        raise InvalidInput(f"{path} has no `dataset_info`; is it a metainfo file?")
    return from_metainfo(content.dataset_info.to_dict(), path.stem)


def from_metainfo(info: Mapping[str, Any], name: str) -> Skeleton:
    """The raw dict, before mmpose parses it. Joints are in the order of its keys, as in mmpose."""
    try:
        rows = [info["keypoint_info"][key] for key in sorted(info["keypoint_info"])]
        links = [row["link"] for row in info["skeleton_info"].values()]
        sigmas = list(info["sigmas"])
        dataset = str(info["dataset_name"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"metainfo {name}: {error!r} is missing or no table") from error
    if sigmas and len(sigmas) != len(rows):
        raise InvalidInput(f"metainfo {name}: {len(rows)} joints, {len(sigmas)} sigmas")
    twins = _twins(rows)
    human = dataset not in _NO_PEOPLE
    joints = tuple(
        _joint(row["name"], twins[row["name"]], sigmas[index] if sigmas else None, human)
        for index, row in enumerate(rows)
    )
    order = {joint.name: index for index, joint in enumerate(joints)}
    for end in (end for link in links for end in link):
        if end not in order:
            raise InvalidInput(f"metainfo {name}: a link names {end!r}{nearest(end, order)}")
    edges = tuple((order[first], order[second]) for first, second in links)
    paper = info.get("paper_info") or {}
    said = [f"mmpose metainfo {name}", *[str(paper[k]) for k in ("title", "year") if k in paper]]
    if not sigmas:
        said.append(f"it has no sigmas: the vocabulary's, or {SIGMA}")
    return Skeleton(name, joints, edges, dataset, dataset, "; ".join(said))


def from_parsed(meta: Mapping[str, Any]) -> Skeleton:
    """From metainfo as mmpose parses it: a data set's METAINFO, a checkpoint's dataset_meta."""
    names = meta["keypoint_id2name"]
    joints = {
        int(key): {"name": name, "swap": names[int(meta["flip_indices"][key])]}
        for key, name in names.items()
    }
    links = {
        index: {"link": (names[int(first)], names[int(second)])}
        for index, (first, second) in enumerate(meta["skeleton_links"])
    }
    info = {
        "dataset_name": meta["dataset_name"], "keypoint_info": joints, "skeleton_info": links,
        "sigmas": [float(sigma) for sigma in meta["sigmas"]],
    }  # fmt: skip
    return from_metainfo(info, str(meta["dataset_name"]))


def library_name(found: Skeleton) -> str | None:
    """The library's skeleton with these human joints in this order, if there is one."""
    if not any(joint.sources for joint in found.joints):
        return None
    wanted = [_plain(name) for name in found.names]
    for name in NAMES:
        if [_plain(own) for own in load_skeleton(name).names] == wanted:
            return name
    return None


def _twins(rows: list[Any]) -> dict[str, str]:
    """A twin said on one side only (deepfashion2's vest_kpt9) holds for both."""
    twins = {row["name"]: row.get("swap") or row["name"] for row in rows}
    for name, twin in list(twins.items()):
        if twin != name and twins.get(twin) == twin:
            twins[twin] = name
    return twins


def _joint(name: str, twin: str, sigma: float | None, human: bool) -> Joint:
    words = vocabulary()
    plain = _plain(name)
    known = words[plain] if human and plain in words.names else None
    if known is None:
        english = _english(name)
        numbered = re.fullmatch(r"(\w+ )?kpt \d+", english)  # says nothing to make a vector of
        description = None if numbered else english
        return Joint(name, english, english, twin, sigma or SIGMA, description=description)
    return Joint(name, known.en, known.zh, twin, sigma or known.sigma, sources=((known.name, 1.0),))


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _english(name: str) -> str:
    """L_EarBase → left ear base; Eye_Right → right eye."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    parts = re.split(r"[\s_-]+", spaced.strip())
    sides = {"l": "left", "r": "right"}
    plain = [sides.get(part.lower(), part.lower()) for part in parts if part]
    if plain and plain[-1] in ("left", "right"):
        plain = [plain[-1], *plain[:-1]]
    return " ".join(plain)
