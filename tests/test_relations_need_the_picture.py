"""Two-way relation questions to the shipped bundle: it answers from the picture, or by chance.

Run with -s to see the shares. Only questions that the labels answer by a clear margin count.
"""

from __future__ import annotations

import numpy as np
import pytest

from posealign.data.image import decode_image
from posealign.data.sample import Person, Sample
from posealign.instructions.query import Part, Related
from posealign.instructions.relations import choose
from posealign.predictor import Predictor
from serving.samples import sample_pictures
from tests.rendered import infants

QUESTIONS = {
    "the higher arm": Related("higher", Part("arm")),
    "the higher leg": Related("higher", Part("leg")),
    "the arm on the left of the picture": Related("image_left", Part("arm")),
    "the leg on the left of the picture": Related("image_left", Part("leg")),
    "the arm nearer the camera": Related("nearer_camera", Part("arm")),
    "the leg nearer the camera": Related("nearer_camera", Part("leg")),
}
SIDES = {"left", "right"}
Answers = dict[str, list[tuple[str, str | None]]]  # instruction → (right side, answered side)


def gold_side(relation: Related, person: Person, size: tuple[int, int]) -> str | None:
    """The one side that the labels clearly choose."""
    choice = choose(relation, person, size)
    sides = {name.split("_")[0] for name in choice.joints} & SIDES
    return sides.pop() if choice.clear and len(sides) == 1 else None


@pytest.fixture(scope="module")
def answers() -> Answers:
    predictor = Predictor("default", "cpu", threads=1)
    asked: Answers = {words: [] for words in QUESTIONS}
    for sample in infants():
        person = next((one for one in sample.people if one.role == "infant"), None)
        if person is not None:
            ask_all(predictor, sample, person, asked)
    return asked


def ask_all(predictor: Predictor, sample: Sample, person: Person, asked: Answers) -> None:
    height, width = sample.image_HW3.shape[:2]
    look = predictor.look(sample.image_HW3, [person.box])
    for words, relation in QUESTIONS.items():
        gold = gold_side(relation, person, (width, height))
        if gold is not None:
            joints = look.ask(words).instruction.joints
            sides = {name.split("_")[0] for name in joints} & SIDES
            asked[words].append((gold, sides.pop() if len(sides) == 1 else None))


def share(hits: list[bool], draws: int = 4000) -> tuple[float, float, float]:
    """The share and its 95 % interval, by bootstrap."""
    rows = np.asarray(hits, np.float64)
    means = np.random.default_rng(0).choice(rows, (draws, len(rows))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(rows.mean()), float(low), float(high)


@pytest.mark.slow
@pytest.mark.parametrize("words", QUESTIONS)
def test_the_picture_answers(answers: Answers, words: str) -> None:
    found, low, high = share([gold == side for gold, side in answers[words]])
    print(f"{words}: {found:.3f} ({low:.3f} to {high:.3f}) of {len(answers[words])}")
    assert len(answers[words]) > 80
    assert low > 0.55


@pytest.mark.slow
def test_another_picture_answers_by_chance(answers: Answers) -> None:
    """Each gold side beside the answer to the same question about the next picture."""
    right, exchanged = [], []
    for rows in answers.values():
        right += [gold == side for gold, side in rows]
        others = [side for _, side in (*rows[1:], rows[0])]
        exchanged += [gold == side for (gold, _), side in zip(rows, others, strict=True)]
    found, low, high = share(exchanged)
    print(f"right pictures {share(right)[0]:.3f}, exchanged {found:.3f} ({low:.3f} to {high:.3f})")
    assert low <= 0.5 <= high
    assert share(right)[1] > high


def test_what_a_relation_takes_away_is_the_rest() -> None:
    predictor = Predictor("default", "cpu", threads=1)
    look = predictor.look(decode_image(sample_pictures()[0].data()))
    every = set(look.ask("all keypoints").instruction.joints)
    arm = set(look.ask("the higher arm").instruction.joints)
    rest = set(look.ask("everything but the higher arm").instruction.joints)
    assert len(arm) == 3
    assert rest == every - arm
