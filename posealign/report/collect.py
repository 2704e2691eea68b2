"""Rows → report.json. Nothing in it depends on when or how often the run was interrupted."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from posealign.bench.machine import describe
from posealign.errors import InvalidInput, NotFound
from posealign.evaluate import pope, words
from posealign.evaluate.figures import GROUPS, plain
from posealign.evaluate.judged import Judged, judge
from posealign.evaluate.rows import RowFile
from posealign.evaluate.run import rows_path, spread
from posealign.evaluate.settings import Evaluation

Report = dict[str, Any]
FORMAT = 1


def collect(evaluation: Evaluation) -> Report:
    """All figures of all models, and every failure by name."""
    folder = evaluation.folder
    truth = RowFile(rows_path(folder, "truth"))
    if not truth.path.is_file():
        raise NotFound(f"{folder} holds no rows yet: run `posealign evaluate` first")
    told = json.loads((folder / "run.json").read_text("utf-8"))
    report: Report = {
        "format": FORMAT,
        "name": evaluation.name,
        "title": evaluation.title,
        "data": evaluation.data,
        "note": evaluation.note,
        "pictures": sum(1 for _ in truth),
        "skeleton": evaluation.skeleton,
        "instruction": evaluation.instruction,
        "boxes": evaluation.boxes,
        "machine": {k: v for k, v in describe(1, "").items() if k in ("cpu", "cores", "system")},
        "settings": told["settings"],
        "models": {},
    }
    asked = _questions(folder)
    failures = [_failure("labels", row) for row in truth if "failed" in row]
    for model in evaluation.models:
        rows = RowFile(rows_path(folder, model.name))
        failures += [
            _failure(model.name, row)
            for row in rows
            if row.get("failed") not in (None, "no picture")
        ]
        judged = judge(truth, rows, evaluation.skeleton)
        found: Report = {
            group: figures
            for group, measure in GROUPS.items()
            if group in evaluation.groups and (figures := measure(judged, evaluation))
        }
        served = model.kind == "predictor"
        found |= _asked(evaluation, model.name, asked) | _clips(folder, model.name)
        followed = words.figures(list(RowFile(rows_path(folder, f"words.{model.name}"))))
        found |= {"words": followed} if followed else {}
        if asked and evaluation.boxes == "truth":
            seen = pope.by_states(asked, rows, evaluation.skeleton, served)
            found |= {"pope_states": seen} if seen else {}
        report["models"][model.name] = {
            "kind": model.kind, "digest": told["models"][model.name], **found,
        }  # fmt: skip
    if asked:
        report["words_alone"] = {"pope": pope.words_alone(asked)}
        report["box_alone"] = {"pope_states": pope.box_alone(asked, truth)}
    report["failures"] = failures
    return dict(plain(report))


def judged_of(evaluation: Evaluation, name: str) -> Judged:
    """The arrays behind one model's figures."""
    folder = evaluation.folder
    path = rows_path(folder, name)
    if not path.is_file():
        raise NotFound(f"{folder} holds no answers of {name!r}")
    return judge(RowFile(rows_path(folder, "truth")), RowFile(path), evaluation.skeleton)


def write(evaluation: Evaluation, report: Report) -> Path:
    path = evaluation.folder / "report.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def read(path: Path) -> Report:
    """report.json by its path or its folder."""
    file = path / "report.json" if path.is_dir() else path
    if not file.is_file():
        raise NotFound(f"there is no report at {path}")
    try:
        report = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise InvalidInput(f"{file} is no report of this version (format {FORMAT})")
    return report


def costs(folder: Path) -> dict[str, float]:
    """Median milliseconds a picture of each model; not in report.json, as no two runs agree."""
    times: dict[str, list[float]] = {}
    for row in RowFile(folder / "cost.jsonl"):
        times.setdefault(row["model"], []).append(row["ms"])
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


def _failure(who: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"who": who, "index": row["index"], "key": row.get("key"), "error": row["failed"]}


def _asked(evaluation: Evaluation, name: str, asked: list[dict[str, Any]]) -> Report:
    """keypoint-POPE: the questions' answers in words."""
    path = rows_path(evaluation.folder, f"pope.{name}")
    if not path.is_file() or not asked:
        return {}
    answered = list(RowFile(path))
    wanted = spread(len(asked), evaluation.pope.in_words)
    if [row["index"] for row in answered] != wanted:
        raise InvalidInput(f"{path} answers {len(answered)} of {len(wanted)} questions; run on")
    return {"pope": pope.figures([asked[number] for number in wanted], answered)}


def _questions(folder: Path) -> list[dict[str, Any]]:
    listed = rows_path(folder, "pope.questions")
    if not listed.is_file():
        return []
    return [json.loads(line) for line in listed.read_text("utf-8").splitlines()]


def _clips(folder: Path, name: str) -> Report:
    """Medians over clips, with and without smoothing."""
    every = list(RowFile(rows_path(folder, f"clip.{name}")))
    rows = [row for row in every if "raw" in row]
    if not every:
        return {}
    table: Report = {"clips": len(rows), "skipped": len(every) - len(rows)}
    if not rows:
        return {"time": table}
    for kind in ("raw", "smooth"):
        table[kind] = {}
        for figure in ("jitter", "loss", "lag", "missing"):
            known = [row[kind][figure] for row in rows if row[kind][figure] is not None]
            table[kind][figure] = statistics.median(known) if known else None
    return {"time": table}
