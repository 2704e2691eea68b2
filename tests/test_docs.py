"""What the documents point at is there: links, commands, make targets, files of the images."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from posealign import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, _ = target.partition("#")
        assert not path or (page.parent / path).exists(), f"{page.name} links to {target}"


def test_commands_in_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    shown = set(re.findall(r"^posealign ([a-z]+)", text, flags=re.MULTILINE))
    assert shown <= set(cli.commands())
    targets = set(re.findall(r"^make ([a-z-]+)", text, flags=re.MULTILINE))
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_alone_says_what_there_is() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "test-all", "lint", "bench", "train-deps", "clean"):
        assert re.search(rf"^  make {target} +\w", done.stdout, re.MULTILINE), target


def test_images_are_built_from_what_is_here() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8")
    for target in ("cpu", "gpu"):
        stage = re.split(rf" AS {target}\n", lines)[1].split("\nFROM ")[0]
        assert "USER 10001" in stage
        assert "HEALTHCHECK" in stage
        assert "torch" not in stage
    assert re.findall(r"^FROM .* AS (\S+)$", lines, re.MULTILINE)[-1] == "cpu"
    targets = set(re.findall(r"\bmake ([a-z]+-[a-z]+)", lines))
    assert targets == {"venv-wheel"}
    assert "venv-wheel:" in (ROOT / "Makefile").read_text("utf-8")
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists(), line


def test_the_wheel_carries_its_data(tmp_path: Path) -> None:
    """As setuptools would pack it: every data file of the packages matches a pattern."""
    import fnmatch
    import tomllib

    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    known = patterns["package-data"]["*"]
    tracked = subprocess.run(
        ["git", "ls-files", "posealign", "serving", "training"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    for name in tracked:
        if not name.endswith(".py"):
            assert any(fnmatch.fnmatch(Path(name).name, row) for row in known), name
