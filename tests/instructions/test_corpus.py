"""The written corpus: whole, split by frame, its test part unchanged since before training."""

from __future__ import annotations

import json

import pytest

from posealign.errors import NotFound
from posealign.instructions.keywords import parse_text
from posealign.instructions.query import parse
from posealign.instructions.scoring import figures, heads_of
from posealign.instructions.written import FOLDER, SPLITS, digest, load
from training.corpus import key_of, nearest_similarity


def test_size_and_languages() -> None:
    lines = [line for split in SPLITS for line in load(split)]
    assert len(lines) >= 4000
    english = sum(line.language == "en" for line in lines)
    assert 0.4 < english / len(lines) < 0.6
    assert len({line.frame for line in lines}) > 600


def test_every_query_parses_and_is_in_its_written_form() -> None:
    for split in SPLITS:
        for line in load(split):
            assert str(parse(line.query)) == line.query


@pytest.mark.parametrize("kept_apart", ["test", "strangers"])
def test_what_is_only_measured_shares_no_frame_and_no_text(kept_apart: str) -> None:
    learnt = {split: load(split) for split in ("train", "dev")}
    frames = {split: {line.frame for line in lines} for split, lines in learnt.items()}
    assert not frames["train"] & frames["dev"]
    held = load(kept_apart)
    assert not (frames["train"] | frames["dev"]) & {line.frame for line in held}
    known = {key_of(line.text) for lines in learnt.values() for line in lines}
    assert not known & {key_of(line.text) for line in held if key_of(line.text)}


def test_digests() -> None:
    kept = json.loads((FOLDER / "digests.json").read_text("utf-8"))
    assert kept == {split: digest(split) for split in SPLITS}
    with pytest.raises(NotFound, match="train"):
        load("nowhere")


def test_near_duplicates_are_found() -> None:
    same, other = nearest_similarity(["show the left arm!", "weather"], ["Show the left arm"])
    assert same == 1.0
    assert other < 0.2


def test_the_keyword_parser_is_a_serious_baseline() -> None:
    lines = load("dev")
    found = figures([heads_of(parse_text(x.text)) for x in lines], [x.query for x in lines])
    assert found["exact"] > 0.7
    assert found["f1"] > 0.8
