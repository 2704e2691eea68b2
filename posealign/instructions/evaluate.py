"""One table: our reading, the keyword parser and MiniLM on text, with the same scoring.

posealign evaluate configs/eval_instructions.yaml
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import typer

from posealign.config import Config, load_config
from posealign.instructions import scoring, written
from posealign.instructions.compositions import sample_composition, shaped
from posealign.instructions.keywords import parse_text
from posealign.instructions.noise import damage
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import parse
from posealign.instructions.resolve import Resolver
from posealign.instructions.sampling import sample
from posealign.instructions.wording import word
from posealign.instructions.written import Line

COLUMNS = (
    "exact", "exact_core", "f1", "dims", "visibility", "subject", "skeleton", "relation",
    "refusal_p", "refusal_r", "refusal_f1", "false_refusals",
)  # fmt: skip


class InstructionEvaluation(Config):
    """`corpus` lists written splits; `seen` and `compositional` count generated texts."""

    corpus: tuple[str, ...] = ("dev", "test", "strangers")
    bundle: str = "default"
    readers: tuple[str, ...] = ("ours", "keywords", "minilm")
    seen: int = 1000
    compositional: int = 400
    seed: int = 20_26
    minilm_examples: int = 6000


def splits(config: InstructionEvaluation) -> dict[str, list[Line]]:
    """Name → lines. `seen` is worded as training is, with other dice; `compositional` never was."""
    rng = Random(config.seed)
    made: dict[str, list[Line]] = {"seen": [], "compositional": []}
    for number in range(config.seen):
        book = phrasebook(LANGUAGES[number % 2])
        query = sample(rng)
        text = damage(word(query, rng, book), rng, book)
        made["seen"].append(Line(str(query), text, book.language, "seen"))
    for number in range(config.compositional):
        book = phrasebook(LANGUAGES[number % 2])
        composed = sample_composition(rng)
        text = word(composed, rng, book)
        made["compositional"].append(Line(str(composed), text, book.language, "compositional"))
    return made | {name: written.load(name) for name in config.corpus}


def our_reader(resolver: Resolver) -> scoring.Reader:
    """The very code that `resolve` runs, one text at a time."""
    return lambda texts: [resolver.heads(text) for text in texts]


def keyword_reader(texts: Sequence[str]) -> list[scoring.Reading]:
    return [scoring.heads_of(parse_text(text)) for text in texts]


def minilm_reader(config: InstructionEvaluation) -> scoring.Reader:
    """MiniLM with heads fitted on the English training texts and as many phrasebook texts."""
    model = import_module("posealign.model.minilm").MiniLM()
    rng, book = Random(config.seed + 1), phrasebook("en")
    examples = [(line.query, line.text) for line in written.load("train") if line.language == "en"]
    while len(examples) < config.minilm_examples:
        query = sample(rng)
        examples.append((str(query), word(query, rng, book)))
    model.fit([(q, t) for q, t in examples if not shaped(parse(q))])
    reader: scoring.Reader = model
    return reader


def evaluate_instructions(config: InstructionEvaluation) -> dict[str, Any]:
    """Reader → split → figures; of written text also how consistently it is read."""
    lines = splits(config)
    report: dict[str, Any] = {
        "corpus": {name: len(rows) for name, rows in lines.items()},
        "digests": {name: written.digest(name) for name in config.corpus},
        "readers": {},
    }
    for name in config.readers:
        reader = _reader(name, config)
        report["readers"][name] = _measure(reader, lines, name == "minilm")
    return report


def _reader(name: str, config: InstructionEvaluation) -> scoring.Reader:
    if name == "keywords":
        return keyword_reader
    if name == "minilm":
        return minilm_reader(config)
    folder = Path(config.bundle)
    if not (folder / "text.onnx").is_file():
        folder = import_module("posealign.bundle").find(config.bundle).folder
    return our_reader(Resolver.of_folder(folder))


def _measure(reader: scoring.Reader, lines: dict[str, list[Line]], english: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for split, rows in lines.items():
        kept = [row for row in rows if row.language == "en"] if english else rows
        start = time.process_time()
        readings = reader([row.text for row in kept])
        milliseconds = (time.process_time() - start) * 1e3 / max(1, len(kept))
        measured[split] = scoring.figures(readings, [row.query for row in kept])
        measured[split]["ms"] = milliseconds
        if not english:
            for language in ("en", "zh", "mixed"):
                of = [at for at, row in enumerate(kept) if row.language == language]
                found = scoring.figures([readings[a] for a in of], [kept[a].query for a in of])
                measured[split][f"exact_{language}"] = found["exact"]
        if split in written.SPLITS:
            measured[split]["pair_agreement"] = scoring.pair_agreement(reader, kept)
            measured[split]["mirror_consistency"] = scoring.mirror_consistency(reader, kept)
            measured[split]["typo_drop_points"] = scoring.typo_drop(reader, kept)
    return measured


def table(report: dict[str, Any]) -> str:
    """Plain text; percent, but for F1 (0 to 1), points and milliseconds."""
    rows = [["reader", "split", *COLUMNS, "ms"]]
    for reader, measured in report["readers"].items():
        for split in report["corpus"]:
            found = measured[split]
            cells = [
                f"{found[c]:.3f}" if c in ("f1", "refusal_f1") else f"{100 * found[c]:.1f}"
                for c in COLUMNS
            ]
            rows.append([reader, split, *cells, f"{found['ms']:.2f}"])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    text = "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows
    )
    for reader, measured in report["readers"].items():
        for split in (name for name in report["corpus"] if name in written.SPLITS):
            found = measured[split]
            text += (
                f"\n{reader}, {split}: pairs agree {100 * found['pair_agreement']:.1f} %, "
                f"mirror consistent {100 * found['mirror_consistency']:.1f} %, "
                f"typo drop {found['typo_drop_points']:.1f} points"
            )
    return text


def run(config: Path, overrides: Sequence[str] = (), as_json: bool = False) -> None:
    """What `posealign evaluate` does with a configuration that has the key `corpus`."""
    report = evaluate_instructions(load_config(InstructionEvaluation, config, list(overrides)))
    typer.echo(json.dumps(report, indent=1) if as_json else table(report))
