"""The words' training: what a longer run goes on from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from posealign.model.text import TextConfig, TextModel
from training.text import go_on_from, mix_with

SMALL = {"width": 16, "heads": 2, "vector_width": 5}


@pytest.mark.parametrize("grown", [{"layers": 3}, {"readers": 2}, {"tokens": 60}])
def test_a_grown_model_says_what_its_start_said(tmp_path: Path, grown: dict[str, int]) -> None:
    torch.manual_seed(0)
    start = TextModel(TextConfig(**{"tokens": 50, "layers": 1, "readers": 1, **SMALL}))
    save_file(start.state_dict(), tmp_path / "weights.safetensors")
    model = TextModel(TextConfig(**{"tokens": 50, "layers": 1, "readers": 1, **SMALL, **grown}))
    go_on_from(model, tmp_path / "weights.safetensors")
    ids = torch.randint(1, 50, (3, 7))
    with torch.no_grad():
        before, after = start.eval()(ids), model.eval()(ids)
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in before)
    model.train()(ids)["asked"].sum().backward()
    for name, p in model.named_parameters():  # what says nothing yet can learn
        assert not name.endswith(("attention.out.weight", "mlp.3.weight")) or p.grad.any(), name


def test_what_is_kept_lies_between_the_start_and_what_was_learnt(tmp_path: Path) -> None:
    start, model = (
        TextModel(TextConfig(**{"tokens": 50, "layers": layers, "readers": 1, **SMALL}))
        for layers in (1, 2)
    )
    save_file(start.state_dict(), tmp_path / "weights.safetensors")
    learnt = {name: values.clone() for name, values in model.state_dict().items()}
    mix_with(model, tmp_path / "weights.safetensors", 0.25)
    for name, values in model.state_dict().items():
        shared = name in start.state_dict() and values.dtype.is_floating_point
        known = start.state_dict().get(name, learnt[name])
        wanted = 0.75 * known + 0.25 * learnt[name] if shared else learnt[name]
        assert torch.allclose(values.float(), wanted.float(), atol=1e-6), name
