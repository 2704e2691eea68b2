"""Hysteresis: events begin and end once, whatever flickers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from posealign.data.pose import Pose
from serving.camera import observe
from serving.camera.observe import Asking, Watcher
from serving.camera.rules import Choice, Latch, Rule, Signal, Turn
from tests.camera.stub import PRONE, Body, StubPredictor

SIGNALS = st.sampled_from(["on", "off", "between", "unknown"])


def rule(**values: object) -> Rule:
    return TypeAdapter(Rule).validate_python({"name": "r", **values})


def _signal(of: Rule, place: Asking, box: Any, zones: Any) -> Signal:
    watcher = Watcher(of, zones, StubPredictor().resolve)
    return observe.signal(of, place, box, zones, watcher._words)


def asking(body: Body) -> tuple[Asking, tuple[float, float, float, float]]:
    look = StubPredictor([body]).look(np.zeros((400, 300, 3), np.uint8))
    return Asking(look, None, ()), look.people[0].box


def test_begins_after_and_ends_after() -> None:
    latch = Latch(2.0, 3.0, 10.0)
    turns = [latch("on" if 1 <= t < 8 else "off", t) for t in np.arange(0, 15, 0.5)]
    found = [(turn.phase, turn.since) for turn in turns if turn]
    assert found == [("begin", 1.0), ("end", 8.0)]


@given(st.lists(SIGNALS, max_size=200), st.floats(0.01, 2), st.floats(0, 5), st.floats(0, 5))
def test_phases_alternate_and_never_come_faster_than_the_waits(
    signals: list[str], step: float, after: float, clear: float
) -> None:
    latch = Latch(after, clear, 1e9)
    turns = [(n * step, latch(s, n * step)) for n, s in enumerate(signals)]  # type: ignore[arg-type]
    happened = [(time, turn) for time, turn in turns if turn is not None]
    assert [t.phase for _, t in happened] == (["begin", "end"] * len(happened))[: len(happened)]
    for time, turn in happened:
        wait = after if turn.phase == "begin" else clear
        assert time - turn.since >= wait - 1e-9
        held = [s for n, s in enumerate(signals) if turn.since <= n * step <= time]
        assert set(held) <= {"on" if turn.phase == "begin" else "off", "unknown"}


def test_flicker_makes_no_event() -> None:
    latch = Latch(1.0, 1.0, 30.0)
    assert not any(latch("on" if n % 3 else "off", n * 0.3) for n in range(1000))
    choice = Choice(1.0, 30.0)
    values = [choice("supine", 0.0), choice("supine", 1.5)]
    assert [v.value for v in values if v] == ["supine"]
    assert not any(choice("prone" if n % 2 else "supine", 2 + n * 0.5) for n in range(1000))


def test_short_gaps_count_as_nothing_and_long_ones_as_lost() -> None:
    latch = Latch(2.0, 2.0, 10.0)
    for time, what in ((0, "on"), (0.9, "unknown"), (1.5, "on")):
        assert latch(what, time) is None  # type: ignore[arg-type]
    assert latch("on", 2.0) == Turn("begin", 0)
    assert latch("unknown", 11.9) is None
    assert latch("unknown", 12.1) == Turn("lost", 2.0)
    assert not latch.on


def test_choice_tells_every_stable_change_once() -> None:
    choice = Choice(2.0, 10.0)
    path = ["supine"] * 10 + ["lateral"] * 2 + ["prone"] * 10 + [None] * 40
    turns = [t for n, v in enumerate(path) if (t := choice(v, n * 0.5))]
    assert [(t.phase, t.value, t.previous) for t in turns] == [
        ("change", "supine", None), ("change", "prone", "supine"), ("lost", None, "prone"),
    ]  # fmt: skip


def test_posture() -> None:
    prone = rule(kind="posture", **{"is": ["prone"]})
    for points, expected in ((PRONE, "on"), ({}, "unknown")):
        place, box = asking(Body(dict(points)))
        assert _signal(prone, place, box, {}) == expected
    place, box = asking(Body())
    assert _signal(prone, place, box, {}) == "off"
    assert _signal(prone, place, None, {}) == "unknown"


def test_hidden_all_or_any() -> None:
    one = Body(hidden={"left_wrist"})
    both = Body(hidden={"left_wrist", "right_wrist"})
    for which, body, expected in (
        ("any", one, "on"), ("all", one, "off"), ("all", both, "on"), ("any", Body(), "off"),
    ):  # fmt: skip
        place, box = asking(body)
        assert (
            _signal(rule(kind="hidden", instruction="hands", which=which), place, box, {})
            == expected
        )


def test_near_has_two_distances() -> None:
    near = rule(kind="near", instruction="both hands", to="the face", distance=0.35,
                clear_distance=0.6)  # fmt: skip
    for height, expected in ((0.22, "on"), (0.32, "between"), (0.5, "off")):
        body = Body()
        body.points["left_wrist"] = (0.5, height)
        place, box = asking(body)
        assert _signal(near, place, box, {}) == expected, height


def test_inside_outside_angle_and_empty() -> None:
    zone = {"floor": ((0.0, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0))}
    place, box = asking(Body())
    assert (
        _signal(rule(kind="inside", instruction="ankles", zone="floor"), place, box, zone) == "on"
    )
    assert (
        _signal(rule(kind="inside", instruction="hands", zone="floor"), place, box, zone) == "off"
    )
    out = rule(kind="inside", instruction="hands", zone="floor", outside=True)
    assert _signal(out, place, box, zone) == "on"
    angle = {"kind": "angle", "angle": "left_knee_flexion", "above": 60, "clear_below": 30}
    assert _signal(rule(**angle), place, box, {}) == "off"
    bent = Body()
    bent.points["left_ankle"] = (0.9, 0.75)
    place, box = asking(bent)
    assert _signal(rule(**angle), place, box, {}) == "on"
    assert _signal(rule(kind="empty"), place, None, {}) == "on"
    assert _signal(rule(kind="empty"), place, box, {}) == "off"


def test_a_watcher_without_pictures_says_lost() -> None:
    watcher = Watcher(
        rule(kind="hidden", instruction="hands", after=0, forget_after=5),
        {},
        StubPredictor().resolve,
    )
    place, box = asking(Body(hidden={"left_wrist", "right_wrist"}))
    begun = watcher(place, box, 1.0)
    assert begun is not None
    assert begun.phase == "begin"
    assert watcher.blind(3.0) is None
    lost = watcher.blind(6.5)
    assert lost is not None
    assert lost.phase == "lost"


def test_each_phrase_is_asked_once_a_frame() -> None:
    place, box = asking(Body())
    first = place.pose("both hands", box)
    assert isinstance(first, Pose)
    assert place.pose("both hands", box) is first


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "posture", "is": ["standing_on_head"]}, {"kind": "angle", "angle": "nose_flexion",
         "above": 1, "clear_below": 0}, {"kind": "near", "instruction": "a", "to": "b",
         "distance": 1, "clear_distance": 0.5}, {"kind": "angle", "angle": "left_knee_flexion",
         "above": 1, "clear_below": 2}, {"kind": "alarm"}, {"kind": "empty", "after": -1},
    ],
)  # fmt: skip
def test_rules_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        rule(**wrong)
