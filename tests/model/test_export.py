"""What leaves torch: the same numbers for any batch, text length and number of joints."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from posealign import bundle as bundles
from posealign.bundle import SMALL, Bundle
from posealign.errors import BrokenBundle, InvalidInput
from posealign.export.cost import place_shift
from posealign.export.graphs import SPECS, spec_of
from posealign.export.parity import torch_parity
from posealign.export.precision import compute_fp16, quantise, store_fp16
from posealign.model.checkpoint import load_weights, save_weights
from posealign.model.pose_model import PoseModel
from posealign.runtime.session import open_graphs
from tests.model.conftest import small_model

Exported = tuple[PoseModel, Bundle]


def crops(count: int = 4) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 12, 8, 3), dtype=np.uint8)
    return [np.kron(c, np.ones((8, 8, 1), np.uint8)) for c in coarse]


def test_onnx_equals_torch_for_any_shape(exported: Exported) -> None:
    model, bundle = exported
    report = torch_parity(model, bundle.folder, batches=(1, 5), joints=(1, 133), lengths=(1, 40))
    assert report.worst.relative < 1e-4, report.table()
    assert report.of("locate", "xy") < 0.01
    assert report.of("locate", "confidence") < 1e-4
    assert {row.graph for row in report.rows} == set(SPECS)
    assert "| locate | xy |" in report.table()
    assert report.to_json()["worst"]["relative"] == report.worst.relative


def test_bundle_says_what_it_is(exported: Exported) -> None:
    model, bundle = exported
    loaded = bundles.load(bundle.folder)
    assert loaded.input_size == (64, 96)
    assert loaded.metadata.precision == "fp32"
    assert loaded.metadata.model == model.config.model_dump(mode="json")
    for graph in SPECS:
        proto = onnx.load(bundle.path(f"{graph}.onnx"))
        notes = {row.key: row.value for row in proto.metadata_props}
        assert notes["graph"] == graph
        assert notes["graph_version"] == "1"
        assert [v.name for v in proto.graph.output] == list(spec_of(model, graph).outputs)
        assert proto.opset_import[0].version == bundle.metadata.opset == 20
    assert [v.name for v in onnx.load(bundle.path("image.onnx")).graph.input] == [
        "pixels", "dataset",
    ]  # fmt: skip


def test_graphs_carry_no_trace_of_the_machine_that_made_them(exported: Exported) -> None:
    _, bundle = exported
    home = str(Path(__file__).parents[2]).encode()
    for graph in SPECS:
        content = bundle.path(f"{graph}.onnx").read_bytes()
        assert home not in content
        assert b"site-packages" not in content


def test_weights_go_back_into_torch(exported: Exported, tmp_path: Path) -> None:
    model, bundle = exported
    other = small_model(seed=1)
    load_weights(other, bundle.path("weights.safetensors"))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, atol=0, rtol=0)
    smaller = small_model()
    smaller.table = torch.nn.Parameter(torch.zeros(3, 17))
    save_weights(smaller, tmp_path / "small.safetensors")
    with pytest.raises(BrokenBundle, match=r"table is \[3, 17\], expected \[148, 17\]"):
        load_weights(model, tmp_path / "small.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(BrokenBundle, match="is not a safetensors file"):
        load_weights(model, tmp_path / "bad.safetensors")


def test_fp16_storage_computes_in_fp32(exported: Exported, tmp_path: Path) -> None:
    """The file shrinks; answers move by the rounding of the weights alone."""
    model, bundle = exported
    for graph in SPECS:
        shutil.copyfile(bundle.path(f"{graph}.onnx"), tmp_path / f"{graph}.onnx")
    assert store_fp16(tmp_path / "image.onnx", tmp_path / "image.onnx") > 10_000
    before = bundle.path("image.onnx").stat().st_size
    assert (tmp_path / "image.onnx").stat().st_size < 0.7 * before
    report = torch_parity(model, tmp_path, batches=(2,), joints=(3,), lengths=(4,))
    assert report.of("image", "features") > 0
    assert report.worst.relative < 5e-3
    # The fp32 file with rounded weights gives the very same numbers.
    proto = onnx.load(bundle.path("image.onnx"))
    for weight in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= SMALL:
            halved = values.astype(np.float16).astype(np.float32)
            weight.CopyFrom(onnx.numpy_helper.from_array(halved, weight.name))
    feeds = {"pixels": crops()[0][None], "dataset": np.zeros(1, np.int64)}
    small = open_graphs(tmp_path, "cpu")["image"](feeds)
    onnx.save(proto, tmp_path / "image.onnx")
    rounded = open_graphs(tmp_path, "cpu")["image"](feeds)
    np.testing.assert_allclose(small["features"], rounded["features"], rtol=0, atol=1e-6)


def test_fp16_computing_keeps_types_at_the_borders(exported: Exported, tmp_path: Path) -> None:
    model, bundle = exported
    found = compute_fp16(bundle, tmp_path / "half")
    assert found.metadata.precision == "fp16"
    assert bundles.load(found.folder).digest == found.digest
    report = torch_parity(model, found.folder, batches=(1,), joints=(3,), lengths=(4,))
    assert report.worst.relative < 0.1
    assert report.of("locate", "xy") < 0.01  # stays fp32


def test_int8_places_joints_nearly_alike(exported: Exported, tmp_path: Path) -> None:
    _, bundle = exported
    found = quantise(bundle, tmp_path / "int8", crops())
    assert found.metadata.precision == "int8"
    graph = onnx.load(found.path("image.onnx")).graph
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.node}
    neck = [weight for weight in graph.initializer if "winograd" in weight.name]
    assert len(neck) == 18  # two deconvolutions, as the convolutions that they are
    assert {weight.data_type for weight in neck} == {onnx.TensorProto.FLOAT}
    features = [
        open_graphs(b.folder, "cpu")["image"](
            {"pixels": crops()[0][None], "dataset": np.zeros(1, np.int64)}
        )["features"]
        for b in (bundle, found)
    ]
    error = np.abs(features[0] - features[1]).mean() / features[0].std()
    assert 0 < error < 0.2
    more = quantise(bundle, tmp_path / "more", crops(), convolutions=True)
    counts = [
        sum(node.op_type == "QuantizeLinear" for node in onnx.load(b.path("image.onnx")).graph.node)
        for b in (found, more)
    ]
    assert 0 < counts[0] < counts[1]
    with pytest.raises(InvalidInput, match="give another folder"):
        quantise(bundle, bundle.folder, crops())
    with pytest.raises(InvalidInput, match=r"calibration crops \(96, 64, 3\), got none"):
        quantise(bundle, tmp_path / "none", [])


def test_place_shift_measures_what_a_change_costs(exported: Exported, tmp_path: Path) -> None:
    _, bundle = exported
    same = place_shift(bundle, bundle, crops(2), joints=5)
    assert same.largest == 0
    assert same.to_json()["pictures"] == 2
    other = tmp_path / "other"
    shutil.copytree(bundle.folder, other)
    proto = onnx.load(other / "image.onnx")
    for weight in proto.graph.initializer:
        if weight.name.endswith("patch_embed.proj.weight"):
            values = onnx.numpy_helper.to_array(weight)
            weight.CopyFrom(onnx.numpy_helper.from_array(values * -1, weight.name))
    onnx.save(proto, other / "image.onnx")
    moved = place_shift(bundle, Bundle(other, bundle.metadata), crops(2), joints=5)
    assert moved.p95 > 0
    assert moved.p95 >= moved.median
