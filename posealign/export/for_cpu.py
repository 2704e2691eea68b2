"""A model whose image graph is shaped for a CPU: fewer products, fewer moves, the same numbers.

A GPU wants whole convolutions and one product for queries, keys and values instead.
"""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

from posealign.export.tokens_first import TokensFirst
from posealign.export.winograd import WinogradNeck, fits
from posealign.model.backbone import ViTEncoder
from posealign.model.neck import ClassicNeck
from posealign.model.pose_model import PoseModel

Part = TypeVar("Part", bound=nn.Module)


def for_cpu(model: PoseModel, neck: bool = True) -> PoseModel:
    """For running only. What is not replaced is shared with `model`, which stays as it is."""
    encoder = model.encoder
    parts: dict[str, nn.Module] = {}
    if isinstance(encoder, ViTEncoder) and not encoder.takes_dataset:
        parts["vit"] = TokensFirst(encoder.vit)
    plain = getattr(encoder, "neck", None)
    if neck and isinstance(plain, ClassicNeck) and fits(plain):
        parts["neck"] = WinogradNeck(plain, encoder.grid)  # type: ignore[arg-type]
    return _with(model, encoder=_with(encoder, **parts)) if parts else model


def _with(module: Part, **parts: nn.Module) -> Part:
    other = copy.copy(module)
    other._modules = {**module._modules, **parts}
    return other
