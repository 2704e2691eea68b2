"""Figures of the card that a plain mean could hide behind."""

from __future__ import annotations

import numpy as np

from posealign.skeletons.load import vocabulary
from training.measured import _twins_told


def test_a_mean_of_both_sides_tells_no_twin_from_the_other() -> None:
    index, count = vocabulary().index, len(vocabulary())
    truth_NV = np.full((2, count), np.nan)
    for row, (left, right) in enumerate(((-0.4, 0.4), (0.5, 0.1))):
        truth_NV[row, [index("left_knee"), index("right_knee")]] = left, right
    truth_NV[0, [index("left_hip"), index("right_hip")]] = 0.0, 0.1  # no clear difference
    truth_NV[1, index("left_wrist")] = 0.9  # its twin is not known
    assert _twins_told(truth_NV, truth_NV, 0.3).tolist() == [True, True]
    assert _twins_told(-truth_NV, truth_NV, 0.3).tolist() == [False, False]
    mean_NV = (truth_NV + truth_NV[:, vocabulary().swap_J]) / 2
    assert not _twins_told(mean_NV, truth_NV, 0.3).any()
