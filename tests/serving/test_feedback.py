"""Corrections of answers: who may send them, what is kept, and that nothing said is lost."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from posealign.preferences import AnsweredJoint, read
from serving.auth import new_key
from serving.examples import CORRECTION, DIGEST
from serving.feedback import Feedback
from tests.serving.conftest import running, toy_settings

URL = "/v1/feedback/corrections"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def callers(toy: Path, folder: Path) -> Iterator[dict[str, httpx.Client]]:
    """Two callers of one server: one may correct, one may only ask."""
    made = {scope: new_key(f"ward-{scope}", (scope,)) for scope in ("feedback", "infer")}
    lines = [stored.model_dump_json() for _, stored in made.values()]
    (folder / "keys.jsonl").write_text("\n".join(lines) + "\n")
    settings = toy_settings(
        toy, keys_file=folder / "keys.jsonl", feedback_file=folder / "new" / "feedback.jsonl",
        audit_file=folder / "audit.jsonl",
    )  # fmt: skip
    with running(settings) as server:
        clients = {
            scope: server.client(headers={"Authorization": f"Bearer {key}"})
            for scope, (key, _) in made.items()
        }
        clients["nobody"] = server.client()
        yield clients
        for client in clients.values():
            client.close()


def changed(**fields: Any) -> dict[str, Any]:
    return {**CORRECTION, **fields}


def test_a_correction_becomes_a_preference(callers: dict[str, httpx.Client], folder: Path) -> None:
    answer = callers["feedback"].post(URL, json=changed(confidence=0.8))
    assert answer.status_code == 201
    assert answer.json()["rater"] == "ward-feedback"
    file = folder / "new" / "feedback.jsonl"
    record = list(read(file))[-1]
    best, given = record.answers
    assert best.joints["left_knee"] == AnsweredJoint(x=149.0, y=221.5, state="visible")
    assert given.joints["left_knee"] == AnsweredJoint(x=158.9, y=214.0, state="visible")
    assert best.joints["left_hip"] == given.joints["left_hip"]
    assert (best.by, given.by, record.model) == ("ward-feedback", DIGEST, DIGEST)
    assert (record.corrected, record.confidence) == (("left_knee",), 0.8)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    last = json.loads((folder / "audit.jsonl").read_text().splitlines()[-1])
    text = json.dumps(last)
    assert "feedback/corrections" in text
    assert "ward-feedback" in text
    assert "left leg" not in text


def test_only_whoever_may_correct_does(callers: dict[str, httpx.Client]) -> None:
    assert callers["nobody"].post(URL, json=CORRECTION).status_code == 401
    refused = callers["infer"].post(URL, json=CORRECTION)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"corrected": {"right_knee": {"state": "absent"}}}, "did you mean 'left_knee'"),
        ({"corrected": {}}, "corrected"),
        ({"answer": {"left_kne": {"state": "absent"}},
          "corrected": {"left_kne": {"state": "absent"}}}, "did you mean 'left_knee'"),
        ({"corrected": {"left_knee": {"state": "visible"}}}, "has a place"),
        ({"picture": "baby.jpg"}, "picture"),
        ({"image": "abc"}, "image"),
        ({"instruction": "x" * 500}, "at most 400"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(
    fields: dict[str, Any], says: str, callers: dict[str, httpx.Client], folder: Path
) -> None:
    file = folder / "new" / "feedback.jsonl"
    before = file.read_bytes() if file.is_file() else b""
    answer = callers["feedback"].post(URL, json=changed(**fields))
    assert answer.status_code in (413, 422)
    assert says in answer.json()["detail"]
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_sent_twice_under_a_key_it_is_kept_once(
    callers: dict[str, httpx.Client], folder: Path
) -> None:
    row = changed(instruction="sent twice")
    for _ in range(2):
        answer = callers["feedback"].post(URL, json=row, headers={"Idempotency-Key": "twice"})
        assert answer.status_code == 201
    kept = [record.instruction for record in read(folder / "new" / "feedback.jsonl")]
    assert kept.count("sent twice") == 1


def test_a_server_without_a_file_takes_none(client: httpx.Client) -> None:
    answer = client.post(URL, json=CORRECTION)
    assert answer.status_code == 404
    assert "feedback_file" in answer.json()["detail"]


def test_a_line_that_a_crash_cut_is_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    file.write_bytes(b'{"whole": 1}\n{"cut')
    Feedback(file)
    assert file.read_bytes() == b'{"whole": 1}\n'
