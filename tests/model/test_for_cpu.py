"""Shaped for a CPU, the image graph gives what the model gives: each part, then all in ONNX."""

from __future__ import annotations

import onnx
import pytest
import torch
from torch import nn

from posealign.export.for_cpu import for_cpu
from posealign.export.onnx import to_onnx
from posealign.export.tokens_first import TokensFirst
from posealign.export.winograd import KERNELS, Winograd, WinogradNeck, fits
from posealign.model.backbone import ViT, ViTSize
from posealign.model.config import EncoderConfig
from posealign.model.neck import ClassicNeck, SimpleNeck
from posealign.model.pose_model import PoseModel
from posealign.runtime.session import onnxruntime
from tests.model.toys import ToyText, toy_config


def shaken(module: nn.Module) -> nn.Module:
    """Every number away from its start: biases, norms and their statistics count."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5 if "var" in name else value + 0.1)
                value.add_(torch.randn_like(value) * 0.05)
    return module.eval()


def near(found: torch.Tensor, wanted: torch.Tensor, share: float = 2e-5) -> None:
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) < share * float(wanted.std())


@pytest.mark.parametrize("side", KERNELS)
@pytest.mark.parametrize("cells", [(1, 1), (2, 3), (5, 7), (6, 4), (9, 8)])
@pytest.mark.parametrize("biased", [True, False])
def test_a_deconvolution(
    monkeypatch: pytest.MonkeyPatch, side: int, cells: tuple[int, int], biased: bool
) -> None:
    monkeypatch.setattr("posealign.export.winograd.LARGE", 0 if side == 3 else 10_000)
    deconv = shaken(nn.ConvTranspose2d(6, 5, 4, 2, padding=1, bias=biased))
    norm = shaken(nn.BatchNorm2d(5))
    assert isinstance(deconv, nn.ConvTranspose2d)
    assert isinstance(norm, nn.BatchNorm2d)
    made = Winograd(deconv, norm, cells)
    assert made.side == side
    x = torch.randn(3, 6, *cells)
    with torch.no_grad():
        near(made(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), norm(deconv(x)))


@pytest.mark.parametrize("convs", [(), (4,)])
def test_a_neck(convs: tuple[int, ...]) -> None:
    neck = shaken(ClassicNeck(7, 6, convs))
    assert isinstance(neck, ClassicNeck)
    assert fits(neck)
    x = torch.randn(2, 7, 11, 10)  # small tiles below, large ones above
    made = WinogradNeck(neck, (11, 10))
    assert [up.side for up in made.ups] == [2, 3]
    with torch.no_grad():
        near(made(x), neck(x))


def test_necks_of_another_kind_stay() -> None:
    assert not fits(SimpleNeck(8))
    assert not fits(ClassicNeck(8, 4, norm="instance"))


@pytest.mark.parametrize("batch", [1, 3])
def test_a_vit(batch: int) -> None:
    vit = shaken(ViT(ViTSize(24, 2, 3), (3, 2), 1e-6, 1, 0))
    assert isinstance(vit, ViT)
    x = torch.randn(batch, 3, 48, 32)
    with torch.no_grad():
        near(TokensFirst(vit)(x), vit(x))


def test_experts_stay() -> None:
    with pytest.raises(TypeError, match="depend on the picture"):
        TokensFirst(ViT(ViTSize(24, 1, 3), (3, 2), 1e-6, 2, 6))


def small_vit(**options: object) -> PoseModel:
    """A ViT of two blocks on 80×112: 7×5 tokens, an odd number on both sides."""
    encoder = EncoderConfig(name="vit", options={"size": (24, 2, 3), "neck_channels": 6, **options})
    config = toy_config(width=80, height=112, encoder=encoder)
    torch.manual_seed(0)
    model = PoseModel(config, text=ToyText(config.joints, 7))
    shaken(model.encoder)
    return model.eval()


@pytest.mark.parametrize("batch", [1, 4])
def test_the_image_graph_with_onnxruntime(image: bytes, batch: int) -> None:
    pixels = torch.randint(0, 256, (batch, 112, 80, 3), dtype=torch.uint8)
    with torch.no_grad():
        wanted = small_vit().image(pixels)
    session = onnxruntime().InferenceSession(image)
    for name, value in zip(
        wanted, session.run(list(wanted), {"pixels": pixels.numpy()}), strict=True
    ):
        near(torch.from_numpy(value), wanted[name], 1e-4)


@pytest.fixture(scope="module")
def image() -> bytes:
    proto = to_onnx(for_cpu(small_vit()), "image")
    return bytes(proto.SerializeToString())


def test_what_the_graph_is_made_of(image: bytes) -> None:
    """No convolution but the patches', no splitting; onnxruntime fuses the turns of heads."""
    proto = onnx.load_from_string(image)
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds.count("Conv") == 1
    assert not {"ConvTranspose", "Split", "BatchNormalization", "Shape"} & set(kinds)
    names = {weight.name.rpartition(".")[2] for weight in proto.graph.initializer}
    assert {f"winograd{a}{b}" for a in range(3) for b in range(3)} <= names


def test_the_model_itself_stays() -> None:
    model = small_vit()
    parts = {name: id(part) for name, part in model.named_modules()}
    shaped = for_cpu(model)
    assert {name: id(part) for name, part in model.named_modules()} == parts
    assert shaped.encoder.finder is model.encoder.finder
    assert isinstance(shaped.encoder.vit, TokensFirst)
    assert isinstance(for_cpu(model, neck=False).encoder.neck, ClassicNeck)  # weights in fp16
    plus = small_vit(experts=2, part=6)
    assert isinstance(for_cpu(plus).encoder.vit, ViT)
    simple = small_vit(neck="simple")
    assert isinstance(for_cpu(simple).encoder.neck, SimpleNeck)
