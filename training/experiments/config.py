"""What a study runs; quick and full studies are configs of the same code."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from posealign.config import Config
from training.cache import SplitConfig

PARTS = (
    "core", "hallucination", "preferences", "rewards", "band", "presence", "few_shot", "ppo",
    "ai_feedback",
)  # fmt: skip


class StudyConfig(Config):
    """`splits` are train, validation and test; `tuning` overrides TuneConfig in every arm.

    Every arm gets every rate of `rates`; the best on validation views at seed `seeds[0]` is used
    for its other seeds and judged once on the test views.
    """

    out: str
    weights_from: str
    model: dict[str, Any]
    splits: dict[str, SplitConfig]
    cache: str
    parts: tuple[str, ...] = PARTS
    seeds: tuple[int, ...] = (0, 1, 2)
    ablation_seeds: tuple[int, ...] = (0,)
    rates: tuple[float, ...] = (3e-4,)
    control_steps: float = Field(2.0, gt=0)  # of the tuned arm's: they cost about as much
    tuning: dict[str, Any] = Field(default_factory=dict)
    presence: dict[str, Any] = Field(default_factory=dict)  # overrides `tuning` where states alone
    presence_rates: tuple[float, ...] = (3e-3,)
    few: tuple[int, ...] = (30, 100, 300)
    corrections: int = Field(300, ge=2)
    flips: tuple[float, ...] = (0.0, 0.1, 0.2, 0.4)
    corrected_joints: tuple[str, ...] = (
        "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_knee", "right_knee", "left_ankle", "right_ankle",
    )  # fmt: skip
    judged_flips: float = 0.1  # where settings are chosen, and all `seeds` run
    dpo: dict[str, Any] = Field(default_factory=dict)
    dpo_search: tuple[dict[str, Any], ...] = ({},)  # each overrides `dpo`; chosen on validation
    reward_model: dict[str, Any] = Field(default_factory=dict)
    deployed: float = Field(0.5, gt=0, lt=1)  # absence above which a joint is kept back when served
    recall: float = Field(0.9, gt=0, lt=1)  # at which emission of absent joints is compared
    given_up: float = Field(0.01, ge=0, lt=0.5)  # of the deployed recall, where presence is tuned
    draws: int = Field(2000, ge=10)
    threads: int = 1
