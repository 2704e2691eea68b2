"""From a trained run to a bundle: calibrate, export, measure, and write down what it is.

python -m training.release configs/release_default.yaml key=value …
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posealign.bundle import Bundle
from posealign.config import Config, load_config
from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.export.onnx import export_bundle
from posealign.model.checkpoint import new_metadata
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import skeleton, vocabulary
from training import calibrate, validate
from training.measured import groups, real_figures, synthetic_figures
from training.openvocab import fit_places, fit_vector_head
from training.shards import Shard, digest, read_shard
from training.starting import assembled


class ReleaseConfig(Config):
    """`weights_from` is a checkpoint of sft or ask; `text_from` a folder of training.text."""

    name: str = "default"
    version: str = "0.1.0"
    out: str
    weights_from: str
    text_from: str
    model: dict[str, Any]
    validation: str | None = None  # LSP-format people: half A calibrates, half B is reported
    peers: str | None = None  # what training.validate printed of other models on half B
    synthetic: str | None = None  # a packed shard of held-out synthetic people
    places: str | None = None  # a packed shard of training whose places teach the open vocabulary
    shards: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it; their digests are kept
    origin: tuple[str, ...] = ()
    notes: dict[str, Any] = {}  # noqa: RUF012
    finder: bool = True
    settings: dict[str, Any] = {}  # noqa: RUF012 - of the Predictor, e.g. passes
    precision: str = "fp16-weights"
    threads: int = 2


def release(config: ReleaseConfig) -> Bundle:
    torch.set_num_threads(config.threads)
    model = read_model(config)
    places = fit_places(model, read_shard(Path(config.places))) if config.places else None
    explained = fit_vector_head(model, Path(config.text_from) / "tokenizer.json", places=places)
    held = held_out(config, model)
    model.calibrate(calibrate.fit([calibrate.measure(model, crops) for crops, _ in held.values()]))
    threshold = calibrate.absent_threshold(model, [crops for crops, _ in held.values()])
    settings = {"absent_threshold": threshold} | config.settings
    figures = figures_of(config, model, held, threshold) | {
        "open_vocabulary_fit": round(explained, 3)
    }
    if places is not None:
        figures["open_vocabulary_places"] = {
            "places": len(places.names), "median_px": round(places.error_px, 2),
            "median_px_of_mean_positions": round(places.mean_px, 2),
        }  # fmt: skip
    metadata = new_metadata(
        config.name, model.config, version=config.version, origin=config.origin,
        finder=config.finder, figures=figures, settings=settings, training=config.notes | {
            "shards": {name: digest(Path(path)) for name, path in config.shards.items()},
            "recipe": "docs/how-to/train.md",
        },
    )  # fmt: skip
    fitted = metadata.calibration.model_copy(update={"fitted_on": ", ".join(held)})
    metadata = metadata.model_copy(update={"calibration": fitted})
    tokenizer = Path(config.text_from) / "tokenizer.json"
    return export_bundle(model, Path(config.out), metadata, tokenizer, config.precision)


def read_model(config: ReleaseConfig) -> PoseModel:
    return assembled(config.model, config.weights_from, config.text_from)


def held_out(
    config: ReleaseConfig, model: PoseModel
) -> dict[str, tuple[calibrate.Crops, calibrate.Crops]]:
    """Per source: what calibrates, and what is reported."""
    size, found = (model.config.width, model.config.height), {}
    if config.validation:
        upright = validate.read_lsp(Path(config.validation))
        both = [lsp_crops(validate.half(upright, half), size) for half in ("A", "B")]
        found["lspet"] = (both[0], both[1])
    if config.synthetic:
        shard = read_shard(Path(config.synthetic))
        rows = np.arange(len(shard))
        found["synthetic"] = (
            shard_crops(shard, rows[::2], size),
            shard_crops(shard, rows[1::2], size),
        )
    return found


def lsp_crops(judged: validate.Judged, size: tuple[int, int]) -> calibrate.Crops:
    crops = [Crop.of_box(tuple(box), size) for box in judged.boxes_N4]
    pixels = np.stack([c.cut(image) for c, image in zip(crops, judged.images, strict=True)])
    points = np.stack([c.apply(p) for c, p in zip(crops, judged.points_NJ2, strict=True)])
    area = judged.boxes_N4[:, 2] * judged.boxes_N4[:, 3] * validate.AREA_SHARE
    scale = np.array([crop.pixel for crop in crops])
    sigmas = skeleton("coco17").sigmas_J[judged.coco_J]
    return calibrate.Crops(
        pixels.astype(np.uint8), judged.coco_J, points, judged.seen_NJ, area / scale**2, sigmas
    )


def shard_crops(shard: Shard, rows: Any, size: tuple[int, int]) -> calibrate.Crops:
    """Body joints only: sigmas of eyelids and fingertips would make every confidence low."""
    crops = [Crop.of_box(tuple(map(float, shard.boxes_N4[row])), size) for row in rows]
    pixels = np.stack([crop.cut(np.asarray(shard.images_NSS3[row]))
                       for crop, row in zip(crops, rows, strict=True)])  # fmt: skip
    points = np.stack([c.apply(shard.points_NV2[r]) for c, r in zip(crops, rows, strict=True)])
    joints = np.nonzero(groups()["body"])[0]
    placed = shard.states_NV[rows][:, joints] >= State.OCCLUDED
    area = np.array(
        [b[2] * b[3] / c.pixel**2 for b, c in zip(shard.boxes_N4[rows], crops, strict=True)]
    )
    return calibrate.Crops(
        pixels.astype(np.uint8), joints, np.nan_to_num(points[:, joints]), placed,
        np.maximum(area, 1) * validate.AREA_SHARE, vocabulary().sigmas_J[joints],
    )  # fmt: skip


def figures_of(
    config: ReleaseConfig, model: PoseModel, held: dict[str, Any], threshold: float
) -> dict[str, Any]:
    figures: dict[str, Any] = {"command": "python -m training.release"}
    for name, (_, reported) in held.items():
        measured = calibrate.measure(model, reported)
        gap, inside = calibrate.calibration_error(model, measured)
        figures[name] = {"calibration_gap": round(gap, 4), "inside_radius": round(inside, 4)}
    if config.validation:
        figures["lspet"] |= real_figures(model, Path(config.validation))
    for row in _peers(config):
        name = f"{row.pop('model')}, lspet {row.pop('data')}"
        figures[name] = {key: value for key, value in row.items() if key != "half"}
    if config.synthetic:
        shard = read_shard(Path(config.synthetic))
        rows = np.arange(len(shard))[1::2]  # the others calibrate
        figures["synthetic"] |= synthetic_figures(model, shard, rows, threshold)
        figures["synthetic turned"] = synthetic_figures(model, shard, rows, threshold, turn=True)
    return figures


def _peers(config: ReleaseConfig) -> list[dict[str, Any]]:
    if config.peers is None:
        return []
    rows = [json.loads(line) for line in Path(config.peers).read_text().splitlines()]
    return [row for row in rows if row["half"] == "B"]


def main() -> None:
    bundle = release(load_config(ReleaseConfig, sys.argv[1], sys.argv[2:]))
    print(json.dumps({"digest": bundle.digest, "figures": bundle.metadata.figures}))


if __name__ == "__main__":
    main()
