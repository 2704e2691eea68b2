"""What is odd about an answer: a premise that does not hold, a relation too close to call."""

from __future__ import annotations

from posealign.anatomy.posture import lying_posture
from posealign.answer import Placed
from posealign.data.pose import Finding, State
from posealign.instructions.relations import Choice

CLOSE_CALL = "close_call"
_LYING = {
    "supine": "supine",
    "prone": "prone",
    "left_lateral": "lateral",
    "right_lateral": "lateral",
}


def relation_findings(relation: str, choice: Choice) -> tuple[Finding, ...]:
    """A relation that the pose settles by less than what counts as clear in labels."""
    if choice.clear:
        return ()
    if relation == "hidden_by_blanket":
        message = "these joints are hidden; by what, the picture does not say"
        return (Finding("hider_not_known", message),) if choice.joints else ()
    message = f"{relation.replace('_', ' ')}: too close to call in this picture"
    return (Finding(CLOSE_CALL, message),)


def premise_findings(person: Placed, premise: str | None) -> tuple[Finding, ...]:
    """A posture that the words take for granted and the joints contradict."""
    if premise not in _LYING:
        return ()
    points = {
        name: person.points_K2[k]
        for k, name in enumerate(person.names)
        if person.states_K[k] != State.ABSENT
    }
    seen = lying_posture(points)
    if seen is None or seen == _LYING[premise]:
        return ()
    return (
        Finding(
            "premise_does_not_hold",
            f"the words take the person for {premise}; the joints look {seen}",
        ),
    )
