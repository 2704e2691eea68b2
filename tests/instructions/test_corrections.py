"""What a correction takes back, and what it leaves."""

from __future__ import annotations

import pytest

from posealign.instructions.keywords import parse_text
from posealign.instructions.query import Query


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("left heel and left ear, no, right ear", "left_heel + right_ear"),
        ("both hips, left wrist, correction, right wrist", "hip + right_wrist"),
        ("左踝、左耳，不对，右耳", "left_ankle + right_ear"),
        ("the left heel; hmm, actually the right heel too", "left_heel + right_heel"),
        ("thumbs, let me rephrase, ankles", "ankle"),
        ("the right hip rather than the left hip", "right_hip - left_hip"),
        ("只保留鼻子，其余删除", "nose"),
        ("hips solely, everything else off", "hip"),
        ("keep the hips, delete the rest", "hip"),
        ("skip the hips, keep the rest", "all - hip"),
        ("ears. oh wait no, chin", "jaw"),
        ("left thumb — hang on, no: the whole right arm", "right_arm"),
        ("heels?? no no the thumbs", "thumb"),
        ("thumbs. No! Hands.", "hand"),
        ("the lower foot, no the higher foot", "higher(foot)"),
        ("both feet. no. right foot only.", "right_foot"),
        ("the left thump, i mean thumb", "left_thumb"),
        ("the whole body, no shoulders", "all - shoulder"),
        ("not the left thumb - the right thumb", "right_thumb"),
    ],
)
def test_a_correction_takes_back_what_it_names_anew(text: str, scope: str) -> None:
    read = parse_text(text)
    assert isinstance(read, Query)
    assert str(read.scope) == scope
