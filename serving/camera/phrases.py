"""Which words to use for joints that we need ourselves (the trunk, the face).

Everything is asked in words, and a bundle may understand some phrases better than others: these are
tried at the start, and those that name the wanted joints are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from posealign.data.pose import Understood

CANDIDATES = (
    "the face", "the torso", "both shoulders and both hips", "the left leg", "the right leg",
    "the left arm", "the right arm", "both legs", "both arms", "both eyes", "both ears", "the nose",
    "both shoulders", "both elbows", "both wrists", "both hips", "both knees", "both ankles",
    "left shoulder", "right shoulder", "left hip", "right hip", "left eye", "right eye", "left ear",
    "right ear", "head", "every joint you can see",
)  # fmt: skip
Resolve = Callable[[str, str | None], Understood]


def phrases_for(wanted: Iterable[str], resolve: Resolve) -> tuple[str, ...]:
    """As few phrases as name every wanted COCO joint; empty where the bundle knows no words."""
    missing = set(wanted)
    said = {phrase: _named(phrase, resolve) for phrase in CANDIDATES}
    chosen: list[str] = []
    while missing:
        # Most of what is missing, least of what is not wanted.
        best = max(CANDIDATES, key=lambda p: (len(said[p] & missing), -len(said[p])))
        if not said[best] & missing:
            return ()
        chosen.append(best)
        missing -= said[best]
    return tuple(chosen)


def _named(phrase: str, resolve: Resolve) -> set[str]:
    understood = resolve(phrase, "coco17")
    plain = not understood.refused and not understood.needs_picture
    whole = plain and understood.visibility == "any" and understood.subject == "all"
    return set(understood.joints) if whole else set()
