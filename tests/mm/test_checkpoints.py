"""mmpose's own ViTPose, built from its configurations with random weights, is our model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from posealign import bundle as bundles
from posealign.cli import run as run_command
from posealign.commands.convert import convert as command
from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.export import convert as converting
from posealign.export.convert import Conversion
from posealign.interop.mm.checkpoints import convert_mmpose, described, read_config, skeleton_of
from posealign.model.codec import dark
from tests.mm.test_estimator import VITPOSE_S
from tests.mm.toys import mmpose_config, mmpose_configs
from tests.model.checkpoints import randomise

SIMPLE = VITPOSE_S.replace("small", "small-simple")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything but the slow writing of graphs; keeps what would have been written."""
    found: list[Any] = []
    monkeypatch.setattr(converting, "export_bundle", lambda *some: found.extend(some))
    return found


@pytest.mark.parametrize("name", [VITPOSE_S, SIMPLE], ids=["classic", "simple"])
def test_vitpose_s_gives_the_same_heatmaps(name: str, tmp_path: Path, kept: list[Any]) -> None:
    theirs = MODELS.build(mmpose_config(name).model).eval()
    theirs.load_state_dict(randomise(theirs.state_dict()))
    path = tmp_path / "vitpose-s.pth"
    meta = {"dataset_meta": {"sigmas": np.full(17, 0.05)}, "epoch": 1}
    torch.save({"state_dict": theirs.state_dict(), "meta": meta}, path)
    convert_mmpose(
        mmpose_configs() / name, path, "vitpose-s", tmp_path, bundles.find("default"), Conversion()
    )
    model, _, metadata, *_ = kept
    assert metadata.vocabulary.trained[:3] == ("nose", "left_eye", "right_eye")
    assert (metadata.input.width, metadata.input.height) == (192, 256)
    pixels = torch.randint(0, 256, (2, 256, 192, 3), generator=torch.Generator().manual_seed(1))
    data = {
        "inputs": [one.flip(-1).permute(2, 0, 1) for one in pixels.byte()],
        "data_samples": [PoseDataSample(), PoseDataSample()],
    }
    with torch.no_grad():
        inputs = theirs.data_preprocessor(data, False)["inputs"]
        wanted = theirs(inputs, None, mode="tensor")
        seen = model.image(pixels)
        found = model.heatmaps(seen["features"], model.table[None, :17].expand(2, -1, -1))
    assert found.shape == wanted.shape == (2, 17, 64, 48)
    assert float((found - wanted).abs().max()) < 1e-5 * max(1.0, float(wanted.std()))
    assert float((found - wanted).abs().max() / wanted.std()) < 1e-5
    # And from the same heatmaps the same places, by mmpose's decoder and ours.
    maps = wanted[0].clamp(min=0)
    theirs_K2 = theirs.head.decoder.decode(maps.numpy())[0][0] * (np.array([191, 255]) / [192, 256])
    ours_K2 = dark(maps, 11).numpy() * [191 / 47, 255 / 63]
    peaks = maps.flatten(1).amax(1).numpy() > 1e-2
    assert np.median(np.abs(ours_K2 - theirs_K2)[peaks]) < 1e-3


@pytest.mark.parametrize("size", ["small", "base", "large", "huge"])
@pytest.mark.parametrize("kind", ["", "-simple"])
def test_the_whole_family_is_understood(size: str, kind: str) -> None:
    config = read_config(mmpose_configs() / VITPOSE_S.replace("small", f"{size}{kind}"))
    said = described(config)
    # mmpose's small ViTPose has 12 heads, and the shapes of its weights do not say so.
    assert said.heads == {"small": 12, "base": 12, "large": 16, "huge": 16}[size]
    assert (said.ln_eps, said.input_size, said.trained_size) == (1e-6, (192, 256), (192, 256))
    assert skeleton_of(config).names[:2] == ("nose", "left_eye")


def changed(**changes: Any) -> Config:
    config = mmpose_config(VITPOSE_S)
    config.merge_from_dict({f"model.{key.replace('__', '.')}": v for key, v in changes.items()})
    return config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone__with_cls_token": True}, "with_cls_token=True .expected False"),
        ({"backbone__patch_cfg__padding": 0}, "patch_cfg without padding=2"),
        ({"backbone__pre_norm": True}, "pre_norm=True"),
        ({"data_preprocessor__bgr_to_rgb": False}, "looks at BGR"),
        ({"data_preprocessor__mean": [0, 0, 0]}, "other mean or std"),
        ({"head__decoder__type": "MSRAHeatmap"}, "codec MSRAHeatmap"),
        ({"neck": {"type": "FPN"}}, "neck FPN"),
        ({"backbone__type": "HRNet"}, "HRNet with HeatmapHead is not of ViTPose's family"),
    ],
)
def test_what_our_model_could_not_follow_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message) as caught:
        described(changed(**changes))
    assert "kind: mmpose" in str(caught.value)


def test_rtmpose_is_a_baseline_and_no_bundle() -> None:
    (name,) = list((mmpose_configs() / "body_2d_keypoint/rtmpose/coco").glob("rtmpose-t_*.py"))[:1]
    with pytest.raises(InvalidConfig, match="CSPNeXt with RTMCCHead"):
        described(read_config(name))


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no configuration"):
        read_config(tmp_path / "none.py")
    (tmp_path / "bad.py").write_text("model = dict(\n", "utf-8")
    with pytest.raises(InvalidConfig, match="no mmengine configuration"):
        read_config(tmp_path / "bad.py")
    (tmp_path / "empty.py").write_text("a = 1\n", "utf-8")
    with pytest.raises(InvalidConfig, match="no `model`"):
        read_config(tmp_path / "empty.py")
    torch.save({"state_dict": {"backbone.layers.0.ln1.weight": torch.ones(2)}}, tmp_path / "x.pth")
    with pytest.raises(InvalidInput, match=r"vit\.pos_embed is missing"):
        convert_mmpose(
            mmpose_configs() / VITPOSE_S, tmp_path / "x.pth", "x", tmp_path,
            bundles.find("default"), Conversion(),
        )  # fmt: skip


def test_the_command_takes_two_files_or_one(tmp_path: Path) -> None:
    config = mmpose_configs() / VITPOSE_S
    assert run_command(lambda: command(config, source="mmpose")) == 2
    assert run_command(lambda: command(config, tmp_path / "x.pth")) == 2
    assert run_command(lambda: command(config, tmp_path / "x.pth", source="detectron")) == 2
    torch.save({"state_dict": {"backbone.layers.0.ln1.weight": torch.ones(2)}}, tmp_path / "x.pth")
    output = tmp_path / "out"
    chosen = {"source": "mmpose", "output": output, "heads": None, "head": 0}
    assert run_command(lambda: command(config, tmp_path / "x.pth", **chosen)) == 2
