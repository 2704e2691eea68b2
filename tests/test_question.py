"""A question is settled before any picture, and kept with its words."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.answer import placed
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.instructions.resolve import Resolver
from posealign.predictor import Predictor
from posealign.question import Question, rows_of
from posealign.skeletons.load import vocabulary
from posealign.vote import Voted
from tests.sights import seen

TORSO = {"left_shoulder", "right_shoulder", "left_hip", "right_hip"}


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Predictor("default", "cpu", threads=1).resolver


def question(resolver: Resolver, words: str, with_depth: bool = False) -> Question:
    reading = resolver.read(words)
    return Question.of(reading, resolver.understand(reading), with_depth)


def test_what_is_placed_is_what_is_asked_and_reckoned_from(resolver: Resolver) -> None:
    knee = question(resolver, "the right knee")
    assert knee.names == ("right_knee",)
    assert not knee.depths
    assert vocabulary().names[knee.rows_N[0]] == "right_knee"
    # A depth map is read at the torso; without one there is nothing to read.
    deep = question(resolver, "the right knee in 3D", with_depth=True)
    assert set(deep.names) == TORSO | {"right_knee"}
    assert question(resolver, "the right knee in 3D").names == ("right_knee",)
    higher = question(resolver, "the higher arm")
    assert len(higher.names) == len(higher.sigmas_K) >= 17
    assert higher.depths
    assert question(resolver, "what will the weather be").names == ()


def test_places_out_of_the_picture_and_unlikely_ones_are_absent() -> None:
    names = ("nose", "left_knee", "right_knee")
    states = np.full((len(vocabulary()), 3), -9.0, np.float32)
    states[rows_of(names)] = [[0, 1, 3], [2, 1, 0], [0, 3, 1]]
    places = Voted(np.array([[401.0, 9], [9, 9], [5, 5]]), np.full(3, 0.5), np.ones(3), np.ones(3))
    narrow, wide = seen(states, (192, 256)), seen(states, (500, 256))
    person = placed(names, rows_of(names), places, narrow, 0.5, False)
    assert person.states_K.tolist() == [State.ABSENT, State.ABSENT, State.OCCLUDED]
    surer = placed(names, rows_of(names), places, wide, 0.9, False)
    assert surer.states_K.tolist() == [State.VISIBLE, State.OCCLUDED, State.OCCLUDED]
    joints = surer.joints()
    assert joints["nose"].x == 401
    assert joints["nose"].z is None
    assert person.joints()["nose"].x is None


def test_an_instruction_is_text() -> None:
    predictor = Predictor("default", "cpu", threads=1)
    look = predictor.look(np.zeros((64, 64, 3), np.uint8), [(0, 0, 64, 64)])
    with pytest.raises(InvalidInput, match="an instruction is text; got list"):
        look.ask(["the left knee"])  # type: ignore[arg-type]
