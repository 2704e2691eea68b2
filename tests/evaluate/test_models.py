"""Baselines answer through the same crop; predictions by anyone; two models compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import typer
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from posealign.commands.compare import compare as compare_command
from posealign.config import load_config
from posealign.data.crop import Crop
from posealign.data.sample import Sample
from posealign.errors import InvalidInput
from posealign.evaluate.compare import compare
from posealign.evaluate.judged import judge
from posealign.evaluate.models import in_skeleton, onnx_model, open_model
from posealign.evaluate.run import open_evaluated, run, truth_of
from posealign.evaluate.settings import Evaluation, MoveNetModel, OnnxModel
from posealign.report.collect import judged_of
from tests.evaluate.test_run import quiet
from tests.evaluate.toys import make_coco, make_config

POINT = (20.0, 36.0)  # input pixels of every joint, in an input of 48×64


def _constant_model(path: Path, outputs: dict[str, Any]) -> None:
    """Answers the same whatever it sees; the picture is read, so that its shape is checked."""
    nodes, constants = [], []
    read = helper.make_node("ReduceMean", ["pixels"], ["mean"], keepdims=0)
    zero = helper.make_node("Mul", ["mean", "nothing"], ["zero"])
    constants.append(numpy_helper.from_array(np.zeros((), np.float32), "nothing"))
    for name, value in outputs.items():
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), f"{name}_table"))
        nodes.append(helper.make_node("Add", [f"{name}_table", "zero"], [name]))
    graph = helper.make_graph(
        [read, zero, *nodes], "constant",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 64, 48])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, np.shape(v))
         for n, v in outputs.items()],
        constants,
    )  # fmt: skip
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)


def _heatmaps() -> dict[str, Any]:
    """Peaks between cells 5 and 6 (nearer 5) and on row 9, of 12×16 cells."""
    maps = np.zeros((1, 17, 16, 12))
    maps[:, :, 9, 5], maps[:, :, 9, 6] = 0.9, 0.5
    return {"heatmaps": maps}


def _simcc() -> dict[str, Any]:
    across, along = np.zeros((1, 17, 96)), np.zeros((1, 17, 128))
    across[..., 40], along[..., 72] = 0.9, 0.7
    return {"x": across, "y": along}


def _points(scale: float = 1.0) -> dict[str, Any]:
    return {"points": np.tile([[POINT[1] / scale, POINT[0] / scale, 0.7]], (1, 17, 1))}


@pytest.mark.parametrize(
    ("output", "tables", "expected", "more"),
    [
        ("heatmaps", _heatmaps(), (5.25 * 47 / 11, 9 * 63 / 15, 0.9), {}),
        ("simcc", _simcc(), (20.0, 36.0, 0.7), {}),
        ("points", _points(), (20.0, 36.0, 0.7), {"order": "yxs"}),
    ],
)
def test_onnx_outputs(
    tmp_path: Path, output: str, tables: Any, expected: Any, more: dict[str, Any]
) -> None:
    path = tmp_path / "model.onnx"
    _constant_model(path, tables)
    model = OnnxModel.model_validate({
        "kind": "onnx", "name": "m", "file": str(path), "width": 48, "height": 64,
        "output": output, **more,
    })  # fmt: skip
    found = onnx_model(model)(np.zeros((64, 48, 3), np.uint8))
    assert found[3] == pytest.approx(expected, abs=1e-5)
    wrong = model.model_copy(update={"joints": "halpe26"})
    with pytest.raises(InvalidInput, match="17 joints; halpe26 has 26"):
        onnx_model(wrong)(np.zeros((64, 48, 3), np.uint8))


def test_a_baseline_stands_in_the_same_crop(tmp_path: Path) -> None:
    """Its joints land where the crop's inverse says; skeletons it lacks are not its fault."""
    path = tmp_path / "model.onnx"
    _constant_model(path, _simcc())
    model = {"kind": "onnx", "name": "m", "file": str(path), "width": 48, "height": 64,
             "output": "simcc"}  # fmt: skip
    settings = load_config(Evaluation, make_config(tmp_path, models=[model]))
    answerer = open_model(settings.models[0], settings)
    sample = Sample("a", np.zeros((120, 160, 3), np.uint8), (), "s")
    box = (30.0, 20.0, 60.0, 50.0)
    (row,) = answerer.answer(sample, [box])
    expected = Crop.of_box(box, (48, 64)).invert(np.array([[20.0, 36.0]]))[0]
    assert row["joints"][0][:2] == pytest.approx(expected, abs=1e-3)
    assert row["joints"][0][2] == 0.7
    (whole,) = answerer.answer(sample, None)
    assert whole["box"] == [0, 0, 160, 120]
    assert in_skeleton(np.zeros((17, 3)), "coco17", "lsp14")[13] is None  # head top


def test_movenet_answers(shared: Path) -> None:
    file = shared / "peers" / "movenet_lightning_int8_v4.tflite"
    labels = shared / "data" / "lspet" / "val.json"
    settings = Evaluation.model_validate({
        "name": "few", "title": "Few", "data": "real", "out": "unused",
        "source": {"kind": "lsp", "path": str(labels)}, "truth": {"box": "joints"},
        "models": [{"kind": "movenet", "name": "m", "file": str(file)}],
    })  # fmt: skip
    model = settings.models[0]
    assert isinstance(model, MoveNetModel)
    source = open_evaluated(settings)
    gaps = []
    for index in range(6):
        row = truth_of(settings, index, source[index])["people"][0]
        (found,) = open_model(model, settings).answer(source[index], [tuple(row["box"])])
        for joint, label in zip(found["joints"], row["joints"], strict=True):
            if label[0] is not None:
                gaps.append(np.hypot(joint[0] - label[0], joint[1] - label[1]))
    assert np.median(gaps) < 25  # of 256 pixels


def test_lines_of_predictions(tmp_path: Path) -> None:
    lines = [{"key": "100", "people": [{"joints": {
        "nose": [5, 6, 0.9, 3.5, "occluded"], "left_eye": [None, None, 0.2],
        "right_eye": [7, 8, 0.8]}}]}]  # fmt: skip
    file = tmp_path / "theirs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    models = [{"kind": "predictions", "name": "theirs", "file": str(file)}]
    settings = load_config(Evaluation, make_config(tmp_path / "set", models=models))
    answerer = open_model(settings.models[0], settings)
    (row,) = answerer.answer(Sample("100", np.zeros((9, 9, 3), np.uint8), (), "s"), None)
    assert row["joints"][0] == [5.0, 6.0, 0.9, 3.5, 1, None]
    assert row["joints"][1][:2] == [None, None]
    assert row["joints"][2][4] == 2
    assert row["joints"][3] is None
    assert answerer.answer(Sample("7", np.zeros((9, 9, 3), np.uint8), (), "s"), None) == []
    file.write_text('{"key": "100"}', "utf-8")
    with pytest.raises(InvalidInput, match="line 1"):
        open_model(settings.models[0], settings)


@pytest.fixture(scope="module")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    settings = load_config(Evaluation, make_config(tmp_path_factory.mktemp("compare")))
    run(settings, quiet)
    return settings


def test_the_better_model_is_found(toy_run: Evaluation) -> None:
    near, far = judged_of(toy_run, "near"), judged_of(toy_run, "far")
    rows = {row.figure: row for row in compare(far, near, draws=300)}
    assert rows["oks"].better == "B"
    assert rows["oks"].low <= rows["oks"].difference <= rows["oks"].high
    assert rows["oks"].people == 12
    same = {row.figure: row for row in compare(near, near, draws=100)}
    assert same["oks"].difference == 0
    assert same["oks"].better is None
    assert {row.figure: row for row in compare(near, far, draws=300)}["oks"].better == "A"


def test_compare_command(toy_run: Evaluation) -> None:
    app = typer.Typer()
    app.command()(compare_command)
    folder = str(toy_run.folder)
    result = CliRunner().invoke(app, [folder, f"{folder}:far", "--json", "--draws", "100"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["a"].startswith("near")
    assert {row["figure"] for row in found["figures"]} >= {"oks", "pck_box@0.1"}
    wrong = CliRunner().invoke(app, [folder, f"{folder}:fra"])
    assert "did you mean 'far'" in str(wrong.exception)


def test_runs_on_other_people_cannot_be_compared(toy_run: Evaluation, tmp_path: Path) -> None:
    path = make_config(tmp_path)
    make_coco(tmp_path, 12, seed=9)
    other = load_config(Evaluation, path)
    run(other, quiet)
    with pytest.raises(InvalidInput, match="other labels"):
        compare(judged_of(toy_run, "near"), judged_of(other, "near"))


def test_whole_body_has_an_ap_for_each_part() -> None:
    """Right hands are all wrong; a person without labelled feet is not counted for feet."""
    rng = np.random.default_rng(0)
    truth, answers = [], []
    for index in range(6):
        points = rng.uniform(20, 180, (133, 2))
        states = np.full(133, 2)
        if index == 0:
            states[17:23] = -1
        found = points.copy()
        found[112:133] += 90
        truth.append(
            {
                "index": index,
                "size": [200, 200],
                "file": "",
                "people": [
                    {
                        "joints": [
                            [*p, int(s)] if s > 0 else [None, None, -1]
                            for p, s in zip(points.tolist(), states, strict=True)
                        ],
                        "box": [0, 0, 200, 200],
                        "area": 2e4,
                        "crowd": False,
                    }
                ],
            }
        )
        answers.append({"index": index, "people": [{
            "joints": [[*p, 0.9, 3.0, 2, None] for p in found.tolist()], "truth": 0,
            "box": [0, 0, 200, 200], "score": 0.9}]})  # fmt: skip
    judged = judge(truth, answers, "coco_wholebody133")
    assert set(judged.precision) == {"all", "body", "foot", "face", "left_hand", "right_hand"}
    for part in ("body", "foot", "face", "left_hand"):
        assert judged.precision[part]["AP"] == pytest.approx(1), part
    assert judged.precision["right_hand"]["AP"] == 0
    assert len(judged) == 6


def test_people_who_were_searched_for_are_paired_by_likeness() -> None:
    """Two people, answered in the other order, and a third answer about nobody."""
    rng = np.random.default_rng(1)
    one, other = rng.uniform(0, 60, (17, 2)), rng.uniform(100, 160, (17, 2))
    people = [{"joints": [[*p, 2] for p in points.tolist()], "box": [0, 0, 60, 60],
               "area": 2000.0, "crowd": False} for points in (one, other)]  # fmt: skip
    found = [
        {"joints": [[*p, 0.9, 3.0, 2, None] for p in points.tolist()], "box": [0, 0, 9, 9],
         "score": 0.9} for points in (rng.uniform(300, 360, (17, 2)), other + 1, one + 1)
    ]  # fmt: skip
    truth = [{"index": 0, "size": [400, 400], "file": "", "people": people}]
    judged = judge(truth, [{"index": 0, "people": found}], "coco17")
    assert judged.answered_P.all()
    assert np.allclose(judged.points_PJ2, judged.truth_PJ2 + 1)
    assert judged.detections == 3
    nobody = judge(truth, [{"index": 0, "people": []}], "coco17")
    assert not nobody.answered_P.any()
    assert len(judge([], [], "coco17")) == 0


def test_whole_numbers_of_a_configuration_stay_whole() -> None:
    """`passes: 2` as 2.0 would fail on every picture."""
    from posealign.evaluate.settings import PredictorModel

    found = PredictorModel(name="x", settings={"passes": 2, "finder_threshold": 0.5}).settings
    assert [type(value) for value in found.values()] == [int, float]
