"""SyRIP's and MINI-RGBD's layouts, made of synthetic infants, load and score; questions, clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from posealign.config import load_config
from posealign.data.image import encode_depth
from posealign.data.sample import Sample
from posealign.data.sources.coco import write_coco
from posealign.data.sources.minirgbd import INTRINSICS
from posealign.errors import NotFound
from posealign.evaluate import pope
from posealign.evaluate.rows import RowFile
from posealign.evaluate.run import rows_path, run
from posealign.evaluate.settings import Evaluation, PopeSettings
from posealign.report import collect
from posealign.skeletons.load import skeleton, vocabulary
from posealign.synth.bank import Bank
from posealign.synth.render import Renderer
from posealign.synth.write import render_sample
from tests.evaluate.test_run import quiet
from tests.serving.toy import toy_bundle

COUNT = 3


@pytest.fixture(scope="module")
def infants() -> list[Sample]:
    """Whole bodies only: MINI-RGBD has all 25 joints of everybody."""
    renderer, bank, found = Renderer(128), Bank("test", 0, 4, cloths=0), []
    for number in range(40):
        sample = render_sample(bank, number, renderer).sample
        if np.isfinite(_smil(sample)).all():
            found.append(sample)
        if len(found) == COUNT:
            return found
    raise AssertionError("forty samples, and no three whole bodies")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "toy")


def _smil(sample: Sample) -> np.ndarray:  # type: ignore[type-arg]
    space = sample.people[0].points_V3
    assert space is not None
    sources = [joint.sources[0][0] for joint in skeleton("smil25").joints]
    return space[[vocabulary().index(name) for name in sources]]


def syrip(root: Path, infants: list[Sample]) -> tuple[Path, Path]:
    """annotations/validate500/person_keypoints_validate_infant.json, images/validate_infant/."""
    images = root / "images" / "validate_infant"
    labels = root / "annotations" / "validate500" / "person_keypoints_validate_infant.json"
    images.mkdir(parents=True)
    labels.parent.mkdir(parents=True)
    samples = []
    for number, sample in enumerate(infants):
        name = f"test{number}.jpg"
        cv2.imwrite(str(images / name), sample.image_HW3[..., ::-1])
        samples.append(Sample(sample.key, sample.image_HW3, sample.people[:1], "syrip",
                              facts={"file": name}))  # fmt: skip
    write_coco(labels, samples, "coco17")
    return labels, images


def minirgbd(root: Path, infants: list[Sample]) -> Path:
    """Folder 01 with the set's own camera: the same view through other intrinsics."""
    fx, fy, cx, cy = INTRINSICS
    for kind in ("rgb", "depth", "joints_2Ddep", "joints_3D"):
        (root / "01" / kind).mkdir(parents=True)
    for number, sample in enumerate(infants):
        assert sample.intrinsics is not None
        assert sample.depth_HW is not None
        ox, oy, ou, ov = sample.intrinsics
        warp = np.array([[fx / ox, 0, cx - ou * fx / ox], [0, fy / oy, cy - ov * fy / oy]])
        picture = cv2.warpAffine(sample.image_HW3, warp, (640, 480))
        depth = cv2.warpAffine(sample.depth_HW, warp, (640, 480), flags=cv2.INTER_NEAREST)
        stem = f"{number:05d}"
        cv2.imwrite(str(root / "01" / "rgb" / f"syn_{stem}.png"), picture[..., ::-1])
        (root / "01" / "depth" / f"syn_{stem}_depth.png").write_bytes(encode_depth(depth))
        space = _smil(sample)
        u, v = space[:, 0] / space[:, 2] * fx + cx, space[:, 1] / space[:, 2] * fy + cy
        flat = [f"{a:.3f} {b:.3f} {z:.4f} {j}" for j, (a, b, z) in
                enumerate(zip(u, v, space[:, 2], strict=True))]  # fmt: skip
        solid = [f"{x:.6f} {y:.6f} {z:.6f} {j}" for j, (x, y, z) in enumerate(space)]
        for kind, lines in (("joints_2Ddep", flat), ("joints_3D", solid)):
            path = root / "01" / kind / f"syn_{kind}_{stem}.txt"
            path.write_text("\n".join(lines) + "\n", "utf-8")
    return root


def _settings(tmp_path: Path, bundle: Path, source: dict[str, Any], **more: Any) -> Evaluation:
    values = {
        "name": "layout", "title": "A layout", "data": "synthetic", "source": source,
        "models": [{"kind": "predictor", "name": "toy", "bundle": str(bundle), "threads": 1}],
        "instruction": "all joints", "out": str(tmp_path / "run"), "bootstrap": 20, **more,
    }  # fmt: skip
    path = tmp_path / "layout.yaml"
    path.write_text(json.dumps(values), "utf-8")
    return load_config(Evaluation, path)


def test_syrip(tmp_path: Path, infants: list[Sample], bundle: Path) -> None:
    labels, images = syrip(tmp_path / "SyRIP", infants)
    source = {"kind": "coco", "path": str(labels), "images": str(images)}
    settings = _settings(tmp_path, bundle, source, mirror=True)
    run(settings, quiet)
    report = collect.collect(settings)
    row = report["models"]["toy"]
    assert report["failures"] == []
    assert row["location"]["people"] == COUNT
    assert 0 <= row["location"]["oks"]["value"] <= 1
    assert 0 <= row["confidence"]["ece"] <= 1
    assert row["sides"]["mirror_px"]["median"] >= 0
    (images / "test1.jpg").unlink()
    settings = _settings(tmp_path, bundle, source, out=str(tmp_path / "again"))
    run(settings, quiet)
    failures = collect.collect(settings)["failures"]
    assert len(failures) == 1
    assert "test1.jpg" in failures[0]["error"]


def test_minirgbd(tmp_path: Path, infants: list[Sample], bundle: Path) -> None:
    root = minirgbd(tmp_path / "MINI-RGBD", infants)
    source = {"kind": "minirgbd", "path": str(root)}
    settings = _settings(
        tmp_path, bundle, source, skeleton="smil25", instruction="all joints 3d", depth=True
    )
    run(settings, quiet)
    report = collect.collect(settings)
    assert report["failures"] == []
    space = report["models"]["toy"]["space"]
    assert space["pa_mpjpe_mm"]["value"] > 0
    assert report["models"]["toy"]["location"]["people"] == COUNT
    (root / "01" / "joints_3D" / "syn_joints_3D_00002.txt").unlink()
    settings = _settings(tmp_path, bundle, source, skeleton="smil25", out=str(tmp_path / "again"))
    run(settings, quiet)
    failures = collect.collect(settings)["failures"]
    assert [row["index"] for row in failures] == [2]
    assert "syn_joints_3D_00002.txt" in failures[0]["error"]


def test_wrong_folders_are_named(tmp_path: Path, bundle: Path) -> None:
    settings = _settings(tmp_path, bundle, {"kind": "minirgbd", "path": str(tmp_path / "none")})
    with pytest.raises(NotFound, match="none"):
        run(settings, quiet)
    (tmp_path / "empty").mkdir()
    settings = _settings(tmp_path, bundle, {"kind": "minirgbd", "path": str(tmp_path / "empty")})
    with pytest.raises(NotFound, match="rgb"):
        run(settings, quiet)


def _truth(states: list[list[list[int]]]) -> list[dict[str, Any]]:
    """Rows of people whose joints have these states; places do not matter to questions."""
    return [
        {"index": index, "size": [100, 100], "people": [
            {"joints": [[1.0, 1.0, s] if s > 0 else [None, None, s] for s in person],
             "box": [0, 0, 50, 50], "crowd": False, "hidden_by": [
                 "blanket" if s == 1 else None for s in person]}
            for person in people]}
        for index, people in enumerate(states)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def asked() -> list[pope.Question]:
    rng = np.random.default_rng(0)
    states = rng.choice([0, 1, 2], (80, 1, 17), p=[0.25, 0.2, 0.55]).tolist()
    return pope.questions(_truth(states), "coco17", PopeSettings(questions=200))


def test_pope_is_balanced_joint_by_joint(asked: list[pope.Question]) -> None:
    assert {q.split for q in asked} == set(pope.SPLITS)
    for split in pope.SPLITS:
        chosen = [q for q in asked if q.split == split]
        assert 100 <= len(chosen) <= 200
        for kind in ("present", "visible"):
            for joint in skeleton("coco17").names:
                said = [q.yes for q in chosen if q.joint == joint and q.kind == kind]
                assert sum(said) * 2 == len(said), (split, kind, joint)
    hard = [q for q in asked if q.split == "adversarial" and not q.yes]
    assert {"twin", "neighbour", "covered"} <= {q.reason for q in hard}
    assert all(q.kind == "visible" for q in hard if q.reason == "covered")
    assert {q.text for q in asked if q.joint == "left_wrist" and q.kind == "present"} <= {
        "Is the left wrist in the picture?", "图中有左手腕吗？"
    }  # fmt: skip


def test_pope_words_alone_know_nothing(asked: list[pope.Question]) -> None:
    figures = pope.words_alone([q.row() for q in asked])
    assert figures["all"]["balanced_accuracy"] <= 0.55


def test_pope_box_alone_answers_by_the_border() -> None:
    """People 0 and 2 touch the border; whoever lacks joints stands there in this set."""
    truth = _truth([[[0] * 5 + [2] * 12], [[2] * 17]] * 2)
    for row in truth[1::2]:
        row["people"][0]["box"] = [20, 20, 50, 50]
    rows = [q.row() for q in pope.questions(truth, "coco17", PopeSettings(questions=200))]
    figures = pope.box_alone(rows, truth)
    assert figures["all"]["questions"] == len(rows) > 0
    assert figures["all"]["balanced_accuracy"] == 1
    for row in truth:
        row["people"][0]["box"] = [0, 0, 50, 50]
    rows = [q.row() for q in pope.questions(truth, "coco17", PopeSettings(questions=200))]
    assert pope.box_alone(rows, truth)["all"]["yes_ratio"] == 0


def test_pope_figures_by_hand(asked: list[pope.Question]) -> None:
    rows = [q.row() for q in asked]
    right = pope.figures(rows, [{"yes": q.yes} for q in asked])
    assert right["all"]["balanced_accuracy"] == 1
    always = pope.figures(rows, [{"yes": True} for _ in asked])
    assert always["all"]["balanced_accuracy"] == 0.5
    assert always["all"]["yes_ratio"] == 1
    silent = pope.figures(rows, [{"yes": None} for _ in asked])
    assert silent["all"]["accuracy"] == 0
    assert silent["unanswered"] == len(asked)


def test_pope_by_states(asked: list[pope.Question]) -> None:
    """States that are the truth answer everything; a baseline gets a confidence's threshold."""
    rows, people = [q.row() for q in asked], {}
    for q in asked:
        joints = people.setdefault(q.index, [None] * 17)
        state = (
            (2 if q.kind == "visible" else max(1, (joints[_at(q)] or [0] * 5)[4]))
            if q.yes
            else (1 if q.kind == "visible" else 0)
        )
        joints[_at(q)] = [1.0, 1.0, 0.9 if q.yes else 0.2, None, state, None]
    answers = [
        {"index": index, "people": [{"truth": 0, "joints": joints}]}
        for index, joints in sorted(people.items())
    ]
    seen = pope.by_states(rows, answers, "coco17", served=True)
    assert seen["all"]["balanced_accuracy"] == 1
    baseline = pope.by_states(rows, answers, "coco17", served=False)
    assert baseline["random"]["balanced_accuracy"] > 0.9
    assert pope.by_states(rows, [], "coco17", served=False) == {}
    assert pope.by_states(rows, [], "coco17", served=True)["unanswered"] == len(rows)


def _at(question: pope.Question) -> int:
    return skeleton("coco17").names.index(question.joint)


def test_unlabelled_joints_are_never_asked_about() -> None:
    states = [[[-1] + [2] * 16], [[0] * 17]] * 5
    assert pope.questions(_truth(states), "coco17", PopeSettings(questions=20)) == []


def test_the_served_model_is_asked_in_words(
    tmp_path: Path, infants: list[Sample], bundle: Path
) -> None:
    """Questions and clips run through the Predictor, and resume where they stopped."""
    labels, images = syrip(tmp_path / "SyRIP", infants)
    source = {"kind": "coco", "path": str(labels), "images": str(images)}
    clip = {"clips": 1, "seconds": 0.6}
    settings = _settings(tmp_path, bundle, source, pope={"questions": 4}, clip=clip)
    run(settings, quiet)
    row = collect.collect(settings)["models"]["toy"]
    clips = list(RowFile(rows_path(settings.folder, "clip.toy")))
    assert len(clips) == 1
    if "raw" in clips[0]:
        assert row["time"]["clips"] == 1
    assert rows_path(settings.folder, "pope.questions").is_file()
