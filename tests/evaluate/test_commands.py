"""The commands as a user types them: evaluate prints and writes, report writes into a README."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from posealign.commands import calibrate, evaluate, report
from posealign.errors import InvalidInput
from tests.evaluate.toys import make_config


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
