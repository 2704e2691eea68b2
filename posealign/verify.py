"""Second thoughts at inference: verify-and-correct (Woodpecker's way), contrastive states (VCD's).

Both are off by default; docs/explanation/alignment.md says what they bring and cost. Pure
arithmetic on what the graphs gave. Shapes: K joints, ... any leading ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State

Floats = NDArray[np.float64]

DOUBTFUL = 0.25  # trunk lengths between joint and depth picture from which one doubts the joint
PLAUSIBLE = 0.1  # VCD: states less likely than this share of the likeliest stay out of play


def log_softmax(logits: NDArray[np.floating]) -> Floats:
    """Over the last axis."""
    shifted = _from_highest(logits)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(logits: NDArray[np.floating]) -> Floats:
    """Over the last axis."""
    exp = np.exp(_from_highest(logits))
    return np.asarray(exp / exp.sum(axis=-1, keepdims=True))


def _from_highest(logits: NDArray[np.floating]) -> Floats:
    """So that no exponential is too large."""
    values = np.asarray(logits, np.float64)
    return np.asarray(values - values.max(axis=-1, keepdims=True))


def contrasted(
    state_3: NDArray[np.floating], noised_3: NDArray[np.floating], strength: float
) -> Floats:
    """State logits less what the model would say without seeing: (1 + α)·seen - α·unseen.

    `noised_3` are the logits for the same crop drowned in noise: what remains is habit.
    """
    seen, habit = log_softmax(state_3), log_softmax(noised_3)
    shifted = (1 + strength) * seen - strength * habit
    # A state that the picture itself makes very unlikely is not raised by contrast.
    likely = seen >= np.log(PLAUSIBLE) + seen.max(axis=-1, keepdims=True)
    return np.where(likely, shifted, np.minimum(shifted, seen))


def supported(
    absent_K: NDArray[np.floating], confidence_K: NDArray[np.floating], off_K: NDArray[np.floating]
) -> Floats:
    """The probability of absence after verification.

    `off_K`: trunk lengths between the joint and the depth picture, NaN where not measured. Weak
    evidence at the place, and a depth picture that contradicts it, both speak against presence.
    """
    present = 1 - np.asarray(absent_K, np.float64)
    sure = np.clip(np.asarray(confidence_K, np.float64), 0.02, 1.0)
    against = np.nan_to_num(np.abs(off_K), nan=0.0) > DOUBTFUL
    return 1 - present * np.sqrt(sure) * np.where(against, 0.7, 1.0)


def corrected_states(
    states_K: NDArray[np.int8], absent_K: Floats, threshold: float, off_K: NDArray[np.floating]
) -> NDArray[np.int8]:
    """Joints that verification does not support are absent; hidden ones are not called visible.

    A measured surface well in front of where the body puts a joint is something that covers it.
    """
    states = np.where(absent_K > threshold, State.ABSENT, states_K)
    covered = (np.nan_to_num(off_K, nan=0.0) > DOUBTFUL) & (states == State.VISIBLE)
    return np.where(covered, State.OCCLUDED, states).astype(np.int8)


def drowned(
    pixels: NDArray[np.uint8], random: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """Pictures [..., H, W, 3] under so much noise that only habits are left.

    Without a generator the noise is the same every time: an answer does not depend on the last.
    """
    noise = (random or np.random.default_rng(0)).normal(110, 60, pixels.shape)
    return np.clip(pixels * 0.15 + noise, 0, 255).astype(np.uint8)
