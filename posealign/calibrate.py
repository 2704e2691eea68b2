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
    """Temperature and shift of the confidence's logit, scale and offset of the radius.

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
    weights, bias = measure.fit_logistic(measure.logit(sure[half])[:, None], similar[half])
    slope = max(float(weights[0]), 0.05)  # never turned upside down
    chosen = half & known
    scale, offset = measure.radius_line((error / pixel)[chosen], (radius / pixel)[chosen])
    old = bundle.metadata.calibration
    spec = CalibrationSpec(
        bias=slope * old.bias + bias,
        slopes=tuple(slope * value for value in old.slopes),
        radius_scale=scale * old.radius_scale,
        radius_offset=offset + scale * old.radius_offset,
        fitted_on=f"{name}: {int(half.sum())} joints of every other picture",
    )
    new = measure.logistic(measure.logit(sure)[:, None], np.array([slope]), bias)
    wider = (offset + scale * radius / pixel) * pixel
    rest = ~half
    isotonic = measure.fit_isotonic(sure[half], similar[half])
    return Fit(
        spec,
        _figures(sure[rest], similar[rest], error[rest], radius[rest]),
        _figures(new[rest], similar[rest], error[rest], wider[rest]),
        measure.ece(isotonic(sure[rest]), similar[rest]),
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


def set_graph(path: Path, spec: CalibrationSpec) -> None:
    """Write the numbers into the constants that `locate` reckons confidence and radius with."""
    import onnx  # noqa: PLC0415 - the extra `export`
    from onnx import numpy_helper  # noqa: PLC0415

    proto = onnx.load(path)
    constants = {row.name: row for row in proto.graph.initializer}
    made = {name: node for node in proto.graph.node for name in node.output}

    def constant_of(node: Any) -> str:
        return next((name for name in node.input if name in constants), "")

    def inner(node: Any) -> Any:
        return next((made[name] for name in node.input if name in made), None)

    try:
        shift = inner(made["confidence"])  # sigmoid(slopes · features + bias)
        widen = made["radius"]  # offset + scale · radius
        places = {
            "bias": constant_of(shift),
            "slopes": constant_of(inner(shift)),
            "radius_offset": constant_of(widen),
            "radius_scale": constant_of(inner(widen)),
        }
        for field, name in places.items():
            row = constants[name]
            values = numpy_helper.to_array(row)
            given = np.asarray(getattr(spec, field), values.dtype)
            # Heads trained with MSE use the first slope alone.
            given = given if given.size == values.size else given.ravel()[: values.size]
            row.CopyFrom(numpy_helper.from_array(given.reshape(values.shape), name))
    except (KeyError, AttributeError, ValueError) as error:
        raise BrokenBundle(
            f"{path} has no calibration constants where this version puts them: {error!r}; "
            "export the bundle again"
        ) from error
    onnx.save(proto, path)


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
