"""The one inference path, on the embedded bundle: look once, ask many."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from posealign import bundle as bundles
from posealign import sight
from posealign.anatomy.angles import TORSO
from posealign.data.crop import Crop
from posealign.data.pose import PoseResult, State
from posealign.errors import InvalidInput, NotFound, TooLarge, Unavailable
from posealign.instructions.resolve import Resolver
from posealign.people import of_subject, turn_of
from posealign.predictor import Look, Predictor, PredictorSettings
from posealign.question import rows_of
from posealign.runtime.session import Arrays, Graph, Graphs
from posealign.skeletons.load import skeleton, to_json

WHOLE = [(0.0, 0.0, 200.0, 240.0)]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("default", "cpu", threads=1)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """A smooth random picture: what is in it does not matter here."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 255, (12, 10, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((20, 20, 1), np.uint8))


@pytest.fixture(scope="module")
def look(predictor: Predictor, image: NDArray[np.uint8]) -> Look:
    return predictor.look(image, WHOLE)


def places(result: PoseResult) -> dict[str, tuple[float | None, float | None]]:
    (pose,) = result.poses
    return {joint.name: (joint.x, joint.y) for joint in (*pose.joints, *pose.filtered)}


def test_a_joint_has_one_place_under_any_instruction(look: Look) -> None:
    everything = places(look.ask("all 17 keypoints"))
    for words in ("only the left leg", "请只输出左腿关键点", "both wrists", "the left knee"):
        for name, place in places(look.ask(words)).items():
            assert place == pytest.approx(everything[name], abs=1e-3), (words, name)


class Counted:
    """Real graphs behind a thin wrapper that remembers which were called, and on how many rows."""

    def __init__(self, predictor: Predictor) -> None:
        self.calls: list[tuple[str, int]] = []
        graphs = predictor.graphs
        counted = {name: self._counting(name, graphs[name]) for name in graphs.functions}
        predictor.graphs = Graphs(counted, graphs.provider)
        predictor.resolver = Resolver(predictor.bundle, predictor.graphs["text"])

    def _counting(self, name: str, graph: Graph) -> Graph:
        def run(arrays: Arrays) -> Arrays:
            self.calls.append((name, len(next(iter(arrays.values())))))
            return graph(arrays)

        return run

    def since(self) -> dict[str, int]:
        """How often each graph was called since the last time."""
        calls = Counter(name for name, _ in self.calls)
        self.calls.clear()
        return dict(calls)


def watched(**changes: float) -> tuple[Predictor, Counted]:
    settings = PredictorSettings.of(bundles.find("default"), **changes)
    predictor = Predictor("default", "cpu", threads=1, settings=settings)
    return predictor, Counted(predictor)


def test_looking_places_no_joint_and_a_second_question_costs_words_and_places(
    image: NDArray[np.uint8],
) -> None:
    predictor, counted = watched(passes=1)
    look = predictor.look(image, WHOLE)
    assert counted.since() == {"image": 1}
    look.ask("only the left leg")
    assert counted.since() == {"text": 1, "select": 1, "locate": 1}
    look.ask("the right wrist, please")
    assert counted.since() == {"text": 1, "locate": 1}
    look.ask("the right wrist, please")
    assert counted.since() == {"locate": 1}
    look.ask("the higher arm")
    assert counted.since() == {"text": 1, "locate": 1}
    look.ask("what will the weather be tomorrow")
    assert counted.since() == {"text": 1}


def test_further_sights_are_paid_once_and_in_one_batch(image: NDArray[np.uint8]) -> None:
    boxes = [(0.0, 0.0, 90.0, 200.0), (100.0, 20.0, 90.0, 200.0)]
    predictor, counted = watched(passes=4)
    look = predictor.look(image, boxes)
    assert counted.calls == [("image", 2)]
    counted.calls.clear()
    look.ask("the torso")
    rows = [call for call in counted.calls if call[0] != "text"]
    assert rows == [("select", 2), ("locate", 2), ("image", 6), ("select", 6), ("locate", 8)]
    assert look.image_HW3 is None  # nothing is kept that is not needed, and features once
    sights = [seen for one in look.people for seen in one.sights]
    assert [len(seen.tokens) for seen in sights] == [0] * 8
    assert all(np.shares_memory(seen.features, look.features_SChw) for seen in sights)
    counted.calls.clear()
    look.ask("the right wrist, please")
    assert [call for call in counted.calls if call[0] != "text"] == [("locate", 8)]


def test_everybody_is_looked_at_upright_then_leaning(image: NDArray[np.uint8]) -> None:
    once, four = watched(passes=1)[0], watched(passes=4)[0]
    words = once.resolver.read("torso")
    (first,) = once.ready(once.look(image, WHOLE), words)
    (torso,) = sight.locate(once.graphs, [first], sight.vectors_of([first], rows_of(TORSO)))
    upright = float(round(turn_of(torso.points_K2)))
    look = four.look(image, WHOLE)
    (one,) = four.ready(look, words)
    turns = [seen.crop.rotation for seen in one.sights]
    assert turns == [0, upright, upright - 15, upright + 15]
    assert one.crop.rotation == look.ask("the torso").poses[0].rotation == upright
    sizes = [seen.crop.scale[0] for seen in one.sights[2:]]
    for lean, size in zip((-15, 15), sizes, strict=True):
        wide = Crop.of_box(WHOLE[0], (192, 192), upright + lean).scale[0]
        assert size == pytest.approx(wide * 1.1 / 1.25)


def test_a_found_box_gives_way_to_what_the_joints_span(image: NDArray[np.uint8]) -> None:
    """The crops after the first follow the joints; the box that is reported does not change."""
    four, _ = watched(passes=4, finder_threshold=1e-6, max_people=1)
    look = four.look(image)
    box = look.people[0].box
    result = look.ask("all 17 keypoints")
    (one,) = look.people
    assert not one.given
    assert result.poses[0].box == one.box == box
    first = replace(one, sights=one.sights[:1])
    (body,) = sight.locate(four.graphs, [first], sight.vectors_of([first], rows_of(sight.BODY)))
    left, top, width, height = sight.extent(first, body.points_K2)
    assert one.sights[1].crop.center == (left + width / 2, top + height / 2)
    inside = (body.points_K2 >= (left, top)) & (body.points_K2 <= (left + width, top + height))
    assert inside.all(axis=1).sum() >= sight.LEAST_JOINTS
    nowhere = replace(first, sights=tuple(
        replace(s, selected={**s.selected, "state": np.tile([9.0, 0.0, 0.0], (148, 1))})
        for s in first.sights
    ))  # fmt: skip
    assert sight.extent(nowhere, body.points_K2) == box


def test_all_sights_have_a_say_in_states_and_depths(image: NDArray[np.uint8]) -> None:
    four, _ = watched(passes=4)
    (one,) = four.ready(four.look(image, WHOLE), four.resolver.read("the torso"))
    for name in ("state", "z"):
        every = [seen.selected[name] for seen in one.sights]
        assert np.ptp(every, axis=0).max() > 0
        assert one.mean(name) is one.mean(name)
        np.testing.assert_array_equal(replace(one, sights=one.sights[:1]).mean(name), every[0])
        np.testing.assert_allclose(one.mean(name), np.mean(every, axis=0), atol=1e-6)


def test_what_is_remembered_changes_no_answer(image: NDArray[np.uint8]) -> None:
    """Asked second, third … and by many threads at once: as on a look of one's own."""
    predictor, counted = watched(passes=2)
    questions = ("only the left leg", "the higher arm", "both wrists", "请只输出左腿关键点") * 3
    alone = [places_and_states(predictor.look(image, WHOLE).ask(words)) for words in questions]
    shared = predictor.look(image, WHOLE)
    counted.calls.clear()
    with ThreadPoolExecutor(len(questions)) as pool:
        together = list(pool.map(lambda words: places_and_states(shared.ask(words)), questions))
    assert together == alone
    passes = counted.since()
    assert (passes["image"], passes["select"]) == (1, 2)


def places_and_states(result: PoseResult) -> list[tuple[str, float | None, float | None, int]]:
    return [
        (joint.name, joint.x, joint.y, int(joint.state))
        for pose in result.poses
        for joint in (*pose.joints, *pose.filtered)
    ]


def test_a_question_that_fails_leaves_the_look_as_it_was(image: NDArray[np.uint8]) -> None:
    predictor, _ = watched(passes=2)
    look = predictor.look(image, WHOLE)
    people, graphs = look.people, predictor.graphs

    def broken(arrays: Arrays) -> Arrays:
        raise Unavailable("out of memory")

    predictor.graphs = Graphs({**graphs.functions, "image": broken}, graphs.provider)
    with pytest.raises(Unavailable, match="out of memory"):
        look.ask("the torso")
    assert look.people is people
    predictor.graphs = graphs
    assert look.ask("the torso").poses[0].rotation != 0


def test_a_refusal_is_an_answer(look: Look) -> None:
    result = look.ask("what will the weather be tomorrow")
    assert result.instruction.refused
    assert result.instruction.reason == "not_pose"
    assert result.poses == ()


def test_absent_joints_have_no_place_and_filters_lose_nothing(look: Look) -> None:
    (everything,) = look.ask("all 17 keypoints").poses
    for joint in everything.joints:
        assert (joint.x is None) == (joint.state == State.ABSENT)
        assert 0 <= joint.confidence <= 1
    (visible,) = look.ask("all 17 keypoints, only the visible ones").poses
    assert all(joint.state == State.VISIBLE for joint in visible.joints)
    assert len(visible.joints) + len(visible.filtered) == len(everything.joints)


def test_two_people_are_two_poses(predictor: Predictor, image: NDArray[np.uint8]) -> None:
    boxes = [(0.0, 0.0, 90.0, 200.0), (100.0, 20.0, 90.0, 200.0)]
    both = predictor.look(image, boxes).ask("the left leg")
    assert [pose.box for pose in both.poses] == boxes
    for box, pose in zip(boxes, both.poses, strict=True):
        alone = predictor.look(image, [box]).ask("the left leg").poses[0]
        for one, other in zip(pose.joints, alone.joints, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
            assert one.state == other.state
            if one.x is not None:
                assert (one.x, one.y) == pytest.approx((other.x, other.y), abs=0.01)


@pytest.mark.parametrize(
    ("boxes", "error", "words"),
    [
        ([(0, 0, -5, 10)], InvalidInput, "box 0"),
        ([(0, 0, 10, 10), (0, 0, np.nan, 10)], InvalidInput, "box 1"),
        ([(500, 500, 20, 20)], InvalidInput, "outside"),
        ([(0, 0, 10)], InvalidInput, "x, y, width, height"),
        ([(0, 0, np.inf, 10)], InvalidInput, "finite"),
        ([], InvalidInput, "0 boxes; leave boxes out"),
        ([(0, 0, 10, 10)] * 10_000, TooLarge, "10000 boxes"),
    ],
)
def test_bad_boxes_are_named(
    predictor: Predictor,
    image: NDArray[np.uint8],
    boxes: list[tuple[float, ...]],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        predictor.look(image, boxes)


def test_bad_pictures_are_named(predictor: Predictor, image: NDArray[np.uint8]) -> None:
    with pytest.raises(InvalidInput, match="height × width × 3"):
        predictor.look(image[:, :, 0])
    with pytest.raises(InvalidInput, match="registered"):
        predictor.look(image, WHOLE, depth_HW=np.ones((3, 3), np.float32))
    with pytest.raises(InvalidInput, match="fx, fy"):
        predictor.look(image, WHOLE, intrinsics=(0.0, 1.0, 2.0, 3.0))


def test_unknown_names_are_named(look: Look) -> None:
    with pytest.raises(NotFound, match="coco17"):
        look.ask("the left leg", skeleton="coco_17")
    with pytest.raises(NotFound, match="no bundle is called"):
        Predictor("nothing-of-that-name")
    with pytest.raises(InvalidInput, match="provider"):
        Predictor("default", "gpuu")
    with pytest.raises(TooLarge, match="characters"):
        look.ask("left leg " * 200)
    for nothing in ("", "  \n\t"):
        with pytest.raises(InvalidInput, match="the instruction is empty"):
            look.ask(nothing)


def test_depth_gives_metres(predictor: Predictor, image: NDArray[np.uint8]) -> None:
    depth = np.full(image.shape[:2], 1.25, np.float32)
    look = predictor.look(image, WHOLE, depth, intrinsics=(300.0, 300.0, 100.0, 120.0))
    result = look.ask("all 17 keypoints in 3D")
    visible = [j for j in result.poses[0].joints if j.state == State.VISIBLE]
    if visible:  # without a visible joint nothing can be measured
        assert result.z_unit == "m"
        assert all(j.z == pytest.approx(1.3, abs=0.35) for j in visible)
        assert all(j.position is not None and j.position[2] == j.z for j in visible)
    flat = look.ask("all 17 keypoints")
    assert flat.z_unit is None
    assert all(joint.z is None for joint in flat.poses[0].joints)
    assert predictor.look(image, WHOLE).ask("all 17 keypoints in 3D").z_unit == "torso"


@pytest.mark.parametrize(
    ("up", "turn"), [((0, -1), 0), ((1, 0), 90), ((0, 1), 180), ((-1, 0), -90)]
)
def test_turn_of_a_torso(up: tuple[int, int], turn: float) -> None:
    hips, shoulders = np.array([50.0, 50.0]), np.array([50.0, 50.0]) + 20 * np.array(up)
    torso = np.array([shoulders, shoulders, hips, hips])
    assert abs((turn_of(torso) - turn + 180) % 360 - 180) < 1e-9


def test_a_skeleton_file_with_a_described_joint_is_answered(
    predictor: Predictor, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    own = to_json(skeleton("coco17"))
    own["name"] = "with_forearm"
    own["joints"].append(
        {
            "name": "mid_left_forearm", "en": "middle of the left forearm", "zh": "左前臂中点",
            "aliases": [], "swap": "mid_left_forearm", "sigma": 0.07,
            "description": "the middle of the left forearm",
        }
    )  # fmt: skip
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own), "utf-8")
    result = predictor.look(image, WHOLE).ask("middle of the left forearm", skeleton=str(path))
    assert "mid_left_forearm" in result.instruction.joints
    joint = result.poses[0]["mid_left_forearm"]
    assert joint.x is not None
    assert np.isfinite([joint.x, joint.y, joint.confidence]).all()


def test_derived_joints_are_means_of_their_sources(look: Look) -> None:
    hips = look.ask("both hips").poses[0]
    middle = look.ask("all joints of Halpe 26", skeleton="halpe26").poses[0]
    if all(joint.x is not None for joint in hips.joints):
        expected = np.mean([(joint.x, joint.y) for joint in hips.joints], axis=0)
        assert (middle["hip"].x, middle["hip"].y) == pytest.approx(tuple(expected), abs=0.01)


def test_a_batch_answers_each_picture_when_it_is_wanted(
    predictor: Predictor, image: NDArray[np.uint8]
) -> None:
    taken: list[int] = []

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for number in range(3):
            taken.append(number)
            yield np.ascontiguousarray(np.roll(image, 40 * number, axis=1))

    def confidences(result: PoseResult) -> list[float]:
        return [joint.confidence for joint in result.poses[0].joints]

    results = predictor.predict_batch(pictures(), "the left leg")
    assert taken == []
    first = confidences(next(results))
    assert taken == [0]
    assert first == confidences(predictor.predict(image, "the left leg"))
    second, third = map(confidences, results)
    assert first != second != third


def test_subjects_choose_among_people(look: Look) -> None:
    seen = look.people[0]
    people, poses = [], []
    for number, (x, infant) in enumerate([(0.0, 0.9), (100.0, 0.1), (50.0, 0.2)]):
        box = (x, 0.0, 20.0 + number, 20.0)
        people.append(replace(seen, box=box, infant=infant))
        poses.append(type(look.ask("left leg").poses[0])(box, 1.0, ()))
    assert of_subject(poses, people, "all") == poses
    assert of_subject(poses, people, "leftmost") == [poses[0]]
    assert of_subject(poses, people, "rightmost") == [poses[1]]
    assert of_subject(poses, people, "largest") == [poses[2]]
    assert of_subject(poses, people, "infant") == [poses[0]]
    assert of_subject(poses, people, "adult") == [poses[1], poses[2]]


def test_settings_are_checked() -> None:
    with pytest.raises(InvalidInput, match="passes"):
        PredictorSettings(passes=5)
    with pytest.raises(InvalidInput, match="max_people"):
        PredictorSettings(max_people=0)
