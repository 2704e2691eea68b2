"""COCO JSON in → out is lossless; what is wrong in a file is named."""

from __future__ import annotations

import json
import pickle
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.data.image import encode_image
from posealign.data.pose import State
from posealign.data.sources import open_source
from posealign.data.sources.coco import CocoSource, write_coco
from posealign.data.sources.json_index import JsonIndex
from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import NAMES, skeleton, vocabulary

PICTURE = encode_image(np.full((60, 80, 3), 90, np.uint8))


def document(annotations: list[dict[str, Any]], images: int = 2, name: str = "coco17") -> Any:
    joints = list(skeleton("coco17" if name == "coco_wholebody133" else name).names)
    return {
        "info": {"description": "häufig 宝宝", "year": 2026},
        "images": [
            {"id": 40 - number, "file_name": f"{number}.png", "width": 80, "height": 60, "x": 1.5}
            for number in range(images)
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": joints, "skeleton": [[1, 2]]}],
    }


def row(number: int, image: int, keypoints: list[float], **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": 1, "keypoints": keypoints,
            "bbox": [5.25, 6, 30, 40.125], "area": 700.3678, "iscrowd": 0, **more}  # fmt: skip


def write(folder: Path, data: Any) -> Path:
    for number in range(5):
        (folder / f"{number}.png").write_bytes(PICTURE)
    path = folder / "labels.json"
    path.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    return path


def again(source: CocoSource, folder: Path, **options: Any) -> Any:
    out = folder / "again.json"
    write_coco(out, source, source.skeleton, source.head, source.order, **options)
    return json.loads(out.read_text("utf-8"))


numbers = st.floats(0, 79, width=16).map(lambda value: round(value, 2)) | st.integers(0, 79)


@given(
    name=st.sampled_from(NAMES),
    people=st.lists(st.tuples(st.integers(39, 40), st.randoms(use_true_random=False)), max_size=4),
    data=st.data(),
)
def test_in_and_out_is_lossless(
    tmp_path_factory: pytest.TempPathFactory, name: str, people: list[Any], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("coco")
    count = len(skeleton(name))
    rows = []
    for number, (image, dice) in enumerate(people):
        values = [
            value
            for _ in range(count)
            for value in (round(dice.uniform(0, 79), 2), dice.randint(0, 59), dice.randint(0, 2))
        ]
        if name == "coco_wholebody133":
            parts = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21}
            more: dict[str, Any] = {"face_valid": dice.random() < 0.5, "foot_valid": True}
            start = 0
            for key, points in (parts | {"righthand_kpts": 21}).items():
                more[key] = values[start * 3 : (start + points) * 3]
                start += points
            rows.append(row(900 - number, image, **more))
        else:
            rows.append(row(900 - number, image, values, note="π"))
    before = document(rows, name=name)
    source = CocoSource(write(folder, before), skeleton=None if rows else name)
    assert source.skeleton == name
    assert len(source) == 2
    after = again(source, folder)
    assert json.dumps(after, ensure_ascii=False) == json.dumps(before, ensure_ascii=False)
    del data


def test_visibility_is_kept(tmp_path: Path) -> None:
    keypoints = [0.0] * 51
    keypoints[:9] = [10, 20, 2, 11, 21, 1, 12, 22, 0]
    path = write(tmp_path, document([row(1, 40, keypoints)]))
    first, second = CocoSource(path)
    (person,) = first.people
    states = [State(value) for value in person.states_V[:3]]
    assert states == [State.VISIBLE, State.OCCLUDED, State.UNLABELLED]
    assert person.points_V2[1].tolist() == [11, 21]
    assert np.isnan(person.points_V2[2]).all()
    assert (person.box, person.area) == ((5.25, 6, 30, 40.125), 700.3678)
    assert (first.key, second.key) == ("40", "39")
    assert second.people == ()
    assert first.image_HW3.shape == (60, 80, 3)


def test_a_change_is_written_and_nothing_else(tmp_path: Path) -> None:
    source = CocoSource(write(tmp_path, document([row(7, 39, [3.25, 4, 2] * 17, note="kept")])))
    samples = list(source)
    person = samples[1].people[0]
    points = person.points_V2.copy()
    points[0] = 9.125, 1
    states = person.states_V.copy()
    states[1] = State.UNLABELLED
    points[1] = np.nan
    samples[1] = replace(samples[1], people=(replace(person, points_V2=points, states_V=states),))
    write_coco(tmp_path / "out.json", samples, head=source.head)
    (after,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["annotations"]
    assert after["keypoints"] == [9.125, 1, 2, 0, 0, 0] + [3.25, 4, 2] * 15
    assert (after["id"], after["note"], after["area"]) == (7, "kept", 700.3678)
    assert after["num_keypoints"] == 16


def test_another_skeleton_makes_its_means(tmp_path: Path) -> None:
    keypoints = [float(value) for joint in range(17) for value in (joint, 2 * joint, 2)]
    source = CocoSource(write(tmp_path, document([row(7, 39, keypoints)])))
    write_coco(tmp_path / "out.json", source, "body25")
    (after,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["annotations"]
    names = skeleton("body25").names
    at = names.index("LShoulder") * 3
    assert after["keypoints"][at : at + 3] == [5, 10, 2]
    again_source = CocoSource(tmp_path / "out.json", skeleton="body25")
    assert again_source[1].people[0].points_V2[5].tolist() == [5, 10]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("annotations"), "has no 'annotations'"),
        (lambda data: data["annotations"][0].update(image_id=5), "is for image 5"),
        (lambda data: data["annotations"][0].pop("image_id"), "has no image_id"),
        (lambda data: data["images"][0].update(id="a"), "no whole-number id"),
        (lambda data: data["images"][0].update(id=39), "image id twice"),
        (lambda data: data["images"][0].pop("file_name"), "no file_name"),
        (lambda data: data["annotations"][0].update(keypoints=[1, 2, 3]), "has 3 numbers"),
        (lambda data: data["categories"][0].update(keypoints=["a", "b"]), "no skeleton has"),
        (lambda data: data["categories"][0].update(keypoints=["a"] * 25), "did you mean"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, change: Any, message: str) -> None:
    data = document([row(1, 40, [0] * 51)])
    change(data)
    path = write(tmp_path, data)
    with pytest.raises(InvalidInput, match=message):
        list(CocoSource(path))


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no label file"):
        CocoSource(tmp_path / "none.json")
    path = write(tmp_path, document([]))
    with pytest.raises(NotFound, match="no folder of pictures"):
        CocoSource(path, images=tmp_path / "pictures")
    (tmp_path / "0.png").rename(tmp_path / "00.png")
    with pytest.raises(NotFound, match=r"'0\.png'.*did you mean '00\.png'"):
        CocoSource(path)[0]
    (tmp_path / "0.png").write_bytes(PICTURE[:100])
    with pytest.raises(InvalidInput, match=r"0\.png: the PNG is damaged"):
        CocoSource(path)[0]
    with pytest.raises(IndexError):
        CocoSource(path)[2]
    with pytest.raises(InvalidInput, match="did you mean 'coco'"):
        open_source("cocoo", str(path))
    with pytest.raises(InvalidInput, match="unexpected keyword"):
        open_source("coco", str(path), pictures="x")


def test_paths_do_not_lead_out(tmp_path: Path) -> None:
    data = document([])
    data["images"][0]["file_name"] = "../../etc/passwd"
    with pytest.raises(InvalidInput, match="leads out"):
        CocoSource(write(tmp_path, data))[0]


def test_pictures_may_stay_packed(tmp_path: Path) -> None:
    path = write(tmp_path, document([]))
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(tmp_path / "0.png", "val/0.png")
    source = pickle.loads(pickle.dumps(CocoSource(path)))
    assert source[0].image_HW3.shape == (60, 80, 3)
    with pytest.raises(NotFound, match=r"'1\.png'"):
        source[1]


def test_large_files_take_little_memory(tmp_path: Path) -> None:
    """Ten megabytes of labels; the pass and all people stay within a few."""
    people = [row(number, 40, [1.25, 2.5, 2] * 17, segmentation="x" * 4500)
              for number in range(2000)]  # fmt: skip
    path = write(tmp_path, document(people))
    size = path.stat().st_size
    tracemalloc.start()
    source = CocoSource(path)
    for position in (0, 1000, 1999):
        assert source._index.read("annotations", position)["id"] == position
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 8e6
    assert peak < size / 2


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', '{"a" 1}', "[1]", '{"images": [1 2]}', "{]"])
def test_broken_json_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="is not JSON"):
        JsonIndex(path, {"images": lambda row: None})


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=4),
            max_leaves=8,
        ),
        max_size=5,
    ),
    st.lists(st.integers() | st.text(max_size=5), max_size=6),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_the_index_reads_any_json(
    tmp_path_factory: pytest.TempPathFactory, head: Any, rows: Any, indent: Any, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    data = {key: value for key, value in head.items() if key != "rows"} | {"rows": rows}
    path.write_text(json.dumps(data, indent=indent, ensure_ascii=ascii_only), "utf-8")
    seen: list[Any] = []
    index = JsonIndex(path, {"rows": seen.append})
    assert len(seen) == len(rows)
    assert [index.read("rows", place) for place in range(len(rows))] == rows
    assert {**index.head, "rows": rows} == data
    assert list(data) == index.order


def test_real_files(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "coco_mini" / "person_keypoints.json"
    source = CocoSource(path)
    after = again(source, tmp_path)
    assert json.dumps(after) == json.dumps(json.loads(path.read_text()))
    assert (len(source), source.skeleton) == (54, "coco17")


def test_real_wholebody(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "coco_wholebody_mini" / "test_coco_wholebody.json"
    source = CocoSource(path)
    after = again(source, tmp_path)
    assert json.dumps(after) == json.dumps(json.loads(path.read_text()))
    assert source.skeleton == "coco_wholebody133"
    labelled = [person.states_V > 0 for sample in source for person in sample.people]
    face = vocabulary().index("face_30")
    assert any(states[face] for states in labelled)
