"""The bake-off: a file's nodes as layers that learn, arms alike, runs that go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from posealign.config import load_config
from posealign.errors import InvalidInput
from training.experiments.bakeoff import (
    BakeoffConfig,
    batch_at,
    learners,
    open_people,
    open_tests,
    study,
    train,
)
from training.experiments.nodes import Nodes
from training.experiments.pyramids import LEVELS, Arm, Detector, network, unit
from training.figures import drawn

from .tiny import CONFIGS

DETECTOR = "rtmdet_nano_person.onnx"
MOVENET = "movenet_lightning_int8_v4.tflite"


def made(path: Path, odd: str | None = None) -> Path:
    """A small file with every kind of node, and the published file's names at its levels."""
    dice = np.random.default_rng(0)
    constants, nodes = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def layer(x: str, shape: tuple[int, ...], stride: int = 1, group: int = 1) -> str:
        name, edge = f"conv{len(nodes)}", shape[-1] // 2
        weight = constant(f"{name}.w", dice.normal(0, 0.5, shape))
        bias = constant(f"{name}.b", dice.normal(0, 0.1, shape[:1]))
        node("Conv", [x, weight, bias], name, strides=[stride] * 2, group=group, pads=[edge] * 4)
        node("Sigmoid", [name], f"{name}.gate")
        return node("Mul", [name, f"{name}.gate"], f"{name}.out")

    x = layer(layer("input", (4, 3, 3, 3), 2), (4, 1, 3, 3), 2, 4)
    node("Add", [x, x], LEVELS["c4"])
    x = layer(LEVELS["c4"], (6, 4, 3, 3), 2)
    x = node("Relu", [x], "relu")
    pooled = node("MaxPool", [x], "pool", kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4)
    x = node("Concat", [x, pooled], "both", axis=1)
    mean = node("GlobalAveragePool", [x], "mean")
    gate = node("HardSigmoid", [mean], "gate", alpha=1 / 6)
    node("Mul", [gate, x], LEVELS["c8"])
    node("Conv", [LEVELS["c8"], constant("last.w", dice.normal(0, 0.5, (5, 12, 1, 1)))],
         "plain", strides=[2, 2])  # fmt: skip
    layer("plain", (8, 5, 3, 3), 2)
    node("Sigmoid", ["plain"], LEVELS["c16"])
    constant("scales", np.array([1, 1, 2, 2]))
    constant("roi", np.zeros(0))
    up = node("Resize", [LEVELS["c16"], "roi", "scales"], "up", mode="nearest",
              coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    layer(up, (7, 5, 3, 3), 2)
    node("MaxPool", [nodes[-1].output[0]], LEVELS["c32"], kernel_shape=[2, 2], strides=[2, 2])
    if odd is not None:
        node(odd, [LEVELS["c32"]], "odd")
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
              for name in (*LEVELS.values(), *(["odd"] * (odd is not None)))]  # fmt: skip
    entrance = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, None, None])
    graph = helper.make_graph(nodes, "made", [entrance], wanted, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)],
                                ir_version=6), path)  # fmt: skip
    return path


def config_of(base: Path, **changes: object) -> BakeoffConfig:
    published = Arm(pyramid="rtmdet", rates={"encoder.pyramid.nodes": 1e-4})
    values = {
        "out": str(base / "run"), "files": {"rtmdet": str(made(base / "made.onnx"))},
        "arms": {"scratch": Arm(), "rtmdet": published},
        "encoder": {"input_size": (64, 64), "width": 24, "depth": 1, "heads": 2, "extra": 8},
        "shard": "drawn:8", "judged": "drawn:6", "samples": 12, "batch": 2, "warmup": 1,
        "save_every": 2, "judge_every": 3, "draws": 20, "decay_from": 1.0,
    }  # fmt: skip
    return BakeoffConfig.model_validate({**values, **changes})


def theirs(path: Path, pixels: torch.Tensor) -> list[np.ndarray]:
    """What onnxruntime makes of the levels."""
    model = onnx.load(str(path))
    given = {one.name for one in model.graph.output}
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
                              for name in LEVELS.values() if name not in given)  # fmt: skip
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(list(LEVELS.values()), {"input": pixels.numpy()}))


def test_nodes_give_what_the_file_gives_and_learn(tmp_path: Path) -> None:
    path = made(tmp_path / "made.onnx")
    nodes = Nodes(path, tuple(LEVELS.values()))
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    found = nodes(pixels)
    for mine, their in zip(found, theirs(path, pixels), strict=True):
        assert mine.shape == their.shape
        np.testing.assert_allclose(mine.detach().numpy(), their, atol=1e-5)
    assert [step.kind for step in nodes.steps].count("Silu") == 4  # the fifth leads nowhere
    torch.stack([level.square().mean() for level in found]).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in nodes.parameters())


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "made.onnx", odd="Erf")
    with pytest.raises(InvalidInput, match="another network"):
        Nodes(path, ("nowhere",))
    with pytest.raises(InvalidInput, match="Erf is none of"):
        Nodes(path, ("odd",))


def test_fresh_layers_have_unit_size() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 4, 1, bias=False)]
    chain, x = nn.Sequential(*layers), 50 * torch.rand(2, 3, 12, 12)
    unit(layers, lambda: chain(x))
    for count in (1, 2, 3):
        assert float(chain[:count](x).detach().std()) == pytest.approx(1, abs=1e-3)


def test_arms_differ_in_the_pyramid_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    people = open_people(config, 0)
    arms = learners(config, people, 0)
    first, second = (dict(arms[name].model.named_parameters()) for name in ("scratch", "rtmdet"))
    reads = ("norm16", "norm32", "embed16", "embed32", "wide8", "wide4")  # as wide as the levels
    apart = tuple(f"encoder.{name}." for name in ("pyramid", *reads))
    shared = [name for name in first if not name.startswith(apart)]
    assert "table" in shared
    assert "encoder.blocks.0.qkv.weight" in shared
    assert all(torch.equal(first[name], second[name]) for name in shared)
    pyramid = arms["rtmdet"].model.encoder.pyramid
    assert isinstance(pyramid, Detector)
    file = onnx.load(config.files["rtmdet"]).graph.initializer
    kept = [torch.from_numpy(numpy_helper.to_array(one).copy()) for one in file]
    for layer in pyramid.nodes.layers:
        weight = layer.get_parameter("weight")
        assert any(weight.shape == w.shape and torch.equal(weight, w) for w in kept)
    pixels = batch_at(people, config, 0)["pixels"]
    for arm in arms.values():
        features = arm.model.encoder.pyramid.features(arm.model.encoder.pyramid.levels(pixels))
        assert features.shape == (2, 96, 16, 16)
        assert 0.05 < float(features.detach().std()) < 5


def test_the_study_goes_on_where_it_stopped_and_every_arm_learns(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    text = study(config).read_text()
    assert "## Half B (3 pictures)" in text
    assert "rtmdet less scratch" in text
    assert "a keypoint" in text
    assert "| 0 |" in text
    assert "| 6 |" in text  # judged on the way after three batches
    whole = torch.load(tmp_path / "run/seed0/last.pt", weights_only=True)
    again, held_out = {"out": str(tmp_path / "again")}, open_tests(config, "A")
    for samples in (8, 12):  # stopped on the way, and gone on with
        arms, log = train(config.model_copy(update={**again, "samples": samples}), 0, held_out)
    assert [row["step"] for row in log] == [str(step) for step in range(7)]
    assert "scratch turned oks" in log[0]  # as it began
    saved = torch.load(tmp_path / "again/seed0/last.pt", weights_only=True)
    assert saved["step"] == whole["step"] == 6
    begun = learners(config, open_people(config, 0), 0)
    for name, learner in arms.items():
        for key, value in whole["arms"][name]["ema"].items():
            assert torch.equal(saved["arms"][name]["ema"][key], value), (name, key)
        start = dict(begun[name].model.named_parameters())
        moved = {key for key, value in learner.model.named_parameters()
                 if not torch.equal(value, start[key])}  # fmt: skip
        assert {key for key in start if "pyramid" in key or "blocks" in key} <= moved
        assert "table" in moved
    with pytest.raises(InvalidInput, match="same samples"):
        train(config.model_copy(update={"arms": {"scratch": Arm()}}), 0, held_out)


def test_an_arm_does_not_change_what_another_learns(tmp_path: Path) -> None:
    """Alone or beside the others: the same batches, the same dice, the same weights."""
    together, _ = train(config_of(tmp_path, samples=4), 0, {})
    alone, _ = train(
        config_of(tmp_path, samples=4, out=str(tmp_path / "alone"),
                  arms={"rtmdet": config_of(tmp_path).arms["rtmdet"]}), 0, {}
    )  # fmt: skip
    for name, value in alone["rtmdet"].model.state_dict().items():
        assert torch.equal(value, together["rtmdet"].model.state_dict()[name]), name


def test_labels_are_peoples_alone(tmp_path: Path) -> None:
    rows = [{"lsp14": [[10.0 + i, 20.0, float(i != 2)] for i in range(14)]} for _ in range(8)]
    labels = tmp_path / "train.json"
    labels.write_text(json.dumps(rows))
    shard = open_people(config_of(tmp_path, labels=str(labels)), 0).shards["people"]
    assert set(np.unique(shard.weights_NV)) == {0, 1}
    assert (shard.weights_NV > 0).sum(1).tolist() == [13] * 8
    assert not (shard.weights_NV[:, :5] > 0).any()  # no face
    assert (drawn(8).weights_NV[:, :5] > 0).any()  # though the shard has one
    labels.write_text(json.dumps(rows[:5]))
    with pytest.raises(InvalidInput, match="5 rows, the shard 8"):
        open_people(config_of(tmp_path, labels=str(labels)), 0)


def test_the_published_files_are_read(shared: Path) -> None:
    files = {"movenet": str(shared / "peers" / MOVENET), "rtmdet": str(shared / "peers" / DETECTOR)}
    nodes = Nodes(Path(files["rtmdet"]), tuple(LEVELS.values()))
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for mine, their in zip(nodes(pixels), theirs(Path(files["rtmdet"]), pixels), strict=True):
            np.testing.assert_allclose(mine.numpy(), their, atol=1e-3)
    options = {"input_size": (64, 64), "depth": 1}
    picture = torch.randint(0, 256, (2, 64, 64, 3), generator=torch.Generator().manual_seed(0))
    given = picture.to(torch.uint8)
    rtmdet = network(Arm(pyramid="rtmdet"), options, files, given, 0)
    assert {name: level.shape[1] for name, level in rtmdet.encoder.pyramid.levels(given).items()} \
        == {"c4": 32, "c8": 64, "c16": 128, "c32": 256, "c16b": 128}  # fmt: skip
    fresh = network(Arm(pyramid="movenet"), options, files, given, 0)
    rows = network(Arm(pyramid="movenet", rows=True), options, files, given, 0)
    pairs = zip(fresh.encoder.parameters(), rows.encoder.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert torch.equal(fresh.table, rtmdet.table)
    assert not torch.equal(fresh.table, rows.table)
    assert not rows.table[:, 96:].any()


def test_the_config_is_whole() -> None:
    config = load_config(BakeoffConfig, CONFIGS / "study_bakeoff.yaml")
    assert set(config.files) >= {arm.pyramid for arm in config.arms.values()} - {"scratch"}
