"""ViTPose's deconvolution as four convolutions: the same sums, on every thread.

A 4×4 deconvolution with stride 2 and margin 1 makes each output cell of 2×2 taps. Which ones
depends on whether its row and column are even or odd, so each of the four kinds of cells is a 2×2
convolution of the input, and the four results are laced together. onnxruntime's ConvTranspose
multiplies into a buffer four times as large as the output and adds that up on one thread.
Shapes: B batch, I O channels in and out, h w input cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Rows of the 4×4 kernel that reach an even and an odd output row, from the input row above down.
TAPS = ((3, 1), (2, 0))
WANTED = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
USUAL = {"group": 1, "dilations": [1, 1], "output_padding": [0, 0]}


def in_phases(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, in place; a deconvolution of another kind stays as it is."""
    graph = proto.graph
    weights = {weight.name: weight for weight in graph.initializer}
    sizes = {value.name: _cells(value) for value in graph.value_info}
    nodes = []
    for node in graph.node:
        size = sizes.get(node.output[0])
        if _is_ours(node) and node.input[1] in weights and size is not None:
            kernel_IO44 = numpy_helper.to_array(weights[node.input[1]])
            nodes += list(_four(graph, node, kernel_IO44, size))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return proto


def _is_ours(node: onnx.NodeProto) -> bool:
    if node.op_type != "ConvTranspose":
        return False
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return all(given.get(name) == value for name, value in WANTED.items()) and all(
        given.get(name, value) == value for name, value in USUAL.items()
    )


def _cells(value: onnx.ValueInfoProto) -> tuple[int, int] | None:
    """Height and width of [B, O, 2h, 2w], where the exporter knew them."""
    sides = [side.dim_value for side in value.type.tensor_type.shape.dim[2:]]
    return (sides[0], sides[1]) if len(sides) == 2 and all(sides) else None


def _four(
    graph: onnx.GraphProto, node: onnx.NodeProto, kernel_IO44: np.ndarray, size: tuple[int, int]
) -> Iterator[onnx.NodeProto]:
    """Nodes that give the deconvolution's output; their weights go into the graph."""
    picture, _, *bias = node.input
    name = node.name or node.output[0]

    def constant(what: str, values: np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(values, f"{name}.{what}"))
        return f"{name}.{what}"

    last = constant("last", np.array([-1]))
    rows = []
    for y, taps_y in enumerate(TAPS):
        columns = []
        for x, taps_x in enumerate(TAPS):
            part = f"{y}{x}"
            kernel_OI22 = kernel_IO44.swapaxes(0, 1)[:, :, taps_y][..., taps_x]
            weight = constant(part, np.ascontiguousarray(kernel_OI22))
            made, laid = f"{name}.{part}.made", f"{name}.{part}.laid"
            # Even rows reach up into the margin, odd ones down; columns likewise.
            pads = [1 - y, 1 - x, y, x]
            yield helper.make_node(
                "Conv", [picture, weight, *bias], [made], made, kernel_shape=[2, 2], pads=pads
            )
            yield helper.make_node("Unsqueeze", [made, last], [laid], laid)
            columns.append(laid)
        rows.append(f"{name}.row{y}")
        yield helper.make_node("Concat", columns, [rows[-1]], rows[-1], axis=4)  # B, O, h, w, 2
    both = f"{name}.rows"
    yield helper.make_node("Concat", rows, [both], both, axis=3)  # B, O, h, 2·w, 2
    shape = constant("shape", np.array([0, 0, *size]))
    yield helper.make_node("Reshape", [both, shape], list(node.output), name)
