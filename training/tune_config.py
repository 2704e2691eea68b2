"""What reward tuning may be told; see training.tune."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from posealign.config import Config
from posealign.rewards.combine import SET_REWARDS, WEIGHTS, checked_weights
from training.cache import SplitConfig
from training.grpo import Weights
from training.guards import Guards


class TuneConfig(Config):
    """Every field is a key of the YAML file; unknown keys are errors."""

    out: str
    weights_from: str
    text_from: str | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    splits: dict[str, SplitConfig]  # train and validation
    cache: str
    joints: str = "coco17"
    layers: int = Field(0, ge=0)  # of the decoder's last ones
    trains: str = Field("all", pattern="^(all|presence)$")  # presence: places stay as they are
    method: str = Field("group", pattern="^(group|ppo|sft|rules)$")
    rewards: dict[str, float] = Field(default_factory=lambda: dict(WEIGHTS))
    reward_model: str | None = None  # for ppo: what training.reward_model wrote
    progressive: bool = True  # the accuracy band rises with the validation OKS
    credit: str = Field("alone", pattern="^(alone|together)$")
    steps: int = Field(120, ge=1)
    batch: int = Field(64, ge=1)
    rollouts: int = Field(16, ge=2)
    inner: int = Field(2, ge=1)
    tau: float = Field(1.0, gt=0)
    rate: float = Field(1e-4, gt=0)
    warmup: int = Field(5, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    clip: tuple[float, float] = (0.2, 0.28)
    kl: float = Field(0.02, ge=0)
    anchor: float = Field(0.3, ge=0)
    rules_weight: float = Field(0.3, ge=0)
    entropy: float = Field(0.05, ge=0)
    absent_threshold: float = Field(0.5, gt=0, lt=1)
    guards: Guards = Guards()
    rows: int | None = None  # train on the first so many views only
    seed: int = 0
    threads: int = 1
    save_every: int = Field(20, ge=1)
    judge_every: int = Field(20, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> TuneConfig:
        missing = {"train", "validation"} - set(self.splits)
        if missing:
            raise ValueError(f"splits lacks {sorted(missing)}")
        if self.method == "ppo" and self.reward_model is None:
            raise ValueError("ppo is tuned on a reward model: reward_model is missing")
        if self.trains == "presence" and (self.layers or self.method == "ppo"):
            raise ValueError("presence is trained by group, sft or rules, and with layers 0")
        checked_weights(self.rewards)
        return self

    @property
    def decided(self) -> dict[str, float]:
        """The rewards of what is decided: nothing but presence leaves those of sets."""
        if self.trains == "all":
            return self.rewards
        return {name: value for name, value in self.rewards.items() if name in SET_REWARDS}

    @property
    def weights(self) -> Weights:
        return Weights(self.kl, self.kl, self.anchor, self.entropy)
