"""Do answers hold the joints that the words ask for, whatever was asked before?

Pictures are asked one drawn wording of every kind: a part, a list, an exception, a way along the
body, and a relation where their labels settle one. All are asked of one look, and in another order
of a fresh one: an answer must not know what was asked before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import PoseResult, State
from posealign.data.sample import Person, Sample
from posealign.evaluate.rows import Row
from posealign.findings import CLOSE_CALL
from posealign.instructions.execute import execute_people
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import FILTERING, Query, Scope
from posealign.instructions.sampling import (
    sample_chain,
    sample_except,
    sample_part,
    sample_related,
    sample_union,
)
from posealign.instructions.sets import in_skeleton, read
from posealign.instructions.wording import word
from posealign.metrics.following import following
from posealign.people import Box
from posealign.predictor import Predictor
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary

KINDS: Mapping[str, Callable[[Random], Scope]] = {
    "part": sample_part,
    "list": sample_union,
    "exception": sample_except,
    "chain": sample_chain,
    "relation": sample_related,
}
TRIES = 60  # draws of a question that a picture's labels settle


@dataclass(frozen=True)
class Question:
    """`joints` is the right answer, by name."""

    kind: str
    query: str
    relation: str
    text: str
    joints: tuple[str, ...]


def questions(
    person: Person, size: tuple[float, float], skeleton: str, rng: Random
) -> list[Question]:
    """One of each kind; of those that the labels settle in none of the draws, none."""
    drawn = (_question(kind, person, size, skeleton, rng) for kind in KINDS)
    return [question for question in drawn if question is not None]


def _question(
    kind: str, person: Person, size: tuple[float, float], skeleton: str, rng: Random
) -> Question | None:
    for _ in range(TRIES):
        query = Query(KINDS[kind](rng))
        if not in_skeleton(read(query).asked, load_skeleton(skeleton)):
            continue
        joints = settled(query, person, size, skeleton)
        if joints is not None:
            relation = query.relations[0].relation if query.relations else ""
            text = word(query, rng, phrasebook(rng.choice(LANGUAGES)))
            return Question(kind, str(query), relation, text, joints)
    return None


def settled(
    query: Query, person: Person, size: tuple[float, float], skeleton: str
) -> tuple[str, ...] | None:
    """The right answer; None where the labels leave it open."""
    wanted = load_skeleton(skeleton)
    (asked,) = execute_people(query, [person], size)
    if not asked.clear:
        return None
    if any(relation.relation in FILTERING for relation in query.relations):
        states = dict(zip(vocabulary().names, person.states_V, strict=True))
        candidates = in_skeleton(read(query).related, wanted)
        if any(states.get(name, State.UNLABELLED) == State.UNLABELLED for name in candidates):
            return None
    return asked.in_skeleton(wanted)


def words_row(
    predictor: Predictor, sample: Sample, person: int, box: Box, skeleton: str, seed: int
) -> Row:
    """The questions of one picture and what was answered, in both orders."""
    height, width = sample.image_HW3.shape[:2]
    rng = Random(f"{seed}/{sample.key}")
    asked = questions(sample.people[person], (width, height), skeleton, rng)
    order = list(range(len(asked)))
    rng.shuffle(order)
    first = _ask(predictor, sample.image_HW3, box, asked, range(len(asked)), skeleton)
    again = _ask(predictor, sample.image_HW3, box, asked, order, skeleton)
    return {
        "questions": [
            {
                **asdict(question), "given": given(first[n]),
                "same": given(first[n]) == given(again[n]),
                "moved": round(moved(first[n], again[n]), 6), "close": too_close(first[n]),
            }
            for n, question in enumerate(asked)
        ]
    }  # fmt: skip


def _ask(
    predictor: Predictor,
    image_HW3: NDArray[np.uint8],
    box: Box,
    asked: Sequence[Question],
    order: Sequence[int],
    skeleton: str,
) -> dict[int, PoseResult]:
    look = predictor.look(image_HW3, [box])
    return {n: look.ask(asked[n].text, skeleton) for n in order}


def given(result: PoseResult) -> list[str] | None:
    """The joints of the answer; None is a refusal."""
    if result.instruction.refused:
        return None
    return sorted(joint.name for pose in result.poses for joint in pose.joints)


def too_close(result: PoseResult) -> bool:
    """Whether the answer itself calls its relation a close call."""
    return any(found.code == CLOSE_CALL for pose in result.poses for found in pose.plausibility)


def moved(one: PoseResult, other: PoseResult) -> float:
    """Pixels between two answers, at the joint where they are farthest apart."""
    places = [
        {joint.name: (joint.x, joint.y) for pose in result.poses for joint in pose.joints
         if joint.x is not None and joint.y is not None}
        for result in (one, other)
    ]  # fmt: skip
    gaps = [np.subtract(places[0][name], places[1][name]) for name in places[0].keys() & places[1]]
    return max((float(np.hypot(*gap)) for gap in gaps), default=0.0)


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Exact sets by kind and by relation, and whether the order of the questions told."""
    asked = [question for row in rows for question in row.get("questions", ())]
    if not asked:
        return {}
    found = following([q["joints"] for q in asked], [q["given"] or () for q in asked])
    assert found is not None
    relations = sorted({q["relation"] for q in asked if q["relation"]})
    related = _of(asked, "kind", "relation")
    sure = [question for question in related if not question["close"]]
    return {
        "questions": len(asked),
        "refused": float(np.mean([q["given"] is None for q in asked])),
        "f1": found.f1,
        "exact": {
            "all": _exact(asked),
            **{kind: _exact(some) for kind in KINDS if (some := _of(asked, "kind", kind))},
        },
        "per_relation": {
            name: {"exact": _exact(some), "count": len(some)}
            for name in relations
            if (some := _of(asked, "relation", name))
        },
        "sure": {"share": len(sure) / len(related), "exact": _exact(sure)} if sure else None,
        "other_order": {
            "same": float(np.mean([q["same"] for q in asked])),
            "moved_px": max(q["moved"] for q in asked),
        },
    }


def _of(asked: Sequence[Row], key: str, value: str) -> list[Row]:
    return [question for question in asked if question[key] == value]


def _exact(asked: Sequence[Row]) -> float:
    return float(np.mean([q["given"] is not None and set(q["given"]) == set(q["joints"])
                          for q in asked]))  # fmt: skip
