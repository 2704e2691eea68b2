"""LSP, MINI-RGBD and JSONL: made small here, read back, and wrong files named."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from posealign.data.image import encode_depth, encode_image
from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person, Sample
from posealign.data.sources.jsonl import JsonlSource, write_jsonl
from posealign.data.sources.lsp import LspSource
from posealign.data.sources.minirgbd import INTRINSICS, MiniRgbdSource
from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import skeleton, vocabulary

PICTURE = encode_image(np.full((60, 80, 3), 90, np.uint8))
V = len(vocabulary())


def joint(person: Person, name: str) -> tuple[list[float], State]:
    index = vocabulary().index(name)
    return person.points_V2[index].tolist(), State(int(person.states_V[index]))


def lsp_row(**more: Any) -> dict[str, Any]:
    joints = [[float(10 + 3 * number), float(5 + number), 1.0] for number in range(14)]
    joints[0] = [8.6, 9.7, 0.0]
    return {"file": "a.png", "lsp14": joints, **more}


def test_lsp_json(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    pseudo = [[float(number), 1.0, 0.9 if number < 2 else 0.1] for number in range(17)]
    row = lsp_row(movenet17=pseudo, movenet_agreement=0.8)
    (tmp_path / "train.json").write_text(json.dumps([row]))
    (sample,) = LspSource(tmp_path / "train.json")
    (person,) = sample.people
    assert joint(person, "right_knee") == ([13.0, 6.0], State.VISIBLE)
    assert joint(person, "right_ankle")[1] is State.UNLABELLED
    assert joint(person, "nose")[1] is State.UNLABELLED
    left, top, width, height = person.box
    assert (left <= 13, left + width >= 49, top <= 6, top + height >= 18) == (True,) * 4
    (sample,) = LspSource(tmp_path / "train.json", face_score=0.5)
    assert joint(sample.people[0], "left_eye") == ([1.0, 1.0], State.VISIBLE)
    assert joint(sample.people[0], "right_eye")[1] is State.UNLABELLED


@pytest.mark.parametrize(("shape", "state"), [("lsp", State.OCCLUDED), ("lspet", State.VISIBLE)])
def test_lsp_matlab(tmp_path: Path, shape: str, state: State) -> None:
    joints = np.ones((14, 3, 2))
    joints[:, 0], joints[:, 1] = 30, np.arange(14)[:, None]
    joints[:, 2, 1] = 0
    axes = (1, 0, 2) if shape == "lsp" else (0, 1, 2)
    savemat(tmp_path / "joints.mat", {"joints": joints.transpose(axes)})
    (tmp_path / "images").mkdir()
    for number in (1, 2):
        name = f"im{number:04}.jpg" if shape == "lsp" else f"im{number:05}.jpg"
        (tmp_path / "images" / name).write_bytes(
            encode_image(np.zeros((60, 80, 3), np.uint8), ".jpg")
        )
    first, second = LspSource(tmp_path / "joints.mat")
    assert joint(first.people[0], "head_top") == ([30.0, 13.0], state)
    other = State.VISIBLE if shape == "lsp" else State.UNLABELLED
    assert joint(second.people[0], "head_top")[1] is other


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "holds a dict"),
        ("[{}]", "row 0 needs 'file' and 'lsp14'"),
        ('[{"file": "a", "lsp14": [[1, 2, 3]]}]', r"lsp14 of \(1, 3\)"),
        ("[", "not JSON"),
    ],
)
def test_wrong_lsp_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        LspSource(tmp_path / "a.json")


def test_wrong_matlab_files_are_named(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"joints": np.zeros((2, 3))})
    with pytest.raises(InvalidInput, match=r"joints is \(2, 3\)"):
        LspSource(tmp_path / "a.mat")
    savemat(tmp_path / "b.mat", {"points": np.zeros((2, 3))})
    with pytest.raises(InvalidInput, match=r"not LSP's joints\.mat"):
        LspSource(tmp_path / "b.mat")
    with pytest.raises(NotFound):
        LspSource(tmp_path / "c.mat")


def mini(folder: Path, turn: tuple[int, int, int] = (1, 1, 1), shift: float = 0.0) -> np.ndarray:
    """One frame of 25 joints a metre away; returns the 3D joints, camera frame."""
    fx, fy, cx, cy = INTRINSICS
    solid = np.random.default_rng(3).uniform((-0.3, -0.3, 0.9), (0.3, 0.3, 1.1), (25, 3))
    solid[3, 0] = -2.0  # out of the picture
    flat = np.column_stack([fx * solid[:, 0] / solid[:, 2] + cx + shift,
                            fy * solid[:, 1] / solid[:, 2] + cy, solid[:, 2]])  # fmt: skip
    for name in ("rgb", "depth", "joints_2Ddep", "joints_3D"):
        (folder / "01" / name).mkdir(parents=True)
    image = np.full((480, 640, 3), 90, np.uint8)
    (folder / "01/rgb/syn_00000.png").write_bytes(encode_image(image))
    (folder / "01/depth/syn_00000_depth.png").write_bytes(encode_depth(np.full((480, 640), 1.25)))
    for name, values in (("2Ddep", flat), ("3D", solid * turn)):
        lines = [" ".join(f"{value:.6f}" for value in row) + f" {number}"
                 for number, row in enumerate(values)]  # fmt: skip
        path = folder / "01" / f"joints_{name}" / f"syn_joints_{name}_00000.txt"
        path.write_text("\n".join(lines) + "\n")
    return solid


@pytest.mark.parametrize("turn", [(1, 1, 1), (1, -1, -1)])
def test_minirgbd(tmp_path: Path, turn: tuple[int, int, int]) -> None:
    solid = mini(tmp_path, turn)
    (sample,) = MiniRgbdSource(tmp_path)
    (person,) = sample.people
    assert sample.key == "01/00000"
    assert sample.depth_HW is not None
    assert sample.depth_HW.dtype == np.float32
    assert float(sample.depth_HW[0, 0]) == pytest.approx(1.25)
    names = skeleton("smil25").names
    knee = vocabulary().index("left_knee")
    assert person.points_V3 is not None
    assert np.allclose(person.points_V3[knee], solid[names.index("leftCalf")], atol=1e-5)
    assert joint(person, "left_knee")[1] is State.VISIBLE
    assert joint(person, "spine1")[1] is State.ABSENT
    assert joint(person, "left_ear")[1] is State.UNLABELLED
    assert person.role == "infant"


def test_wrong_minirgbd_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no folder with rgb"):
        MiniRgbdSource(tmp_path)
    with pytest.raises(NotFound, match="no folder"):
        MiniRgbdSource(tmp_path / "none")
    mini(tmp_path, shift=60)
    with pytest.raises(NotFound, match=r"no sequence 07; there are 01"):
        MiniRgbdSource(tmp_path, ("07",))
    with pytest.raises(InvalidInput, match=r"do not project onto the 2D joints \(off by 60 px"):
        MiniRgbdSource(tmp_path)[0]
    path = tmp_path / "01/joints_3D/syn_joints_3D_00000.txt"
    path.write_text("1 2 3\n")
    with pytest.raises(InvalidInput, match="expected rows `x y z id`, found '1 2 3'"):
        MiniRgbdSource(tmp_path)[0]
    path.write_text("1 2 3 0\n")
    with pytest.raises(InvalidInput, match="expected 0 to 24"):
        MiniRgbdSource(tmp_path)[0]
    (tmp_path / "01/depth/syn_00000_depth.png").unlink()
    with pytest.raises(NotFound, match=r"syn_00000_depth\.png"):
        MiniRgbdSource(tmp_path)[0]


@st.composite
def people(draw: st.DrawFn) -> Person:
    dice = np.random.default_rng(draw(st.integers(0, 999)))
    states = dice.integers(-1, 3, V).astype(np.int8)
    points = dice.uniform(0, 60, (V, 2)).astype(np.float32)
    points[states < State.OCCLUDED] = np.nan
    hidden = np.where(states == State.OCCLUDED, dice.integers(0, len(HIDERS), V), -1)
    solid = dice.uniform(-1, 1, (V, 3)).astype(np.float32)
    solid[dice.random(V) < 0.3] = np.nan
    return Person(
        points, states, (1.5, 2.0, 30.25, 40.0),
        points_V3=solid if draw(st.booleans()) else None,
        hidden_by_V=hidden.astype(np.int8) if (hidden >= 0).any() else None,
        role=draw(st.sampled_from([None, "infant", "adult"])),
        posture=draw(st.sampled_from([None, "supine"])),
        age_months=draw(st.none() | st.floats(0, 18)), area=draw(st.none() | st.floats(1, 900)),
        facts=draw(st.sampled_from([{}, {"touching_face": ["left"]}])),
    )  # fmt: skip


@given(st.lists(people(), max_size=3), st.booleans())
def test_jsonl_is_lossless(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Person], deep: bool
) -> None:
    folder = tmp_path_factory.mktemp("jsonl")
    (folder / "a.png").write_bytes(PICTURE)
    depth = np.full((60, 80), 1.5, np.float32)
    (folder / "d.png").write_bytes(encode_depth(depth))
    before = Sample(
        "key 1", np.full((60, 80, 3), 90, np.uint8), tuple(rows), "x",
        depth_HW=depth if deep else None, intrinsics=(500.0, 501.0, 40.0, 30.0) if deep else None,
        facts={"file": "a.png", "seed": 7},
    )  # fmt: skip
    with (folder / "x.jsonl").open("w", encoding="utf-8") as file:
        write_jsonl(file, before, "a.png", "d.png" if deep else None)
    (after,) = JsonlSource(folder / "x.jsonl")
    assert (after.key, after.source, after.intrinsics, after.facts) == (
        before.key, before.source, before.intrinsics, before.facts)  # fmt: skip
    assert np.array_equal(after.image_HW3, before.image_HW3)
    assert (after.depth_HW is None) == (before.depth_HW is None)
    for one, two in zip(after.people, before.people, strict=True):
        for name in ("points_V2", "states_V", "points_V3", "hidden_by_V"):
            left, right = getattr(one, name), getattr(two, name)
            assert (left is None) == (right is None), name
            assert left is None or np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        for name in ("box", "role", "posture", "age_months", "area", "facts"):
            assert getattr(one, name) == getattr(two, name)


def jsonl(folder: Path, *rows: Any) -> JsonlSource:
    (folder / "a.png").write_bytes(PICTURE)
    lines = io.StringIO()
    for row in rows:
        lines.write((row if isinstance(row, str) else json.dumps(row)) + "\n\n")
    (folder / "x.jsonl").write_text(lines.getvalue(), "utf-8")
    return JsonlSource(folder / "x.jsonl")


def test_jsonl_in_another_skeleton(tmp_path: Path) -> None:
    joints = {"leftCalf": [3, 4, 2], "rightCalf": [5, 6, "occluded"]}
    row = {"image": "a.png", "skeleton": "smil25", "people": [{"joints": joints}]}
    (sample,) = jsonl(tmp_path, row)
    assert joint(sample.people[0], "left_knee") == ([3.0, 4.0], State.VISIBLE)
    assert joint(sample.people[0], "right_knee") == ([5.0, 6.0], State.OCCLUDED)
    assert sample.key == "a.png"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "row 0 is not JSON"),
        ("[]", "does not name an 'image'"),
        ({"image": "a.png", "people": [{"joints": {"left_wris": [1, 2, 2]}}]}, "'left_wrist'"),
        ({"image": "a.png", "people": [{"joints": {"nose": [1, 2, "visble"]}}]}, "'visible'"),
        ({"image": "a.png", "people": [{"joints": {"nose": [1, 2, 7]}}]}, "row 0"),
        ({"image": "a.png", "people": [{"joints": {"nose": [1]}}]}, "row 0"),
        ({"image": "b.png"}, r"did you mean 'a\.png'"),
    ],
)
def test_wrong_jsonl_rows_are_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises((InvalidInput, NotFound), match=message):
        list(jsonl(tmp_path, row))


def test_real_lsp(shared: Path) -> None:
    source = LspSource(shared / "data" / "lspet" / "val.json")
    sample = source[0]
    assert (len(source), sample.key, sample.image_HW3.shape) == (475, "im00001", (256, 256, 3))
    assert joint(sample.people[0], "head_top")[1] is State.VISIBLE
