"""Where `posealign predict` writes overlays: a place for each, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from posealign import cli
from posealign.commands.predict import overlay_paths
from posealign.data.image import encode_image
from posealign.errors import InvalidInput
from tests.serving.toy import toy_bundle


def places(*names: str, output: str = "out") -> list[str]:
    paths = [Path(name) for name in names]
    found = overlay_paths(Path(output), paths)
    return [found[path].as_posix() for path in paths]


def test_pictures_of_one_folder_lie_side_by_side() -> None:
    assert places("a/x.jpg", "a/v0.2.png") == ["out/x.png", "out/v0.2.png"]
    assert places("a/x.jpg") == ["out/x.png"]
    assert places("a/x.jpg", output="y.webp") == ["y.webp"]


def test_folders_are_kept_below_the_one_they_share() -> None:
    assert places("in/a/x.jpg", "in/b/x.jpg", "in/b/y.jpg") == [
        "out/a/x.png", "out/b/x.png", "out/b/y.png",
    ]  # fmt: skip
    assert places("in/x.jpg", "in/deep/er/x.jpg") == ["out/x.png", "out/deep/er/x.png"]
    assert places("in/../a/x.jpg", "./b/x.jpg") == ["out/a/x.png", "out/b/x.png"]


def test_one_stem_with_two_suffixes_keeps_them() -> None:
    assert places("x.jpg", "x.webp", "y.jpg", output="o/p") == [
        "o/p/x.jpg.png", "o/p/x.webp.png", "o/p/y.png",
    ]  # fmt: skip


def test_one_picture_named_twice_is_no_clash() -> None:
    assert places("x.jpg", str(Path("x.jpg").absolute())) == ["out/x.png", "out/x.png"]


def test_what_would_be_lost_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"x\.jpg and x\.jpg\.gif would both be out/x\.jpg\.png"):
        places("x.jpg", "x.png", "x.jpg.gif")
    with pytest.raises(InvalidInput, match=r"overwrite the picture a/x\.png"):
        places("a/x.png", "a/y.jpg", output="a")
    with pytest.raises(InvalidInput, match="overwrite the picture x"):
        places("x.png", output="./x.png")


def test_the_command_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    toy_bundle(tmp_path / "toy")
    picture = np.random.default_rng(0).integers(0, 255, (60, 50, 3)).astype(np.uint8)
    for name in ("one/baby.png", "two/baby.png", "two/baby.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(encode_image(picture, Path(name).suffix))
    line = ["predict", "one", "two", "two/baby.jpg", "the nose", "--bundle", "toy", "--json"]
    with pytest.raises(SystemExit) as stop:
        cli.main([*line, "-o", "out"])
    out, err = capsys.readouterr()
    assert not stop.value.code, err
    written = {path.relative_to("out").as_posix() for path in Path("out").rglob("*.*")}
    assert written == {"one/baby.png", "two/baby.png.png", "two/baby.jpg.png"}
    answered = [json.loads(row)["image"] for row in out.splitlines()]
    assert answered == ["one/baby.png", "two/baby.jpg", "two/baby.png"]
    before = Path("one/baby.png").read_bytes()
    with pytest.raises(SystemExit) as stop:
        cli.main([*line, "-o", "."])
    assert stop.value.code == 2
    assert "would overwrite the picture one/baby.png" in " ".join(capsys.readouterr().err.split())
    assert Path("one/baby.png").read_bytes() == before
