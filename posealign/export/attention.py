"""Attention in the image graph as five plain nodes.

torch's exporter turns the keys through reshapes of shapes that it reads at run time: eight small
nodes a block that compute nothing. Every encoder attends to all of its tokens, so there is no mask.
Shapes: B batch, H heads, N tokens, D width of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from onnxscript import opset20 as op

from posealign.errors import InvalidInput


def attention(
    query_BHND: Any,
    key_BHND: Any,
    value_BHND: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """What torch.onnx.export writes for torch's scaled_dot_product_attention; its arguments."""
    if attn_mask is not None or is_causal or enable_gqa or dropout_p:
        raise InvalidInput("an image encoder attends plainly: no mask, dropout or shared heads")
    factor: Any = 1 / math.sqrt(query_BHND.shape[-1]) if scale is None else scale
    turned_BHDN = op.Transpose(key_BHND, perm=[0, 1, 3, 2])
    scores_BHNN = op.Mul(op.MatMul(query_BHND, turned_BHDN), op.CastLike(factor, query_BHND))
    return op.MatMul(op.Softmax(scores_BHNN, axis=-1), value_BHND)


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.aten.scaled_dot_product_attention.default: attention
}
