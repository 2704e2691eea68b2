"""Every command in the README and the docs: read here, run here or in a slow test.

Each `posealign` line is parsed by the command's own parser (names, options, types), a line's
configuration is loaded with its overrides, each `make` target, extra, module and script is looked
for. test_pages_run.py runs the pages, slowly. What cannot run there is in EXCEPTIONS, each with its
reason; nothing else may stand in a block.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from posealign import cli
from posealign.config import load_config
from posealign.errors import InvalidConfig
from tests.docs.blocks import PAGES, ROOT, SHELL, blocks, commands, name, shell_commands, spoken
from training.command import STAGES

# A command that begins so is not run. Where a test of its own runs it, the reason names it.
EXCEPTIONS = {
    r"make ": "looked for in the Makefile; `make test` is what runs this",
    r"\.ci/run$": "make lint and make test, see above",
    r"(python3? -m )?pip3? (install|wheel|download)": "network; extras are looked for",
    r"python3 -m (pip|venv)": "network; see test_wheel.py",
    r"\. \.venv": "the environment that the tests are in",
    r"(sudo|/opt/|apt-get|systemctl|useradd)": "another machine's root",
    r"sha256sum": "of files that an operator makes",
    r"docker": "test_docs.py reads the Dockerfile",
    r"tritonserver": "another program",
    r"\.venv-mm/bin/python \$TOOLS/train": "wants COCO's pictures; tests/mm runs recipes",
    r"posealign serve .*--provider cuda": "wants a GPU",
    r"posealign camera --config examples/cameras.yaml$": "another network; tests/camera has one",
    r"posealign (pull|convert)": "downloads; tests/model has a hub of its own",
    r"python -m training\.experiments\.(fixed|bakeoff)": "hours; tests/training has small ones",
    r"posealign export tensorrt": "wants a GPU; tests/model",
}  # fmt: skip
# Programs other than ours that a shell block may begin with.
PROGRAMS = (
    "curl",
    "python",
    "node",
    "sh",
    "frame=$(curl",
    "KEY=$(posealign",
    "TOOLS=$(",
    "export ",
)


def exception(command: str) -> str | None:
    return next((why for pattern, why in EXCEPTIONS.items() if re.match(pattern, command)), None)


PARSED = sorted(
    {(name(page), row) for page in PAGES for row in shell_commands(page)}, key=lambda pair: pair[0]
)


def words(command: str) -> list[str]:
    """Arguments of one command; what stands behind a pipe, `>` or `&&` is left out."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split = True
    found: list[str] = []
    for word in lexer:
        if word in (">", ">>", "|", "&&", ";", "&"):
            break
        found.append(word)
    return found


def test_every_command_is_known() -> None:
    unknown = [
        f"{page}: {row}"
        for page, row in PARSED
        if exception(row) is None and not row.startswith(("posealign ", *PROGRAMS))
    ]
    assert unknown == []


def test_no_exception_is_idle() -> None:
    idle = [
        pattern for pattern in EXCEPTIONS if not any(re.match(pattern, row) for _, row in PARSED)
    ]
    assert idle == []


@pytest.mark.parametrize("page", sorted({page for page, _ in PARSED}))
def test_commands_are_ones_that_the_parser_takes(page: str) -> None:
    for row in (row for where, row in PARSED if where == page):
        if row.startswith("posealign "):
            parse(words(row)[1:])
        elif row.startswith("make "):
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
            wanted = [word for word in words(row)[1:] if "=" not in word]
            assert set(wanted) <= set(targets), row
        elif row.startswith(("python ", "node ", "sh ")) and "examples/" in row:
            assert (ROOT / words(row)[1]).is_file(), row
        elif row.startswith("python -m training"):
            assert find_spec(words(row)[2]) is not None, row
            load(words(row))
        elif "pip" in row and "[" in row:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
            for extras in re.findall(r"(?:posealign|\.)\[([\w,]+)\]", row):
                assert set(extras.split(",")) <= set(project["optional-dependencies"]), row


def test_commands_within_sentences_exist() -> None:
    """A sentence may name a command by its beginning; what it names must be there."""
    wrong = []
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    for page, row in sorted({(name(one), row) for one in PAGES for row in spoken(one)}):
        told = words(row)
        try:
            if told[0] == "posealign":
                parse(told[1:], whole=False)
            elif told[0] == "make":
                assert set(told[1:]) <= set(targets)
            elif "STAGE" not in row:
                assert find_spec(told[2]) is not None
        except AssertionError as error:
            wrong.append(f"{page}: {row}: {error}")
    assert wrong == []


def parse(arguments: list[str], whole: bool = True) -> None:
    """As the command line would, but nothing is done. Not whole: arguments may be missing."""
    command: Any = None
    if arguments[0].startswith("--"):
        return
    if arguments[0] == "COMMAND":
        return
    assert arguments[0] in cli.commands(), arguments
    command = cli.load(arguments[0])
    rest = arguments[1:]
    while getattr(command, "commands", None) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    if "--help" in rest or not rest:
        return
    assert not getattr(command, "commands", None), f"{arguments}: no such command"
    try:
        command.make_context("posealign", list(rest))
    except Exception as error:  # of whichever click is behind typer
        cut = "Missing" in type(error).__name__ or "requires an argument" in str(error)
        if whole or not cut:
            raise AssertionError(f"{arguments}: {error}") from error
    if arguments[0] == "train" and rest[0] not in ("STAGE", "all"):
        assert rest[0] in STAGES, f"{arguments}: no such stage"
    load(arguments)


def load(row: list[str]) -> None:
    """The line's configuration, as the model that its first line names, with the overrides."""
    for path in (ROOT / word for word in row if re.match(r"configs/.*\.yaml", word)):
        assert path.is_file(), f"{row}: no such configuration"
        named = path.read_text("utf-8").splitlines()[0].removeprefix("# config: ")
        module, _, kind = named.partition(":")
        overrides = [word for word in row if re.match(r"[a-z][\w.]*=", word)]
        load_config(getattr(import_module(module), kind), path, overrides)


@pytest.mark.parametrize(
    "wrong",
    [
        "predikt a.jpg x",
        "predict a.jpg --boks 1",
        "skeletons sho coco17",
        "bench --rounds many",
        "train configs/sft_tiny.yaml",
        "train sft configs/nowhere.yaml",
        "train sft configs/sft_tiny.yaml stepz=3",
        "evaluate configs/eval_tiny.yaml limit=no",
    ],
)
def test_a_wrong_command_would_be_seen(wrong: str) -> None:
    with pytest.raises((AssertionError, InvalidConfig)):
        parse(wrong.split())


def test_the_two_readmes_say_the_same() -> None:
    """The same commands (instructions may be translated), the same figures, the same links."""

    def bare(page: Path) -> list[str]:
        texts = [row for one in blocks(page) if one.language in SHELL for row in commands(one)]
        return [re.sub(r'"[^"]*[\u4e00-\u9fff]?[^"]*"', '"…"', row) for row in texts]

    def figures(page: Path) -> str:
        text = page.read_text("utf-8")
        return text[text.index("<!-- figures:begin -->") : text.index("<!-- figures:end -->")]

    def links(page: Path) -> list[str]:
        found = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
        return sorted(set(found) - {"README.md", "README.zh-CN.md"})

    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert bare(english) == bare(chinese)
    assert figures(english) == figures(chinese)
    assert links(english) == links(chinese)
