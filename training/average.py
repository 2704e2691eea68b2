"""The average of two checkpoints with one start: often better than either on real people.

python -m training.average FIRST.pt SECOND.pt SHARE_OF_SECOND OUT.pt
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from posealign.errors import InvalidInput
from training import loop

_WORDS = ("decoder.joint_words", "decoder.words_in.weight", "decoder.words_in.bias")


def average(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights of the second's kind; the words' sum with the joint queries is what is averaged."""
    if not 0 <= share <= 1:
        raise InvalidInput(f"a share is between 0 and 1, got {share}")
    mixed = {}
    for name, value in second.items():
        other = first.get(name)
        alike = other is not None and other.shape == value.shape and value.is_floating_point()
        mixed[name] = torch.lerp(other, value, share) if alike else value  # type: ignore[arg-type]
    mixed |= {name: second[name] for name in _WORDS}
    said = torch.lerp(_said(first), _said(second), share)
    mixed["decoder.queries"] = said - _read(second)
    return mixed


def _read(state: dict[str, Tensor]) -> Tensor:
    words_VT, weight, bias = (state[name] for name in _WORDS)
    return F.linear(F.layer_norm(words_VT, words_VT.shape[-1:]), weight, bias)


def _said(state: dict[str, Tensor]) -> Tensor:
    return state["decoder.queries"] + _read(state)


def main(first: str, second: str, share: str, target: str) -> None:
    one, two = (
        loop.load_checkpoint(Path(path), restore_dice=False)["ema"] for path in (first, second)
    )
    content = {"ema": average(one, two, float(share)), "step": 0}
    loop.save_checkpoint(Path(target), content)


if __name__ == "__main__":
    main(*sys.argv[1:5])
