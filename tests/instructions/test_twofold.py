from __future__ import annotations

import numpy as np

from posealign.instructions.query import RELATIONS, SUBJECTS
from posealign.instructions.twofold import averaged
from posealign.skeletons.load import vocabulary


def test_a_text_and_its_mirror_image_agree() -> None:
    rng = np.random.default_rng(1)
    out = {
        "asked": rng.normal(size=(2, len(vocabulary()))).astype(np.float32),
        "subject": rng.normal(size=(2, len(SUBJECTS))).astype(np.float32),
        "relation": rng.normal(size=(2, 1 + len(RELATIONS))).astype(np.float32),
        "gate": rng.normal(size=2).astype(np.float32),
        "text_tokens": rng.normal(size=(2, 4, 3)).astype(np.float32),
    }
    here = averaged(out)
    there = averaged({name: rows[::-1] for name, rows in out.items()})
    swap_V = vocabulary().swap_J
    assert np.allclose(here["asked"][0][swap_V], there["asked"][0])
    assert np.allclose(here["gate"], there["gate"])
    left, right = SUBJECTS.index("leftmost"), SUBJECTS.index("rightmost")
    assert np.isclose(here["subject"][0][left], there["subject"][0][right])
    left, right = (1 + RELATIONS.index(name) for name in ("image_left", "image_right"))
    assert np.isclose(here["relation"][0][left], there["relation"][0][right])
    assert here["text_tokens"].shape == (1, 4, 3)
