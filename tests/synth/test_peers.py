"""Detectors that learnt from photographs see these infants too (slow; needs ../shared/peers)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.skeletons.load import skeleton, vocabulary
from posealign.synth import labels, scene
from posealign.synth.bank import Bank
from posealign.synth.render import Renderer
from posealign.synth.scene import Scene
from posealign.synth.write import label

COCO = skeleton("coco17")
ROWS = [vocabulary().index(name) for name in COCO.names]
Find = Callable[[np.ndarray], np.ndarray]


# Least share found and least mean OKS, by what is turned upright and the light. Wanted: 0.80, 0.60.
# Version 7 has 0.83 and 0.63 with the picture turned (the first 150 such pictures of `posealign
# synth --split test --seed 11`: by day 0.84 and 0.63, in infra-red 0.74 and 0.60), and 0.92 and
# 0.68 with the camera turned (66 of the same scenes). Here are some 20 by day and 12 in infra-red;
# the floors lie about two standard errors below.
FLOORS = {
    ("camera", False): (0.75, 0.57),
    ("camera", True): (0.70, 0.53),
    ("picture", False): (0.65, 0.54),
    ("picture", True): (0.50, 0.48),
}


@dataclass(frozen=True)
class Seen:
    """One picture by the detectors."""

    how: str
    infrared: bool
    found: bool
    similar: float


def _unoccluded(sample: Sample) -> Person | None:
    """An infant wholly in the picture, at least 13 of 17 joints visible, no blanket, no mosaic.
    Whoever holds or tends it, prone infants, infra-red and blurred pictures all count.
    """
    if not sample.people or sample.facts["blanket"] or sample.facts["mosaic"]:
        return None
    person = sample.people[0]
    states = person.states_V[ROWS]
    whole = (states != State.ABSENT).all() and (states == State.VISIBLE).sum() >= 13
    return person if person.role == "infant" and whole else None


def _up(points_J2: np.ndarray) -> np.ndarray | None:
    """From the hips to the shoulders in the picture; None where that is too short to tell."""
    up = points_J2[5:7].mean(0) - points_J2[11:13].mean(0)
    return up if np.linalg.norm(up) >= 15 else None


def _turn(world: Scene) -> float | None:
    """Clockwise in the picture, in degrees, from upright to where the shoulders are."""
    subject, camera = world.actors[0], world.stage.camera
    points = labels.joints(subject.body, subject.frames, subject.hands)[ROWS]
    up = _up(camera.project(camera.to_camera(points)))
    return None if up is None else float(np.rad2deg(np.arctan2(up[0], -up[1])))


def _rolled(world: Scene, turn: float) -> Scene:
    """The same scene by a camera that is held with the shoulders above the hips."""
    camera = world.stage.camera
    right, down, away = camera.R
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    upright = np.stack([cos * right + sin * down, cos * down - sin * right, away])
    return replace(world, stage=replace(world.stage, camera=replace(camera, R=upright)))


def _pictures(bank: Bank, renderer: Renderer) -> Iterator[tuple[str, Sample, Person, float]]:
    """Unoccluded samples turned upright in two ways, infra-red ones from a longer range; and by how
    much the picture is still to be turned. Turning the picture leaves black corners, which no
    photograph has and which detectors take for the edges of things.
    """
    for number in range(2000, 2400):
        world = scene.sample(bank, number, renderer.size)
        turn = _turn(world)
        if turn is None or world.blanket or (number >= 2110 and not world.infrared):
            continue
        again = scene.sample(bank, number, renderer.size)  # its dice are used up by a drawing
        for how, one, left in (
            ("camera", _rolled(world, turn), 0.0),
            ("picture", again, turn),
        ):
            sample = label(bank, number, one, renderer.draw(one.stage)).sample
            person = _unoccluded(sample)
            if person is not None:
                yield how, sample, person, left


def _contains(boxes_N5: np.ndarray, points_J2: np.ndarray) -> bool:
    own = np.array([*(points_J2.min(0) - 6), *(points_J2.max(0) + 6)])
    return any(box[4] > 0.3 and _overlap(box[:4], own) > 0.4 for box in boxes_N5)


def _detectors(peers: Path) -> tuple[Find, Find]:
    """People's boxes with scores of a 320×320 picture, and 17 points of a 192×192 one."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    finder = onnxruntime.InferenceSession(str(peers / "rtmdet_nano_person.onnx"))
    placer = Interpreter(str(peers / "movenet_lightning_int8_v4.tflite"))
    placer.allocate_tensors()
    entrance, answer = placer.get_input_details()[0], placer.get_output_details()[0]

    def find(rgb_HW3: np.ndarray) -> np.ndarray:
        bgr = rgb_HW3[..., ::-1].astype(np.float32)
        normal = (bgr - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]
        given = normal.transpose(2, 0, 1)[None].astype(np.float32)
        return np.asarray(finder.run(None, {"input": given})[0][0])

    def place(rgb_HW3: np.ndarray) -> np.ndarray:
        placer.set_tensor(entrance["index"], np.asarray(rgb_HW3, np.uint8)[None])
        placer.invoke()
        return placer.get_tensor(answer["index"])[0, 0, :, 1::-1] * 192 - 0.5

    return find, place


@pytest.mark.slow
def test_rtmdet_finds_them_and_movenet_places_their_joints(
    shared: Path, renderer: Renderer
) -> None:
    find, place = _detectors(shared / "peers")
    whole = Crop((127.5, 127.5), (255.0, 255.0), 0.0, (320, 320))
    seen = []
    for how, sample, person, turn in _pictures(Bank("test", poses=100, looks=40), renderer):
        points, image = person.points_V2[ROWS], sample.image_HW3
        crop = whole if how == "camera" else Crop.of_box(person.box, (320, 320), turn)
        found = _contains(find(np.asarray(crop.cut(image))), crop.apply(points))
        crop = Crop.of_box(person.box, (192, 192), turn)
        area = (person.area or 1.0) / crop.pixel**2
        error2 = ((place(np.asarray(crop.cut(image))) - crop.apply(points)) ** 2).sum(1)
        similar = float(np.exp(-error2 / (2 * area * (2 * COCO.sigmas_J) ** 2)).mean())
        seen.append(Seen(how, bool(sample.facts["infrared"]), found, similar))
    for (how, infrared), (least_found, least_similar) in FLOORS.items():
        some = [s for s in seen if s.how == how and s.infrared == infrared]
        found, similar = np.mean([s.found for s in some]), np.mean([s.similar for s in some])
        light = "infra-red" if infrared else "by day"
        print(f"{how} turned, {light}: {len(some)} pictures, found {found:.3f}, OKS {similar:.3f}")
        assert len(some) >= 12
        assert found >= least_found
        assert similar >= least_similar


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    return both / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)
