"""Shards: what is written comes back, again and the same, and nothing else passes for it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from posealign.cli import main  # noqa: F401 - the command is found through it
from posealign.commands.synth import synth
from posealign.data.pose import State
from posealign.data.sample import HIDERS
from posealign.errors import InvalidInput, NotFound, Unavailable
from posealign.instructions.query import PREMISES
from posealign.synth import graphics, render
from posealign.synth.bank import Bank
from posealign.synth.clip import write_sequence
from posealign.synth.dataset import ShardDataset
from posealign.synth.export import contact_sheet
from posealign.synth.motion import Movement, sequence
from posealign.synth.render import Renderer
from posealign.synth.write import claim, render_sample, write_shard
from tests.synth.conftest import COUNT


def test_samples_come_back(shards: Path, bank: Bank, renderer: Renderer) -> None:
    data = ShardDataset(shards)
    assert len(data) == COUNT
    fresh = render_sample(bank, 5, renderer)
    read = data[5]
    assert read.key == fresh.sample.key == "train-0-0000005"
    np.testing.assert_array_equal(read.image_HW3, fresh.sample.image_HW3)
    assert read.depth_HW is not None
    assert fresh.sample.depth_HW is not None
    # Millimetres survive the file exactly.
    np.testing.assert_array_equal(
        np.rint(read.depth_HW * 1000), np.rint(fresh.sample.depth_HW * 1000)
    )
    for mine, theirs in zip(read.people, fresh.sample.people, strict=True):
        np.testing.assert_array_equal(mine.points_V2, theirs.points_V2)
        np.testing.assert_array_equal(mine.points_V3, theirs.points_V3)
        np.testing.assert_array_equal(mine.states_V, theirs.states_V)
        assert dict(mine.facts) == json.loads(json.dumps(theirs.facts))
    assert json.dumps(dict(read.facts)) == json.dumps(dict(fresh.sample.facts))
    assert data.file(5, "jpg") == fresh.jpeg, "the same bytes on one machine"


def test_every_sample_keeps_to_the_nouns(shards: Path) -> None:
    postures = set()
    for sample in ShardDataset(shards):
        assert sample.people
        subject = sample.people[0]
        postures.add(subject.posture)
        assert subject.posture in PREMISES
        assert subject.hidden_by_V is not None
        hidden = subject.hidden_by_V[subject.states_V == State.OCCLUDED]
        assert ((hidden >= 0) & (hidden < len(HIDERS))).all()
        assert (subject.hidden_by_V[subject.states_V == State.VISIBLE] == -1).all()
        assert np.isnan(subject.points_V2[subject.states_V == State.ABSENT]).all()
        x, y, w, h = subject.box
        height, width = sample.image_HW3.shape[:2]
        assert x >= -0.5
        assert y >= -0.5
        assert x + w <= width - 0.49
        assert y + h <= height - 0.49
        assert {"contacts", "crossing", "height_m", "bend_deg"} <= set(subject.facts)
    assert len(postures) >= 2


def test_a_whole_shard_is_left_alone(shards: Path, bank: Bank, renderer: Renderer) -> None:
    path = shards / "shard-00000.npz"
    before = path.stat().st_mtime_ns
    assert write_shard(shards, bank, range(COUNT), renderer) == path
    assert path.stat().st_mtime_ns == before
    claim(shards, bank, 256)
    with pytest.raises(InvalidInput, match="another folder"):
        claim(shards, Bank("test", poses=16, looks=6, cloths=1), 256)


def test_a_reader_can_be_sent_to_workers_and_says_what_is_missing(
    shards: Path, tmp_path: Path
) -> None:
    copy = pickle.loads(pickle.dumps(ShardDataset(shards)))
    assert copy[0].key == "train-0-0000000"
    with pytest.raises(NotFound, match="posealign synth"):
        ShardDataset(tmp_path)


def test_no_graphics_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    from posealign.synth.physics import engine

    def broken(*_: object) -> None:
        raise RuntimeError("no EGL")

    monkeypatch.setattr(engine(), "GLContext", broken)
    monkeypatch.setattr(graphics, "_osmesa", lambda: broken)
    with pytest.raises(Unavailable, match="apt-get install libegl1"):
        render.Renderer(64)


def test_osmesa_draws_where_egl_does_not_work() -> None:
    """A process of its own: OpenGL is bound once. libglvnd finds no vendor, so EGL fails."""
    code = (
        "import os; from posealign.synth.graphics import context\n"
        "made = context(64); print(type(made).__module__, os.environ['MUJOCO_GL'])"
    )
    env = dict(os.environ) | {"__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent", "MUJOCO_GL": "egl"}
    env.pop("PYOPENGL_PLATFORM", None)
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env
    )
    assert "osmesa" in done.stdout, done.stderr
    assert "drawing with OSMesa" in done.stderr


def test_a_second_of_movement() -> None:
    moments = list(sequence(1.0, number=2, movement=Movement(kicks=60)))
    assert len(moments) == 30
    assert moments[-1].time_s == pytest.approx(29 / 30)
    angles = np.array([m.rest.angles_Q for m in moments])
    assert np.ptp(angles, axis=0).max() > 2
    assert np.abs(np.diff(angles, axis=0)).max() < 60, "no joint jumps"
    with pytest.raises(InvalidInput):
        Movement(left_share=2)


@pytest.mark.slow
def test_a_minute_of_one_sided_movement() -> None:
    moments = list(sequence(60.0, number=1, movement=Movement(kicks=30, left_share=0.2)))
    assert len(moments) == 1800
    kicks = {side: sum(f"{side}_kick" in m.events for m in moments) for side in ("left", "right")}
    assert kicks["left"] < kicks["right"]


def test_a_clip_is_written_and_a_stopped_one_goes_on(
    bank: Bank, renderer: Renderer, tmp_path: Path
) -> None:
    told: list[int] = []
    clip = write_sequence(tmp_path / "whole", bank, 0, 0.2, renderer, progress=told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    rows = [json.loads(line) for line in clip.frames.read_text("utf-8").splitlines()]
    assert [row["frame"] for row in rows] == list(range(6))
    assert rows[5]["time"] == pytest.approx(5 / 30, abs=1e-5)
    told_angle = rows[0]["people"][0]["facts"]["angles_deg"]["left_knee_flexion"]
    assert rows[0]["angles_deg"]["left_knee_flexion"] == pytest.approx(told_angle, abs=0.01)
    video = cv2.VideoCapture(str(clip.video))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 6
    ok, first = video.read()
    ok, second = video.read()
    video.release()
    assert ok
    # The camera keeps its exposure; only noise and the infant change.
    assert abs(float(first.mean()) - float(second.mean())) < 2

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sequence(tmp_path / "again", bank, 0, 0.2, renderer, progress=stop)
    part = tmp_path / "again" / "frames.jsonl.part"
    part.write_text(part.read_text("utf-8")[:-40], "utf-8")  # killed in the middle of a line
    again = write_sequence(tmp_path / "again", bank, 0, 0.2, renderer)
    assert again.frames.read_text("utf-8") == clip.frames.read_text("utf-8")
    assert again.video.read_bytes() == clip.video.read_bytes()
    assert not list((tmp_path / "again").glob("*.part"))
    with pytest.raises(InvalidInput, match="another folder"):
        write_sequence(tmp_path / "again", bank, 0, 0.1, renderer)


def test_the_command_renders_and_refuses(tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(synth)
    runner = CliRunner()
    options = ["--count", "2", "--size", "96", "--poses", "2", "--jobs", "1", "--json"]
    done = runner.invoke(app, ["--out", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "annotations.json").is_file()
    refused = runner.invoke(app, ["--out", str(tmp_path), "--split", "dev"])
    assert isinstance(refused.exception, InvalidInput)
    assert contact_sheet([np.zeros((8, 8, 3), np.uint8)] * 3, columns=2).shape == (20, 20, 3)
