"""What is held out: intervals that training data never come from and test data always do.

Seeds alone would give other samples of the same ranges; a test is worth more where bodies,
cloths, light on skin and cameras lie where training never was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from posealign.errors import InvalidInput

SPLITS = ("train", "test")
Bands = tuple[tuple[float, float], ...]
BANDS: Mapping[str, Bands] = {
    "age_months": ((1.0, 2.0), (4.5, 5.5), (9.0, 10.0), (14.0, 15.5)),
    "fat": ((-0.9, -0.6), (0.0, 0.3), (0.9, 1.2)),  # in standard deviations of girth
    "adult_stature_m": ((1.60, 1.63), (1.70, 1.73), (1.80, 1.83)),
    "hue": ((0.04, 0.09), (0.30, 0.36), (0.55, 0.60), (0.80, 0.85)),  # of a fabric's colours
    "grey": ((0.82, 0.88),),  # of fabrics without colour
    "tone": ((0.97, 1.0),),  # a skin's shade over its tone's mean
    "field_of_view_deg": ((26.0, 30.5), (40.0, 43.5), (60.0, 64.0)),  # of the whole picture
    "tilt_deg": ((12.0, 16.0), (36.0, 42.0), (70.0, 75.0)),  # of the view below the horizon
}


def held_out(name: str, value: float) -> bool:
    return any(low <= value < high for low, high in BANDS[name])


def allowed(name: str, value: float, split: str | None) -> bool:
    """Whether a split may use the value; None: no split, everything."""
    return split is None or held_out(name, value) == (split == "test")


def draw(split: str | None, name: str, once: Callable[[], float]) -> float:
    """`once` until the split may use what comes."""
    for _ in range(1000):
        value = float(once())
        if allowed(name, value, split):
            return value
    raise InvalidInput(f"no {name} of the {split} split comes up; its intervals are {BANDS[name]}")
