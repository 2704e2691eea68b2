"""A deconvolution written as four convolutions gives the same numbers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from posealign.export.phases import in_phases
from posealign.runtime.session import onnxruntime


def deconvolution(kernel: int = 4, bias: bool = True, known: bool = True) -> onnx.ModelProto:
    """6 channels to 5, twice as large, and a Relu; the exporter's shapes where `known`."""
    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((6, 5, kernel, kernel)), "b": rng.standard_normal(5)}
    margin = (kernel - 2) // 2
    nodes = [
        helper.make_node(
            "ConvTranspose", ["x", "w", "b"] if bias else ["x", "w"], ["y"], "up",
            kernel_shape=[kernel] * 2, strides=[2, 2], pads=[margin] * 4,
        ),
        helper.make_node("Relu", ["y"], ["z"]),
    ]  # fmt: skip
    shape: list[str | int | None] = ["B", 5, 6, 14]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 6, 3, 7])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
        if bias
        else [numpy_helper.from_array(weights["w"].astype(np.float32), "w")],
        value_info=[helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)] if known else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(proto: onnx.ModelProto, batch: int) -> np.ndarray:
    x = np.random.default_rng(1).standard_normal((batch, 6, 3, 7)).astype(np.float32)
    session = onnxruntime().InferenceSession(proto.SerializeToString())
    found: np.ndarray = session.run(None, {"x": x})[0]
    return found


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_numbers(batch: int, bias: bool) -> None:
    before = run(deconvolution(bias=bias), batch)
    proto = in_phases(deconvolution(bias=bias))
    onnx.checker.check_model(proto, full_check=True)
    kinds = [node.op_type for node in proto.graph.node]
    assert "ConvTranspose" not in kinds
    assert kinds.count("Conv") == 4
    assert "w" not in {weight.name for weight in proto.graph.initializer}
    np.testing.assert_allclose(run(proto, batch), before, rtol=0, atol=1e-5)


@pytest.mark.parametrize("proto", [deconvolution(kernel=2), deconvolution(known=False)])
def test_another_kind_stays(proto: onnx.ModelProto) -> None:
    before = proto.SerializeToString()
    assert in_phases(proto).SerializeToString() == before
