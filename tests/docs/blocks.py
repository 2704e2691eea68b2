"""Fenced blocks of Markdown pages, and the commands of shell blocks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SHELL = ("sh", "bash", "shell", "console")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks, in order."""
    text = page.read_text("utf-8")
    found = []
    for match in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text[: match.start()].count("\n") + 1
        found.append(Block(page, line, match[1], match[2]))
    return found


def commands(block: Block) -> list[str]:
    """One command a row: continued lines and open quotes joined, comments left out."""
    found: list[str] = []
    text = ""
    for row in re.sub(r"\\\n\s*", " ", block.text).splitlines():
        row = row.removeprefix("$ ")  # noqa: PLW2901 - a prompt, where a page shows one
        text = f"{text}\n{row}" if text else re.sub(r"(^|\s)#\s.*$", "", row).strip()
        try:
            shlex.split(text)
        except ValueError:  # a quote is still open
            continue
        if text:
            found.append(text)
        text = ""
    return found


def shell_commands(page: Path) -> list[str]:
    return [row for one in blocks(page) if one.language in SHELL for row in commands(one)]


def spoken(page: Path) -> list[str]:
    """Commands within sentences: inline code that begins with one of ours."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"`((?:posealign|make|python -m) [^`]+)`", prose)
    return [" ".join(row.split()) for row in found]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))
