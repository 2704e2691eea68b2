"""The one right answer on a labelled picture: relations, people, visibility, premises."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.data.pose import State
from posealign.data.sample import Sample
from posealign.instructions.execute import Asked, execute, execute_people, skeleton_of
from posealign.instructions.query import Query, parse
from posealign.skeletons.load import skeleton, vocabulary
from tests.instructions.people import SIZE, lying


def query(written: str) -> Query:
    parsed = parse(written)
    assert isinstance(parsed, Query)
    return parsed


def only(written: str, **changes: object) -> Asked:
    (answer,) = execute_people(query(written), [lying(**changes)], SIZE)
    return answer


@pytest.mark.parametrize(
    ("written", "side"),
    [
        ("higher(hand)", "left"),
        ("lower(hand)", "right"),
        ("image_left(arm)", "right"),
        ("image_right(leg)", "left"),
        ("nearer_camera(hand)", "left"),
        ("farther_camera(hand)", "right"),
        ("more_bent(leg)", "right"),
        ("straighter(leg)", "left"),
        ("nearest_face(hand)", "left"),
    ],
)
def test_relations_choose_a_side(written: str, side: str) -> None:
    answer = only(written)
    assert answer.clear
    assert {joint.split("_")[0] for joint in answer.kept & set(skeleton("coco17").names)} == {side}


def test_nothing_is_an_answer() -> None:
    answer = only("crossing_over(leg)")
    assert answer.clear
    assert not answer.kept


def test_arms_cross_by_themselves_whatever_the_legs_do() -> None:
    person = lying()
    assert person.points_V3 is not None
    points_V2, points_V3 = person.points_V2.copy(), person.points_V3.copy()
    for name, place, z in (("left_wrist", (60, 70), 0.8), ("right_wrist", (150, 70), 1.0)):
        at = vocabulary().index(name)
        points_V2[at], points_V3[at, 2] = place, z
    across = {"points_V2": points_V2, "points_V3": points_V3}
    crossed = only("crossing_over(arm)", **across)
    assert crossed.clear
    assert "left_wrist" in crossed.kept
    assert "right_wrist" not in crossed.kept
    assert not only("crossing_over(leg)", **across).kept
    assert not only("crossing_over(hand)").kept


def test_close_calls_are_marked() -> None:
    person = lying()
    points_V2 = person.points_V2.copy()
    left, right = (vocabulary().index(f"{side}_wrist") for side in ("left", "right"))
    points_V2[left, 1] = points_V2[right, 1] + 1
    assert not only("higher(wrist)", points_V2=points_V2).clear
    assert not only("nearer_camera(hand)", points_V3=None).clear


def test_a_source_that_knows_has_the_last_word() -> None:
    answer = only("raised(leg)", facts={"relations": {"raised(leg)": ["right"]}})
    assert answer.clear
    assert "right_knee" in answer.kept
    assert "left_knee" not in answer.kept


def test_halves_of_the_picture() -> None:
    answer = only("in_upper_half(all)")
    assert {"nose", "left_elbow", "right_elbow"} <= answer.kept
    assert "left_ankle" not in answer.kept


def test_visibility_filters_the_answer_not_the_scope() -> None:
    states_V = lying().states_V.copy()
    states_V[vocabulary().index("left_knee")] = State.OCCLUDED
    states_V[vocabulary().index("left_ankle")] = State.UNLABELLED
    answer = only("left_leg | vis=visible", states_V=states_V)
    assert "left_knee" in answer.scope & answer.filtered
    assert "left_hip" in answer.kept
    assert "left_ankle" in answer.unknown
    hidden = only("leg | vis=occluded", states_V=states_V)
    assert hidden.kept - hidden.unknown == {"left_knee"}


def test_hidden_by_the_blanket() -> None:
    hidden_by_V = np.full(len(vocabulary()), -1, np.int8)
    hidden_by_V[vocabulary().index("right_knee")] = 1
    assert only("hidden_by_blanket(leg)", hidden_by_V=hidden_by_V).kept == {"right_knee"}


def test_of_a_predicted_pose_what_is_hidden_may_be_under_the_blanket() -> None:
    assert not only("hidden_by_blanket(leg)").clear
    assert not only("hidden_by_blanket(leg)").kept
    states_V = lying().states_V.copy()
    states_V[vocabulary().index("left_knee")] = State.OCCLUDED
    assert only("hidden_by_blanket(leg)", states_V=states_V).kept == {"left_knee"}


def test_subjects() -> None:
    small = lying(box=(150.0, 100.0, 20.0, 20.0), role="adult")
    people = [lying(), small]
    for written, number in (
        ("all | subject=largest", 0), ("all | subject=rightmost", 1),
        ("all | subject=adult", 1), ("all | subject=infant", 0),
    ):  # fmt: skip
        (answer,) = execute_people(query(written), people, SIZE)
        assert answer.person == number
        assert answer.clear
    assert len(execute_people(query("all"), people, SIZE)) == 2
    assert execute_people(query("all | subject=leftmost"), [], SIZE) == ()
    unknown = execute_people(query("all | subject=infant"), [lying(role=None), lying()], SIZE)
    assert not unknown[0].clear


def test_a_wrong_premise_is_found() -> None:
    (finding,) = only("all | premise=prone").findings
    assert finding.code == "premise_does_not_hold"
    assert not only("all | premise=supine").findings


def test_execute_takes_a_sample() -> None:
    sample = Sample("one", np.zeros((200, 200, 3), np.uint8), (lying(),), "hand")
    (answer,) = execute(query("left_leg | skeleton=lsp14"), sample)
    assert len(answer.in_skeleton(skeleton_of(query("left_leg | skeleton=lsp14")))) == 3
