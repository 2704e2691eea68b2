"""Events: something about a person that holds for a while. Not an alarm system.

A rule says what is looked for (by instruction) and when it counts; two thresholds and two waiting
times (hysteresis) keep a flickering joint from making a flood of events. Times are seconds on the
monotonic clock; distances are torso lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from posealign.anatomy.angles import ANGLES
from posealign.config import Config
from posealign.errors import nearest
from posealign.interop.terms import POSTURES

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Phrase = Annotated[str, Field(min_length=1, max_length=400)]


class _Rule(Config):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    after: Seconds = 3.0  # it must hold so long to begin
    clear_after: Seconds = 3.0  # and must not hold so long to end
    forget_after: Seconds = 30.0  # unknown for so long, it ends as `lost`


class PostureRule(_Rule):
    """`is` some posture; without it every change of posture is an event."""

    kind: Literal["posture"]
    among: tuple[str, ...] = Field((), alias="is")

    @model_validator(mode="after")
    def _known(self) -> PostureRule:
        for word in self.among:
            if word not in POSTURES:
                raise ValueError(f"no posture is called {word!r}{nearest(word, POSTURES)}")
        return self


class HiddenRule(_Rule):
    """Joints that are hidden or out of the picture: all of them, or any."""

    kind: Literal["hidden"]
    instruction: Phrase
    which: Literal["all", "any"] = "all"


class NearRule(_Rule):
    """One group of joints comes near another: hands to the face."""

    kind: Literal["near"]
    instruction: Phrase
    to: Phrase
    distance: Annotated[float, Field(gt=0)] = 0.35
    clear_distance: Annotated[float, Field(gt=0)] = 0.5

    @model_validator(mode="after")
    def _ordered(self) -> NearRule:
        if self.clear_distance < self.distance:
            raise ValueError("clear_distance must not be smaller than distance")
        return self


class InsideRule(_Rule):
    """Any joint of a group lies in one of the camera's zones (or `outside` all of the time)."""

    kind: Literal["inside"]
    instruction: Phrase
    zone: str
    outside: bool = False


class AngleRule(_Rule):
    """A joint's angle in degrees, as the picture shows it."""

    kind: Literal["angle"]
    angle: str
    above: float
    clear_below: float

    @model_validator(mode="after")
    def _known(self) -> AngleRule:
        if self.angle not in ANGLES:
            raise ValueError(f"no angle is called {self.angle!r}{nearest(self.angle, ANGLES)}")
        if self.clear_below > self.above:
            raise ValueError("clear_below must not be larger than above")
        return self


class EmptyRule(_Rule):
    """Nobody is seen in the bed."""

    kind: Literal["empty"]


Rule = Annotated[
    PostureRule | HiddenRule | NearRule | InsideRule | AngleRule | EmptyRule,
    Field(discriminator="kind"),
]

Signal = Literal["on", "off", "between", "unknown"]
Phase = Literal["begin", "end", "lost", "change"]
GAP = 1.0  # seconds of not knowing that interrupt nothing


@dataclass(frozen=True)
class Turn:
    """What a latch says happened. `since`: from when on it held (monotonic)."""

    phase: Phase
    since: float
    value: str | None = None
    previous: str | None = None


class Latch:
    """on after `after` seconds of "on"; off after `clear_after` seconds of "off"."""

    def __init__(self, after: float, clear_after: float, forget_after: float) -> None:
        self._after, self._clear_after, self._forget_after = after, clear_after, forget_after
        self.on = False
        self._began = 0.0
        self._pending: float | None = None
        self._known: float | None = None

    def __call__(self, signal: Signal, now: float) -> Turn | None:
        if signal == "unknown":
            return self._unknown(now)
        self._known = now
        wanted: Signal = "off" if self.on else "on"
        if signal != wanted:
            self._pending = None
            return None
        if self._pending is None:
            self._pending = now
        if now - self._pending < (self._clear_after if self.on else self._after):
            return None
        since, self._pending = self._pending, None
        self.on = not self.on
        if self.on:
            self._began = since
        return Turn("begin" if self.on else "end", since)

    def _unknown(self, now: float) -> Turn | None:
        missing = now - self._known if self._known is not None else 0.0
        if missing > GAP:
            self._pending = None
        if self.on and missing > self._forget_after:
            self.on = False
            return Turn("lost", self._known or now)
        return None


class Choice:
    """A value among several that is believed after it has stood for `after` seconds."""

    def __init__(self, after: float, forget_after: float) -> None:
        self._after, self._forget_after = after, forget_after
        self.value: str | None = None
        self._candidate: str | None = None
        self._since = 0.0
        self._known: float | None = None

    def __call__(self, value: str | None, now: float) -> Turn | None:
        if value is None:
            missing = now - self._known if self._known is not None else 0.0
            if missing > GAP:
                self._candidate = None
            if self.value is not None and missing > self._forget_after:
                gone, self.value = self.value, None
                return Turn("lost", self._known or now, None, gone)
            return None
        self._known = now
        if value == self.value:
            self._candidate = None
            return None
        if value != self._candidate:
            self._candidate, self._since = value, now
        if now - self._since < self._after:
            return None
        previous, self.value, self._candidate = self.value, value, None
        return Turn("change", self._since, value, previous)
