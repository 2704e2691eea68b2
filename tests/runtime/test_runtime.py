"""Opening graphs, counting cores, remembering answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from posealign import bundle as bundles
from posealign.errors import BrokenBundle, InvalidInput, MissingExtra, Unavailable
from posealign.evaluate.models import onnx_model
from posealign.evaluate.settings import OnnxModel
from posealign.export import tensorrt
from posealign.instructions.resolve import open_text
from posealign.runtime.cache import Cache
from posealign.runtime.cores import usable_cores
from posealign.runtime.macs import count_macs
from posealign.runtime.session import open_graphs, open_session, session_options

FOLDER = bundles.embedded() / "default"
PEER = OnnxModel(
    kind="onnx", name="peer", file=str(FOLDER / "image.onnx"), width=192, height=192, output="simcc"
)


def test_cores_are_those_that_may_be_used(tmp_path: Path) -> None:
    mine = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path) == mine
    for written, cores in (("max 100000", mine), ("100000 100000", 1), ("20000 100000", 1)):
        (tmp_path / "cpu.max").write_text(written + "\n", "ascii")
        assert usable_cores(tmp_path) == cores
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n", "ascii")
    for quota, cores in (("-1", mine), ("100000", 1), (f"{(mine + 4) * 100000}", mine)):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n", "ascii")
        assert usable_cores(tmp_path) == cores


def test_a_cache_forgets_the_least_recently_used_and_the_old() -> None:
    now = [0.0]
    cache: Cache[int] = Cache(2, seconds=10, clock=lambda: now[0])
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("b"), cache.get("a"), cache.get("c")) == (None, 1, 3)
    now[0] = 11.0
    assert (cache.get("a"), len(cache)) == (None, 1)
    assert (cache.hits, cache.misses) == (3, 2)
    assert cache.drop("c")
    assert not cache.drop("c")


@pytest.mark.parametrize(
    "use",
    [
        lambda: open_graphs(FOLDER),
        lambda: open_text(FOLDER),
        lambda: count_macs(FOLDER / "text.onnx", {}),
        lambda: onnx_model(PEER),
        lambda: session_options(1),
    ],
)
def test_without_onnxruntime_the_extra_is_named(
    use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"posealign\[cpu\]"):
        use()


def test_engines_without_onnxruntime_name_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tensorrt, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"posealign\[gpu\]"):
        tensorrt.build(bundles.find("default", verify=False), tmp_path)


def test_wrong_providers_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'cuda'"):
        open_graphs(FOLDER, "cuda12")
    with pytest.raises(BrokenBundle, match="has no image"):
        open_graphs(tmp_path)
    (tmp_path / "image.onnx").write_bytes(b"not a graph")
    with pytest.raises(BrokenBundle, match=r"image\.onnx cannot be opened"):
        open_graphs(tmp_path, "cpu")
    import onnxruntime

    for name, module in (("cuda", "CUDA"), ("tensorrt", "Tensorrt")):
        if f"{module}ExecutionProvider" not in onnxruntime.get_available_providers():
            with pytest.raises(Unavailable, match=rf"provider {name} is not in this onnxruntime"):
                open_graphs(FOLDER, name)


def test_macs_are_those_of_the_arithmetic(tmp_path: Path) -> None:
    """3×4 by 4×5 is 60; a 1×1 convolution 2 → 3 channels on 4×4 is 96; a 2×2 deconvolution of
    2 → 3 channels from 4×4 is 384.
    """
    weights = [
        helper.make_tensor("w", TensorProto.FLOAT, (4, 5), np.ones(20, np.float32)),
        helper.make_tensor("k", TensorProto.FLOAT, (3, 2, 1, 1), np.ones(6, np.float32)),
        helper.make_tensor("t", TensorProto.FLOAT, (2, 3, 2, 2), np.ones(24, np.float32)),
    ]
    nodes = [
        helper.make_node("MatMul", ["a", "w"], ["b"]),
        helper.make_node("Conv", ["c", "k"], ["d"]),
        helper.make_node("ConvTranspose", ["c", "t"], ["e"], strides=[2, 2]),
    ]

    def value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "g", [value("a", (3, 4)), value("c", (1, 2, 4, 4))],
        [value("b", (3, 5)), value("d", (1, 3, 4, 4)), value("e", (1, 3, 8, 8))], weights,
    )  # fmt: skip
    path = tmp_path / "g.onnx"
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    feeds = {"a": np.ones((3, 4), np.float32), "c": np.ones((1, 2, 4, 4), np.float32)}
    assert count_macs(path, feeds) == 60 + 96 + 384
    assert open_session(path).get_providers() == ["CPUExecutionProvider"]
