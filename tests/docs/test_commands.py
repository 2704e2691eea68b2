"""Every command in the README and the docs: read here, run here or in a slow test.

Quick: each `posealign` line is parsed by the command's own parser (names, options, types), its
configuration is loaded with its overrides, each `make` target, extra and script is looked for.
Slow: the pages in RUN are run from top to bottom, in one folder, against a real server.
What cannot run here is in EXCEPTIONS, each with its reason; nothing else may stand in a block.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from posealign import cli
from posealign.config import load_config
from posealign.evaluate.settings import Evaluation
from tests.docs.blocks import PAGES, ROOT, SHELL, blocks, commands, name, shell_commands, spoken
from tests.serving.conftest import process, until_ready
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
    r"(TOOLS=\$\()?\.venv-mm/": "the environment of `make mm`, which has tests of its own",
    r"export [A-Z]": "secrets of a ward",
    r"posealign (serve|demo$|camera --config (?!examples/tour).*yaml( watch.port=0)?$)": "servers",
    r"posealign (pull|convert)": "downloads; tests/model has a hub of its own",
    r"posealign export (tensorrt|triton)": "wants a GPU, or another program; tests/model",
}  # fmt: skip
# Pages whose other commands all run, in order, with the server's address put in.
RUN = (
    "README.md", "README.zh-CN.md", "docs/tutorials/api-client.md",
    "docs/tutorials/camera-integrator.md", "docs/tutorials/researcher.md",
    "docs/tutorials/ml-engineer.md", "docs/tutorials/operator.md",
)  # fmt: skip
# A request that a page makes to show what a refusal looks like; curl ends with 22.
REFUSED = "image=@examples/ask.sh"
# Programs other than ours that a shell block may begin with.
PROGRAMS = ("curl", "python", "node", "sh", "frame=$(curl")


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
    config = next((word for word in rest if word.startswith("configs/")), None)
    if config is None:
        return
    assert (ROOT / config).is_file(), f"{arguments}: no such configuration"
    if arguments[0] == "evaluate" and "corpus" not in (ROOT / config).read_text("utf-8"):
        load_config(Evaluation, ROOT / config, [word for word in rest if "=" in word])


@pytest.mark.parametrize(
    "wrong",
    [
        "predikt a.jpg x",
        "predict a.jpg --boks 1",
        "skeletons sho coco17",
        "bench --rounds many",
        "train configs/sft_tiny.yaml",
        "train sft configs/nowhere.yaml",
    ],
)
def test_a_wrong_command_would_be_seen(wrong: str) -> None:
    with pytest.raises(AssertionError):
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


def folder_of(tmp_path: Path) -> Path:
    """A folder as somebody's checkout is: configurations and examples by their usual names."""
    for link in ("configs", "examples"):
        (tmp_path / link).symlink_to(ROOT / link)
    return tmp_path


def script(page: Path, url: str) -> list[str]:
    """The page's runnable blocks as shell lines."""
    lines = []
    for block in blocks(page):
        if block.language in SHELL:
            lines += [row for row in commands(block) if exception(row) is None]
        elif block.language == "python":
            lines.append(f"python - <<'PYTHON'\n{block.text}PYTHON")
    lines = [re.sub(r"\bcurl ", "curl --fail-with-body ", line) for line in lines]
    return [line.replace("http://127.0.0.1:8000", url) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_page_runs(
    page: str, tmp_path: Path, debian: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    debian("node", "nodejs")
    folder = folder_of(tmp_path)
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1", "NO_COLOR": "1",
    }  # fmt: skip
    times = []
    variables: list[str] = []  # every line has a shell of its own; what one assigns, the next know
    with process("-m", "posealign", "serve", "--log-level", "error") as (_, port):
        until_ready(port)
        url = f"http://127.0.0.1:{port}"
        environment["POSEALIGN_SERVER"] = url
        for line in script(ROOT / page, url):
            start = time.monotonic()
            done = subprocess.run(
                ["bash", "-euc", "\n".join([*variables, line])], cwd=folder, env=environment,
                capture_output=True, text=True, timeout=600, check=False,
            )  # fmt: skip
            if re.match(r"\w+=\$\(", line):
                variables.append(line)
            times.append(f"{time.monotonic() - start:6.1f} s  {line.splitlines()[0][:80]}")
            expected = 22 if REFUSED in line else 0
            assert done.returncode == expected, (
                f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            )
    with capsys.disabled():
        print(f"\n{page}:", *times, sep="\n")
