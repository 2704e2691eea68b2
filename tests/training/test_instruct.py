from random import Random

import numpy as np
import pytest

from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.data.sample import Person
from posealign.instructions.phrases import phrasebook
from posealign.instructions.query import parse
from posealign.skeletons.load import vocabulary
from training.figures import drawn
from training.instruct import answer, triple, turned_back
from training.people import People

SIZE = (96, 96)
QUIET = Augmentation(roll=0, tilt=0, mirror=0, truncate=0, occlude=0, shift=0, zoom=(1.2, 1.3))


def view(row: int, config: Augmentation = QUIET) -> dict[str, object]:
    shard = drawn(6, seed=2)
    mixture = Mixture({"drawn": 6}, {"drawn": 1.0})
    people = People({"drawn": shard}, mixture, config, SIZE, with_person=True)
    return people.person("drawn", row, np.random.default_rng(row))


def person(row: int = 0, config: Augmentation = QUIET) -> Person:
    found = view(row, config)["person"]
    assert isinstance(found, Person)
    return found


def asked(text: str, who: Person) -> set[str]:
    asked_V, _ = answer(parse(text), who, SIZE)
    return {name for name, yes in zip(vocabulary().names, asked_V, strict=True) if yes}


def test_the_answer_is_what_execute_says() -> None:
    who = person()
    assert {"left_hip", "left_knee", "left_ankle"} <= asked("left_leg", who)
    assert "right_knee" not in asked("left_leg", who)
    wrists = {
        side: who.points_V2[vocabulary().index(f"{side}_wrist"), 1] for side in ("left", "right")
    }
    higher = min(wrists, key=lambda side: wrists[side])
    assert f"{higher}_wrist" in asked("higher(wrist)", who)


def test_a_mirrored_picture_has_mirrored_words() -> None:
    """Left in the mirrored picture is what was right: the knee stands where its twin stood."""
    plain, mirrored = person(1), person(1, Augmentation(**{**vars(QUIET), "mirror": 1.0}))
    left, right = vocabulary().index("left_knee"), vocabulary().index("right_knee")
    assert mirrored.points_V2[left, 0] == pytest.approx(95 - plain.points_V2[right, 0], abs=0.02)
    for text in ("image_left(knee)", "nearer_camera(arm)"):
        swap = {"left": "right", "right": "left"}
        turned = {"_".join([swap.get(n.split("_")[0], n.split("_")[0]), *n.split("_")[1:]])
                  for n in asked(text, plain)}  # fmt: skip
        # The other side of the picture, but the same depth.
        same = asked(text, mirrored)
        assert (same != turned) if text.startswith("image") else (same == turned)


def test_a_refusal_asks_for_nothing_and_a_close_call_teaches_nothing() -> None:
    nothing, sure = answer(parse("refuse:not_pose"), person(), SIZE)
    assert nothing.sum() == 0
    assert sure.min() == 1
    _, weights = answer(parse("hidden_by_blanket(leg)"), person(), SIZE)
    assert weights[vocabulary().index("left_knee")] == 0
    assert weights[vocabulary().index("nose")] == 1


def test_triples_are_many_and_their_own() -> None:
    who, shelf = person(), [phrasebook("en"), phrasebook("zh")]
    drawn_ones = [triple(who, SIZE, shelf, Random(seed)) for seed in range(60)]
    assert len({one.text for one in drawn_ones}) > 50
    assert any(one.related for one in drawn_ones)
    assert any(one.refused for one in drawn_ones)
    assert triple(who, SIZE, shelf, Random(3)).text == drawn_ones[3].text


def test_turning_back_undoes_the_crops_turn() -> None:
    turned = Augmentation(**{**vars(QUIET), "roll": 1.0})
    for row in range(4):
        item = view(row, turned)
        sine, cosine = item["crop"][:2]  # type: ignore[index]
        angle = np.rad2deg(np.arctan2(sine, cosine))
        points = item["points"]
        assert isinstance(points, np.ndarray)
        back = turned_back(points, angle, SIZE)
        who = item["person"]
        assert isinstance(who, Person)
        placed = item["weights"] > 0  # type: ignore[operator]
        assert np.allclose(back[placed], who.points_V2[placed], atol=0.05)
        if abs(angle) > 1:  # told: the figure stands upright again
            head, hip = (who.points_V2[vocabulary().index(n)] for n in ("head_top", "left_hip"))
            assert head[1] < hip[1]
