"""What people said about answers, one line each: posealign/preferences.py says how it is written.

No picture is kept, only its digest. A line is on disk before it is acknowledged.
"""

from __future__ import annotations

import threading
from pathlib import Path

from posealign.errors import InvalidInput, nearest
from posealign.preferences import Answer, Preference
from serving.lines import append, mend
from serving.schemas import Correction


class Feedback:
    """Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            mend(path)

    def keep(self, record: Preference) -> None:
        with self._lock:
            append(self._path, record.model_dump_json(exclude_none=True).encode(), sync=True)


def preference_of(correction: Correction, rater: str) -> Preference:
    """The corrected answer before the one that was given."""
    for name in correction.corrected:
        if name not in correction.answer:
            raise InvalidInput(
                f"corrected: {name!r} is no joint of the answer{nearest(name, correction.answer)}"
            )
    right = {**correction.answer, **correction.corrected}
    return Preference(
        picture=correction.picture,
        instruction=correction.instruction,
        answers=(
            Answer(joints=right, by=rater),
            Answer(joints=correction.answer, by=correction.model),
        ),
        corrected=tuple(correction.corrected),
        rater=rater,
        model=correction.model,
        confidence=correction.confidence,
    )
