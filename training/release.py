"""From a trained run to a bundle: calibrate, export, measure, and write down what it is.

python -m training.release configs/release_default.yaml key=value …
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from posealign.bundle import Bundle, Metadata
from posealign.config import Config, load_config
from posealign.data.pose import State
from posealign.export.onnx import export_bundle
from posealign.model.checkpoint import new_metadata
from posealign.model.config import Calibration
from posealign.model.pose_model import PoseModel
from posealign.predictor import Predictor
from posealign.skeletons.load import vocabulary
from training import calibrate, validate
from training.hiders import fit_hiders
from training.measured import groups, real_figures, synthetic_figures
from training.openvocab import fit_places, fit_vector_head
from training.shards import Shard, digest, read_shard
from training.starting import assembled

# Per source: who calibrates, and who is reported.
Held = dict[str, tuple[list[calibrate.Case], list[calibrate.Case]]]


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
    beside: str | None = None  # those beside them, packed with `others`: they calibrate too
    cases: int | None = None  # at most so many people of each half calibrate and are reported
    places: str | None = None  # a packed shard of training whose places teach the open vocabulary
    hiders: str | None = None  # one of synthetic people that teach what hides a joint
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
    tokenizer = Path(config.text_from) / "tokenizer.json"
    explained = fit_vector_head(model, tokenizer, places=places)
    hiders = fit_hiders(model, read_shard(Path(config.hiders))) if config.hiders else None
    held = held_out(config)
    fitted, limits, honest = calibrated(config, model, held)
    model.calibrate(fitted)
    settings = limits | config.settings
    with served(config, model, settings) as predictor:
        figures = figures_of(config, predictor, honest) | {
            "open_vocabulary_fit": round(explained, 3)
        }
    if places is not None:
        figures["open_vocabulary_places"] = {
            "places": len(places.names), "median_px": round(places.error_px, 2),
            "median_px_of_mean_positions": round(places.mean_px, 2),
        }  # fmt: skip
    if hiders is not None:
        figures["what hides a joint"] = hiders
    metadata = metadata_of(config, model, figures, settings)
    spec = metadata.calibration.model_copy(update={"fitted_on": ", ".join(held)})
    metadata = metadata.model_copy(update={"calibration": spec})
    return export_bundle(model, Path(config.out), metadata, tokenizer, config.precision)


def metadata_of(
    config: ReleaseConfig, model: PoseModel, figures: dict[str, Any], settings: dict[str, Any]
) -> Metadata:
    return new_metadata(
        config.name, model.config, version=config.version, origin=config.origin,
        finder=config.finder, figures=figures, settings=settings, training={
            "shards": {name: digest(Path(path)) for name, path in config.shards.items()},
            "recipe": "docs/how-to/train.md",
        } | config.notes,
    )  # fmt: skip


def calibrated(
    config: ReleaseConfig, model: PoseModel, held: Held
) -> tuple[Calibration, dict[str, float], dict[str, dict[str, float]]]:
    """The fit, the limits of states, and what both are worth on each source's reported half.

    A first export without a calibration answers, so that what is fitted is what is served: its
    passes, its padding, the precision of its weights.
    """
    model.calibrate(Calibration())
    joints = np.nonzero(groups()["body"])[0]
    with served(config, model, config.settings) as predictor:
        fits, reports = (
            {name: calibrate.measure(predictor, spread(halves[half], config.cases), joints)
             for name, halves in held.items()} for half in (0, 1)
        )  # fmt: skip
    fitted = calibrate.fit(list(fits.values()))
    limits = calibrate.absent_limits(list(fits.values()))
    occluded = calibrate.occluded_limit(list(fits.values()))
    honest = {
        name: calibrate.honesty(fitted, measured) | calibrate.presence(measured, limits, occluded)
        for name, measured in reports.items()
    }
    settings = {
        "absent_threshold": limits[0], "absent_whole": limits[1], "occluded_threshold": occluded,
    }  # fmt: skip
    return fitted, settings, honest


@contextmanager
def served(
    config: ReleaseConfig, model: PoseModel, settings: dict[str, Any]
) -> Iterator[Predictor]:
    """The model as it would be served, from an export that is not kept."""
    tokenizer = Path(config.text_from) / "tokenizer.json"
    with tempfile.TemporaryDirectory() as folder:
        metadata = metadata_of(config, model, {}, settings)
        bundle = export_bundle(model, Path(folder), metadata, tokenizer, config.precision)
        yield Predictor(bundle, "cpu", config.threads)


def spread(cases: list[calibrate.Case], most: int | None) -> list[calibrate.Case]:
    """All, or so many of them, evenly."""
    if most is None or most >= len(cases):
        return cases
    return [cases[place * len(cases) // most] for place in range(most)]


def read_model(config: ReleaseConfig) -> PoseModel:
    return assembled(config.model, config.weights_from, config.text_from)


def held_out(config: ReleaseConfig) -> Held:
    """Per source: who calibrates, and who is reported. Synthetic people are split by picture."""
    found: Held = {}
    if config.validation:
        upright = validate.read_lsp(Path(config.validation))
        found["lspet"] = (
            lsp_cases(validate.half(upright, "A")), lsp_cases(validate.half(upright, "B"))
        )  # fmt: skip
    shards = [read_shard(Path(path)) for path in (config.synthetic, config.beside) if path]
    if shards:
        cases = [(n, case) for shard in shards for n, case in shard_cases(shard)]
        found["synthetic"] = (
            [case for n, case in cases if n % 2 == 0], [case for n, case in cases if n % 2 == 1]
        )  # fmt: skip
    return found


def lsp_cases(judged: validate.Judged) -> list[calibrate.Case]:
    """Who is not labelled may still be there: nothing is known to be absent."""
    cases, count = [], len(vocabulary())
    for image, box, points_J2, seen_J in zip(
        judged.images, judged.boxes_N4, judged.points_NJ2, judged.seen_NJ, strict=True
    ):
        points_V2, states_V = np.full((count, 2), np.nan), np.full(count, State.UNLABELLED, np.int8)
        points_V2[judged.coco_J] = points_J2
        states_V[judged.coco_J[seen_J]] = State.VISIBLE
        x, y, width, height = (float(value) for value in box)
        area = width * height * validate.AREA_SHARE
        cases.append(calibrate.Case(image, (x, y, width, height), points_V2, states_V, area))
    return cases


def shard_cases(shard: Shard) -> Iterator[tuple[int, calibrate.Case]]:
    """(the picture's number, one of its people); shards of before count one person a picture."""
    pictures = shard.extra.get("picture_N", np.arange(len(shard)))
    for row, picture in enumerate(pictures):
        x, y, width, height = (float(value) for value in shard.boxes_N4[row])
        yield int(picture), calibrate.Case(
            np.asarray(shard.images_NSS3[row]), (x, y, width, height), shard.points_NV2[row],
            shard.states_NV[row], max(shard.area(row), 1.0),
        )  # fmt: skip


def figures_of(
    config: ReleaseConfig, predictor: Predictor, honest: dict[str, dict[str, float]]
) -> dict[str, Any]:
    figures: dict[str, Any] = {"command": "python -m training.release"} | honest
    if config.validation:
        figures["lspet"] |= real_figures(predictor, Path(config.validation))
    for row in _peers(config):
        name = f"{row.pop('model')}, lspet {row.pop('data')}"
        figures[name] = {key: value for key, value in row.items() if key != "half"}
    if config.synthetic:
        shard = read_shard(Path(config.synthetic))
        rows = np.arange(len(shard))[1::2]  # the others calibrate
        limit = predictor.settings.absent_threshold
        figures["synthetic"] |= synthetic_figures(predictor, shard, rows, limit)
        turned = synthetic_figures(predictor, shard, rows, limit, turn=True)
        # Black corners hide where the camera's picture ends: nothing is said of what lies beyond.
        figures["synthetic turned"] = {k: v for k, v in turned.items() if "emitted" not in k}
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
