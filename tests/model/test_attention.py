"""Both ways of attending agree, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from posealign.model.attention import attend


def gradients(inputs: list[Tensor], kind: torch.dtype) -> tuple[Tensor, list[Tensor]]:
    leaves = [value.detach().to(kind, copy=True).requires_grad_() for value in inputs]
    out = attend(*leaves)
    out.float().square().sum().backward()
    return out.float(), [leaf.grad.float() for leaf in leaves if leaf.grad is not None]


def test_bf16_on_a_cpu_is_the_fused_kernel_but_for_rounding() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, count, 16) for count in (7, 9, 9)]
    exact, its_gradients = gradients(inputs, torch.float32)
    rounded, their_gradients = gradients(inputs, torch.bfloat16)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.03)
    for found, wanted in zip(their_gradients, its_gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_mask_hides_what_it_says(kind: torch.dtype) -> None:
    q, k, v = (torch.randn(1, 2, 5, 8).to(kind) for _ in range(3))
    seen = torch.tensor([True, True, True, False, False])
    cut = functional.scaled_dot_product_attention(q, k[:, :, :3], v[:, :, :3])
    torch.testing.assert_close(attend(q, k, v, seen[None]), cut, rtol=0.05, atol=0.02)
