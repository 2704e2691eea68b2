"""Source → answers → rows on disk: constant memory, resumable, failures kept in the rows.

OUT/run.json             what was run: settings, pictures, whose answers
OUT/rows/truth.jsonl     labels, one line a picture
OUT/rows/MODEL.jsonl     answers, one line a picture
OUT/cost.jsonl           milliseconds; apart, for they differ from run to run
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from posealign.data.sample import Sample
from posealign.data.sources import Source, open_source
from posealign.errors import InvalidInput, NotFound
from posealign.evaluate import models as answering
from posealign.evaluate import rows as writing
from posealign.evaluate.clip import clip_rows
from posealign.evaluate.pope import Question, answer_question, questions
from posealign.evaluate.rows import Row, RowFile
from posealign.evaluate.settings import Evaluation
from posealign.evaluate.words import words_row
from posealign.people import Box

Progress = Callable[[Iterable[int], str, int], Iterable[int]]
# What may change between a run and its resumption without making it another run.
_FREE = ("title", "note", "groups", "bootstrap", "out")


def run(evaluation: Evaluation, progress: Progress, fresh: bool = False) -> Path:
    """Answer what is not answered yet; returns the folder."""
    folder = evaluation.folder
    if fresh and (folder / "run.json").is_file():
        for old in ("rows", "cost.jsonl", "run.json", "report.json", "report.html"):
            path = folder / old
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    source = open_evaluated(evaluation)
    answerers = {model.name: answering.open_model(model, evaluation) for model in evaluation.models}
    _check_same(folder, evaluation, len(source), answerers)
    indices = chosen(evaluation, len(source))
    files = {name: RowFile(rows_path(folder, name)) for name in ("truth", *answerers)}
    done = {name: file.resume() for name, file in files.items()}
    waiting = [index for index in indices if any(index >= done[name] for name in files)]
    for index in progress(waiting, evaluation.name, len(waiting)):
        _one(index, source, evaluation, answerers, files, done)
    served = {
        name: answerer
        for name, answerer in answerers.items()
        if isinstance(answerer, answering.Served)
    }
    if evaluation.pope.questions:
        _ask_questions(source, evaluation, served, files["truth"], progress)
    if evaluation.words.pictures:
        _ask_in_words(source, evaluation, served, files["truth"], progress)
    if evaluation.clip.clips:
        _make_clips(source, evaluation, served, files["truth"], progress)
    return folder


def open_evaluated(evaluation: Evaluation) -> Source:
    """The source named in the settings; synthetic ones live with their maker."""
    settings = evaluation.source
    if settings.kind == "synth":
        from posealign.evaluate.synthetic import SynthSource  # noqa: PLC0415

        return cast(Source, SynthSource(settings.path, **settings.options))
    return open_source(settings.kind, settings.path, **settings.options)


def chosen(evaluation: Evaluation, count: int) -> range:
    """The pictures' places in the source."""
    first, end = evaluation.first, count
    if evaluation.limit is not None:
        end = min(count, first + evaluation.limit * evaluation.every)
    return range(first, end, evaluation.every)


def rows_path(folder: Path, name: str) -> Path:
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    return folder / "rows" / f"{plain}.jsonl"


def _check_same(
    folder: Path, evaluation: Evaluation, count: int, answerers: dict[str, answering.Answerer]
) -> None:
    """A run is gone on with only where settings, pictures and models are the same."""
    settings = evaluation.model_dump(mode="json", exclude=set(_FREE))
    told = {
        "settings": settings,
        "pictures": count,
        "models": {name: answerer.digest for name, answerer in answerers.items()},
    }
    path = folder / "run.json"
    if path.is_file():
        known = json.loads(path.read_text("utf-8"))
        differing = [key for key in told if known.get(key) != told[key]]
        if differing:
            raise InvalidInput(
                f"{folder} holds another run ({_difference(known, told, differing)}); "
                "give another out=FOLDER, or --fresh to begin anew"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")


def settings_of(folder: Path) -> Evaluation:
    """What a finished run in this folder was."""
    path = folder / "run.json"
    if not path.is_file():
        raise NotFound(f"{folder} holds no evaluation: there is no run.json")
    told = json.loads(path.read_text("utf-8"))["settings"]
    return Evaluation.model_validate({**told, "title": told["name"], "out": str(folder)})


def _difference(known: dict[str, Any], told: dict[str, Any], keys: Sequence[str]) -> str:
    parts = []
    for key in keys:
        old, new = known.get(key), told[key]
        if isinstance(old, dict) and isinstance(new, dict):
            parts += [f"{key}.{k}" for k in sorted({*old, *new}) if old.get(k) != new.get(k)]
        else:
            parts.append(f"{key}: {old} then, {new} now")
    return ", ".join(parts)


def _one(
    index: int,
    source: Source,
    evaluation: Evaluation,
    answerers: dict[str, answering.Answerer],
    files: dict[str, RowFile],
    done: dict[str, int],
) -> None:
    try:
        sample = source[index]
        row = truth_of(evaluation, index, sample)
    except Exception as error:
        # One unreadable picture must not end a run over ten thousand; the report lists it.
        for name, file in files.items():
            if index >= done[name]:
                file.append(_failed(index, None, error if name == "truth" else None))
        return
    if index >= done["truth"]:
        files["truth"].append(row)
    targets = writing.judged_people(row)
    boxes: list[Box] | None = None
    if evaluation.boxes == "truth":
        boxes = [tuple(row["people"][p]["box"]) for p in targets]
    for name, answerer in answerers.items():
        if index < done[name]:
            continue
        start = time.perf_counter()
        try:
            answered = _answer(answerer, sample, boxes, targets, evaluation.mirror)
        except Exception as error:
            files[name].append(_failed(index, sample.key, error))
            continue
        milliseconds = (time.perf_counter() - start) * 1e3
        files[name].append({"index": index, "key": sample.key, **answered})
        cost = {"index": index, "model": name, "ms": round(milliseconds, 3)}
        RowFile(evaluation.folder / "cost.jsonl").append(cost)


def truth_of(evaluation: Evaluation, index: int, sample: Sample) -> Row:
    """The labels of a picture as this evaluation takes them."""
    truth = evaluation.truth
    return writing.truth_row(index, sample, evaluation.skeleton, truth.area_share, truth.box)


def _answer(
    answerer: answering.Answerer,
    sample: Sample,
    boxes: list[Box] | None,
    targets: list[int],
    mirror: bool,
) -> Row:
    if boxes is not None and not boxes:
        return {"people": []}
    answered: Row = {"people": _numbered(answerer.answer(sample, boxes), boxes, targets)}
    if mirror:
        other, other_boxes = answering.mirrored(sample, boxes)
        answered["mirrored"] = _numbered(answerer.answer(other, other_boxes), boxes, targets)
    return answered


def _numbered(people: list[Row], boxes: list[Box] | None, targets: list[int]) -> list[Row]:
    if boxes is None:
        return people
    if people and len(people) != len(boxes):
        raise InvalidInput(f"{len(boxes)} boxes were asked about, {len(people)} people answered")
    return [{**person, "truth": truth} for person, truth in zip(people, targets, strict=False)]


def _failed(index: int, key: str | None, error: Exception | None) -> Row:
    row: Row = {"index": index, "failed": "no picture"}
    if key is not None:
        row["key"] = key
    if error is not None:
        row["failed"] = f"{type(error).__name__}: {error}"
    return row


def _ask_questions(
    source: Source,
    evaluation: Evaluation,
    served: dict[str, answering.Served],
    truth: RowFile,
    progress: Progress,
) -> None:
    """keypoint-POPE, in the pictures' order so that each is opened once."""
    asked = questions(truth, evaluation.skeleton, evaluation.pope)
    listed = rows_path(evaluation.folder, "pope.questions")
    listed.write_text(
        "".join(json.dumps(q.row(), ensure_ascii=False) + "\n" for q in asked), "utf-8"
    )
    numbers = spread(len(asked), evaluation.pope.in_words)
    here: tuple[int, Sample | None] = (-1, None)
    for number, models in _open(evaluation, "pope", served, numbers, progress, "keypoint-POPE"):
        question: Question = asked[number]
        if here[0] != question.index:
            here = question.index, source[question.index]
        for answerer, file in models:
            if here[1] is not None:
                said = answer_question(answerer.predictor, here[1].image_HW3, question)
                file.append({"index": number, **said})


def _ask_in_words(
    source: Source,
    evaluation: Evaluation,
    served: dict[str, answering.Served],
    truth: RowFile,
    progress: Progress,
) -> None:
    """Of each picture the first person whose joints somebody labelled."""
    labelled = [
        (row, targets[0])
        for row in truth
        if "people" in row and (targets := writing.judged_people(row))
    ]
    taken = [labelled[place] for place in spread(len(labelled), evaluation.words.pictures)]
    numbers, title = range(len(taken)), "questions in words"
    for number, models in _open(evaluation, "words", served, numbers, progress, title):
        row, person = taken[number]
        sample = source[row["index"]]
        box: Box = tuple(row["people"][person]["box"])
        for answerer, file in models:
            found = words_row(
                answerer.predictor, sample, person, box, evaluation.skeleton,
                evaluation.words.seed,
            )  # fmt: skip
            file.append({"index": number, "key": sample.key, **found})


def _open(
    evaluation: Evaluation,
    kind: str,
    served: dict[str, answering.Served],
    numbers: Iterable[int],
    progress: Progress,
    title: str,
) -> Iterator[tuple[int, list[tuple[answering.Served, RowFile]]]]:
    """Each number that somebody has not answered yet, with those who have not and their files."""
    files = {name: RowFile(rows_path(evaluation.folder, f"{kind}.{name}")) for name in served}
    done = {name: file.resume() for name, file in files.items()}
    waiting = [n for n in numbers if any(n >= done[name] for name in files)]
    for number in progress(waiting, title, len(waiting)):
        yield number, [(served[name], files[name]) for name in files if number >= done[name]]


def spread(count: int, wanted: int | None) -> list[int]:
    """`wanted` of `count` places, evenly; all where None."""
    if wanted is None or wanted >= count:
        return list(range(count))
    return [place * count // wanted for place in range(wanted)]


def _make_clips(
    source: Source,
    evaluation: Evaluation,
    served: dict[str, answering.Served],
    truth: RowFile,
    progress: Progress,
) -> None:
    """Spread over the pictures with one labelled person."""
    alone = [row["index"] for row in truth if len(row.get("people", ())) == 1]
    step = max(1, len(alone) // evaluation.clip.clips)
    taken = alone[::step][: evaluation.clip.clips]
    for number, models in _open(evaluation, "clip", served, range(len(taken)), progress, "clips"):
        sample = source[taken[number]]
        for answerer, file in models:
            found = clip_rows(answerer.predictor, sample, evaluation)
            file.append({"index": number, "key": sample.key, **found})
