"""Every skeleton in the library is sound, and every unsound one is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import NAMES, from_json, skeleton, to_json, vocabulary
from posealign.skeletons.skeleton import Joint, Skeleton

COUNTS = {
    "coco17": 17, "coco_wholebody133": 133, "halpe26": 26, "lsp14": 14, "smil25": 25,
    "body25": 25, "blazepose33": 33,
}  # fmt: skip
ALL = (*NAMES, "vocabulary")


def load(name: str) -> Skeleton:
    return vocabulary() if name == "vocabulary" else skeleton(name)


def test_the_library_is_what_it_says() -> None:
    assert {name: len(skeleton(name)) for name in NAMES} == COUNTS
    assert len(vocabulary()) == 148
    wholebody = [name.replace("-", "_") for name in skeleton("coco_wholebody133").names]
    assert list(vocabulary().names[:133]) == wholebody
    assert vocabulary().names[:17] == skeleton("coco17").names


@pytest.mark.parametrize("name", ALL)
def test_swapping_is_an_involution_that_keeps_sides_apart(name: str) -> None:
    loaded = load(name)
    assert np.array_equal(loaded.swap_J[loaded.swap_J], np.arange(len(loaded)))
    for joint in loaded.joints:
        twin = loaded[joint.swap]
        if "point" not in joint.en:  # points of the jaw line and the like are counted, not sided
            assert joint.en.replace("left", "right") == twin.en.replace("left", "right")
            assert joint.zh.replace("左", "右") == twin.zh.replace("左", "右")
            # COCO-WholeBody publishes slightly different sigmas for left and right feet.
            assert 0.5 < twin.sigma / joint.sigma < 2
        if joint.swap == joint.name:
            assert not joint.en.startswith(("left ", "right "))


@pytest.mark.parametrize("name", ALL)
def test_edges_are_mirror_images_of_each_other(name: str) -> None:
    loaded = load(name)
    edges = {frozenset(edge) for edge in loaded.edges}
    assert len(edges) == len(loaded.edges)
    mirrored = {frozenset(int(loaded.swap_J[end]) for end in edge) for edge in edges}
    assert mirrored == edges


@pytest.mark.parametrize("name", NAMES)
def test_the_mapping_goes_with_mirroring(name: str) -> None:
    """Mirror then map is map then mirror; so a flip keeps left left in every skeleton."""
    loaded, words = load(name), vocabulary()
    matrix_JV = loaded.matrix_JV(words)
    assert np.allclose(matrix_JV.sum(axis=1), 1)
    assert np.allclose(matrix_JV[loaded.swap_J][:, words.swap_J], matrix_JV)


@given(st.sampled_from(NAMES), st.integers(0, 2**32 - 1), st.floats(1, 900))
def test_a_flipped_person_has_left_and_right_exchanged(name: str, seed: int, width: float) -> None:
    loaded, words = load(name), vocabulary()
    matrix_JV = loaded.matrix_JV(words)
    person_V2 = np.random.default_rng(seed).uniform(0, width, (len(words), 2))
    flipped_V2 = person_V2 * (-1, 1) + (width - 1, 0)
    directly = (matrix_JV @ person_V2)[loaded.swap_J] * (-1, 1) + (width - 1, 0)
    assert np.allclose(matrix_JV @ flipped_V2[words.swap_J], directly)


@pytest.mark.parametrize("name", ALL)
def test_names_are_complete_and_unique(name: str) -> None:
    loaded = load(name)
    for language in ("en", "zh"):
        labels = [joint.label(language) for joint in loaded.joints]
        assert all(labels)
        assert len(set(labels)) == len(labels), language
    assert loaded.title_en or name == "vocabulary"


@pytest.mark.parametrize("name", ALL)
def test_json_round_trip(name: str, tmp_path: Path) -> None:
    loaded = load(name)
    assert from_json(json.loads(json.dumps(to_json(loaded), ensure_ascii=False))) == loaded
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(to_json(loaded)), "utf-8")
    assert skeleton(str(path)) == loaded


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    parts = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    joints: list[Joint] = []
    for part in parts:
        sigma = draw(st.floats(0.001, 0.99))
        aliases = tuple(draw(st.lists(names, max_size=2)))
        description = draw(st.none() | names)
        if draw(st.booleans()):
            pair = (f"left {part}", f"right {part}")
            joints += [Joint(one, one, part, two, sigma, aliases, (), description)
                       for one, two in (pair, pair[::-1])]  # fmt: skip
        else:
            weight = draw(st.floats(0.1, 0.9))
            sources = draw(st.sampled_from(
                [(), (("nose", 1.0),), (("left_hip", weight), ("right_hip", 1 - weight))]
            ))  # fmt: skip
            joints.append(Joint(f"mid {part}", part, part, f"mid {part}", sigma, aliases, sources))
    ends = st.integers(0, len(joints) - 1)
    edges = draw(st.lists(st.tuples(ends, ends).filter(lambda edge: edge[0] != edge[1])))
    return Skeleton("mine", tuple(joints), tuple(edges), "mine", "我的", "here")


@given(skeletons())
def test_any_sound_skeleton_survives_json(one: Skeleton) -> None:
    assert from_json(json.loads(json.dumps(to_json(one)))) == one
    assert np.array_equal(one.swap_J[one.swap_J], np.arange(len(one)))


def change(path: list[Any], value: Any) -> Callable[[Any], None]:
    def apply(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return apply


def twice(data: Any) -> None:
    data["joints"].append(data["joints"][0])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change(["joints", 1, "swap"], "nose"), "must go both ways"),
        (change(["joints", 1, "swap"], "right_eyes"), "did you mean 'right_eye'"),
        (
            change(
                ["joints", 1], {"name": "nose", "en": "", "zh": "", "swap": "nose", "sigma": 0.1}
            ),
            "an edge names 'left_eye'",
        ),
        (twice, "names nose twice"),
        (change(["joints", 0, "name"], ""), "needs a name"),
        (change(["joints", 0, "sigma"], 0), "expected between 0 and 1"),
        (change(["joints", 0, "sigma"], "wide"), r"joints\.0\.sigma"),
        (change(["joints", 0, "from"], {"nose": 0.7}), "add up to 0.7"),
        (change(["joints", 0, "color"], "red"), r"joints\.0\.color"),
        (change(["edges", 0], ["nose", "tail"]), "an edge names 'tail'"),
        (change(["edges", 0], ["nose", "nose"]), "edge 0–0"),
        (lambda data: data.update(joints=[], edges=[]), "has no joints"),
    ],
)
def test_unsound_files_are_named(edit: Callable[[Any], None], message: str) -> None:
    data = copy.deepcopy(to_json(skeleton("coco17")))
    edit(data)
    with pytest.raises(InvalidInput, match=message):
        from_json(data)


def test_unknown_names_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean 'coco17'"):
        skeleton("coco_17")
    with pytest.raises(InvalidInput, match="no joint 'left_wrst'; did you mean 'left_wrist'"):
        skeleton("coco17").index("left_wrst")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InvalidInput, match="not a JSON file"):
        skeleton(str(tmp_path / "a.json"))
