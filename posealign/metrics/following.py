"""Does an answer hold the joints that were asked for, and no others?

The exact answer comes from `posealign.instructions.execute`; answers are names, so that the same
figures hold for any skeleton. `posealign.instructions.scoring` measures the reading of text alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from posealign.errors import InvalidInput


@dataclass(frozen=True)
class Following:
    """Shares over all answers: whole sets, joints asked and given, joints given unasked."""

    count: int
    exact: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def following(
    asked: Sequence[Collection[str]], given: Sequence[Collection[str]]
) -> Following | None:
    """None where there is nothing to measure. An empty answer to an empty question is right."""
    if len(asked) != len(given):
        raise InvalidInput(f"{len(asked)} questions and {len(given)} answers")
    if not asked:
        return None
    pairs = [(set(a), set(g)) for a, g in zip(asked, given, strict=True)]
    both = sum(len(a & g) for a, g in pairs)
    wanted, got = sum(len(a) for a, _ in pairs), sum(len(g) for _, g in pairs)
    return Following(
        len(pairs),
        sum(a == g for a, g in pairs) / len(pairs),
        both / got if got else 1.0,
        both / wanted if wanted else 1.0,
    )
