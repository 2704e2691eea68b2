"""Triton repositories and TensorRT profiles; engines themselves need a GPU."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import onnxruntime
import pytest
import typer
from google.protobuf import text_format
from PIL import Image

from posealign.bundle import GRAPHS, Bundle
from posealign.cli import run
from posealign.commands import bundles as bundles_command
from posealign.commands import export as export_command
from posealign.errors import InvalidInput, Unavailable
from posealign.export import tensorrt
from posealign.export.tensorrt import Profile
from posealign.export.triton import write_repository
from posealign.model.pose_model import PoseModel
from tests.model.test_export import crops

Exported = tuple[PoseModel, Bundle]


def _model_config() -> ModuleType:
    """Triton's own schema, without importing the gRPC client around it."""
    package = importlib.util.find_spec("tritonclient")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def repository(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Model name → its parsed config.pbtxt; Triton's schema rejects what it does not know."""
    folder = tmp_path_factory.mktemp("triton")
    made = write_repository(exported[1], folder, max_batch=16)
    schema = _model_config()
    found = {}
    for path in made:
        text = (path / "config.pbtxt").read_text("utf-8")
        found[path.name] = text_format.Parse(text, schema.ModelConfig())
    return found


def test_triton_models_have_the_graphs_tensors(
    exported: Exported, repository: dict[str, Any]
) -> None:
    for graph in GRAPHS:
        config = repository[f"posealign_{graph}"]
        proto = onnx.load(exported[1].path(f"{graph}.onnx")).graph
        assert config.name == f"posealign_{graph}"
        assert config.backend == "onnxruntime"
        assert config.max_batch_size == 16
        for field, values in ((config.input, proto.input), (config.output, proto.output)):
            assert [row.name for row in field] == [value.name for value in values]
            for row, value in zip(field, values, strict=True):
                rank = len(value.type.tensor_type.shape.dim)
                assert len(row.dims) == max(rank - 1, 1)
                assert row.HasField("reshape") == (rank == 1)


def test_tritons_ensemble_is_wired_from_pixels_to_places(repository: dict[str, Any]) -> None:
    config = repository["posealign"]
    assert config.platform == "ensemble"
    known = {row.name for row in config.input}
    assert known == {"pixels", "dataset", "ids", "crop"}
    for step in config.ensemble_scheduling.step:
        model = repository[step.model_name]
        assert set(step.input_map) == {row.name for row in model.input}
        assert set(step.output_map) == {row.name for row in model.output}
        assert set(step.input_map.values()) <= known
        assert not known & set(step.output_map.values())
        known |= set(step.output_map.values())
    outputs = {row.name: list(row.dims) for row in config.output}
    assert set(outputs) <= known
    assert outputs["xy"] == [148, 2]
    assert outputs["asked"] == outputs["text_asked"] == [148]


def test_triton_options_are_checked(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="prefix is 'a/b'"):
        write_repository(exported[1], tmp_path, prefix="a/b")
    with pytest.raises(InvalidInput, match="max_batch is 0"):
        write_repository(exported[1], tmp_path, max_batch=0)


def test_tensorrt_profiles_follow_the_graphs(exported: Exported, tmp_path: Path) -> None:
    bundle = exported[1]
    profile = Profile(batch=(1, 2, 8), length=(1, 10, 40), joints=(1, 17, 133))
    image = tensorrt.shapes(bundle, "image", profile)
    assert image["pixels"] == ((1, 96, 64, 3), (2, 96, 64, 3), (8, 96, 64, 3))
    assert tensorrt.shapes(bundle, "text", profile)["ids"] == ((1, 1), (2, 10), (8, 40))
    assert tensorrt.shapes(bundle, "locate", profile)["vectors"][2] == (8, 133, 17)
    options = tensorrt.provider_options(bundle, "text", tmp_path, profile, True, 64)
    assert options["trt_profile_opt_shapes"] == "ids:2x10"
    assert options["trt_timing_cache_enable"] == "True"
    with pytest.raises(InvalidInput, match="profile of batch is"):
        Profile(batch=(4, 2, 1))


def test_tensorrt_without_a_gpu_says_so(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(tensorrt, "find_spec", lambda n: None if n == "tensorrt" else found(n))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(Unavailable, match="needs an NVIDIA GPU"):
        tensorrt.build(exported[1], tmp_path)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    root = typer.main.get_command(export_command.export)
    code = run(lambda: root.main(list(arguments), standalone_mode=False))
    out, err = capsys.readouterr()
    return code, out, err


def test_export_commands(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(exported[1].folder)
    target = str(tmp_path / "t")
    code, out, _ = call(capsys, "triton", name, "-o", target, "--json")
    assert code == 0
    assert json.loads(out)["models"][-1] == "posealign"
    assert (tmp_path / "t" / "tokenizer.json").is_file()
    code, _, err = call(capsys, "onnx", name, "-o", name)
    assert (code, "is the bundle itself" in err) == (2, True)
    code, _, err = call(capsys, "onnx", name, "-o", target, "--int8", "--fp16")
    assert (code, "exclude each other" in err) == (2, True)
    code, _, err = call(capsys, "tensorrt", name, "-o", target, "--batch", "1,2")
    assert (code, "expected three numbers" in err) == (2, True)


def test_int8_from_a_folder_of_pictures(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, crop in enumerate(crops(12)):
        Image.fromarray(crop).save(pictures / f"{number}.png")
    arguments = ("onnx", str(exported[1].folder), "-o", str(tmp_path / "q"), "--int8")
    code, out, _ = call(capsys, *arguments, "--pictures", str(pictures), "--json")
    assert code == 0
    row = json.loads(out)
    assert row["precision"] == "int8"
    assert row["report"]["pictures"] == 3
    code, _, err = call(capsys, *arguments, "--pictures", str(tmp_path / "q"))
    assert (code, "at least 8 pictures" in err) == (2, True)
    code, _, err = call(capsys, *arguments, "--pictures", str(tmp_path / "none*.png"))
    assert (code, "no pictures at" in err) == (3, True)


def test_bundles_command_lists_broken_ones_too(
    exported: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POSEALIGN_HOME", str(tmp_path))
    for name in ("good", "bad"):
        shutil.copytree(exported[1].folder, tmp_path / "bundles" / name)
    (tmp_path / "bundles" / "bad" / "text.onnx").write_bytes(b"")
    bundles_command.bundles(as_json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["good"]["digest"] == exported[1].digest
    assert "text.onnx has 0 bytes" in rows["bad"]["error"]
    bundles_command.bundles()
    assert "broken" in capsys.readouterr().out
    bundles_command.bundles("good")
    assert exported[1].digest in capsys.readouterr().out
    bundles_command.bundles("good", as_json=True)
    assert json.loads(capsys.readouterr().out)["name"] == "small"
