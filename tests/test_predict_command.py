"""What `posealign predict` prints, and where it reads from: folders, pipes, names of every kind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from posealign import cli
from posealign.commands.predict import pictures
from posealign.data.image import encode_image
from tests.serving.toy import toy_bundle


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    toy_bundle(folder / "toy")
    (folder / "one").mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (60, 50, 3)).astype(np.uint8)
    for name in ("one/婴儿 [bold].png", "of [red] :baby: .png"):
        (folder / name).write_bytes(encode_image(picture))
    return folder


@pytest.fixture(autouse=True)
def _there(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)


def predict(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        cli.main(["predict", *words, "--bundle", "toy"])
    out, err = capsys.readouterr()
    assert not stop.value.code, err
    return out


def test_names_and_words_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets and colons are no markup, whether they close or not."""
    out = predict(capsys, "of [red] :baby: .png", "the nose [/b] [u]")
    assert "of [red] :baby: .png: the nose [/b] [u]" in out
    assert "nose" in out.partition("\n")[2]


def test_a_folder_is_answered_in_lines_though_it_holds_one_picture(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = predict(capsys, "one", "the nose", "--json").splitlines()
    assert json.loads(line)["image"] == "one/婴儿 [bold].png"
    alone = json.loads(predict(capsys, "one/婴儿 [bold].png", "the nose", "--json"))
    assert set(json.loads(line)) - set(alone) == {"image"}
    assert alone["poses"] == json.loads(line)["poses"]


def test_a_pipe_is_read(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pictures(["-"]) == [Path("/dev/stdin")]
    end, start = os.pipe()
    os.write(start, (desk / "one/婴儿 [bold].png").read_bytes())
    os.close(start)
    piped = json.loads(predict(capsys, f"/dev/fd/{end}", "the nose", "--json"))
    os.close(end)
    read = json.loads(predict(capsys, "one/婴儿 [bold].png", "the nose", "--json"))
    assert piped["poses"] == read["poses"]
    assert piped["poses"]
