"""The text graph: its outputs, its mirror symmetry, padding, and its training in miniature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from posealign.config import load_config
from posealign.export.text import OUTPUTS
from posealign.instructions.decoding import calibrate_gate, decode
from posealign.instructions.resolve import Resolver
from posealign.instructions.tokens import encode, load_tokenizer, pad
from posealign.model.text import SLOTS, TextConfig, TextModel
from posealign.runtime.session import as_graph, open_session
from posealign.skeletons.load import vocabulary
from training.text import TextTraining, train
from training.textexport import export_onnx


@pytest.fixture(scope="module")
def model() -> TextModel:
    torch.manual_seed(0)
    return TextModel(TextConfig(tokens=50, width=16, layers=1, readers=1, heads=2)).eval()


@torch.no_grad()
def test_outputs(model: TextModel) -> None:
    out = model(torch.tensor([[3, 4, 5], [6, 0, 0]]))
    assert set(out) == set(OUTPUTS)
    assert out["asked"].shape == out["related"].shape == (2, len(vocabulary()))
    assert out["gate"].shape == (2,)
    assert out["text_tokens"].shape == (2, 3, 16)
    assert out["vector"].shape == (2, 257)
    for name, size in SLOTS.items():
        assert name == "gate" or out[name].shape == (2, size)


@torch.no_grad()
def test_padding_changes_nothing(model: TextModel) -> None:
    bare, padded = model(torch.tensor([[6, 7]])), model(torch.tensor([[6, 7, 0, 0]]))
    for name in ("asked", "related", "gate", "dims"):
        assert torch.allclose(bare[name], padded[name], atol=1e-5)


@pytest.mark.parametrize(("layers", "readers", "heads"), [(1, 1, 2), (2, 2, 4), (0, 1, 1)])
@torch.no_grad()
def test_the_written_graph_says_what_the_model_says(
    layers: int, readers: int, heads: int, tmp_path: Path
) -> None:
    torch.manual_seed(layers)
    model = TextModel(TextConfig(tokens=50, width=32, layers=layers, readers=readers, heads=heads))
    for parameter in model.parameters():  # biases and norms begin as nothing and ones
        parameter.add_(torch.randn_like(parameter) * 0.1)
    export_onnx(model, tmp_path / "text.onnx", half=False)
    graph = as_graph(open_session(tmp_path / "text.onnx", "cpu", 1))
    for ids in ([[7]], [[3, 4, 5], [6, 0, 0]], [[*range(1, 50)] * 9]):
        expected = model(torch.tensor(ids))
        for name, found in graph({"ids": np.array(ids)}).items():
            assert found.shape == expected[name].shape
            assert np.allclose(found, expected[name].numpy(), atol=1e-4), name
    export_onnx(model, tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").stat().st_size < (tmp_path / "text.onnx").stat().st_size
    half = as_graph(open_session(tmp_path / "half.onnx", "cpu", 1))
    rough = half({"ids": np.array([[3, 4, 5]])})["asked"]
    assert np.allclose(rough, model(torch.tensor([[3, 4, 5]]))["asked"].numpy(), atol=0.05)


def test_the_gate_is_calibrated_for_few_false_refusals() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(600) < 0.8
    gate = np.where(truth, 2.0, -1.0) + rng.normal(0, 1.2, 600)
    shift, scale = calibrate_gate(gate.astype(np.float32), list(truth))
    refused = gate * scale + shift <= 0
    assert (refused & truth).sum() / truth.sum() <= 0.016
    assert (refused & ~truth).sum() / (~truth).sum() > 0.5


@pytest.mark.slow
def test_training_in_miniature(tmp_path: Path) -> None:
    settings = [
        f"folder={tmp_path}", "steps=2", "batch=4", "width=16", "layers=1", "readers=1", "heads=2",
        "vocabulary=700", "tokenizer_texts=300", "evaluate_every=10",
    ]  # fmt: skip
    config = load_config(TextTraining, "configs/text.yaml", settings)
    trained = train(config)
    tokenizer = load_tokenizer(tmp_path / "tokenizer.json")
    ids = pad([encode(tokenizer, "the left knee, 左膝")])
    resolver = Resolver.of_folder(tmp_path)
    with torch.no_grad():
        expected = trained(torch.from_numpy(ids))
    found = resolver.graph({"ids": ids})
    assert np.allclose(found["asked"], expected["asked"].numpy(), atol=0.02)
    assert decode(found).asked_V.shape == (len(vocabulary()),)
