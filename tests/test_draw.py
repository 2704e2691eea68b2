"""Overlays say what the answer says: sides by colour, states by shape, words in both languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign import lettering
from posealign.data.image import read_image
from posealign.data.pose import PlacedJoint, Pose, PoseResult, State, Understood
from posealign.draw import COLOURS, Style, draw, save, side
from posealign.errors import InvalidInput
from posealign.skeletons.load import NAMES, skeleton

BARE = Style(names=False, caption=False, radii=False, min_side=0)
GREY = np.full((200, 300, 3), 90, np.uint8)


def answer(
    joints: list[PlacedJoint], name: str = "coco17", refused: str | None = None, text: str = "x"
) -> PoseResult:
    understood = Understood(
        text, "zh" if "手" in text else "en", refused is not None, refused,
        tuple(joint.name for joint in joints), 2, "any", "all", name,
    )  # fmt: skip
    poses = () if refused else (Pose((10, 10, 250, 180), 0.9, tuple(joints)),)
    edges = (("left_shoulder", "left_elbow"), ("left_shoulder", "right_shoulder"))
    return PoseResult(understood, poses, edges, None, "m", "d")


def joint(name: str, x: float, y: float, state: State = State.VISIBLE) -> PlacedJoint:
    return PlacedJoint(name, x, y, state, 0.9, 8.0)


def close(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= 12)


def test_left_is_orange_right_is_blue_and_the_middle_green() -> None:
    image = draw(
        GREY,
        answer([joint("left_shoulder", 100, 100), joint("left_elbow", 100, 160),
                joint("right_shoulder", 200, 100), joint("nose", 150, 40)]),
        BARE,
    )  # fmt: skip
    assert close(image[130, 100], COLOURS["left"])
    assert close(image[100, 150], COLOURS["middle"])
    assert close(image[100, 202], COLOURS["right"]) or close(image[102, 200], COLOURS["right"])
    assert not np.array_equal(image, GREY)


def test_the_picture_itself_is_left_alone() -> None:
    before = GREY.copy()
    image = draw(GREY, answer([joint("nose", 150, 100)]))
    assert np.array_equal(GREY, before)
    assert image.shape[0] > 600  # enlarged, and a caption below
    bare = draw(GREY, answer([joint("nose", 150, 100)]), BARE)
    far = np.ones(GREY.shape[:2], bool)
    far[80:121, 130:171] = False
    assert np.array_equal(bare[far], GREY[far])


def test_a_hidden_joint_is_hollow_and_its_limb_dashed() -> None:
    image = draw(
        GREY,
        answer([joint("left_shoulder", 40, 100), joint("left_elbow", 260, 100, State.OCCLUDED)]),
        BARE,
    )
    assert not close(image[100, 260], COLOURS["left"])
    coloured = [close(pixel, COLOURS["left"]) for pixel in image[100, 50:250]]
    assert 0.3 < np.mean(coloured) < 0.9


def test_absent_joints_are_not_drawn_but_said() -> None:
    gone = PlacedJoint("left_wrist", None, None, State.ABSENT, 0.1, None)
    assert np.array_equal(draw(GREY, answer([gone]), BARE), GREY)
    with_caption = draw(GREY, answer([gone]), Style(min_side=0))
    assert np.array_equal(with_caption[:200], GREY)
    assert with_caption.shape[0] > 200


def test_enlarging_keeps_places() -> None:
    small = np.full((40, 60, 3), 90, np.uint8)
    image = draw(small, answer([joint("nose", 10, 20)]),
                 Style(caption=False, names=False, radii=False))  # fmt: skip
    factor = image.shape[1] / 60
    changed = np.argwhere((np.abs(image.astype(int) - 90) > 3).any(axis=2))
    centre = (changed.min(axis=0) + changed.max(axis=0)) / 2
    assert np.allclose(centre, [(20.5 * factor) - 0.5, (10.5 * factor) - 0.5], atol=1.5)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refusal_says_why(language: str) -> None:
    style = Style(language=language)
    refused = draw(GREY, answer([], refused="no_such_part"), style)
    other = draw(GREY, answer([], refused="unclear"), style)
    assert refused.shape == other.shape
    assert not np.array_equal(refused, other)


def test_languages_differ_and_follow_the_instruction() -> None:
    joints = [joint("left_wrist", 150, 100)]
    english, chinese = (draw(GREY, answer(joints), Style(language=code)) for code in ("en", "zh"))
    assert not np.array_equal(english, chinese)
    by_text = draw(GREY, answer(joints, text="左手腕"))
    assert np.array_equal(by_text, draw(GREY, answer(joints, text="左手腕"), Style(language="zh")))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_written(name: str) -> None:
    for each in skeleton(name).joints:
        for language in ("en", "zh"):
            assert lettering.drawable(each.label(language)) == each.label(language)


@given(st.text(max_size=60), st.integers(1, 400))
def test_any_text_is_drawn_and_fits(text: str, width: int) -> None:
    line = lettering.drawable(text)
    assert "\n" not in line
    cut = lettering.shortened(line, 14, width)
    assert cut in (line, "...") or lettering.measure(cut, 14)[0] <= width or cut == "..."
    draw(np.zeros((30, 40, 3), np.uint8), answer([], text=text), Style(min_side=100))


def test_a_missing_character_becomes_a_box() -> None:
    assert lettering.drawable("a\U0001f476b") == "a□b"


@given(
    st.lists(st.tuples(st.floats(-50, 400), st.floats(-50, 300), st.sampled_from([1, 2]),
                       st.floats(0, 500)), min_size=17, max_size=17),
    st.integers(1, 60),
    st.integers(1, 60),
)  # fmt: skip
def test_nothing_off_the_picture_breaks_it(
    places: list[tuple[float, float, int, float]], width: int, height: int
) -> None:
    joints = [
        PlacedJoint(name, x, y, State(state), 0.5, radius)
        for name, (x, y, state, radius) in zip(skeleton("coco17").names, places, strict=True)
    ]
    image = np.zeros((height, width, 3), np.uint8)
    drawn = draw(image, answer(joints), Style(names=True, boxes=True, min_side=80))
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] > height


def test_an_unknown_skeleton_is_drawn_by_its_names() -> None:
    image = draw(GREY, answer([joint("left_tail", 100, 100)], name="somebody/else.json"), BARE)
    assert close(image[100, 103], COLOURS["left"])
    assert side("LShoulder", skeleton("body25")) == "left"
    assert side("neck", None) == "middle"


def test_saving_makes_the_folder(tmp_path: Path) -> None:
    image = draw(GREY, answer([joint("nose", 9, 9)]), language="zh")
    save(image, tmp_path / "deep" / "a.png")
    assert np.array_equal(read_image(tmp_path / "deep" / "a.png"), image)
    with pytest.raises(InvalidInput, match=r"got '\.tiff'"):
        save(image, tmp_path / "a.tiff")


def test_wrong_styles_and_pictures_are_named() -> None:
    with pytest.raises(InvalidInput, match="en or zh; got 'de'"):
        Style(language="de")
    with pytest.raises(InvalidInput, match="H × W × 3"):
        draw(np.zeros((4, 4), np.uint8), answer([]))
