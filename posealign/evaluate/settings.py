"""What an evaluation is: a source, the models in its table and what is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from posealign.config import Config

Group = Literal["location", "confidence", "sides", "hallucination", "plausibility", "space"]
GROUPS: tuple[Group, ...] = get_args(Group)


class SourceSettings(Config):
    """`kind` is coco, lsp, minirgbd, jsonl or synth; further keys go to that source."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str
    path: str

    @property
    def options(self) -> dict[str, Any]:
        """Lists become tuples: sources take them as they take arguments."""
        extra = self.model_extra or {}
        return {
            key: tuple(value) if isinstance(value, list) else value for key, value in extra.items()
        }


class TruthSettings(Config):
    """How labelled people are taken.

    `box`: the source's, or the tight box of the labelled joints. `area_share`: of the box, where
    the labels give no area (COCO's tools take 0.53 for LSP).
    """

    box: Literal["source", "joints"] = "source"
    area_share: float = Field(default=0.53, gt=0, le=1)


class PredictorModel(Config):
    """The served inference path. `settings` change the bundle's own (passes, thresholds …)."""

    kind: Literal["predictor"] = "predictor"
    name: str = Field(min_length=1)
    bundle: str = "default"
    provider: str = "auto"
    threads: int | None = None
    settings: dict[str, int | float] = Field(default_factory=dict)


class MoveNetModel(Config):
    """MoveNet single-pose as TensorFlow Lite; with four `turns` the surest answer is kept."""

    kind: Literal["movenet"]
    name: str = Field(min_length=1)
    file: str
    turns: Literal[1, 4] = 1
    # Excluded, as a run is what was measured and not what might have been.
    optional: bool = Field(default=False, exclude=True)  # left out where the file is not there


class OnnxModel(Config):
    """Any top-down ONNX pose model.

    `layout`: the pixel tensor's axes. `output`: `heatmaps` [1, J, h, w]; `simcc` two outputs
    [1, J, w·k] and [1, J, h·k]; `points` [1, J, 3] with x, y, score, in input pixels or, with
    `normalised`, in shares of the input; `order` says how a points row is written.
    """

    kind: Literal["onnx"]
    name: str = Field(min_length=1)
    file: str
    width: int = Field(ge=16)
    height: int = Field(ge=16)
    joints: str = "coco17"  # the skeleton in which the model answers
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    channels: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    padding: float = Field(default=1.25, gt=0)
    output: Literal["heatmaps", "simcc", "points"] = "heatmaps"
    normalised: bool = False
    order: Literal["xys", "yxs"] = "xys"


class PredictionsModel(Config):
    """Anyone's answers: COCO result JSON, or lines {"key": …, "people": [{"joints": {…}}]}.

    `joints` is the skeleton of COCO results; their `image_id` is the sample's key.
    """

    kind: Literal["predictions"]
    name: str = Field(min_length=1)
    file: str
    joints: str = "coco17"


class MmposeModel(Config):
    """Any top-down mmpose model, run through its own pipeline; needs the environment of `make mm`.

    `config` is Python and is executed. `joints`: the skeleton in which it answers, where its
    data set's own joint names do not say it.
    """

    kind: Literal["mmpose"]
    name: str = Field(min_length=1)
    config: str
    checkpoint: str
    joints: str | None = None
    device: str = "cpu"


Model = PredictorModel | MoveNetModel | OnnxModel | PredictionsModel | MmposeModel


class PopeSettings(Config):
    """keypoint-POPE: how many questions of each split, and the seed of the generator.

    Answering by states costs nothing; in words each question is an inference, so that fewer may be
    asked (`in_words`, spread evenly).
    """

    questions: int = Field(default=0, ge=0)
    in_words: int | None = Field(default=None, ge=0)
    seed: int = 0


class ClipSettings(Config):
    """Clips made of still pictures: how many, how long, and the noise of a sensor at rest."""

    clips: int = Field(default=0, ge=0)
    seconds: float = Field(default=2.0, gt=0.5)
    rate: float = Field(default=30.0, gt=0)
    noise: float = Field(default=3.0, ge=0)  # standard deviation in grey levels
    hertz: float = Field(default=3.0, gt=0)


class WordsSettings(Config):
    """Drawn wordings on pictures: how many pictures are asked one of each kind, and the seed."""

    pictures: int = Field(default=0, ge=0)
    seed: int = 0


class Evaluation(Config):
    """One table: some models on one source. Real and synthetic never share one."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    title: str
    data: Literal["real", "synthetic"]
    source: SourceSettings
    models: list[Model] = Field(min_length=1)
    out: str
    instruction: str = "all keypoints"
    skeleton: str = "coco17"
    boxes: Literal["truth", "found"] = "truth"
    truth: TruthSettings = TruthSettings()
    groups: tuple[Group, ...] = GROUPS
    every: int = Field(default=1, ge=1)  # take each so-manieth picture
    first: int = Field(default=0, ge=0)  # from this one on: the half that nothing was fitted on
    limit: int | None = Field(default=None, ge=1)
    mirror: bool = False  # look at each picture's mirror image too
    depth: bool = False  # give the models the depth map and the camera
    pope: PopeSettings = PopeSettings()
    clip: ClipSettings = ClipSettings()
    words: WordsSettings = WordsSettings()
    bootstrap: int = Field(default=1000, ge=0)
    seed: int = 0
    note: str = ""  # printed under the table: the data's terms, what it does not show

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [model.name for model in self.models]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two models are called {', '.join(twice)}")
        return self

    @property
    def folder(self) -> Path:
        return Path(self.out)

    def missing(self) -> tuple[MoveNetModel, ...]:
        """Optional models whose file is not there."""
        return tuple(
            model for model in self.models
            if isinstance(model, MoveNetModel)
            and model.optional and not Path(model.file).is_file()
        )  # fmt: skip
