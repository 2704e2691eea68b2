"""Answers on pictures: limbs by side, joints by state, radii, names, and what was asked.

Left is orange, right is blue, the middle green, from the person's view. A filled joint is visible,
a hollow one hidden; a dashed limb leads to a hidden joint. The circle is where 90 % of errors end.
The caption stands under the picture, so nothing is covered and coordinates stay what they are
(times `Canvas.factor`, as small pictures are enlarged). Shapes: H, W picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign import lettering
from posealign.data.image import encode_image
from posealign.data.pose import PlacedJoint, Pose, PoseResult, State
from posealign.errors import InvalidInput, PoseAlignError
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Skeleton

Picture = NDArray[np.uint8]
Point = tuple[float, float]
Rect = tuple[int, int, int, int]  # left, top, right, bottom

COLOURS: dict[str, lettering.Colour] = {
    "left": (255, 146, 43),
    "right": (77, 171, 247),
    "middle": (140, 233, 154),
}
_INK: lettering.Colour = (16, 18, 22)
_PAPER: lettering.Colour = (241, 243, 245)
_GREY: lettering.Colour = (145, 152, 161)
_RED: lettering.Colour = (255, 107, 107)
_MANY = 40  # joints: from here on finer dots, and neither radii nor names
_SHIFT = 4  # cv2 draws at a sixteenth of a pixel

_WORDS = {
    "en": {
        "visible": "visible", "occluded": "hidden", "left": "left", "right": "right",
        "absent": "not in the picture", "refused": "not answered", "nobody": "nobody found",
        "not_pose": "this does not ask for a pose", "contradictory": "it contradicts itself",
        "no_such_part": "people have no such part", "unclear": "unclear what is asked",
        "foreign": "in a language not understood here",
        "injection": "this is not an instruction about a pose",
        "not_in_skeleton": "the skeleton has no such joint", "list": ", ",
    },
    "zh": {
        "visible": "可见", "occluded": "被遮挡", "left": "左", "right": "右",
        "absent": "不在画面中", "refused": "未回答", "nobody": "没有找到人",
        "not_pose": "这不是姿态问题", "contradictory": "指令自相矛盾",
        "no_such_part": "人体没有这个部位", "unclear": "不清楚要什么",
        "foreign": "看不懂这种语言",
        "injection": "这不是姿态指令", "not_in_skeleton": "骨架中没有这个点", "list": "、",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """`language` None follows the instruction. `names` None names joints while there is room."""

    language: str | None = None
    names: bool | None = None
    radii: bool = True
    boxes: bool = False
    caption: bool = True
    min_side: int = 640  # smaller pictures are enlarged, so that words can be read

    def __post_init__(self) -> None:
        if self.language not in (None, "en", "zh"):
            raise InvalidInput(f"names are drawn in en or zh; got {self.language!r}")
        if self.min_side < 0:
            raise InvalidInput(f"min_side is a number of pixels; got {self.min_side}")


@dataclass
class Canvas:
    """What is drawn on; one `unit` is a pixel on a picture of 640."""

    image_HW3: Picture
    factor: float
    unit: float
    language: str
    taken: list[Rect]

    def at(self, joint: PlacedJoint) -> Point:
        """The joint on the canvas; pixel centres stay pixel centres."""
        assert joint.x is not None
        assert joint.y is not None
        return ((joint.x + 0.5) * self.factor - 0.5, (joint.y + 0.5) * self.factor - 0.5)

    def word(self, key: str) -> str:
        return _WORDS[self.language].get(key, key)


def draw(
    image_HW3: Picture,
    result: PoseResult,
    style: Style | None = None,
    *,
    language: str | None = None,
) -> Picture:
    """A new picture with the answer on it; `language` is short for a style with it."""
    style = style or Style(language=language)
    if image_HW3.ndim != 3 or image_HW3.shape[2] != 3 or image_HW3.dtype != np.uint8:
        raise InvalidInput(f"pictures are H × W × 3 of uint8; got {image_HW3.shape}")
    canvas = _canvas(image_HW3, result, style)
    skeleton = _skeleton(result)
    for pose in result.poses:
        if style.boxes:
            _box(canvas, pose)
        if style.radii and len(pose.joints) <= _MANY:
            _radii(canvas, pose, skeleton)
    for pose in result.poses:
        _limbs(canvas, pose, result.edges, skeleton)
        _joints(canvas, pose, skeleton)
    placed = [joint for pose in result.poses for joint in pose.joints if joint.x is not None]
    if style.names or (style.names is None and 0 < len(placed) <= _MANY):
        _names(canvas, placed, skeleton, bool(style.names))
    return _captioned(canvas, result, skeleton) if style.caption else canvas.image_HW3


def save(image_HW3: Picture, path: str | Path) -> None:
    """Write it as the suffix says (.png, .jpg, .webp), making the folder."""
    data = encode_image(image_HW3, Path(path).suffix or ".png")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)


def _canvas(image_HW3: Picture, result: PoseResult, style: Style) -> Canvas:
    longer = max(image_HW3.shape[:2])
    factor = float(np.ceil(style.min_side / longer)) if 0 < longer < style.min_side else 1.0
    if factor > 1:
        image_HW3 = np.asarray(
            cv2.resize(image_HW3, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC),
            dtype=np.uint8,
        )
    language = style.language or ("zh" if result.instruction.language == "zh" else "en")
    unit = max(image_HW3.shape[:2]) / 640
    return Canvas(image_HW3.copy(), factor, max(unit, 0.6), language, [])


def _skeleton(result: PoseResult) -> Skeleton | None:
    try:
        return load_skeleton(result.instruction.skeleton)
    except PoseAlignError:
        return None  # somebody else's file, not here: names are drawn as they are


def side(name: str, skeleton: Skeleton | None) -> str:
    """left, right or middle."""
    if skeleton is not None and name in skeleton.names:
        joint = skeleton[name]
        if joint.swap == name:
            return "middle"
        name = joint.en
    return next((word for word in ("left", "right") if name.lower().startswith(word)), "middle")


def _limb_side(sides: set[str]) -> str:
    """A limb from the middle to a side is that side's; one across is the middle's."""
    one_sided = sides - {"middle"}
    return one_sided.pop() if len(one_sided) == 1 else "middle"


def _fixed(point: Point) -> tuple[int, int]:
    return round(point[0] * (1 << _SHIFT)), round(point[1] * (1 << _SHIFT))


def _line(canvas: Canvas, one: Point, two: Point, colour: lettering.Colour, width: float) -> None:
    cv2.line(canvas.image_HW3, _fixed(one), _fixed(two), colour, max(1, round(width)),
             cv2.LINE_AA, _SHIFT)  # fmt: skip


def _disc(
    canvas: Canvas, point: Point, radius: float, colour: lettering.Colour, width: float = -1
) -> None:
    thickness = -1 if width < 0 else max(1, round(width))
    cv2.circle(canvas.image_HW3, _fixed(point), max(1, round(radius * (1 << _SHIFT))), colour,
               thickness, cv2.LINE_AA, _SHIFT)  # fmt: skip


def _box(canvas: Canvas, pose: Pose) -> None:
    x, y, width, height = (value * canvas.factor for value in pose.box)
    corner = (round(x + width), round(y + height))
    for colour, thickness in ((_INK, 3), (_PAPER, 1)):
        cv2.rectangle(canvas.image_HW3, (round(x), round(y)), corner, colour,
                      max(1, round(thickness * canvas.unit)), cv2.LINE_AA)  # fmt: skip


def _radii(canvas: Canvas, pose: Pose, skeleton: Skeleton | None) -> None:
    """Translucent, so that the picture stays to be seen."""
    height, width = canvas.image_HW3.shape[:2]
    for joint in pose.joints:
        if joint.x is None or not joint.radius:
            continue
        x, y = canvas.at(joint)
        radius = min(joint.radius * canvas.factor, max(height, width) / 4)
        edge = int(np.ceil(radius + 3))
        left, top = max(0, int(x) - edge), max(0, int(y) - edge)
        patch = canvas.image_HW3[top : int(y) + edge + 1, left : int(x) + edge + 1]
        if patch.size == 0:
            continue
        colour = COLOURS[side(joint.name, skeleton)]
        cover = replace(canvas, image_HW3=np.ascontiguousarray(patch))
        place = (x - left, y - top)
        _disc(cover, place, radius, colour)
        mixed = cv2.addWeighted(cover.image_HW3, 0.22, patch, 0.78, 0)
        cover.image_HW3 = np.asarray(mixed, dtype=np.uint8)
        _disc(cover, place, radius, colour, canvas.unit)
        patch[:] = cv2.addWeighted(cover.image_HW3, 0.8, patch, 0.2, 0)


def _limbs(
    canvas: Canvas,
    pose: Pose,
    edges: Sequence[tuple[str, str]],
    skeleton: Skeleton | None,
) -> None:
    there = {joint.name: joint for joint in pose.joints if joint.x is not None}
    width = _weight(canvas, pose)
    limbs = [(there[one], there[two]) for one, two in edges if one in there and two in there]
    for one, two in limbs:  # a dark rim first, so that limbs stand out on any picture
        _limb(canvas, one, two, _INK, width + 2 * canvas.unit, 5 * width)
    for one, two in limbs:
        sides = {side(one.name, skeleton), side(two.name, skeleton)}
        _limb(canvas, one, two, COLOURS[_limb_side(sides)], width, 5 * width)


def _weight(canvas: Canvas, pose: Pose) -> float:
    """Small people and many joints are drawn finer: a hand's twenty must not become a blot."""
    size = max(pose.box[2:]) * canvas.factor / canvas.unit
    count = sum(joint.x is not None for joint in pose.joints)
    return float(np.clip(size / 70, 1.2, 3.2)) * (1.0 if count <= _MANY else 0.5) * canvas.unit


def _limb(
    canvas: Canvas,
    one: PlacedJoint,
    two: PlacedJoint,
    colour: lettering.Colour,
    width: float,
    step: float,
) -> None:
    """Dashed by the step where an end is hidden."""
    start, end = np.array(canvas.at(one)), np.array(canvas.at(two))
    if State.OCCLUDED not in (one.state, two.state):
        _line(canvas, tuple(start), tuple(end), colour, width)
        return
    length = float(np.linalg.norm(end - start))
    for place in np.arange(0, length, step):
        piece = [start + (end - start) * min(1, (place + part) / max(length, 1e-6))
                 for part in (0, step * 0.45)]  # fmt: skip
        _line(canvas, tuple(piece[0]), tuple(piece[1]), colour, width)


def _joints(canvas: Canvas, pose: Pose, skeleton: Skeleton | None) -> None:
    placed = [joint for joint in pose.joints if joint.x is not None]
    radius = _weight(canvas, pose) * 1.55
    for joint in placed:
        point, colour = canvas.at(joint), COLOURS[side(joint.name, skeleton)]
        _disc(canvas, point, radius + canvas.unit, _INK)
        if joint.state is State.OCCLUDED:
            _disc(canvas, point, radius - 0.5 * canvas.unit, colour, 1.4 * canvas.unit)
        else:
            _disc(canvas, point, radius, colour)
            if radius > 3:
                _disc(canvas, point, radius * 0.42, _PAPER)
        edge = round(radius + canvas.unit)
        x, y = round(point[0]), round(point[1])
        canvas.taken.append((x - edge, y - edge, x + edge, y + edge))


def _names(
    canvas: Canvas, joints: Sequence[PlacedJoint], skeleton: Skeleton | None, insist: bool
) -> None:
    """Each name goes where it covers nothing; one without room is left out, unless insisted on."""
    size = max(10, round(12.5 * canvas.unit))
    height, width = canvas.image_HW3.shape[:2]
    for joint in joints:
        text = lettering.drawable(label(joint.name, skeleton, canvas.language))
        wide, high = lettering.measure(text, size)
        pad = round(3 * canvas.unit)
        x, y = canvas.at(joint)
        reach = 9 * canvas.unit
        choices: list[Rect] = []
        for across, down in ((1, -0.5), (-1, -0.5), (1, 0.6), (-1, 0.6), (0, 1.2), (0, -1.2),
                             (1, -1.6), (-1, -1.6), (1, 1.7), (-1, 1.7)):  # fmt: skip
            left = x + across * reach - (wide + 2 * pad) * (1 - across) / 2
            top = y + down * (high + reach) / 1.4 - high / 2
            choices.append((round(left), round(top), round(left) + wide + 2 * pad,
                            round(top) + high))  # fmt: skip
        inside = [
            rect for rect in choices
            if rect[0] >= 0 and rect[1] >= 0 and rect[2] < width and rect[3] < height
        ]  # fmt: skip
        free = [rect for rect in inside if not any(_meet(rect, other) for other in canvas.taken)]
        rect = free[0] if free else inside[0] if insist and inside else None
        if rect is None:
            continue
        canvas.taken.append(rect)
        _plate(canvas, rect)
        lettering.write(canvas.image_HW3, text, rect[0] + pad, rect[1], size,
                        COLOURS[side(joint.name, skeleton)])  # fmt: skip


def label(name: str, skeleton: Skeleton | None, language: str) -> str:
    """A joint's name in the language, or as it is where the skeleton is not known."""
    if skeleton is None or name not in skeleton.names:
        return name
    return skeleton[name].label(language)


def _meet(one: Rect, two: Rect) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _plate(canvas: Canvas, rect: Rect) -> None:
    left, top, right, bottom = rect
    patch = canvas.image_HW3[top:bottom, left:right]
    patch[:] = (patch * 0.32 + np.array(_INK) * 0.68).astype(np.uint8)


def _captioned(canvas: Canvas, result: PoseResult, skeleton: Skeleton | None) -> Picture:
    """Two lines under the picture: what was asked, and what was understood or why not."""
    width = canvas.image_HW3.shape[1]
    large, small = max(13, round(17 * canvas.unit)), max(11, round(13 * canvas.unit))
    pad = round(10 * canvas.unit)
    height = round(large * 1.35 + small * 1.45 + 2 * pad)
    strip = np.full((height, width, 3), _INK, np.uint8)
    asked = lettering.drawable(result.instruction.text)
    room = width - 2 * pad
    lettering.write(strip, lettering.shortened(asked, large, room), pad, pad, large, _PAPER)
    top = round(pad + large * 1.35 + small * 0.15)
    legend = 0 if result.instruction.refused else _legend(canvas, strip, top, small, pad)
    text, colour = _understood(canvas, result, skeleton)
    text = lettering.shortened(lettering.drawable(text), small, max(0, room - legend))
    lettering.write(strip, text, pad, top, small, colour)
    return np.vstack([canvas.image_HW3, strip])


def _understood(
    canvas: Canvas, result: PoseResult, skeleton: Skeleton | None
) -> tuple[str, lettering.Colour]:
    asked = result.instruction
    if asked.refused:
        why = canvas.word("foreign" if asked.in_another_language else asked.reason or "unclear")
        near = "".join(f"  → {match}?" for match in asked.near_matches[:2])
        return f"{canvas.word('refused')}: {why}{near}", _RED
    if not result.poses:
        return canvas.word("nobody"), _RED
    joiner = canvas.word("list")
    text = joiner.join(label(name, skeleton, canvas.language) for name in asked.joints)
    absent = [
        label(joint.name, skeleton, canvas.language)
        for joint in result.poses[0].joints if joint.state is State.ABSENT
    ]  # fmt: skip
    if absent and len(result.poses) == 1:
        text = f"{canvas.word('absent')}: {joiner.join(absent)} · {text}"
    return text, _GREY


def _legend(canvas: Canvas, strip: Picture, top: int, size: int, pad: int) -> int:
    """Sides and states, right-aligned; returns the width it takes, 0 where there is no room."""
    rows = [("left", COLOURS["left"], True), ("right", COLOURS["right"], True),
            ("visible", _PAPER, True), ("occluded", _PAPER, False)]  # fmt: skip
    radius, gap = size * 0.32, round(size * 0.9)
    widths = [round(3.3 * radius) + lettering.measure(canvas.word(key), size)[0] + gap
              for key, _, _ in rows]  # fmt: skip
    if sum(widths) > strip.shape[1] * 0.5:
        return 0
    x = strip.shape[1] - pad - sum(widths) + gap
    on_strip = replace(canvas, image_HW3=strip)
    for (key, colour, filled), width in zip(rows, widths, strict=True):
        place = (x + radius, top + size * 0.68)
        _disc(on_strip, place, radius, colour, -1 if filled else 1.3 * canvas.unit)
        lettering.write(strip, canvas.word(key), round(x + 3.3 * radius), top, size, _GREY)
        x += width
    return sum(widths)
