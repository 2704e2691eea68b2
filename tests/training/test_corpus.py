"""The written corpus: split by frame, later files added behind, nothing near a test line learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from posealign.instructions import written
from training import corpus

FIRST = "# plain\nleft_arm => the left arm please\nhand => both hands ||| 两只手\n"
TEST = "# blind\nleft_leg => show me nothing but the left leg\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = tmp_path / "corpus"
    for module in (corpus, written):
        monkeypatch.setattr(module, "FOLDER", target)
    source = tmp_path / "first"
    source.mkdir()
    (source / "en_1.txt").write_text(FIRST, "utf-8")
    (source / "test_1.txt").write_text(TEST, "utf-8")
    corpus.convert(source)
    return target


def texts(name: str) -> list[str]:
    return [line.text for line in written.load(name)]


def test_a_translated_pair_is_two_lines_of_one_pair(folder: Path) -> None:
    lines = [*written.load("train"), *written.load("dev")]
    assert {line.text for line in lines} == {"the left arm please", "both hands", "两只手"}
    assert len({line.pair for line in lines if line.pair}) == 1


def test_later_lines_come_behind_and_leave_the_test_part_alone(
    folder: Path, tmp_path: Path
) -> None:
    before = {name: (folder / f"{name}.jsonl").read_text("utf-8") for name in ("train", "dev")}
    blind = (folder / "test.jsonl").read_bytes()
    later = tmp_path / "later"
    later.mkdir()
    rows = ["# more", "right_knee => where is the right knee", "hand => Both hands!",
            "left_leg => show me nothing but the left legs"]  # fmt: skip
    (later / "w1_1.txt").write_text("\n".join(rows), "utf-8")
    held = tmp_path / "held"
    held.mkdir()
    (held / "w2_1.txt").write_text("# odd\nknee => the knees of a stranger, please", "utf-8")
    corpus.hold(held)
    (later / "w3_1.txt").write_text("# odd\nknee => the knees of a stranger please!", "utf-8")
    corpus.add(later)
    for name, text in before.items():
        assert (folder / f"{name}.jsonl").read_text("utf-8").startswith(text.rstrip("\n"))
    assert (folder / "test.jsonl").read_bytes() == blind
    found = texts("train") + texts("dev")
    assert "where is the right knee" in found
    assert "Both hands!" not in found, "a repeated line is added once"
    assert not any("nothing but" in text for text in found), "nothing near a test line is learnt"
    assert not any("stranger" in text for text in found), "nor near one that is only measured"


def test_a_frame_is_learnt_or_measured_never_both() -> None:
    frames = [f"en_{number}/frame" for number in range(2000)]
    share = sum(corpus.split_of(frame) == "dev" for frame in frames) / len(frames)
    assert share == pytest.approx(corpus.DEV_SHARE, abs=0.03)


def test_a_line_without_an_arrow_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "w1_1.txt"
    bad.write_text("left_arm the left arm", "utf-8")
    with pytest.raises(SystemExit, match="w1_1.txt:1: expected"):
        list(corpus.read_source(bad))
