"""Facts about infants as data: growth, sizes, ranges of motion, sensors (infant.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml

from posealign.errors import InvalidInput, nearest


@cache
def facts() -> Mapping[str, Any]:
    """The whole file, read once."""
    text = files(__package__).joinpath("infant.yaml").read_text("utf-8")
    return MappingProxyType(yaml.safe_load(text))


def by_age(values: list[float], age_months: float) -> float:
    """A value listed by the measured age bins, interpolated; held at the ends."""
    return float(np.interp(age_months, facts()["measured_cm"]["bin_centres_months"], values))


@lru_cache(maxsize=4096)
def growth(name: str, age_months: float) -> tuple[float, float]:
    """WHO mean and SD in metres of `length_cm` or `head_circumference_cm`, both sexes."""
    months = (0, 3, 6, 12)
    tables = facts()["who_growth"][name]
    # Beyond twelve months growth goes on at about a centimetre a month (head: 0.2).
    slope = 1.0 if name == "length_cm" else 0.2
    beyond = max(0.0, age_months - 12) * slope
    mean, sd = (
        float(np.interp(age_months, months, [_both(tables, m, k) for m in months])) for k in (0, 1)
    )
    return (mean + beyond) / 100, sd / 100


def _both(tables: Mapping[str, Any], month: int, column: int) -> float:
    return float(np.mean([tables[sex][month][column] for sex in ("boys", "girls")]))


@lru_cache(maxsize=4096)
def measured(name: str, age_months: float) -> tuple[float, float]:
    """Mean and SD in metres of a dimension measured on living infants (AK77)."""
    table = facts()["measured_cm"]["data"]
    if name not in table:
        raise InvalidInput(f"nobody measured {name!r}{nearest(name, table)}")
    mean, sd = (by_age([row[k] for row in table[name]], age_months) for k in (0, 1))
    return mean / 100, sd / 100


@lru_cache(maxsize=4096)
def joint_centre(name: str, age_months: float) -> float:
    """A derived joint-centre dimension or capsule radius in metres."""
    table = facts()["joint_centres_cm"]["data"]
    if name not in table:
        raise InvalidInput(f"no joint-centre dimension is called {name!r}{nearest(name, table)}")
    return by_age(table[name], age_months) / 100


def motion_range(dof: str, kind: str = "hard", age_months: float = 6.0) -> tuple[float, float]:
    """Degrees, neutral = 0; `kind` is hard or soft."""
    table = facts()["range_of_motion_deg"]["dof"]
    if dof not in table:
        raise InvalidInput(f"no range is known for {dof!r}{nearest(dof, table)}")
    row = table[dof]
    key = kind if kind in row else f"{kind}_{'0_3' if age_months < 3 else '3_12'}"
    low, high = row[key]
    return float(low), float(high)
