"""What the design promises of the model, on a toy encoder and text with the real interfaces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from posealign.errors import InvalidConfig, InvalidInput
from posealign.export.graphs import SPECS, example
from posealign.model import codec
from posealign.model.backbone import ViTEncoder
from posealign.model.config import Calibration, PoseConfig, pose_config
from posealign.model.heads import heatmaps
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import skeleton, vocabulary
from tests.model.toys import ToyText, toy_config, toy_model


def opened(seed: int = 0) -> PoseModel:
    """A toy model whose gate is open, so that language reaches the vectors."""
    model = toy_model(seed).eval()
    with torch.no_grad():
        model.decoder.gate.fill_(0.5)
    return model


@pytest.mark.parametrize("graph", SPECS)
def test_each_graph_gives_what_the_table_says(graph: str) -> None:
    model = toy_model().eval()
    inputs = example(model, graph, batch=2, length=5, joints=3)
    found = getattr(model, graph)(*inputs.values())
    assert set(SPECS[graph].outputs) <= set(found)
    for value in found.values():
        assert value.shape[0] == 2
        assert value.isfinite().all()


def test_at_initialisation_the_gate_is_shut_and_delta_is_not_zero() -> None:
    model = toy_model()
    assert float(torch.tanh(model.decoder.gate.detach())) == 0
    inputs = example(model, "select")
    vectors = model.select(*inputs.values())["vectors"]
    torch.testing.assert_close(vectors, model.table.expand_as(vectors), atol=0, rtol=0)
    with torch.no_grad():
        model.decoder.gate.fill_(10.0)
    moved = model.select(*inputs.values())["vectors"] - model.table
    assert float(moved.detach().std()) > 1e-2


def test_gradients_reach_every_parameter_within_three_steps() -> None:
    """Experts and joints included, though the outer gate starts at zero."""
    torch.manual_seed(0)
    config = toy_config(joints=6)
    size = (config.width, config.height)
    encoder = ViTEncoder(size, (24, 2, 2), experts=3, part=6, neck_channels=6)
    model = PoseModel(config, encoder, ToyText(6, 7))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    pixels = torch.randint(0, 256, (3, config.height, config.width, 3)).byte()
    ids, crop = torch.randint(1, 40, (3, 5)), torch.randn(3, 4)
    reached: set[str] = set()
    for _ in range(3):
        optimiser.zero_grad()
        found = model(pixels, ids, crop, dataset_B=torch.arange(3))
        points = torch.rand(3, 6, 2) * 14
        target = codec.soft_target(points, *config.grid)
        loss = -(target * found["heatmaps"].flatten(2).log_softmax(-1)).sum(-1).mean()
        loss = loss + (found["heatmaps"] ** 2).mean()  # MSE heads train the bias too
        for name in set(found) - {"heatmaps", "features", "tokens", "text_tokens", "vectors"}:
            loss = loss + functional.mse_loss(found[name], torch.randn_like(found[name]))
        loss.backward()
        reached |= {
            name
            for name, value in model.named_parameters()
            if value.grad is not None and value.grad.abs().sum() > 0
        }
        optimiser.step()
    assert reached == {name for name, _ in model.named_parameters()}


def test_a_joint_has_one_place_whatever_is_asked_beside_it() -> None:
    model = opened()
    picture = example(model, "image", batch=1)["pixels"]
    crop = torch.tensor([[0.3, 0.95, 0.1, 0.2]])
    seen = model.image(picture)
    places = []
    for text, chosen in (([3], [13]), ([9, 8, 7, 6], [2, 13, 40]), ([21, 5], list(range(133)))):
        ids = torch.tensor([text])
        read = model.text(ids)
        vectors = model.select(seen["tokens"], read["text_tokens"], ids, crop)["vectors"]
        found = model.locate(seen["features"], vectors[:, chosen])
        places.append([found[name][0, chosen.index(13)] for name in ("xy", "confidence", "radius")])
    for other in places[1:]:
        for first, second in zip(places[0], other, strict=True):
            torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


def test_state_and_z_do_not_depend_on_the_words_but_asked_does() -> None:
    model = opened()
    inputs = example(model, "select", batch=1)
    other = inputs | {"ids": inputs["ids"] + 1, "text_tokens": inputs["text_tokens"] * -1}
    first, second = model.select(*inputs.values()), model.select(*other.values())
    for name in ("vectors", "state", "z"):
        torch.testing.assert_close(first[name], second[name], atol=0, rtol=0)
    assert not torch.allclose(first["asked"], second["asked"], atol=1e-3)
    elsewhere = inputs | {"tokens": inputs["tokens"].flip(1)}
    third = model.select(*elsewhere.values())
    assert not torch.allclose(first["asked"], third["asked"], atol=1e-4)


def test_padding_does_not_change_the_answer() -> None:
    model = opened()
    inputs = example(model, "select", batch=1, length=4)
    ids = torch.tensor([[3, 4, 5, 6]])
    padded = torch.tensor([[3, 4, 5, 6, 0, 0]])
    more = torch.cat([inputs["text_tokens"], torch.randn(1, 2, model.text_width)], 1)
    short = model.select(inputs["tokens"], inputs["text_tokens"], ids, inputs["crop"])
    long = model.select(inputs["tokens"], more, padded, inputs["crop"])
    torch.testing.assert_close(short["asked"], long["asked"], atol=1e-5, rtol=1e-5)


def test_macs_of_locate_fall_with_the_number_of_joints() -> None:
    model = toy_model().eval()
    counts = {}
    for joints in (1, 3, 17, 133):
        inputs = example(model, "locate", batch=1, joints=joints)
        with FlopCounterMode(display=False) as counter:
            model.locate(*inputs.values())
        counts[joints] = counter.get_total_flops() / 2
    for joints, macs in counts.items():
        assert macs == pytest.approx(counts[1] * joints)


@pytest.mark.parametrize("kernel", [1, 3])
def test_vectors_are_the_rows_of_a_convolution(kernel: int) -> None:
    features, rows = torch.randn(2, 5, 12, 9), torch.randn(4, 5 * kernel**2 + 1)
    wanted = functional.conv2d(
        features, rows[:, :-1].reshape(4, 5, kernel, kernel), rows[:, -1], padding=kernel // 2
    )
    found = heatmaps(features, rows.expand(2, -1, -1), kernel)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_a_new_skeleton_with_described_joints_runs_without_code(tmp_path: Path) -> None:
    """A JSON file: two joints of the vocabulary and one that only its description makes."""
    new = {
        "name": "sling", "joints": [
            {"name": "left_elbow", "en": "left elbow", "zh": "左肘", "swap": "right_elbow",
             "sigma": 0.07, "from": {"left_elbow": 1}},
            {"name": "right_elbow", "en": "right elbow", "zh": "右肘", "swap": "left_elbow",
             "sigma": 0.07, "from": {"right_elbow": 1}},
            {"name": "navel", "en": "navel", "zh": "肚脐", "swap": "navel", "sigma": 0.1,
             "description": "the middle of the belly"},
        ], "edges": [["left_elbow", "navel"]],
    }  # fmt: skip
    path = tmp_path / "sling.json"
    path.write_text(json.dumps(new), "utf-8")
    loaded = skeleton(str(path))
    model = opened()
    seen = model.image(example(model, "image", batch=1)["pixels"])
    ids = torch.tensor([[11, 12, 13]])  # the description's tokens
    read = model.text(ids)
    crop = torch.tensor([[0.0, 1, 0, 0]])
    named = model.select(seen["tokens"], read["text_tokens"], ids, crop)["vectors"]
    matrix = torch.from_numpy(loaded.matrix_JV(vocabulary())).float()
    vectors = matrix @ named
    vectors[:, 2] = read["vector"]
    found = model.locate(seen["features"], vectors)
    assert found["xy"].shape == (1, 3, 2)
    assert found["xy"].isfinite().all()
    alone = model.locate(seen["features"], read["vector"][:, None])
    torch.testing.assert_close(alone["xy"][0, 0], found["xy"][0, 2], atol=1e-4, rtol=0)


def bump(model: PoseModel, x: float, y: float, sigma: float, floor: float = 0.0) -> torch.Tensor:
    height, width = model.config.grid
    p = codec.soft_target(torch.tensor([x, y]), height, width, sigma)
    return ((1 - floor) * p + floor / p.numel()).log().reshape(1, 1, height, width)


def test_locate_answers_in_input_pixels() -> None:
    model = toy_model()
    height, width = model.config.grid
    xy, _, _ = model.locator(bump(model, 7.25, 10.5, 1.5))
    scale = np.array([63 / (width - 1), 95 / (height - 1)])
    np.testing.assert_allclose(xy[0, 0].numpy(), np.array([7.25, 10.5]) * scale, atol=0.05)


def test_radius_is_that_of_the_disc_with_ninety_percent() -> None:
    """A Gaussian's is 2.146 σ; wider ones are less sure too."""
    model = toy_model()
    height, width = model.config.grid
    pixel = ((63 / (width - 1)) * (95 / (height - 1))) ** 0.5
    found = [model.locator(bump(model, 8, 12, sigma)) for sigma in (1.5, 2.0, 3.0)]
    radii = [float(radius) for _, _, radius in found]
    confidences = [float(confidence) for _, confidence, _ in found]
    assert radii[0] == pytest.approx(2.146 * 1.5 * pixel, rel=0.15)
    assert radii[0] < radii[1] < radii[2]
    assert confidences[0] > confidences[1] > confidences[2]
    assert all(0 <= c <= 1 for c in confidences)


def test_an_imported_heads_confidence_is_its_maximum() -> None:
    model = toy_model(target="gaussian")
    height, width = model.config.grid
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    heatmap = 0.7 * torch.exp(-((x - 7.3) ** 2 + (y - 12.1) ** 2) / 8)
    xy, confidence, radius = model.locator(heatmap[None, None])
    assert float(confidence) == pytest.approx(float(heatmap.max()), abs=1e-4)
    np.testing.assert_allclose(
        xy[0, 0].numpy(), np.array([7.3 * 63 / (width - 1), 12.1 * 95 / (height - 1)]), atol=0.5
    )
    assert 0 < float(radius) < 95
    silent = model.locator(torch.zeros(1, 1, height, width))
    assert float(silent[1]) < 1e-3
    assert silent[0].isfinite().all()


def test_calibration_is_inside_locate() -> None:
    model = toy_model()
    before = model.locator(bump(model, 8, 12, 1.5))
    model.calibrate(Calibration(bias=-5.0, radius_scale=2.0, radius_offset=1.0))
    after = model.locator(bump(model, 8, 12, 1.5))
    assert float(after[1]) < float(before[1])
    torch.testing.assert_close(after[2], 1 + 2 * before[2])
    assert model.config.calibration.bias == -5.0
    assert "locator.bias" in model.state_dict()


def test_config_round_trips_and_names_what_is_wrong() -> None:
    config = PoseConfig()
    assert pose_config(json.loads(config.model_dump_json())) == config
    with pytest.raises(InvalidConfig, match=r"decoder\.widht"):
        pose_config({"decoder": {"widht": 3}})
    with pytest.raises(InvalidConfig, match="multiples of 16"):
        pose_config({"width": 100})
    with pytest.raises(InvalidConfig, match="multiple of heads"):
        pose_config({"decoder": {"width": 100, "heads": 3}})


def test_pixels_of_another_size_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"expected pixels \[B, 96, 64, 3\]"):
        toy_model().image(torch.zeros(1, 64, 64, 3).byte())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("vit", {"size": "XXL"}, "no ViT size"), ("vit", {"sise": "S"}, "sise"),
     ("timm:vit_tiny_patch99", {}, "timm has no model"),
     ("vit", {"experts": 3}, "3 experts with a part of 0")],
)  # fmt: skip
def test_encoders_say_what_is_wrong(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        PoseModel(toy_config(encoder={"name": name, "options": options}), text=ToyText(148, 7))


def test_any_timm_vit_has_the_same_neck() -> None:
    config = toy_config(encoder={"name": "timm:vit_tiny_patch16_224", "options": {"depth": 1}})
    model = PoseModel(config, text=ToyText(148, 257)).eval()
    found = model.image(example(model, "image", batch=1)["pixels"])
    assert found["features"].shape == (1, 256, *config.grid)
    assert found["tokens"].shape == (1, 24, 192 + 256)
    assert found["finder"].shape == (1, 6, *config.tokens)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_compile_on_a_gpu(dtype: torch.dtype) -> None:
    model = toy_model().eval().cuda()
    inputs = {name: value.cuda() for name, value in example(model, "image").items()}
    wanted = model.image(inputs["pixels"])
    compiled = torch.compile(model.image)
    with torch.autocast("cuda", dtype), torch.no_grad():
        found = compiled(inputs["pixels"])
        vectors = model.table.expand(2, -1, -1)
        placed = model.locate(found["features"], vectors)
    assert placed["xy"].dtype == torch.float32
    assert (found["features"] - wanted["features"]).abs().max() < 0.05
