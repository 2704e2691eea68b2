"""Labels against what was drawn, by a second reader and by painted bodies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posealign.anatomy import facts
from posealign.data.pose import State
from posealign.skeletons.load import vocabulary
from posealign.synth import atlas, labels, scene
from posealign.synth.bank import Bank
from posealign.synth.body import BONES, DOF_INDEX, DOFS, forward, mean_infant, rotation
from posealign.synth.export import write_coco, write_files
from posealign.synth.render import Renderer
from posealign.synth.skin import Hands, normals, pose_skin
from posealign.synth.stage import CLOTH, Camera, Cloth, Figure, Light, Stage, look_at
from tests.synth.label_check import check

NAMES = vocabulary().names


def test_a_second_reader_agrees_with_the_written_files(shards: Path) -> None:
    write_coco(shards)
    write_files(shards)
    found = check(shards)
    assert found.people >= 16
    assert found.worst_px < 0.01
    assert found.checked > 50
    assert found.agree / found.checked >= 0.995, found.disagreements
    assert float(np.median(found.depth_errors_mm)) < 12
    # Joints lie as deep under the skin as the facts say, give or take the clothes.
    seen = found.depths_over_torso
    assert {"elbow", "knee"} <= set(seen)
    for joint in {"elbow", "knee", "ankle"} & set(seen):
        depths = seen[joint]  # few ankles are far from edges: shank and foot meet there
        told = facts.joint_centre(f"under_skin_{joint}", 6) / facts.joint_centre(
            "torso_midshoulder_midhip", 6
        )
        assert 0.3 * told < np.median(depths) < 1.7 * told, joint
    assert min(found.states) > 0


def _stage(R_root: np.ndarray, texture: np.ndarray, camera: Camera) -> tuple[Stage, np.ndarray]:
    body, angles = mean_infant(), np.zeros(len(DOFS))
    for side in ("left", "right"):
        angles[DOF_INDEX[f"{side}_shoulder_abduction"]] = 70
        angles[DOF_INDEX[f"{side}_hip_abduction"]] = 30
    frames = forward(body, angles, R_root, np.array([0, 0, 0.1]))
    hands = Hands(np.full(5, 0.2), np.full(5, 0.2))
    vertices, _ = pose_skin(body, frames, hands)
    flat = np.full((256, 256, 3), 128, np.uint8)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, CLOTH)] * 2, indexing="ij"), -1)
    sheet = Cloth(np.concatenate([grid, np.zeros((CLOTH, CLOTH, 1))], -1), flat)
    light = Light(np.array([0.3, 0.2, 2.0]), np.zeros(3), 0.6, 0.4)
    figure = Figure(vertices, normals(vertices), texture)
    return Stage((figure,), sheet, flat, -0.5, 2.0, light, camera), labels.joints(
        body, frames, hands
    )


def test_left_is_the_persons_left(renderer: Renderer) -> None:
    """A supine infant from above, head up in the picture: its left is on the picture's right,
    and a body whose left limbs are painted red shows red where left joints are.
    """
    supine = rotation((0, 0, 1), 0.0) @ np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]).T
    eye = np.array([0.0, 0.05, 1.2])
    camera = Camera(eye, look_at(eye, np.array([0.0, 0.05, 0.0]), 0.0), 300.0, 256, 256)
    texture = np.full((atlas.SIZE, atlas.SIZE, 3), [40, 40, 220], np.uint8)
    for bone, (x, y, w, h) in atlas.CELLS.items():
        if bone.startswith("left"):
            texture[y : y + h, x : x + w] = [220, 40, 40]
    stage, points_V3 = _stage(supine, texture, camera)
    drawn = renderer.draw(stage)
    seen = labels.look(points_V3, camera, drawn, 1, mean_infant()["torso"])
    at = {name: seen.points_V3[k] for k, name in enumerate(NAMES)}
    up = at["head_top"] - at["pelvis"]
    front = at["nose"] - at["head_center"]
    left = at["left_shoulder"] - at["right_shoulder"]
    # In any right-handed frame up × front points to a person's left.
    assert np.cross(up, front) @ left > 0
    assert front[2] < 0, "it looks at the camera"
    head_is_up = at["head_top"][1] < at["pelvis"][1]
    assert (at["left_wrist"][0] > at["right_wrist"][0]) == head_is_up
    checked = 0
    for k, name in enumerate(NAMES):
        if name.endswith(("elbow", "wrist", "knee", "ankle")) and seen.states_V[k] == State.VISIBLE:
            x, y = np.rint(seen.points_V2[k]).astype(int)
            r, _, b = drawn.rgb_HW3[y, x].astype(int)
            assert (r > b) == name.startswith("left"), name
            checked += 1
    assert checked == 8
    order = [at[n][0] for n in ("face_36", "face_39", "face_42", "face_45")]
    assert order == sorted(order, reverse=not head_is_up), "the right eye is listed first"


def test_a_picture_hides_what_is_behind(renderer: Renderer) -> None:
    """From below the mattress nothing of the infant is visible: the bed hides it."""
    supine = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]).T
    eye = np.array([0.2, 0.0, -1.0])
    camera = Camera(eye, look_at(eye, np.zeros(3), 0.0), 300.0, 256, 256)
    stage, points_V3 = _stage(supine, np.zeros((512, 512, 3), np.uint8), camera)
    seen = labels.look(points_V3, camera, renderer.draw(stage), 1, 0.2)
    assert set(seen.states_V[:17]) == {State.OCCLUDED}


def test_a_missing_hand_is_absent_and_its_wrist_too(bank: Bank, renderer: Renderer) -> None:
    from dataclasses import replace

    entry = bank.pose(0)
    body = replace(entry.body, missing=("left_hand",))
    points = labels.joints(body, entry.frames, entry.hands)
    gone = [NAMES[k] for k in np.flatnonzero(np.isnan(points[:, 0]))]
    assert "left_wrist" in gone
    assert "left_elbow" not in gone
    world = scene.sample(bank, 3, 256, replace(entry, body=body))
    parts = renderer.draw(world.stage).parts_HW
    assert not (parts == 1 + BONES.index("left_hand")).any()
