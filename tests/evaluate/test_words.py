"""Drawn wordings on pictures: the right answer is the labels' own, and no answer knows the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.data.sources import open_source
from posealign.evaluate import words
from posealign.evaluate.run import rows_path
from posealign.instructions.query import Query, parse
from posealign.skeletons.load import vocabulary
from tests.evaluate.test_run import evaluated
from tests.evaluate.toys import SIZE, make_coco, make_config

SERVED = {"kind": "predictor", "name": "served", "threads": 1}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("people")
    make_coco(folder, 1)
    return open_source("coco", folder / "labels.json", images=str(folder / "images"))[0].people[0]


def right(person: Person, written: str) -> tuple[str, ...] | None:
    query = parse(written)
    assert isinstance(query, Query)
    return words.settled(query, person, SIZE, "coco17")


def raised_by(person: Person, pixels: float) -> Person:
    points, states = person.points_V2.copy(), person.states_V.copy()
    for name, height in (("left_wrist", 60.0 - pixels), ("right_wrist", 60.0)):
        row = vocabulary().index(name)
        points[row, 1], states[row] = height, State.VISIBLE
    return replace(person, points_V2=points, states_V=states)


def test_labels_settle_a_relation_or_leave_it_open(person: Person) -> None:
    assert right(raised_by(person, 40.0), "higher(wrist)") == ("left_wrist",)
    assert right(raised_by(person, -40.0), "higher(wrist)") == ("right_wrist",)
    assert right(raised_by(person, 0.5), "higher(wrist)") is None
    hidden = raised_by(person, 40.0)
    hidden.states_V[vocabulary().index("right_wrist")] = State.UNLABELLED
    assert right(hidden, "in_left_half(wrist)") is None
    assert right(person, "leg - knee") == ("left_hip", "right_hip", "left_ankle", "right_ankle")


def test_every_kind_is_drawn_alike_for_one_seed(person: Person) -> None:
    first, again = (words.questions(person, SIZE, "coco17", Random(4)) for _ in range(2))
    assert first == again
    assert [question.kind for question in first][:4] == ["part", "list", "exception", "chain"]


def test_served_answers_hold_what_was_asked(tmp_path: Path) -> None:
    path = make_config(tmp_path, models=[SERVED], words={"pictures": 6})
    settings, report = evaluated(path)
    found = report["models"]["served"]["words"]
    assert found["questions"] >= 24
    assert found["other_order"] == {"same": 1.0, "moved_px": pytest.approx(0, abs=1e-3)}
    assert min(found["exact"][kind] for kind in ("part", "list", "chain")) > 0.8
    rows = rows_path(settings.folder, "words.served")
    whole = rows.read_text("utf-8")
    rows.write_text("".join(whole.splitlines(keepends=True)[:2]), "utf-8")
    _, resumed = evaluated(path)
    assert rows.read_text("utf-8") == whole
    assert resumed == report


def test_a_wrong_set_and_a_refusal_count() -> None:
    def row(kind: str, joints: list[str], given: list[str] | None) -> dict[str, object]:
        return {"kind": kind, "query": "", "relation": "higher" if kind == "relation" else "",
                "text": "", "joints": joints, "given": given, "same": given is not None,
                "moved": 0.5, "close": False}  # fmt: skip

    found = words.figures([
        {"questions": [row("part", ["nose"], ["nose"]), row("part", ["nose"], None)]},
        {"questions": [row("relation", ["left_knee"], ["right_knee"])]},
        {"failed": "no picture"},
    ])  # fmt: skip
    assert found["exact"] == {"all": pytest.approx(1 / 3), "part": 0.5, "relation": 0.0}
    assert found["refused"] == pytest.approx(1 / 3)
    assert found["sure"] == {"share": 1.0, "exact": 0.0}
    assert found["per_relation"] == {"higher": {"exact": 0.0, "count": 1}}
    assert found["other_order"] == {"same": pytest.approx(2 / 3), "moved_px": 0.5}
    assert words.figures([]) == {}
    assert np.isfinite(found["f1"])
