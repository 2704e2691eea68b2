"""What is odd about a pose: a premise that does not hold, an implausible body."""

from __future__ import annotations

from posealign.anatomy.posture import lying_posture
from posealign.answer import Placed
from posealign.data.pose import Finding, State

_LYING = {
    "supine": "supine",
    "prone": "prone",
    "left_lateral": "lateral",
    "right_lateral": "lateral",
}


def findings_of(person: Placed, premise: str | None) -> tuple[Finding, ...]:
    return premise_findings(person, premise)


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
