"""Texts in languages nobody here reads are refused; names and loan words are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from posealign.bundle import find
from posealign.commands.resolve import lines
from posealign.instructions.foreign import is_foreign
from posealign.instructions.normalise import normalise
from posealign.instructions.resolve import Resolver
from posealign.instructions.written import load

GERMAN = str(Path(__file__).with_name("german.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "le bras gauche", "solo las rodillas", "beide Knie bitte", "toon de rechtervoet",
        "pokaż lewą rękę", "sağ el", "左足首はどこですか", "右肘だけ見せて", "왼쪽 무릎",
        "левая рука",
        "الذراع اليسرى", "बायाँ पैर", "เข่าซ้าย", "αριστερό πόδι", "onyesha goti",
    ],
)  # fmt: skip
def test_other_languages(text: str) -> None:
    assert is_foreign(normalise(text))


@pytest.mark.parametrize(
    "text",
    [
        "lfet kene plz", "crus sinistrum", "zuo tui he you shou", "the knees of Señora Núñez",
        "Иван's left knee", "给 Müller 标左膝", "桜ちゃん的右腿", "我の手", "voilà, elbows",
        "R UE", "🦵", "", "si zhi",
    ],
)  # fmt: skip
def test_names_slips_and_latin_are_none(text: str) -> None:
    assert not is_foreign(normalise(text))


def test_written_wishes_are_none() -> None:
    wrong = [line.text for line in load("dev") if line.language != "other"]
    assert not [text for text in wrong if is_foreign(normalise(text))]


def test_a_refusal_says_which_languages_are_read() -> None:
    folder = find("default").folder
    found = Resolver.of_folder(folder).resolve("montre le genou gauche")
    assert (found.refused, found.reason, found.language) == (True, "unclear", "other")
    assert "English and Chinese" in lines(found)[0]
    added = Resolver.of_folder(folder, phrasebooks=("en", "zh", GERMAN))
    assert added.resolve("das linke Knie").joints == ("left_knee",)
    assert added.resolve("montre la jambe").refused
