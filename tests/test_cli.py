"""The manual, the errors and the exit codes, as a shell sees them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from posealign import cli, errors
from posealign.skeletons.load import NAMES, skeleton, to_json


def shell(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "posealign", *arguments],
        capture_output=True, text=True, check=False, encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **env},
    )  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """In this process, which is quicker."""
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_the_manual_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys; from posealign import cli\n"
        "try: cli.main(['--help'])\n"
        "finally: print([m for m in sys.modules if m.startswith(('posealign.commands.',"
        " 'torch', 'onnxruntime', 'cv2', 'numpy', 'fastapi'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for name in cli.commands():
        assert re.search(rf"│ {name} +\w", done.stdout), f"{name} has no line of help"
    assert "Exit codes: 0 success; 1 internal; 2 invalid-input" in " ".join(done.stdout.split())


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in cli.commands():
        code, out, _ = run(capsys, name, "--help")
        assert code == 0, name
        assert "Usage: posealign" in out


def test_version_and_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, "0.1.0\n")
    code, _, err = run(capsys, "skeleton")
    assert code == 2
    assert "did you mean 'skeletons'" in " ".join(err.split())
    assert run(capsys, "skeletons", "show")[0] == 2


def test_exit_codes_are_those_of_the_errors() -> None:
    codes = cli.exit_codes()
    assert codes[3] == ("not-found",)
    for kind in (errors.InvalidImage, errors.MissingExtra, errors.Overloaded, errors.Forbidden):
        assert kind.code in codes[kind.exit_code]


def test_a_named_error_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "skeletons", "show", "coco_17")
    assert (code, out) == (3, "")
    assert err.startswith("posealign: no skeleton is called 'coco_17'; did you mean 'coco17'?")
    code, out, err = run(capsys, "skeletons", "show", "coco_17", "--json")
    assert (code, out) == (3, "")
    assert json.loads(err)["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (errors.Unavailable("starting"), 6, "posealign: starting"),
        (FileNotFoundError(2, "No such file", "a.png"), 3, "no such file: a.png"),
        (IsADirectoryError(21, "Is a directory", "a"), 2, "a: Is a directory"),
        (PermissionError(13, "Permission denied", "a"), 2, "a: Permission denied"),
        (ModuleNotFoundError("x", name="mujoco"), 4, "pip install 'posealign[synth]'"),
        (ModuleNotFoundError("x", name="fhir.resources"), 4, "posealign[clinical]"),
        (ModuleNotFoundError("x", name="paho.mqtt"), 4, "posealign[camera]"),
        (ModuleNotFoundError("x", name="torch"), 4, "posealign[train]"),
        (ModuleNotFoundError("x", name="matplotlib"), 4, "posealign[eval]"),
        (ModuleNotFoundError("x", name="onnxruntime"), 4, "posealign[cpu]"),
    ],
)
def test_errors_become_sentences(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, words: str
) -> None:
    def fail() -> None:
        raise error

    assert cli.run(fail) == code
    assert words in capsys.readouterr().err


def test_a_bug_is_not_dressed_up() -> None:
    def fail() -> None:
        raise ModuleNotFoundError("x", name="posealign.nowhere")

    with pytest.raises(ModuleNotFoundError):
        cli.run(fail)
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 // 0)


def test_an_entry_without_a_module_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        EntryPoint("skeletons", "posealign.commands.skeletons:skeletons", cli.GROUP),
        EntryPoint("later", "posealign.commands.later:later", cli.GROUP),
        EntryPoint("elsewhere", "no_such_package.x:x", cli.GROUP),
    ]
    cli.commands.cache_clear()
    monkeypatch.setattr(cli, "entry_points", lambda group: rows)
    try:
        assert list(cli.commands()) == ["skeletons"]
    finally:
        cli.commands.cache_clear()


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.EXTRAS, "skeletons", ("synth", "a_package_that_is_not_there"))
    assert "posealign\\[synth]" in cli._missing("skeletons")
    assert cli._missing("resolve") == ""


def test_the_shell_completes_commands() -> None:
    done = shell(
        _POSEALIGN_COMPLETE="complete_bash", COMP_WORDS="posealign skel", COMP_CWORD="1",
    )  # fmt: skip
    assert done.stdout.split() == ["skeletons"]


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m posealign skeletons show coco_wholebody133 --json | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_skeletons_list_show_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = run(capsys, "skeletons", "list", "--json")
    assert [row["name"] for row in json.loads(out)] == list(NAMES)
    _, out, _ = run(capsys, "skeletons", "list")
    assert "coco_wholebody133" in out
    _, out, _ = run(capsys, "skeletons", "show", "lsp14", "--json")
    assert json.loads(out) == to_json(skeleton("lsp14"))
    _, out, _ = run(capsys, "skeletons", "show", "body25")
    assert "0.5 left_hip + 0.5 right_hip" in out
    data = json.loads(json.dumps(to_json(skeleton("lsp14"))))
    data["joints"][0] |= {"from": {}, "swap": "right_ankle"}
    data["joints"][5]["swap"] = "left_ankle"
    data["edges"] = data["edges"][1:]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    code, out, _ = run(capsys, "skeletons", "check", str(path))
    assert code == 0
    assert "right_ankle has neither `from` nor a description" in out
    assert "no twin" in out
    assert "no edge leads to right_ankle" in out
    data["joints"][0]["from"] = {"right_ankel": 1}
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(data))
    code, _, err = run(capsys, "skeletons", "check", str(path), "--json")
    assert code == 2
    assert "did you mean 'right_ankle'" in json.loads(err)["error"]["message"]
