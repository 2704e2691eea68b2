"""With its weights and untrained fusion the model is ViTPose: same heatmaps, same places.

Errors are relative to the heatmaps' spread; every tensor is random, buffers included.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import (
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
    VitPoseImageProcessor,
)
from transformers.models.vitpose.modeling_vitpose import flip_back

from posealign.model import codec
from posealign.model.config import DecoderConfig
from posealign.model.importing import import_checkpoint
from posealign.model.pose_model import PoseModel
from posealign.model.weights import convert
from posealign.skeletons.load import skeleton
from tests.model import numpy_vitpose
from tests.model.checkpoints import official, randomise
from tests.model.toys import ToyText

TINY = DecoderConfig(width=16, layers=1, text_layers=1, heads=2)
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def transformers_model(
    width: int, depth: int, heads: int, head: str, size: tuple[int, int], experts: int = 1
) -> VitPoseForPoseEstimation:
    backbone = VitPoseBackboneConfig(
        image_size=size[::-1], hidden_size=width, num_hidden_layers=depth,
        num_attention_heads=heads, num_experts=experts, part_features=width // 4,
        out_indices=[depth], layer_norm_eps=1e-6,
    )  # fmt: skip
    config = VitPoseConfig(backbone_config=backbone, use_simple_decoder=head == "simple")
    config.num_labels = 17
    model = VitPoseForPoseEstimation(config).eval()
    model.load_state_dict(randomise(model.state_dict()))
    return model


def ours(state: dict[str, Tensor], heads: int, size: tuple[int, int] | None = None) -> PoseModel:
    checkpoint = convert(state, "test", heads=heads)
    channels = checkpoint.rows().shape[1] - 1
    text = ToyText(148, channels + 1)
    return import_checkpoint(checkpoint, "test", text=text, decoder=TINY, trained_size=size).model


def our_heatmaps(model: PoseModel, pixels: Tensor, dataset: Tensor | None = None) -> Tensor:
    """Through all of the model: the picture, an instruction, the joints' vectors."""
    ids = torch.tensor([[3, 4, 5]]).repeat(len(pixels), 1)
    crop = torch.tensor([[0.0, 1, 0, 0]]).repeat(len(pixels), 1).to(model.table.dtype)
    with torch.no_grad():
        found = model(pixels, ids, crop, torch.arange(17), dataset)
    return found["heatmaps"]


def pixels_of(size: tuple[int, int], batch: int = 1, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (batch, size[1], size[0], 3), generator=generator).byte()


def their_heatmaps(
    model: VitPoseForPoseEstimation, pixels: Tensor, dataset: Tensor | None = None
) -> Tensor:
    values = ((pixels / 255 - MEAN) / STD).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model(values, dataset_index=dataset).heatmaps


def relative(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.std())


@pytest.mark.parametrize(
    ("width", "heads", "head"),
    [
        (384, 12, "classic"),
        (384, 12, "simple"),
        (768, 12, "classic"),
        pytest.param(768, 12, "simple", marks=pytest.mark.slow),
    ],
    ids=["S-classic", "S-simple", "B-classic", "B-simple"],
)
def test_equals_transformers(width: int, heads: int, head: str) -> None:
    size = (192, 256)
    theirs = transformers_model(width, 12, heads, head, size)
    pixels = pixels_of(size)
    wanted = their_heatmaps(theirs, pixels)
    found = our_heatmaps(ours(theirs.state_dict(), heads), pixels)
    assert found.shape == (1, 17, 64, 48)
    assert relative(found, wanted) < 1e-5


def test_vitpose_plus_equals_transformers_for_each_dataset() -> None:
    size = (192, 256)
    theirs = transformers_model(384, 12, 12, "classic", size, experts=6)
    model = ours(theirs.state_dict(), 12)
    pixels = pixels_of(size).repeat(6, 1, 1, 1)
    dataset = torch.arange(6)
    wanted, found = their_heatmaps(theirs, pixels, dataset), our_heatmaps(model, pixels, dataset)
    for index in range(6):
        assert relative(found[index], wanted[index]) < 1e-5
    # The experts differ, so an index that is ignored could not pass.
    assert relative(wanted[0], wanted[1]) > 1e-2


@pytest.mark.parametrize("head", ["classic", "simple"])
@pytest.mark.parametrize("experts", [1, 3])
def test_equals_independent_numpy(head: str, experts: int) -> None:
    state = official(head=head, experts=experts)
    pixels = pixels_of((48, 64))
    arrays = {name: value.double().numpy() for name, value in state.items()}
    dataset = 2 if experts > 1 else None
    wanted = numpy_vitpose.heatmaps(pixels.numpy(), arrays, heads=4, dataset=dataset)
    model = ours(state, 4).double()
    index = None if dataset is None else torch.tensor([dataset])
    found = our_heatmaps(model, pixels, index)
    assert relative(found, torch.from_numpy(wanted)) < 1e-6


def _set_eps(kind: type[nn.Module], eps: float) -> Callable[[PoseModel], None]:
    def change(model: PoseModel) -> None:
        for module in model.encoder.modules():
            if isinstance(module, kind):
                module.eps = eps  # type: ignore[assignment]

    return change


def _tanh_gelu(model: PoseModel) -> None:
    gelu = nn.functional.gelu
    nn.functional.gelu = lambda x, approximate="tanh": gelu(x, approximate="tanh")


def _no_class_position(model: PoseModel) -> None:
    model.encoder.vit.pos_embed.data[:, 0] = 0  # type: ignore[union-attr,operator]


def _no_patch_margin(model: PoseModel) -> None:
    model.encoder.vit.patch_embed.proj.padding = (0, 0)  # type: ignore[union-attr,assignment]


MUTATIONS = {
    "BN eps": _set_eps(nn.BatchNorm2d, 1e-3),
    "LN eps": _set_eps(nn.LayerNorm, 1e-12),
    "GELU kind": _tanh_gelu,
    "class position": _no_class_position,
    "patch margin": _no_patch_margin,
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_equality_notices_a_mutation_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.functional, "gelu", nn.functional.gelu)  # restored afterwards
    size = (48, 64)
    theirs = transformers_model(48, 2, 4, "classic", size)
    pixels = pixels_of(size)
    wanted = their_heatmaps(theirs, pixels)
    model = ours(theirs.state_dict(), 4)
    assert relative(our_heatmaps(model, pixels), wanted) < 1e-5
    MUTATIONS[name](model)
    assert relative(our_heatmaps(model, pixels), wanted) > 1e-4


def test_flip_test_equals_transformers() -> None:
    size, coco = (48, 64), skeleton("coco17")
    theirs = transformers_model(48, 2, 4, "classic", size)
    model, pixels = ours(theirs.state_dict(), 4), pixels_of(size, batch=2)
    mirrored = pixels.flip(2)
    pairs = torch.tensor([(i, int(j)) for i, j in enumerate(coco.swap_J) if i < j])
    wanted = (their_heatmaps(theirs, pixels)
              + flip_back(their_heatmaps(theirs, mirrored), pairs)) / 2  # fmt: skip
    swap = torch.from_numpy(coco.swap_J)
    back = codec.flip_back(our_heatmaps(model, mirrored), swap)
    assert relative((our_heatmaps(model, pixels) + back) / 2, wanted) < 1e-5


def bumps(points_K2: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
    """Heatmaps as an MSE head makes them: Gaussian bumps with a little noise."""
    y, x = np.mgrid[:height, :width]
    maps = [np.exp(-((x - p[0]) ** 2 + (y - p[1]) ** 2) / 8) for p in points_K2]
    noise = np.random.default_rng(0).normal(0, 0.01, (len(maps), height, width))
    return (np.array(maps) + noise).astype(np.float32)


def test_dark_decoding_equals_transformers() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform([2, 2], [45, 61], (17, 2))
    maps = bumps(points, 64, 48)[None]
    processor = VitPoseImageProcessor()
    # A box as large as the input leaves the UDP grid in input pixels.
    center, scale = np.array([[95.5, 127.5]]), np.array([[191.0, 255.0]]) / 200
    wanted, scores = processor.keypoints_from_heatmaps(maps, center, scale, kernel=3)
    cells = codec.dark(torch.from_numpy(maps), 3).numpy()
    found = cells * np.array([191 / 47, 255 / 63])
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert np.abs(cells - points).max() < 0.5
    np.testing.assert_allclose(maps.max((2, 3))[..., None], scores)


def test_dark_with_mmposes_kernel_finds_the_bumps() -> None:
    """Kernel 11, zero borders, the maximum restored: cv2 says the same."""
    points = np.random.default_rng(2).uniform([6, 6], [41, 57], (17, 2))
    maps = bumps(points, 64, 48)
    wanted = []
    for heatmap in maps:
        padded = np.pad(heatmap, 5)
        smooth = cv2.GaussianBlur(padded, (11, 11), 0)[5:-5, 5:-5]
        wanted.append(smooth * heatmap.max() / smooth.max())
    found = codec.blur(torch.from_numpy(maps), 11).numpy()
    np.testing.assert_allclose(found, np.array(wanted), atol=2e-6)
    cells = codec.dark(torch.from_numpy(maps), 11).numpy()
    assert np.abs(cells - points).max() < 0.15
