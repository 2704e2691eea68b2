"""docs/reference is what the code says; `make docs` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs.reference import PAGES

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    text = PAGES[name]().strip() + "\n"
    path = FOLDER / name
    if os.environ.get("POSEALIGN_WRITE_DOCS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, "run `make docs`"
