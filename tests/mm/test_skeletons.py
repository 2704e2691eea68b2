"""Every metainfo file that mmpose ships becomes a skeleton with its joints, twins and links."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from typer.testing import CliRunner

from posealign.commands.skeletons import skeletons as command
from posealign.errors import InvalidInput, NotFound
from posealign.interop.mm.skeletons import (
    SIGMA,
    folder,
    from_metainfo,
    from_parsed,
    library_name,
    skeleton_of,
)
from posealign.skeletons.load import from_json, skeleton, to_json, vocabulary

FILES = sorted(folder().glob("*.py"))
# Joints whose twin mmpose says on one side only: its flip moves one of the two and not the other.
ONE_SIDED = {"deepfashion2": {"vest_kpt13": "vest_kpt9"}}


def test_there_are_55() -> None:
    assert len(FILES) == 55


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_joints_twins_links_and_sigmas_are_mmposes(file: Path) -> None:
    theirs = parse_pose_metainfo({"from_file": str(file)})
    ours = skeleton_of(file)
    names = [theirs["keypoint_id2name"][index] for index in range(theirs["num_keypoints"])]
    assert list(ours.names) == names
    wanted = np.array(theirs["flip_indices"])
    for name, twin in ONE_SIDED.get(file.stem, {}).items():
        assert wanted[names.index(name)] == names.index(name)
        wanted[names.index(name)] = names.index(twin)
    assert np.array_equal(ours.swap_J, wanted)
    assert [tuple(edge) for edge in ours.edges] == [tuple(e) for e in theirs["skeleton_links"]]
    if len(theirs["sigmas"]):
        assert np.array_equal(ours.sigmas_J.astype(np.float32), theirs["sigmas"])
    else:
        known = [dict(joint.sources) for joint in ours.joints]
        filled = [vocabulary()[next(iter(k))].sigma if k else SIGMA for k in known]
        assert ours.sigmas_J.tolist() == filled
        assert "no sigmas" in ours.source
    assert from_json(json.loads(json.dumps(to_json(ours)))) == ours
    # What a checkpoint carries of its data set says the same, but for float32 sigmas.
    again = from_parsed(theirs)
    assert (again.names, again.edges) == (ours.names, ours.edges)
    assert np.array_equal(again.swap_J, ours.swap_J)


def test_human_joints_are_the_vocabularys_and_animals_are_not() -> None:
    coco, tiger = skeleton_of("coco"), skeleton_of("atrw")
    assert library_name(coco) == "coco17"
    assert library_name(skeleton_of("coco_wholebody")) == "coco_wholebody133"
    assert library_name(skeleton_of("halpe26")) == "halpe26"
    assert library_name(skeleton_of("macaque")) is None
    assert coco["left_wrist"].sources == (("left_wrist", 1.0),)
    assert coco["left_wrist"].zh == skeleton("coco17")["left_wrist"].zh
    assert tiger["left_ear"].sources == ()
    assert tiger["left_ear"].description == "left ear"
    assert skeleton_of("animalpose")["L_EarBase"].en == "left ear base"
    assert skeleton_of("ak")["Eye_Left"].en == "left eye"
    assert skeleton_of("lapa")["kpt-0"].description is None


def test_unsound_metainfo_is_named(tmp_path: Path) -> None:
    sound = {
        "dataset_name": "toy", "sigmas": [0.05, 0.05], "skeleton_info": {0: {"link": ("a", "b")}},
        "keypoint_info": {0: {"name": "a", "swap": ""}, 1: {"name": "b", "swap": ""}},
    }  # fmt: skip
    assert from_metainfo(sound, "toy").edges == ((0, 1),)
    with pytest.raises(InvalidInput, match="2 joints, 1 sigmas"):
        from_metainfo({**sound, "sigmas": [0.05]}, "toy")
    with pytest.raises(InvalidInput, match="a link names 'c'"):
        from_metainfo({**sound, "skeleton_info": {0: {"link": ("a", "c")}}}, "toy")
    with pytest.raises(InvalidInput, match="skeleton_info"):
        from_metainfo({k: v for k, v in sound.items() if k != "skeleton_info"}, "toy")
    with pytest.raises(NotFound, match="did you mean 'coco_wholebody'"):
        skeleton_of("coco_wholebod")
    path = tmp_path / "mine.py"
    path.write_text("other = 1\n", "utf-8")
    with pytest.raises(InvalidInput, match="no `dataset_info`"):
        skeleton_of(path)


def test_the_command_writes_a_file_that_loads(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["from-mmpose", "h36m"])
    assert result.exit_code == 0
    (tmp_path / "h36m.json").write_text(result.stdout, "utf-8")
    assert skeleton(str(tmp_path / "h36m.json")) == skeleton_of("h36m")
