"""`posealign dicom` and `posealign audit`, called as the command line calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posealign.commands.audit import audit
from posealign.commands.dicom import dicom
from posealign.errors import NotFound
from posealign.interop.audit import AuditLog, BrokenAudit
from tests.interop.test_audit import access
from tests.interop.test_dicom import RGB, saved
from tests.interop.test_dicom import dicom as made


def test_dicom_answers_every_frame(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "clip.dcm"
    path.write_bytes(saved(made(np.stack([RGB, RGB[::-1]]), "RGB")))
    dicom(path, "only the left leg", tmp_path / "overlays", provider="cpu")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["frame"] for row in rows] == [0, 1]
    assert rows[0]["instruction"]["joints"] == ["left_hip", "left_knee", "left_ankle"]
    assert len(list((tmp_path / "overlays").glob("clip-*.png"))) == 2


def test_audit_checks_a_log(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(path).record(access())
    audit(path, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"events": 1, "unchanged": True}
    path.write_bytes(path.read_bytes().replace(b"Patient/17", b"Patient/18"))
    with pytest.raises(BrokenAudit):
        audit(path)
    with pytest.raises(NotFound):
        audit(tmp_path / "none")
