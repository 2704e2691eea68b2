"""Detectors that learnt from photographs see these infants too (slow; needs ../shared/peers)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.skeletons.load import skeleton, vocabulary
from posealign.synth.bank import Bank
from posealign.synth.render import Renderer
from posealign.synth.write import render_sample

COCO = skeleton("coco17")
ROWS = [vocabulary().index(name) for name in COCO.names]


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


def _upright(person: Person) -> float | None:
    """The crop's rotation that puts the shoulders above the hips."""
    points = person.points_V2[ROWS]
    up = points[5:7].mean(0) - points[11:13].mean(0)
    return None if np.linalg.norm(up) < 15 else float(np.rad2deg(np.arctan2(up[0], -up[1])))


@pytest.mark.slow
def test_rtmdet_finds_them_and_movenet_places_their_joints(
    shared: Path, renderer: Renderer
) -> None:
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    finder = onnxruntime.InferenceSession(str(shared / "peers" / "rtmdet_nano_person.onnx"))
    placer = Interpreter(str(shared / "peers" / "movenet_lightning_int8_v4.tflite"))
    placer.allocate_tensors()
    entrance, answer = placer.get_input_details()[0], placer.get_output_details()[0]
    bank = Bank("test", poses=120, looks=60)
    found, similar, night = [], [], []
    for number in range(2000, 2260):
        sample = render_sample(bank, number, renderer).sample
        person = _unoccluded(sample)
        turn = _upright(person) if person is not None else None
        if person is None or turn is None:
            continue
        crop = Crop.of_box(person.box, (320, 320), turn)
        picture = np.asarray(crop.cut(sample.image_HW3))[..., ::-1].astype(np.float32)
        normal = (picture - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]
        boxes = finder.run(None, {"input": normal.transpose(2, 0, 1)[None].astype(np.float32)})[0][
            0
        ]
        points = crop.apply(person.points_V2[ROWS])
        own = np.array([*(points.min(0) - 6), *(points.max(0) + 6)])
        found.append(any(box[4] > 0.3 and _overlap(box[:4], own) > 0.4 for box in boxes))
        crop = Crop.of_box(person.box, (192, 192), turn)
        placer.set_tensor(entrance["index"], np.asarray(crop.cut(sample.image_HW3), np.uint8)[None])
        placer.invoke()
        y, x = placer.get_tensor(answer["index"])[0, 0, :, :2].T * 192 - 0.5
        area = (person.area or 1.0) / crop.pixel**2
        error2 = ((np.stack([x, y], 1) - crop.apply(person.points_V2[ROWS])) ** 2).sum(1)
        night.append(bool(sample.facts["infrared"]))
        similar.append(float(np.exp(-error2 / (2 * area * (2 * COCO.sigmas_J) ** 2)).mean()))
    for name, some in (("all", [True] * len(found)), ("infra-red", night),
                       ("by day", [not one for one in night])):  # fmt: skip
        chosen = np.flatnonzero(some)
        seen, alike = np.mean(np.array(found)[chosen]), np.mean(np.array(similar)[chosen])
        print(f"{name}: {len(chosen)} pictures, found {seen:.3f}, OKS {alike:.3f}")
    assert len(found) > 60
    # Wanted: 0.80 and 0.60. Version 6, the first 150 such pictures of `posealign synth --split test
    # --seed 11`: 0.69 and 0.58; by day (127) 0.79 and 0.61, in infra-red (23) 0.17 and 0.41.
    # The floor below only notices that pictures got much worse.
    assert np.mean(found) >= 0.60
    assert np.mean(similar) >= 0.52


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    return both / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)
