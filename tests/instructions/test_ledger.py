"""What is asked after each turn of a text."""

from __future__ import annotations

import pytest

from posealign.instructions.ledger import settled
from posealign.instructions.query import Query, parse
from posealign.instructions.sets import meant


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("both arms, but not the right one", "left_arm"),
        ("hips, though i can do without the left one", "right_hip"),
        ("just one foot, the left one, no need for the other", "left_foot"),
        ("elbow, wrist. left.", "left_elbow + left_wrist"),
        ("feet, hands rather, shoulders", "hand + shoulder"),
        ("ear no nose, elbow, ankle", "nose + elbow + ankle"),
        ("left arm, no right arm", "right_arm"),
        ("right shoulder, make that left, and the two knees", "left_shoulder + knee"),
        ("elbows (strike that) wrists", "wrist"),
        ("head and knees; replace knees by hips", "head + hip"),
        ("neck, heels, ears. the middle one should read ankles.", "neck + ankle + ear"),
        ("nose, then elbows - did i say elbows? wrists - then hips", "nose + wrist + hip"),
        ("head hands feet, hmm, take the hands out again", "head + foot"),
        ("everything except the legs, but the feet stay in", "(all - leg) + foot"),
        ("no arms please, the hands however do stay", "(all - arm) + hand"),
        ("left leg minus foot, but heel stays", "(left_leg - left_foot) + left_heel"),
        ("everything except the legs. you know what, put the legs in as well", "all"),
        ("without the left elbow: both arms", "arm - left_elbow"),
        ("no feet, no toes: ankles", "ankle"),
        ("the left foot and its brother", "foot"),
        ("the hips aren't all, ears come along too", "hip + ear"),
        ("everything minus the left arm... i meant minus the right arm", "all - right_arm"),
        ("only the right knee may be missing", "all - right_knee"),
    ],
)
def test_every_turn_counts(text: str, query: str) -> None:
    outcome, wanted = settled(text), parse(query)
    assert outcome is not None
    assert outcome.scope is not None
    assert isinstance(wanted, Query)
    assert meant(outcome.scope) == meant(wanted.scope)


@pytest.mark.parametrize(
    "text", ["arms in 3d, and no arms whatsoever", "legs. but no leg may appear", "feet, sans feet"]
)
def test_nothing_may_be_left(text: str) -> None:
    outcome = settled(text)
    assert outcome is not None
    assert outcome.scope is None


@pytest.mark.parametrize(
    "text",
    [
        "left arm and right leg",  # nothing is turned
        "the arm that is up, not the other",  # unknown words
        "left arm not left hand",
        "no limbs, but just the arms",
        "apart from the nose, the wrists too",
        "左腿,不是右腿",
        "wrist3, no, ankle",  # a number on a name makes another name
        "hips, no feet3",
        "left knee2, no, the right",
    ],
)
def test_what_is_not_known_is_left_to_others(text: str) -> None:
    assert settled(text) is None
