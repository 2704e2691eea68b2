"""What goes over the wire, as pydantic models. The examples are run by a test.

Coordinates are pixels of the picture as a person sees it (EXIF applied), the centre of the
top-left pixel at (0, 0); `z` is in the pose's `z_unit`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from posealign.preferences import DIGEST, AnsweredJoint
from posealign.skeletons.load import NAMES as SKELETON_NAMES
from serving import examples
from serving.examples import shown

SkeletonName = Literal[
    "coco17", "coco_wholebody133", "halpe26", "lsp14", "smil25", "body25", "blazepose33"
]
assert set(SkeletonName.__args__) == set(SKELETON_NAMES)  # type: ignore[attr-defined]


def spelled(pattern: str, expected: str) -> AfterValidator:
    """A pattern whose breach is answered with a sentence and not with the expression.

    The field's `json_schema_extra` tells the pattern to machines.
    """

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("spelled", "expected {expected}", {"expected": expected})
        return value

    return AfterValidator(check)


_LOOK_ID = r"^[A-Za-z0-9_-]{22}$"
LookId = Annotated[
    str,
    spelled(_LOOK_ID, "the id that POST /v1/frames answered: 22 letters, digits, '-' and '_'"),
    Field(json_schema_extra={"pattern": _LOOK_ID}),
]
_MODEL_NAME = r"^[a-z0-9][a-z0-9._+-]{0,63}$"
ModelName = Annotated[
    str,
    spelled(
        _MODEL_NAME,
        "a model's name: 1 to 64 small letters, digits, '.', '_', '+' and '-'; "
        "GET /v1/models lists them",
    ),
    Field(json_schema_extra={"pattern": _MODEL_NAME}),
]
Digest = Annotated[
    str,
    spelled(DIGEST, "a SHA-256 in hex: 64 digits, with small letters"),
    Field(json_schema_extra={"pattern": DIGEST}),
]
Box = tuple[
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(gt=0, allow_inf_nan=False)],
    Annotated[float, Field(gt=0, allow_inf_nan=False)],
]
Intrinsics = tuple[
    Annotated[float, Field(gt=0, allow_inf_nan=False)],
    Annotated[float, Field(gt=0, allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
]
StateName = Literal["visible", "occluded", "absent", "unlabelled"]
HiderName = Literal["self", "blanket", "clothing", "caregiver", "object", "other"]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelRef(Wire):
    name: str
    digest: str = Field(description="SHA-256 over everything in the bundle")


class Understood(Wire):
    """The instruction as understood."""

    model_config = shown(examples.UNDERSTOOD, examples.REFUSED)
    text: str
    language: str = Field(description="en, zh, mixed or other")
    refused: bool
    reason: str | None = Field(description="why no joint was asked for; null unless refused")
    joints: list[str] = Field(description="names in the answer's skeleton")
    dims: int = Field(ge=2, le=3)
    visibility: str = Field(description="any, visible or occluded")
    subject: str
    skeleton: str
    query: str | None = Field(description="the written form, where one was read")
    relations: list[str]
    candidates: list[str] = Field(description="joints that a relation may choose from")
    needs_picture: bool
    near_matches: list[str]
    confidence: float


class Joint(Wire):
    """Absent joints have no place: x and y are null."""

    name: str
    x: float | None
    y: float | None
    state: StateName
    confidence: float = Field(ge=0, le=1)
    radius: float | None = Field(description="90 % of errors are smaller, in pixels")
    z: float | None = None
    position: tuple[float, float, float] | None = Field(None, description="metres, camera frame")
    hidden_by: HiderName | None = Field(
        None, description="of an occluded joint, where it is known: what hides it"
    )


class Finding(Wire):
    code: str
    message: str
    joints: list[str]


class Pose(Wire):
    """One person."""

    box: tuple[float, float, float, float] = Field(description="x, y, width, height")
    score: float
    joints: list[Joint]
    filtered: list[Joint] = Field(description="set aside by the instruction's visibility filter")
    edges: list[tuple[str, str]]
    plausibility: list[Finding]
    depth_consistency: float | None
    z_unit: Literal["m", "torso"] | None = None
    track: int | None = None


class PoseAnswer(Wire):
    model_config = shown(examples.ANSWER)
    model: ModelRef
    instruction: Understood
    poses: list[Pose]
    timings_ms: dict[str, float]


class Options(Wire):
    metres_per_unit: float = Field(0.001, gt=0, lt=1, description="of the depth PNG's numbers")
    model: str | None = Field(None, max_length=64, description="a loaded model; null: the primary")


class Question(Wire):
    """What is asked about a picture that the server has."""

    model_config = shown(
        {"instruction": "both knees"}, {"instruction": "右手", "skeleton": "lsp14"}
    )
    instruction: str = Field(min_length=1)
    skeleton: SkeletonName | None = None


class PoseJson(Wire):
    """POST /v1/pose as JSON: pictures as base64."""

    model_config = shown(examples.ASKED, examples.IN_3D)
    image: str = Field(description="base64 of a JPEG, PNG, WebP or BMP")
    instruction: str = Field(min_length=1)
    boxes: list[Box] | None = Field(None, description="people: x, y, width, height")
    skeleton: SkeletonName | None = None
    depth: str | None = Field(None, description="base64 of a 16-bit grey PNG")
    intrinsics: Intrinsics | None = Field(None, description="fx, fy, cx, cy in pixels")
    options: Options = Options()


class LookJson(Wire):
    """POST /v1/frames as JSON."""

    model_config = shown({"image": examples.PICTURE})
    image: str
    boxes: list[Box] | None = None
    depth: str | None = None
    intrinsics: Intrinsics | None = None
    options: Options = Options()


class BatchJson(Wire):
    """POST /v1/pose/batch as JSON: one instruction for all pictures, or one each."""

    model_config = shown(
        {"images": [examples.PICTURE, examples.PICTURE], "instruction": "the nose"},
        {"images": [examples.PICTURE, ""], "instruction": ["both knees", "the nose"]},
    )
    images: list[str] = Field(min_length=1)
    instruction: str | list[str]
    skeleton: SkeletonName | None = None
    options: Options = Options()


class BatchRow(Wire):
    index: int
    status: int
    answer: PoseAnswer | None = None
    problem: dict[str, Any] | None = None


class BatchAnswer(Wire):
    model_config = shown(
        {
            "results": [
                {"index": 0, "status": 200, "answer": examples.ANSWER},
                {"index": 1, "status": 400, "problem": examples.NOT_A_PICTURE},
            ]
        }
    )
    results: list[BatchRow]


class Resolve(Wire):
    model_config = shown({"text": "the arm that is raised"}, {"text": "只看左腿"})
    text: str = Field(min_length=1)
    skeleton: SkeletonName | None = None


class FrameAnswer(Wire):
    """A look that was kept."""

    model_config = shown(
        {
            "id": "AwFJVlnLjYyNPfJaGDk7fw", "width": 320, "height": 320, "expires_in": 300.0,
            "people": [[41.0, 22.0, 190.0, 260.0]], "model": examples.MODEL,
        }
    )  # fmt: skip
    id: str
    width: int
    height: int
    people: list[tuple[float, float, float, float]] = Field(
        description="boxes: x, y, width, height"
    )
    expires_in: float = Field(description="seconds")
    model: ModelRef


class JointName(Wire):
    name: str
    en: str
    zh: str
    swap: str


class SkeletonAnswer(Wire):
    name: str
    title: dict[str, str]
    joints: list[JointName]
    edges: list[tuple[str, str]]


class ModelAnswer(Wire):
    name: str
    version: str
    digest: str
    provider: str
    primary: bool
    input: tuple[int, int] = Field(description="width, height of a person's crop")
    skeletons: list[str]
    licence: str
    figures: dict[str, Any]


class Problem(BaseModel):
    """RFC 9457."""

    model_config = shown(examples.NOT_A_PICTURE)
    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    instance: str


class Correction(Wire):
    """POST /v1/feedback/corrections: what a person changed in an answer; no picture is sent."""

    model_config = shown(examples.CORRECTION)
    picture: Digest = Field(description="SHA-256 of the picture's bytes, in hex")
    instruction: str = Field(min_length=1)
    model: Digest = Field(description="the digest that the answer named")
    answer: dict[str, AnsweredJoint] = Field(min_length=1, description="as it was answered")
    corrected: dict[str, AnsweredJoint] = Field(
        min_length=1, description="the joints that are right now; each is one of the answer's"
    )
    confidence: float = Field(1.0, gt=0, le=1, description="how sure the person is")


class Kept(Wire):
    """What was written down, on disk before this is answered."""

    model_config = shown(
        {
            "id": "5f0c2b9a4d1e",
            "rater": "ward-2",
            "corrected": ["left_knee"],
            "model": examples.DIGEST,
        }
    )
    id: str
    rater: str
    corrected: list[str]
    model: str


class Health(Wire):
    live: bool
    ready: bool
    reason: str | None = None
