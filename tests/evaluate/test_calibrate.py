"""Calibration: fitted on one half, better on the other, and the same numbers everywhere."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from safetensors.numpy import load_file

from posealign import bundle as bundles
from posealign.bundle import Bundle, CalibrationSpec
from posealign.calibrate import apply, fit, set_graph
from posealign.config import load_config
from posealign.errors import BrokenBundle, InvalidInput
from posealign.evaluate.rows import RowFile
from posealign.evaluate.run import rows_path, run
from posealign.evaluate.settings import Evaluation
from posealign.report.collect import judged_of
from tests.evaluate.test_run import quiet
from tests.evaluate.toys import make_coco, make_config
from tests.serving.toy import toy_bundle

SPEC = CalibrationSpec(
    bias=0.25, slopes=(0.5, 1.5, -0.5), radius_scale=2.0, radius_offset=0.75, fitted_on="a test"
)


def _locate(path: Path) -> None:
    """A `locate` that reckons as the exported one does, but on features given to it."""

    def constant(name: str, value: object) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "model.locator.slopes"], ["m"]),
            helper.make_node("Add", ["m", "model.locator.bias"], ["a"]),
            helper.make_node("Sigmoid", ["a"], ["confidence"]),
            helper.make_node("Mul", ["model.locator.radius_scale", "raw"], ["s"]),
            helper.make_node("Add", ["model.locator.radius_offset", "s"], ["radius"]),
        ],
        "locate",
        [helper.make_tensor_value_info("features", float32, ["N", 3]),
         helper.make_tensor_value_info("raw", float32, ["N"])],
        [helper.make_tensor_value_info(name, float32, ["N"]) for name in ("confidence", "radius")],
        [constant("model.locator.slopes", [0, 1, 0]), constant("model.locator.bias", 0),
         constant("model.locator.radius_scale", 1), constant("model.locator.radius_offset", 0)],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(proto, path)


def _weights(path: Path) -> None:
    """A safetensors file with the locator's four tensors between two others."""
    tensors = {
        "first": np.arange(3, dtype=np.float32), "locator.bias": np.zeros((), np.float32),
        "locator.slopes": np.array([0, 1, 0], np.float32),
        "locator.radius_scale": np.ones((), np.float32),
        "locator.radius_offset": np.zeros((), np.float32), "last": np.arange(2, dtype=np.float32),
    }  # fmt: skip
    header, body = {}, b""
    for name, value in tensors.items():
        ends = [len(body), len(body) + value.nbytes]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": ends}
        body += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.fixture
def toy(tmp_path: Path) -> Bundle:
    folder = toy_bundle(tmp_path / "toy")
    metadata = bundles.load(folder).metadata
    _locate(folder / "locate.onnx")
    _weights(folder / "weights.safetensors")
    return bundles.write(folder, metadata)


def test_the_numbers_reach_graph_bundle_and_weights(toy: Bundle, tmp_path: Path) -> None:
    made = apply(toy, SPEC, tmp_path / "new")
    assert made.metadata.calibration == SPEC
    assert made.digest != toy.digest
    session = onnxruntime.InferenceSession(
        str(made.folder / "locate.onnx"), providers=["CPUExecutionProvider"]
    )
    features, raw = np.array([[1, 2, 3]], np.float32), np.array([4], np.float32)
    confidence, radius = session.run(None, {"features": features, "raw": raw})
    assert confidence[0] == pytest.approx(1 / (1 + np.exp(-(0.5 + 3 - 1.5 + 0.25))))
    assert radius[0] == 0.75 + 2 * 4
    tensors = load_file(made.folder / "weights.safetensors")
    assert tensors["locator.slopes"].tolist() == [0.5, 1.5, -0.5]
    assert tensors["locator.radius_offset"] == 0.75
    assert tensors["last"].tolist() == [0, 1]
    assert load_file(toy.folder / "weights.safetensors")["locator.bias"] == 0


def test_a_graph_without_calibration_is_named(tmp_path: Path) -> None:
    folder = toy_bundle(tmp_path / "toy")
    with pytest.raises(BrokenBundle, match=r"locate\.onnx has no calibration constants"):
        set_graph(folder / "locate.onnx", SPEC)


def test_an_exported_graph_takes_what_its_exporter_left_out(tmp_path: Path) -> None:
    """The embedded bundle's offset was 0, and no node adds a nought: now there is one."""
    bundle = bundles.find("default")
    graph = onnx.load(bundle.folder / "locate.onnx").graph
    channels, width = (
        next(row for row in graph.input if row.name == name).type.tensor_type.shape.dim[axis]
        for name, axis in (("features", 1), ("vectors", 2))
    )
    rng = np.random.default_rng(0)
    feeds = {
        "features": rng.normal(0, 1, (1, channels.dim_value, 48, 48)).astype(np.float32),
        "vectors": rng.normal(0, 0.3, (1, 5, width.dim_value)).astype(np.float32),
    }

    def located(folder: Path) -> dict[str, np.ndarray]:
        session = onnxruntime.InferenceSession(
            str(folder / "locate.onnx"), providers=["CPUExecutionProvider"]
        )
        names = [row.name for row in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))

    plain = located(apply(bundle, CalibrationSpec(), tmp_path / "plain").folder)
    old, spec = bundle.metadata.calibration, CalibrationSpec(radius_scale=2.0, radius_offset=3.0)
    for given, folder in ((old, bundle.folder), (spec, apply(bundle, spec, tmp_path / "n").folder)):
        found = located(folder)
        wide = given.radius_offset + given.radius_scale * plain["radius"]
        np.testing.assert_allclose(found["radius"], wide, rtol=1e-5)
        np.testing.assert_array_equal(found["xy"], plain["xy"])
    twice = apply(bundles.load(tmp_path / "n"), CalibrationSpec(radius_scale=0.5), tmp_path / "n")
    np.testing.assert_allclose(located(twice.folder)["radius"], plain["radius"] / 2, rtol=1e-5)


def _over_confident(folder: Path, count: int) -> Evaluation:
    """Answers of spread σ that claim half of it: too sure, and radii too small."""
    path = make_config(folder)
    labels = make_coco(folder, count)
    rng = np.random.default_rng(5)
    lines = []
    for row in labels["annotations"]:
        points = np.array(row["keypoints"]).reshape(17, 3)[:, :2]
        spread = np.exp(rng.uniform(np.log(0.3), np.log(8), 17))
        found = points + rng.normal(0, 1, (17, 2)) * spread[:, None]
        sure = 1 / (1 + np.exp(-(4 - spread)))
        names = labels["categories"][0]["keypoints"]
        joints = {
            name: [*found[k].round(3).tolist(), float(sure[k].round(4)), float(spread[k])]
            for k, name in enumerate(names)
        }
        lines.append(json.dumps({
            "key": str(row["image_id"]), "people": [{"joints": joints, "box": row["bbox"]}],
        }))  # fmt: skip
    (folder / "sure.jsonl").write_text("\n".join(lines), "utf-8")
    model = f"models=[{{kind: predictions, name: sure, file: {folder / 'sure.jsonl'}}}]"
    settings = load_config(Evaluation, path, [model])
    run(settings, quiet)
    return settings


def test_the_other_half_gets_better(tmp_path: Path, toy: Bundle) -> None:
    settings = _over_confident(tmp_path / "set", 120)
    judged = judged_of(settings, "sure")
    found = fit(judged, toy, "toy")
    assert found.after["ece"] < min(0.05, found.before["ece"])
    assert abs(found.after["coverage"] - 0.9) < 0.04
    assert found.before["coverage"] < 0.5
    assert found.after["auroc"] > found.before["auroc"] + 0.02, "a small joint forgives less"
    assert found.spec.tolerance > 0.2
    assert found.spec.radius_scale > 1.5
    assert "toy" in (found.spec.fitted_on or "")
    rows = list(RowFile(rows_path(settings.folder, "truth")))
    assert len(rows) == 120
    assert apply(toy, found.spec, tmp_path / "new").metadata.calibration == found.spec


def test_too_few_joints_are_refused(tmp_path: Path, toy: Bundle) -> None:
    settings = _over_confident(tmp_path / "set", 8)
    with pytest.raises(InvalidInput, match="too few"):
        fit(judged_of(settings, "sure"), toy, "toy")
