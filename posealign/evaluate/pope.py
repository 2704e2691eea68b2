"""keypoint-POPE: balanced yes/no questions about joints, after POPE (Li et al., EMNLP 2023).

Every "no" question is paired with a "yes" question of the same kind about the same joint in
another picture, so that words alone are right half of the time. docs/reference/keypoint-pope.md
says how the splits are drawn; `questions` is the generator.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.confidence import at_border
from posealign.data.pose import State
from posealign.evaluate.judged import first_half
from posealign.evaluate.rows import Row
from posealign.evaluate.settings import PopeSettings
from posealign.metrics import hallucination
from posealign.predictor import Predictor
from posealign.skeletons.load import skeleton as load_skeleton

SPLITS = ("random", "popular", "adversarial")
REASONS = ("twin", "neighbour", "other_person", "covered")
WORDING = {
    "present": ("Is the {en} in the picture?", "图中有{zh}吗？"),
    "visible": ("Can the {en} be seen?", "能看到{zh}吗？"),
}


@dataclass(frozen=True)
class Question:
    """`index` and `person` say where; `reason` why it is hard; `yes` is the right answer."""

    index: int
    person: int
    box: tuple[float, float, float, float]
    joint: str
    kind: str  # present | visible
    split: str
    reason: str
    text: str
    yes: bool

    def row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Case:
    """One joint of one person: what may be asked about it."""

    index: int
    person: int
    box: tuple[float, float, float, float]
    joint: str
    state: int
    reasons: tuple[str, ...] = ()


def questions(truth: Iterable[Row], skeleton: str, settings: PopeSettings) -> list[Question]:
    """As many questions of each split as the labels allow, at most `settings.questions`."""
    random = np.random.default_rng(settings.seed)
    cases = [case for row in truth for case in _cases(row, skeleton)]
    yes = _pool(cases, lambda case: case.state >= State.OCCLUDED)
    seen = _pool(cases, lambda case: case.state == State.VISIBLE)
    absent = [case for case in cases if case.state == State.ABSENT]
    common = Counter(case.joint for case in cases if case.state >= State.OCCLUDED)
    popular = {joint for joint, _ in common.most_common(max(1, len(common) // 3))}
    covered = [case for case in cases if "covered" in case.reasons]
    hard = [case for case in absent if case.reasons]
    made: list[Question] = []
    for split, pool in (
        ("random", absent),
        ("popular", [case for case in absent if case.joint in popular]),
        ("adversarial", _even(hard, covered, random)),
    ):
        order = random.permutation(len(pool))
        wanted, pairs = settings.questions // 2, 0
        for place in order:
            case = pool[place]
            kind = "visible" if "covered" in case.reasons else "present"
            partner = _other((seen if kind == "visible" else yes)[case.joint], case, random)
            if pairs >= wanted or partner is None:
                continue
            language = int(random.integers(2))
            made.append(_question(case, kind, split, language, False))
            made.append(_question(partner, kind, split, language, True))
            pairs += 1
    return sorted(made, key=lambda q: (q.index, q.person, q.joint, q.split, q.yes))


def _cases(row: Row, skeleton: str) -> list[_Case]:
    """People whose every joint has a known state: elsewhere unlabelled would pass for absent."""
    names = load_skeleton(skeleton).names
    people = row.get("people", ())
    cases = []
    for number, person in enumerate(people):
        states = [joint[2] for joint in person["joints"]]
        if person["crowd"] or min(states) == State.UNLABELLED or max(states) < State.OCCLUDED:
            continue
        others = [p for p in people if p is not person]
        for place, joint in enumerate(names):
            reasons = _reasons(place, states, person, others, skeleton)
            box = tuple(person["box"])
            cases.append(_Case(row["index"], number, box, joint, states[place], reasons))
    return cases


def _reasons(
    place: int, states: Sequence[int], person: Row, others: Sequence[Row], skeleton: str
) -> tuple[str, ...]:
    """Why a "no" about this joint is hard."""
    if states[place] == State.OCCLUDED:
        hider = person.get("hidden_by", [None] * len(states))[place]
        return ("covered",) if hider in ("blanket", "clothing", "caregiver", "object") else ()
    if states[place] != State.ABSENT:
        return ()
    own = load_skeleton(skeleton)
    found = []
    twin = int(own.swap_J[place])
    if twin != place and states[twin] >= State.OCCLUDED:
        found.append("twin")
    if any(states[near] == State.VISIBLE for near in _neighbours(skeleton)[place]):
        found.append("neighbour")
    if any(other["joints"][place][2] >= State.OCCLUDED for other in others):
        found.append("other_person")
    return tuple(found)


@cache
def _neighbours(skeleton: str) -> tuple[tuple[int, ...], ...]:
    own = load_skeleton(skeleton)
    near: dict[int, list[int]] = defaultdict(list)
    for first, second in own.edges:
        near[first].append(second)
        near[second].append(first)
    return tuple(tuple(near[place]) for place in range(len(own)))


def _pool(cases: Sequence[_Case], keep: Any) -> dict[str, list[_Case]]:
    pool: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        if keep(case):
            pool[case.joint].append(case)
    return pool


def _even(hard: list[_Case], covered: list[_Case], random: np.random.Generator) -> list[_Case]:
    """Covered joints are common and cut ones rare: at most half of the split is covered."""
    if hard and len(covered) > len(hard):
        covered = [covered[place] for place in random.permutation(len(covered))[: len(hard)]]
    return hard + covered


def _other(pool: list[_Case], case: _Case, random: np.random.Generator) -> _Case | None:
    """The same joint in another picture."""
    for _ in range(20):
        if not pool:
            return None
        found = pool[int(random.integers(len(pool)))]
        if found.index != case.index:
            return found
    return None


def _question(case: _Case, kind: str, split: str, language: int, yes: bool) -> Question:
    joint = _named(case.joint)
    text = WORDING[kind][language].format(en=joint[0], zh=joint[1])
    reason = "" if yes or split != "adversarial" else case.reasons[0]
    return Question(case.index, case.person, case.box, case.joint, kind, split, reason, text, yes)


@cache
def _named(joint: str) -> tuple[str, str]:
    for name in ("coco17", "coco_wholebody133", "halpe26"):
        own = load_skeleton(name)
        if joint in own.names:
            return own[joint].en, own[joint].zh
    return joint.replace("_", " "), joint


def answer_question(
    predictor: Predictor, image_HW3: NDArray[np.uint8], question: Question
) -> dict[str, Any]:
    """`yes` is None where the words were refused or read as another joint."""
    look = predictor.look(image_HW3, [question.box])
    result = look.ask(question.text)
    for pose in result.poses:
        for joint in (*pose.joints, *pose.filtered):
            if joint.name == question.joint:
                least = State.VISIBLE if question.kind == "visible" else State.OCCLUDED
                return {"yes": bool(joint.state >= least), "confidence": round(joint.confidence, 6)}
    return {"yes": None, "read": result.instruction.query or result.instruction.reason}


def figures(
    asked: Sequence[Row], answered: Sequence[Row], kind: str | None = None
) -> dict[str, Any]:
    """Figures by split; a question without an answer counts as answered wrongly."""
    pairs = [
        (question, answer)
        for question, answer in zip(asked, answered, strict=True)
        if kind in (None, question["kind"])
    ]
    truth = np.array([question["yes"] for question, _ in pairs], bool)
    said = np.array(
        [not q["yes"] if answer["yes"] is None else answer["yes"] for q, answer in pairs], bool
    )
    splits = [question["split"] for question, _ in pairs]
    table: dict[str, Any] = hallucination.pope_by_split(said, truth, splits)
    table["unanswered"] = sum(answer["yes"] is None for _, answer in pairs)
    reasons = sorted({question["reason"] for question, _ in pairs if question["reason"]})
    table["refusing"] = {
        reason: float(np.mean([
            not s for s, (question, _) in zip(said, pairs, strict=True)
            if question["reason"] == reason
        ]))
        for reason in reasons
    }  # fmt: skip
    return table


def by_states(
    asked: Sequence[Row], answers: Iterable[Row], skeleton: str, served: bool
) -> dict[str, Any]:
    """The same questions answered by the joints' states, without any wording.

    A served model's states never depend on the words, so this is what it sees; the figures in words
    say how much of it the words reach. A baseline has no states: it says yes above a confidence
    fitted on the other half of the pictures.
    """
    names = load_skeleton(skeleton).names
    wanted = {question["index"] for question in asked}
    people = {
        (row["index"], person["truth"]): person["joints"]
        for row in answers
        if row["index"] in wanted
        for person in row.get("people", ())
        if "truth" in person
    }
    found = [
        people.get((q["index"], q["person"]), [None] * len(names))[names.index(q["joint"])]
        for q in asked
    ]
    if served:
        least = {"visible": State.VISIBLE, "present": State.OCCLUDED}
        said = [
            {"yes": None if joint is None else bool(joint[4] >= least[q["kind"]])}
            for q, joint in zip(asked, found, strict=True)
        ]
        return figures(asked, said)
    if all(joint is None for joint in found):
        return {}
    sure = np.array([0.0 if joint is None else joint[2] for joint in found])
    half = first_half(np.array([q["index"] for q in asked]))
    truth = np.array([q["yes"] for q in asked], bool)
    yes = np.zeros(len(asked), bool)
    for side in (True, False):
        mine, other = half == side, half != side
        yes[mine] = sure[mine] >= _threshold(sure[other], truth[other])
    return figures(asked, [{"yes": bool(value)} for value in yes])


def _threshold(sure_Q: NDArray[np.floating], truth_Q: NDArray[np.bool_]) -> float:
    """The confidence from which "yes" is right most often."""
    choices = np.unique(sure_Q)
    if not len(choices):
        return 0.5
    right = [float(np.mean((sure_Q >= choice) == truth_Q)) for choice in choices]
    return float(choices[int(np.argmax(right))])


def words_alone(asked: Sequence[Row]) -> dict[str, Any]:
    """A text-only model: for each kind and joint the commoner answer in the other half."""
    half = first_half(np.array([question["index"] for question in asked]))
    votes: dict[tuple[bool, str, str], int] = defaultdict(int)
    for question, side in zip(asked, half, strict=True):
        votes[bool(side), question["kind"], question["joint"]] += 1 if question["yes"] else -1
    said = [
        {"yes": votes[not side, question["kind"], question["joint"]] >= 0}
        for question, side in zip(asked, half, strict=True)
    ]
    return figures(asked, said)


def box_alone(asked: Sequence[Row], truth: Iterable[Row]) -> dict[str, Any]:
    """A model that sees no picture, only the box: yes, unless the picture's border may cut it.

    Absent joints mostly lie beyond the border, so this is what position gives away by itself.
    """
    sizes = {row["index"]: tuple(row["size"]) for row in truth if "size" in row}
    said = [
        {"yes": not at_border(tuple(question["box"]), sizes[question["index"]])}
        for question in asked
    ]
    return figures(asked, said)
