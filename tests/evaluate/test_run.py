"""Evaluations end to end: figures, failures, interruption, memory, and who else agrees."""

from __future__ import annotations

import json
import resource
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from posealign.config import load_config
from posealign.data.sample import Sample
from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.evaluate import run as running
from posealign.evaluate.judged import as_coco
from posealign.evaluate.rows import RowFile
from posealign.evaluate.run import rows_path, run
from posealign.evaluate.settings import Evaluation
from posealign.metrics.average_precision import coco_reference
from posealign.report import collect, figures, page
from posealign.report.gallery import galleries
from posealign.skeletons.load import skeleton
from tests.evaluate import independent
from tests.evaluate.toys import make_coco, make_config


def quiet(steps: Iterable[int], title: str, count: int) -> Iterable[int]:
    return steps


def evaluated(path: Path, *overrides: str) -> tuple[Evaluation, dict[str, Any]]:
    settings = load_config(Evaluation, path, overrides)
    run(settings, quiet)
    report = collect.collect(settings)
    collect.write(settings, report)
    return settings, report


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, dict[str, Any]]:
    return evaluated(make_config(tmp_path_factory.mktemp("toy")))


def test_average_precision_equals_pycocotools(toy: tuple[Evaluation, dict[str, Any]]) -> None:
    settings, report = toy
    truth = RowFile(rows_path(settings.folder, "truth"))
    for name in ("near", "far"):
        labels, results = as_coco(truth, RowFile(rows_path(settings.folder, name)), "coco17")
        expected = coco_reference(labels, results, skeleton("coco17").sigmas_J)
        found = report["models"][name]["location"]["average_precision"]["all"]
        for figure, value in expected.items():
            if np.isnan(value):
                assert found[figure] is None
            else:
                assert found[figure] == pytest.approx(value, abs=1e-9), figure
    assert report["models"]["near"]["location"]["average_precision"]["all"]["AP"] > 0.3


def test_an_independent_script_agrees(toy: tuple[Evaluation, dict[str, Any]]) -> None:
    """From the raw files, without this package: OKS, PCK, swaps, ECE, AUROC."""
    settings, report = toy
    folder = settings.folder.parent
    for name in ("near", "far"):
        expected = independent.figures(folder / "labels.json", folder / f"{name}.json")
        row = report["models"][name]
        assert row["location"]["oks"]["value"] == pytest.approx(expected["oks"], abs=1e-6)
        assert row["location"]["pck_box@0.1"]["value"] == pytest.approx(expected["pck"], abs=1e-6)
        assert row["sides"]["swap_rate"] == pytest.approx(expected["swap_rate"], abs=1e-9)
        assert row["confidence"]["ece"] == pytest.approx(expected["ece"], abs=1e-5)
        assert row["confidence"]["auroc"] == pytest.approx(expected["auroc"], abs=1e-6)


def test_better_answers_get_better_figures(toy: tuple[Evaluation, dict[str, Any]]) -> None:
    _, report = toy
    near, far = (report["models"][name]["location"] for name in ("near", "far"))
    assert near["oks"]["value"] > far["oks"]["value"]
    assert near["oks"]["low"] <= near["oks"]["value"] <= near["oks"]["high"]
    assert report["failures"] == []
    assert near["people"] == 12


class Interrupted(BaseException):
    """As Ctrl-C: no handler of failures may take it for one."""


@pytest.mark.parametrize("cut", [False, True])
def test_interrupted_and_resumed_is_the_same_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    path = make_config(tmp_path)
    whole, _ = evaluated(path, f"out={tmp_path / 'whole'}")
    settings = load_config(Evaluation, path, [f"out={tmp_path / 'parts'}"])
    real = running.writing.truth_row

    def stop(index: int, *rest: Any) -> Any:
        if index == 7:
            raise Interrupted
        return real(index, *rest)

    monkeypatch.setattr(running.writing, "truth_row", stop)
    with pytest.raises(Interrupted):
        run(settings, quiet)
    monkeypatch.undo()
    rows = rows_path(settings.folder, "far")
    assert len(rows.read_text().splitlines()) == 7
    if cut:  # the power went while a line was written
        rows.write_text(rows.read_text()[:-25], "utf-8")
    asked: list[int] = []

    def watch(steps: Iterable[int], title: str, count: int) -> Iterable[int]:
        asked.extend(steps)
        return asked

    run(settings, watch)
    assert asked == list(range(6 if cut else 7, 12))
    collect.write(settings, collect.collect(settings))
    reports = [(folder / "report.json").read_bytes() for folder in (whole.folder, settings.folder)]
    assert reports[0] == reports[1]


def test_another_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    path = make_config(tmp_path)
    evaluated(path)
    with pytest.raises(InvalidInput, match=r"settings\.truth.*another out"):
        run(load_config(Evaluation, path, ["truth.box=joints"]), quiet)
    make_coco(tmp_path, count=9)
    with pytest.raises(InvalidInput, match="pictures: 12 then, 9 now"):
        run(load_config(Evaluation, path), quiet)
    run(load_config(Evaluation, path), quiet, fresh=True)
    assert len(list(RowFile(rows_path(tmp_path / "run", "truth")))) == 9


def test_failures_are_listed_by_name(tmp_path: Path) -> None:
    path = make_config(tmp_path)
    (tmp_path / "images" / "004.png").write_bytes(b"no picture")
    (tmp_path / "images" / "006.png").unlink()
    _, report = evaluated(path)
    errors = {row["index"]: row["error"] for row in report["failures"]}
    assert set(errors) == {4, 6}
    assert "004.png" in errors[4]
    assert "006.png" in errors[6]
    assert report["models"]["near"]["location"]["people"] == 10
    html = page.page(report, {})
    assert "006.png" in html
    assert "Failures (2)" in html


def test_missing_files_and_wrong_keys_are_named(tmp_path: Path) -> None:
    path = make_config(tmp_path)
    with pytest.raises(NotFound, match=r"'near'.*nowhere\.json"):
        run(load_config(Evaluation, path, [f"models.0.file={tmp_path / 'nowhere.json'}"]), quiet)
    with pytest.raises(NotFound, match=r"none\.json"):
        run(load_config(Evaluation, path, [f"source.path={tmp_path / 'none.json'}"]), quiet)
    with pytest.raises(InvalidInput, match="'coco'"):
        run(load_config(Evaluation, path, ["source.kind=cocoo"]), quiet)
    with pytest.raises(InvalidConfig, match="skeleton"):
        load_config(Evaluation, path, ["skeletn=coco17"])
    with pytest.raises(InvalidConfig, match="two models are called near"):
        load_config(Evaluation, path, ["models.1.name=near"])
    (tmp_path / "near.json").write_text('[{"image_id": 100, "keypoints": [1, 2, 3]}]')
    with pytest.raises(InvalidInput, match="result 0"):
        run(load_config(Evaluation, path), quiet)


class Endless:
    """As many pictures as asked for, none of them kept."""

    name = "endless"

    def __init__(self, source: Any, count: int) -> None:
        self.samples, self.count = [source[i] for i in range(len(source))], count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[index % len(self.samples)]
        image: NDArray[np.uint8] = sample.image_HW3 + np.uint8(index % 7)  # a fresh array each
        return Sample(sample.key, image, sample.people, sample.source)


def _peak(path: Path, out: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    settings = load_config(Evaluation, path, [f"out={out}", "bootstrap=0"])
    real = running.open_source
    monkeypatch.setattr(running, "open_source", lambda *a, **k: Endless(real(*a, **k), count))
    tracemalloc.start()
    run(settings, quiet)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    monkeypatch.undo()
    assert len((out / "rows" / "near.jsonl").read_text().splitlines()) == count
    return found


def test_memory_does_not_grow_with_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is 58 kB: keeping them would take 50 MB more."""
    path = make_config(tmp_path)
    few = _peak(path, tmp_path / "few", 60, monkeypatch)
    many = _peak(path, tmp_path / "many", 960, monkeypatch)
    assert many - few < 500_000


@pytest.mark.slow
def test_ten_thousand_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, figures and report of 10,000 pictures within 120 MB more than of 100."""
    path, real = make_config(tmp_path), running.open_source
    peaks = []
    for count in (100, 10_000):
        settings = load_config(Evaluation, path, [f"out={tmp_path / str(count)}", "bootstrap=100"])
        monkeypatch.setattr(
            running, "open_source", lambda *a, n=count, **k: Endless(real(*a, **k), n)
        )
        run(settings, quiet)
        report = collect.collect(settings)
        assert report["pictures"] == count
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(f"peak {peaks[0]:.0f} MB, then {peaks[1]:.0f} MB")
    assert peaks[1] - peaks[0] < 120


def test_html_stands_alone(toy: tuple[Evaluation, dict[str, Any]]) -> None:
    settings, report = toy
    source = running.open_evaluated(settings)
    judged = collect.judged_of(settings, "far")
    html = page.page(report, {"far": galleries(judged, source, 3)})
    assert "synthetic pictures" in html
    assert html.count("data:image/jpeg;base64,") == 9
    assert html.count("<svg") >= 2
    for outside in ("src='http", 'src="http', "<link", "<script", "url(http"):
        assert outside not in html


def test_figures_are_written_between_markers(
    toy: tuple[Evaluation, dict[str, Any]], tmp_path: Path
) -> None:
    _, report = toy
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nafter\n", "utf-8")
    real = {**report, "data": "real", "title": "A real set"}
    assert figures.write_into(path, [report, real])
    text = path.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert text.index("Real pictures") < text.index("A real set") < text.index("Synthetic pictures")
    assert not figures.write_into(path, [report, real])
    for wrong in ("none", "<!-- figures:end --> <!-- figures:begin -->"):
        path.write_text(wrong, "utf-8")
        with pytest.raises(InvalidInput, match="figures:begin"):
            figures.write_into(path, [report])


def test_report_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"format": 99}), "utf-8")
    with pytest.raises(InvalidInput, match="format 1"):
        collect.read(tmp_path)
    with pytest.raises(NotFound):
        collect.read(tmp_path / "nowhere")
