"""The commands as a user types them: evaluate prints and writes, report writes into a README."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from posealign.commands import calibrate, evaluate, report
from posealign.config import load_config
from posealign.errors import InvalidInput, NotFound
from posealign.evaluate.settings import Evaluation, MoveNetModel
from tests.evaluate.toys import make_config

CONFIGS = Path(__file__).parents[2] / "configs"


def invoke(command: object, *arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)  # type: ignore[type-var]
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("commands")
    done = invoke(evaluate.evaluate, str(make_config(root)), "limit=6", "--tiles", "2")
    assert done.exit_code == 0, done.output
    assert "mean OKS" in done.stdout
    assert "6 synthetic pictures" in done.stdout
    return root


def test_evaluate_writes_and_goes_on(folder: Path) -> None:
    """The second time nothing is left to do, and the answer is the same."""
    before = (folder / "run" / "report.json").read_bytes()
    again = invoke(evaluate.evaluate, str(folder / "eval.yaml"), "limit=6", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == json.loads(before)
    assert (folder / "run" / "report.json").read_bytes() == before
    assert (folder / "run" / "report.html").stat().st_size > 20_000


def test_failures_are_said_and_none_answered_is_an_error(tmp_path: Path) -> None:
    """An empty table and exit code 0 would pass for a measurement."""
    config = make_config(tmp_path)
    (tmp_path / "images" / "000.png").unlink()
    done = invoke(evaluate.evaluate, str(config), "limit=2", "--json")
    assert done.exit_code == 0, done.output
    assert "labels: 1 of 2 pictures failed" in done.stderr
    assert "'000.png'" in done.stderr
    (tmp_path / "images" / "001.png").unlink()
    done = invoke(evaluate.evaluate, str(config), "limit=2", "--json", "--fresh")
    assert done.stdout == ""
    assert isinstance(done.exception, InvalidInput)
    assert "all 2 pictures failed" in str(done.exception)


def test_labels_without_a_joint_are_no_measurement(tmp_path: Path) -> None:
    """As COCO's instances_*.json are: the people's boxes and nothing more."""
    config = make_config(tmp_path)
    path = tmp_path / "labels.json"
    labels = json.loads(path.read_text("utf-8"))
    labels["categories"][0].pop("keypoints")
    for row in labels["annotations"]:
        row.pop("keypoints")
    path.write_text(json.dumps(labels), "utf-8")
    done = invoke(evaluate.evaluate, str(config), "limit=2", "--json")
    assert done.stdout == ""
    assert isinstance(done.exception, InvalidInput)
    assert "nobody in these 2 pictures has a labelled joint of coco17" in str(done.exception)


def test_an_optional_baseline_is_left_out_where_its_file_is_not_there(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    row = "{kind: movenet, name: a peer, file: nowhere.tflite, optional: OPTIONAL}"
    for answer, code in (("true", 0), ("false", 1)):
        override = f"models.1={row.replace('OPTIONAL', answer)}"
        done = invoke(evaluate.evaluate, str(config), "limit=2", "--json", override)
        assert done.exit_code == code, done.output
        if code:
            assert isinstance(done.exception, NotFound)
            assert "nowhere.tflite" in str(done.exception)
        else:
            assert "left out: a peer (there is no file nowhere.tflite)" in done.stderr
            assert list(json.loads(done.stdout)["models"]) == ["near"]
    only = [f"models=[{row.replace('OPTIONAL', 'true')}]", f"out={tmp_path / 'only'}"]
    assert isinstance(invoke(evaluate.evaluate, str(config), *only).exception, NotFound)


def test_shipped_configurations_run_without_a_peer() -> None:
    for name in ("eval_lspet", "eval_synth"):
        settings = load_config(Evaluation, CONFIGS / f"{name}.yaml")
        peers = [model for model in settings.models if isinstance(model, MoveNetModel)]
        assert peers
        assert all(model.optional for model in peers)
        assert "optional" not in settings.model_dump_json()  # an older run goes on


def test_report_writes_into_a_readme(folder: Path) -> None:
    readme = folder / "README.md"
    readme.write_text("# T\n<!-- figures:begin -->\n<!-- figures:end -->\n", "utf-8")
    done = invoke(report.report, str(folder / "run"), "--into", str(readme))
    assert done.exit_code == 0, done.output
    assert "| mean OKS |" in readme.read_text("utf-8")
    printed = invoke(report.report, str(folder / "run")).stdout.strip()
    assert printed in readme.read_text("utf-8")


def test_calibrate_wants_a_bundle_in_the_run(folder: Path) -> None:
    done = invoke(calibrate.calibrate, str(folder / "run"))
    assert isinstance(done.exception, InvalidInput)
    assert "no bundle" in str(done.exception)


def test_words_have_a_configuration_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("corpus: [dev]\n", "utf-8")
    assert evaluate.is_instructions(path)
    assert not evaluate.is_instructions(make_config(tmp_path))
    assert not evaluate.is_instructions(tmp_path / "nowhere.yaml")
