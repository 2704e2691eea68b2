"""The demo: sample pictures, what is asked of them, and one command that opens the page."""

from __future__ import annotations

import io
import json
import socket
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from PIL import Image

from posealign import bundle as bundles
from posealign import cli
from posealign.instructions.query import RELATIONS, SUBJECTS
from posealign.instructions.resolve import Resolver
from serving.commands import demo
from serving.samples import sample_pictures
from tests.serving.conftest import process, until_ready


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return int(stop.value.code or 0)


def test_pictures_are_small_and_say_how_they_were_made() -> None:
    found = sample_pictures()
    assert len(found) >= 5
    assert sum(len(picture.data()) for picture in found) < 400_000
    for picture in found:
        size = picture.made["size"]
        assert Image.open(io.BytesIO(picture.data())).size == (size, size)
        assert set(picture.made) >= {"version", "split", "seed", "poses", "looks", "number"}
        assert picture.made["split"] == "test"  # nothing that the bundle was trained on


def test_both_languages_ask_the_same() -> None:
    resolver = Resolver.of_folder(bundles.find("default").folder)
    for picture in sample_pictures():
        english = resolver.resolve(picture.instruction_en, None)
        chinese = resolver.resolve(picture.instruction_zh, None)
        assert not english.refused, picture.instruction_en
        assert english.query == chinese.query, (picture.file, english.query, chinese.query)


def test_pictures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--pictures", str(tmp_path / "new"), "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(sample_pictures())
    assert all(Path(row["path"]).read_bytes().startswith(b"\xff\xd8") for row in rows)
    assert run("demo", "--pictures", str(tmp_path / "new")) == 0
    assert "sitting.jpg" in capsys.readouterr().out


def test_the_page_comes_up_with_its_pictures(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    start = ("-m", "posealign", "demo", "--no-browser", "--bundle", str(toy))
    with process(*start) as (_, port):
        until_ready(port)
        url = f"http://127.0.0.1:{port}/"
        for name in ("", "web/samples.json", *(f"web/{row.file}" for row in sample_pictures())):
            assert httpx.get(url + name).status_code == 200, name
        demo._open_when_ready(url)
        assert opened == [url]


def test_a_taken_port_is_said(capfd: pytest.CaptureFixture[str], toy: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run("demo", "--no-browser", "--bundle", str(toy), "--port", port) == 6
    assert f"port {port} is taken; another one" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["relation", "subject"])
def test_the_page_has_words_in_both_languages_for_what_was_understood(kind: str) -> None:
    names = RELATIONS if kind == "relation" else [name for name in SUBJECTS if name != "all"]
    words = files("serving").joinpath("web", "words.js").read_text("utf-8")
    for name in names:
        assert words.count(f'"{kind}-{name}":') == 2, name
