"""What hides a hidden joint: said where it is likely, kept through skeletons, used by relations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from posealign import answer
from posealign.answer import Placed
from posealign.data.pose import State
from posealign.data.sample import HIDERS
from posealign.instructions.relations import Choice
from posealign.relate import as_person, related
from posealign.skeletons.load import skeleton, vocabulary
from posealign.vote import Voted
from tests.sights import seen

NAMES = vocabulary().names
WRISTS = frozenset({"left_wrist", "right_wrist"})


def placed(hiders: dict[str, str | None], knows: bool = True) -> Placed:
    """All visible but the joints given, which are hidden by that, or by nobody knows what."""
    count = len(NAMES)
    states_V3 = np.tile(np.array([-9, -9, 9], np.float32), (count, 1))
    hider_VH = np.zeros((count, len(HIDERS)), np.float32)
    hider_VH[:, HIDERS.index("self")] = 9  # what would hide the others, if they were hidden
    for name, hider in hiders.items():
        states_V3[NAMES.index(name)] = -9, 9, -9
        hider_VH[NAMES.index(name)] = 0
        if hider is not None:
            hider_VH[NAMES.index(name), HIDERS.index(hider)] = 9
    one = seen(states_V3)
    if knows:
        (sight,) = one.sights
        one = replace(one, sights=(replace(sight, selected={**sight.selected, "hider": hider_VH}),))
    ones = np.ones(count)
    points = np.stack([np.linspace(10, 180, count), np.linspace(20, 200, count)], axis=1)
    places = Voted(points, ones * 0.9, ones, ones)
    return answer.placed(NAMES, np.arange(count), places, one, 0.5, depths=False)


def test_a_hidden_joint_says_by_what() -> None:
    joints = placed({"left_wrist": "blanket", "right_knee": None}).joints()
    assert joints["left_wrist"].state is State.OCCLUDED
    assert joints["left_wrist"].hidden_by == "blanket"
    assert joints["right_knee"].state is State.OCCLUDED
    assert joints["right_knee"].hidden_by is None, "nothing is likelier than the rest"
    assert joints["nose"].hidden_by is None, "it is not hidden"


def test_an_older_bundle_says_nothing_of_it() -> None:
    joints = placed({"left_wrist": "blanket"}, knows=False).joints()
    assert joints["left_wrist"].state is State.OCCLUDED
    assert joints["left_wrist"].hidden_by is None


@pytest.mark.parametrize(
    ("hips", "expected"),
    [
        ({"left_hip": "blanket", "right_hip": "blanket"}, "blanket"),
        ({"left_hip": "blanket"}, "blanket"),
        ({"left_hip": "blanket", "right_hip": "self"}, None),
    ],
)
def test_a_derived_joint_is_hidden_by_what_hides_its_sources(
    hips: dict[str, str | None], expected: str | None
) -> None:
    body = skeleton("body25")
    (found,) = answer.skeleton_joints(placed(hips), body, ["MidHip"])
    assert found.state is State.OCCLUDED
    assert found.hidden_by == expected


def test_under_the_blanket_is_what_the_blanket_hides() -> None:
    def choice(person: Placed) -> Choice:
        whole = as_person(person, (0.0, 0.0, 192.0, 256.0))
        return related("hidden_by_blanket", WRISTS, whole, (192, 256))

    hiders = {"left_wrist": "blanket", "right_wrist": "self"}
    assert choice(placed(hiders)) == Choice(frozenset({"left_wrist"}))
    assert choice(placed(hiders, knows=False)) == Choice(WRISTS, clear=False)
