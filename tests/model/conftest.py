"""One exported bundle for all tests of export: exporting takes seconds."""

from __future__ import annotations

import pytest
import torch

from posealign.bundle import Bundle
from posealign.export.onnx import export_bundle
from posealign.model.backbone import ViTEncoder
from posealign.model.checkpoint import new_metadata
from posealign.model.pose_model import PoseModel
from tests.model.toys import ToyText, toy_config


def small_model(seed: int = 0) -> PoseModel:
    """A real ViT of two blocks under the toy text, its gate open."""
    torch.manual_seed(seed)
    options = {"size": (24, 2, 2), "experts": 3, "part": 6, "neck_channels": 16}
    config = toy_config(encoder={"name": "vit", "options": options})
    size = (config.width, config.height)
    encoder = ViTEncoder(size, (24, 2, 2), experts=3, part=6, neck_channels=16)
    model = PoseModel(config, encoder, ToyText(148, 17)).eval()
    with torch.no_grad():
        model.decoder.gate.fill_(0.5)
        model.table.normal_()
    return model


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[PoseModel, Bundle]:
    folder = tmp_path_factory.mktemp("bundles") / "small"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    model = small_model()
    metadata = new_metadata("small", model.config)
    return model, export_bundle(model, folder, metadata, folder / "tokenizer.json")
