"""What a model is made of: validated, and written into bundle.json so that it can be rebuilt."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from posealign.errors import InvalidConfig
from posealign.skeletons.load import vocabulary


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderConfig(Frozen):
    """`name` is hybrid, vit or timm:NAME; `options` are that encoder's own keyword arguments."""

    name: str = Field(default="hybrid", pattern=r"^(hybrid|vit|timm:.+)$")
    options: dict[str, Any] = {}


class DecoderConfig(Frozen):
    """`layers` look at the picture, `text_layers` at the instruction.

    The default is small: on a small encoder every further instruction costs one decoder. With a
    `glance` every joint begins with what lies where the feature map shows it; bundles before
    0.11.0 have none. With `hiders` it is told by which of data.sample.HIDERS a hidden joint is
    hidden; bundles before 0.12.0 cannot.
    """

    width: int = Field(default=128, ge=8)
    layers: int = Field(default=2, ge=1)
    text_layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    mlp_ratio: float = Field(default=2.0, gt=0)
    glance: bool = False
    hiders: bool = False

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class Calibration(Frozen):
    """From the distribution over cells to a confidence that predicts OKS and a 90 % radius.

    confidence = sigmoid(bias + slopes · log-odds of the mass within 3×3, 5×5 and 9×9 cells);
    for heads trained with MSE all three are the log-odds of the highest cell.
    radius = offset + scale · (radius of the disc that holds 90 % of the mass), in input pixels.
    `tolerance`, `hidden`, `spread` and `support` belong to the joint and are added outside of the
    graph: see posealign.confidence.
    """

    bias: float = 0.0
    slopes: tuple[float, float, float] = (0.0, 1.0, 0.0)
    radius_scale: float = Field(default=1.0, gt=0)
    radius_offset: float = Field(default=0.0, ge=0)
    tolerance: float = 0.0
    hidden: float = 0.0
    spread: float = 0.0
    support: float = 0.0


class PoseConfig(Frozen):
    """Sizes are in input pixels. `kernel` is 1, or 3 for ViTPose's simple head.

    `target` says how heatmaps were trained: `softmax` over cells (ours), or `gaussian` with MSE
    (imported ViTPose), which is decoded by UDP/DARK with `dark_kernel`.
    """

    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    text: dict[str, Any] = {}
    width: int = Field(default=192, ge=32)
    height: int = Field(default=192, ge=32)
    joints: int = Field(default_factory=lambda: len(vocabulary()), ge=1)
    kernel: Literal[1, 3] = 1
    target: Literal["softmax", "gaussian"] = "softmax"
    dark_kernel: Literal[3, 11] = 11
    calibration: Calibration = Calibration()

    @model_validator(mode="after")
    def _whole_tokens(self) -> Self:
        if self.width % 16 or self.height % 16:
            raise ValueError(f"input {self.width}×{self.height}: sides must be multiples of 16")
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """Heatmap rows and columns."""
        return self.height // 4, self.width // 4

    @property
    def tokens(self) -> tuple[int, int]:
        return self.height // 16, self.width // 16


def pose_config(data: Any) -> PoseConfig:
    """PoseConfig from JSON; the error names the field."""
    try:
        return PoseConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InvalidConfig(f"model: {where}: {first['msg']}; got {first['input']!r}") from error
