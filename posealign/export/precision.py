"""The same graphs in another precision: stored in fp16, computed in fp16, or int8. No torch here.

A bundle's ONNX files go in and come out; only exporting from weights needs torch.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from posealign import bundle as bundles
from posealign.bundle import SMALL, Bundle
from posealign.errors import InvalidInput


def store_fp16(source: Path, target: Path) -> int:
    """Halve the file: big fp32 weights become fp16 with a Cast behind them.

    onnxruntime folds the Casts when it opens the session, so computing stays fp32 and as fast.
    Returns the number of weights stored in fp16.
    """
    proto = onnx.load(source)
    casts, kept, count = [], [], 0
    for weight in proto.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            kept.append(weight)
            continue
        values = numpy_helper.to_array(weight)
        if np.abs(values).max() > np.finfo(np.float16).max:
            kept.append(weight)  # would become infinite
            continue
        half = f"{weight.name}.fp16"
        kept.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [weight.name], to=TensorProto.FLOAT))
        count += values.size
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*casts, *nodes])
    names = {weight.name for weight in kept}
    infos = [info for info in proto.graph.value_info if info.name not in names]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(infos)
    onnx.checker.check_model(proto)
    onnx.save(proto, target)
    return count


def compute_fp16(source: Bundle, folder: Path) -> Bundle:
    """A bundle that computes in fp16 (for GPUs); `locate` stays fp32, for log-probabilities."""
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415

    _copy(source, folder)
    for graph in ("image", "text", "select"):
        proto = onnx.load(source.path(f"{graph}.onnx"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about weights too small for fp16, which become 0
            half: onnx.ModelProto = convert_float_to_float16(proto, keep_io_types=True)
        onnx.save(half, folder / f"{graph}.onnx")
    return bundles.write(folder, source.metadata.model_copy(update={"precision": "fp16"}))


class _Pictures:
    """Calibration pictures one by one, as onnxruntime's quantiser asks for them."""

    def __init__(self, source: Bundle, crops: Sequence[NDArray[np.uint8]]) -> None:
        self._source, self._crops = source, list(crops)
        self._next = 0

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        if self._next >= len(self._crops):
            return None
        self._next += 1
        return self._source.image_feeds(self._crops[self._next - 1][None])


def quantise(
    source: Bundle,
    folder: Path,
    crops: Sequence[NDArray[np.uint8]],
    exclude: Sequence[str] = (),
    method: str = "MinMax",
    convolutions: bool = False,
) -> Bundle:
    """int8 for the image graph: static, per channel, QDQ; `crops` are calibration inputs H×W×3.

    Products with weights become int8. Attention's own products stay fp32 (softmax has a long
    tail), and so do the nodes whose names contain one of `exclude`. Convolutions stay too unless
    asked for: a pyramid of small ones loses points of PCK, and a ViT has next to none. The other
    graphs cost little and are copied.
    """
    from onnxruntime import quantization as ort_quantization  # noqa: PLC0415
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    width, height = source.input_size
    wrong = [crop.shape for crop in crops if crop.shape != (height, width, 3)]
    if not crops or wrong:
        got = wrong[0] if wrong else "none"
        raise InvalidInput(f"int8 needs calibration crops ({height}, {width}, 3), got {got}")
    _copy(source, folder)
    prepared = folder / "image.prepared.onnx"
    quant_pre_process(str(source.path("image.onnx")), str(prepared), skip_symbolic_shape=True)
    proto = onnx.load(prepared)
    constants = {weight.name for weight in proto.graph.initializer}
    chosen = [
        node.name
        for node in proto.graph.node
        if node.op_type in (("Conv", "Gemm", "MatMul") if convolutions else ("Gemm", "MatMul"))
        and constants & set(node.input)
        # Sums of a deconvolution's taps, four kinds of cells beside each other: a convolution.
        and not any("winograd" in name for name in node.input)
        and not any(word in node.name for word in exclude)
    ]
    ort_quantization.quantize_static(
        str(prepared),
        str(folder / "image.onnx"),
        _Pictures(source, crops),
        quant_format=ort_quantization.QuantFormat.QDQ,
        per_channel=True,
        reduce_range=False,
        activation_type=ort_quantization.QuantType.QUInt8,
        weight_type=ort_quantization.QuantType.QInt8,
        calibrate_method=ort_quantization.CalibrationMethod[method],
        nodes_to_quantize=chosen,
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )
    prepared.unlink()
    return bundles.write(folder, source.metadata.model_copy(update={"precision": "int8"}))


def _copy(source: Bundle, folder: Path) -> None:
    """Everything of a bundle but bundle.json and the training weights."""
    if folder.resolve() == source.folder.resolve():
        raise InvalidInput(f"{folder} is the bundle itself; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").unlink(missing_ok=True)
    for name in bundles.REQUIRED:
        shutil.copyfile(source.path(name), folder / name)
