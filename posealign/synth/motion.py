"""Spontaneous movement: kicks, waves and slow shifts, carried out by a body with weight.

Rates are engineering estimates in the range of what observers of awake infants count; the
ground truth is what the simulated joints did, not what they were asked to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from posealign.errors import InvalidInput
from posealign.synth import posture
from posealign.synth.bank import generator
from posealign.synth.body import DOF_INDEX, DOFS, SIDES, Body, sample_infant
from posealign.synth.held_out import draw
from posealign.synth.physics import STEP_S, Rest, Simulation
from posealign.synth.skin import Hands
from posealign.synth.surface import Floats

Rng = np.random.Generator


@dataclass(frozen=True)
class Movement:
    """How lively an infant is. Events a minute and limb; one side may move less."""

    kicks: float = 14.0
    waves: float = 12.0
    head_turns: float = 5.0
    left_share: float = 1.0  # of the left limbs' events that happen: 0.3 is a marked asymmetry
    fps: int = 30

    def __post_init__(self) -> None:
        rates = (self.kicks, self.waves, self.head_turns)
        if min(rates) < 0 or not 0 <= self.left_share <= 1 or not 1 <= self.fps <= 200:
            raise InvalidInput(f"no infant moves like {self}")


@dataclass(frozen=True)
class Moment:
    """One frame of a sequence."""

    time_s: float
    rest: Rest
    hands: Hands
    events: tuple[str, ...]  # what goes on, such as left_kick


@dataclass(frozen=True)
class _Event:
    name: str
    start: float
    length: float
    change: dict[str, float]  # degrees at its height

    def at(self, time: float) -> float:
        """Minimum-jerk out and back, 0 … 1."""
        u = (time - self.start) / self.length
        if not 0 < u < 1:
            return 0.0
        v = 2 * u if u < 0.5 else 2 - 2 * u
        return float(10 * v**3 - 15 * v**4 + 6 * v**5)


def _events(rng: Rng, movement: Movement, seconds: float) -> list[_Event]:
    out: list[_Event] = []
    for side in SIDES:
        share = movement.left_share if side == "left" else 1.0
        for kind, rate in (("kick", movement.kicks), ("wave", movement.waves)):
            time = 0.0
            while rate * share > 0:
                time += float(rng.exponential(60 / (rate * share)))
                if time > seconds:
                    break
                # Kicks come in bursts of one to four.
                count = int(rng.integers(1, 5)) if kind == "kick" else 1
                for _ in range(count):
                    out.append(_event(rng, side, kind, time))
                    time += out[-1].length * rng.uniform(0.9, 1.3)
    time = 0.0
    while movement.head_turns > 0:
        time += float(rng.exponential(60 / movement.head_turns))
        if time > seconds:
            break
        turn = {"neck_rotation": float(rng.normal(0, 45))}
        out.append(_Event("head_turn", time, float(rng.uniform(1.5, 4.0)), turn))
    return out


def _event(rng: Rng, side: str, kind: str, start: float) -> _Event:
    if kind == "kick":
        size = rng.uniform(0.5, 1.2)
        way = {
            "hip_flexion": -32 * size,
            "knee_flexion": -50 * size,
            "ankle_dorsiflexion": -12 * size,
        }
        if rng.random() < 0.35:  # pulling up instead of pushing away
            way = {"hip_flexion": 35 * size, "knee_flexion": 30 * size, "hip_abduction": -8 * size}
        length = rng.uniform(0.45, 0.95)
    else:
        way = {
            "shoulder_flexion": rng.normal(25, 22), "shoulder_abduction": rng.normal(0, 25),
            "shoulder_rotation": rng.normal(0, 30), "elbow_flexion": rng.normal(-15, 35),
            "wrist_flexion": rng.normal(0, 18),
        }  # fmt: skip
        length = rng.uniform(0.7, 1.8)
    named = {f"{side}_{name}": float(value) for name, value in way.items()}
    return _Event(f"{side}_{kind}", start, float(length), named)


def sequence(
    seconds: float,
    seed: int = 0,
    number: int = 0,
    movement: Movement | None = None,
    split: str = "train",
    body: Body | None = None,
) -> Iterator[Moment]:
    """An infant lying on its back that moves by itself; a moment for every frame."""
    movement = movement or Movement()
    rng = generator("sequence", seed, split, number)
    if body is None:
        age = draw(split, "age_months", lambda: rng.uniform(0, 6))
        body = sample_infant(rng, age, limb_differences=0.0, split=split)
    stance = posture.sample(rng, body, "supine")
    simulation = Simulation(body, stance.wanted)
    simulation.run(0.9)
    events = _events(rng, movement, seconds)
    drift = _drift(rng)
    frame = 1 / movement.fps
    done = 0.0
    for number_of_frame in range(round(seconds * movement.fps)):
        time = number_of_frame * frame
        wanted = stance.wanted.angles_Q + drift(time)
        going = [event for event in events if event.start < time < event.start + event.length]
        for event in going:
            for name, change in event.change.items():
                # Springs give way to weight and contacts: ask for more to get enough.
                wanted[DOF_INDEX[name]] += 1.5 * change * event.at(time)
        simulation.aim(posture.clip_to_ranges(wanted, body.age_months))
        steps = round((time - done) / STEP_S)
        simulation.run(steps * STEP_S)
        done += steps * STEP_S
        names = tuple(sorted({event.name for event in going}))
        yield Moment(time, simulation.rest(), stance.hands, names)


def _drift(rng: Rng) -> Callable[[float], Floats]:
    """Slow wandering of all joints: a few waves each, with periods of 6 to 25 seconds."""
    rate_Q3 = 2 * np.pi / rng.uniform(6, 25, (len(DOFS), 3))
    phase_Q3 = rng.uniform(0, 2 * np.pi, (len(DOFS), 3))
    size_Q = rng.uniform(2, 7, len(DOFS))

    def at(time: float) -> Floats:
        return np.asarray(size_Q * (np.sin(rate_Q3 * time + phase_Q3) - np.sin(phase_Q3)).sum(1))

    return at
