"""Fit what a bundle says of itself: confidence that means OKS, radii that cover 90 %.

Everything is fitted on every other picture of a labelled run and reported on the rest. The
numbers go into the graph `locate`, into bundle.json and into the training weights alike.
Shapes: N joints of all people in one row.
"""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign import bundle as bundles
from posealign.bundle import Bundle, CalibrationSpec
from posealign.confidence import log_tolerance
from posealign.data.crop import Crop
from posealign.errors import BrokenBundle, InvalidInput
from posealign.evaluate.figures import confident
from posealign.evaluate.judged import Judged
from posealign.metrics import calibration as measure
from posealign.metrics.oks import Floats

LEAST = 200  # joints in a half: fewer say nothing about a 90 % radius


@dataclass(frozen=True)
class Fit:
    """The new numbers, and the other half's figures before and after."""

    spec: CalibrationSpec
    before: dict[str, float]
    after: dict[str, float]
    isotonic_ece: float  # what any rising function of this confidence could reach
    joints: int


def fit(judged: Judged, bundle: Bundle, name: str) -> Fit:
    """Temperature and shift of the confidence's logit, the joints' tolerance in it, scale and
    offset of the radius.

    Radii are fitted in input pixels: a picture's own pixels differ from person to person.
    """
    sure, similar, error, radius, mask = confident(judged)
    known = np.isfinite(radius)
    half = np.broadcast_to(judged.first_half_P[:, None], mask.shape)[mask]
    if min((known & half).sum(), (known & ~half).sum()) < LEAST:
        raise InvalidInput(
            f"{int(known.sum())} placed and labelled joints with a radius are too few to fit on; "
            f"expected {LEAST} in each half"
        )
    pixel = np.broadcast_to(_pixels(judged, bundle)[:, None], mask.shape)[mask]
    sigmas = np.broadcast_to(log_tolerance(judged.skeleton.sigmas_J), mask.shape)[mask]
    features = np.stack([measure.logit(sure), sigmas], axis=1)
    weights, bias = measure.fit_logistic(features[half], similar[half])
    weights[0] = max(weights[0], 0.05)  # never turned upside down
    slope = float(weights[0])
    chosen = half & known
    scale, offset = measure.radius_line((error / pixel)[chosen], (radius / pixel)[chosen])
    old = bundle.metadata.calibration
    spec = CalibrationSpec(
        bias=slope * old.bias + bias,
        slopes=tuple(slope * value for value in old.slopes),
        radius_scale=scale * old.radius_scale,
        radius_offset=offset + scale * old.radius_offset,
        tolerance=slope * old.tolerance + float(weights[1]),
        hidden=slope * old.hidden,
        spread=slope * old.spread,
        support=slope * old.support,
        fitted_on=f"{name}: {int(half.sum())} joints of every other picture",
    )
    new = measure.logistic(features, weights, bias)
    wider = (offset + scale * radius / pixel) * pixel
    rest = ~half
    isotonic = measure.fit_isotonic(new[half], similar[half])
    return Fit(
        spec,
        _figures(sure[rest], similar[rest], error[rest], radius[rest]),
        _figures(new[rest], similar[rest], error[rest], wider[rest]),
        measure.ece(isotonic(new[rest]), similar[rest]),
        int(half.sum()),
    )


def _pixels(judged: Judged, bundle: Bundle) -> Floats:
    """Picture pixels in one input pixel, of each person's crop."""
    sizes = []
    for box, rotation in zip(judged.asked_box_P4, judged.rotation_P, strict=True):
        x, y, width, height = (float(value) for value in box)
        sizes.append(Crop.of_box((x, y, width, height), bundle.input_size, float(rotation)).pixel)
    return np.array(sizes)


def _figures(sure: Floats, similar: Floats, error: Floats, radius: Floats) -> dict[str, float]:
    known = np.isfinite(radius)
    return {
        "ece": measure.ece(sure, similar),
        "auroc": measure.error_auroc(sure, similar),
        "coverage": measure.coverage(error[known], radius[known]),
    }


def apply(bundle: Bundle, spec: CalibrationSpec, folder: Path) -> Bundle:
    """A copy of the bundle in `folder` (or the bundle itself, given its own) that holds the fit."""
    same = folder.resolve() == bundle.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not same:
        for name in bundle.metadata.files:
            if (bundle.folder / name).is_file():
                shutil.copyfile(bundle.folder / name, folder / name)
    set_graph(folder / "locate.onnx", spec)
    weights = folder / "weights.safetensors"
    if weights.is_file():
        set_weights(weights, spec)
    model = bundle.metadata.model
    if "calibration" in model:
        model = {**model, "calibration": spec.model_dump(mode="json", exclude={"fitted_on"})}
    metadata = bundle.metadata.model_copy(update={"calibration": spec, "model": model})
    return bundles.write(folder, metadata)


# What a number is where the exporter saw that it changes nothing and left it out of the graph.
NEUTRAL = {"bias": 0.0, "radius_scale": 1.0, "radius_offset": 0.0}


def set_graph(path: Path, spec: CalibrationSpec) -> None:
    """Write the numbers into the constants that `locate` reckons confidence and radius with."""
    import onnx  # noqa: PLC0415 - the extra `export`
    from onnx import numpy_helper  # noqa: PLC0415

    proto = onnx.load(path)
    constants = {tuple(row.name.split(".")[-2:]): row for row in proto.graph.initializer}
    if ("locator", "slopes") not in constants:
        raise BrokenBundle(
            f"{path} has no calibration constants where this version puts them: no "
            "locator.slopes; export the bundle again"
        )
    for field in ("bias", "slopes", "radius_scale", "radius_offset"):
        given = np.asarray(getattr(spec, field), np.float32)
        row = constants.get(("locator", field))
        if row is None:
            if float(given) != NEUTRAL[field]:
                _insert(proto.graph, field, given)
            continue
        values = numpy_helper.to_array(row)
        # Heads trained with MSE use the first slope alone.
        given = given if given.size == values.size else given.ravel()[: values.size]
        fitting = given.astype(values.dtype).reshape(values.shape)
        row.CopyFrom(numpy_helper.from_array(fitting, row.name))
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def _insert(graph: Any, field: str, value: NDArray[np.float32]) -> None:
    """A node for a number that the exporter had left out, where it belongs in the order."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    made = {name: (at, node) for at, node in enumerate(graph.node) for name in node.output}
    name, kind = f"model.locator.{field}", "Mul" if field == "radius_scale" else "Add"
    graph.initializer.append(numpy_helper.from_array(value, name))
    at, node = made["confidence" if field == "bias" else "radius"]
    before = f"{field}_before"
    if field == "bias":  # ahead of the sigmoid
        added = helper.make_node(kind, [node.input[0], name], [before])
        node.input[0] = before
        graph.node.insert(at, added)
        return
    if field == "radius_scale" and any(part.endswith("radius_offset") for part in node.input):
        # Widened before it is shifted.
        shift = next(n for n, part in enumerate(node.input) if not part.endswith("radius_offset"))
        added = helper.make_node(kind, [node.input[shift], name], [before])
        node.input[shift] = before
        graph.node.insert(at, added)
        return
    node.output[list(node.output).index("radius")] = before
    graph.node.insert(at + 1, helper.make_node(kind, [before, name], ["radius"]))


def set_weights(path: Path, spec: CalibrationSpec) -> None:
    """The same into the training weights: a few numbers in place, whatever else is in the file."""
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for field in ("bias", "slopes", "radius_scale", "radius_offset"):
        entry = header.get(f"locator.{field}")
        if entry is None:
            raise BrokenBundle(f"{path} holds no locator.{field}")
        kind = {"F32": np.float32, "F16": np.float16}.get(entry["dtype"])
        start, end = (8 + length + place for place in entry["data_offsets"])
        values: NDArray[Any] = np.asarray(getattr(spec, field), kind).ravel()
        if kind is None or len(values.tobytes()) != end - start:
            raise BrokenBundle(
                f"{path}: locator.{field} is {entry['dtype']} of {end - start} bytes"
            )
        data[start:end] = values.tobytes()
    path.write_bytes(bytes(data))
