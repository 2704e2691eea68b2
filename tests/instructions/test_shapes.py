"""What stands around a part, whichever it is."""

from __future__ import annotations

import pytest

from posealign.instructions.shapes import PART, SIDE, Words, partless, shapes, words_of

WORDS = Words(usual=frozenset({PART, SIDE, "the", "me"}), known=frozenset({"the", "me", "wipe"}))


@pytest.mark.parametrize(
    ("clean", "words"),
    [
        ("wipe his left nose", ["wipe", "his", "_part"]),
        ("at 0345 the left", ["at", "0", "the", "_side"]),
        ("把右腿擦干", ["把", "_part", "擦", "干"]),
        ("手机没电了", ["手", "机", "没", "电", "了"]),  # a word that holds a part's character
        ("", []),
    ],
)
def test_a_part_and_its_side_are_one_mark(clean: str, words: list[str]) -> None:
    assert partless(clean) == words


def test_what_is_learnt_of_one_part_holds_for_another() -> None:
    assert shapes("wipe the left knee", WORDS) == shapes("wipe the elbow", WORDS)


def test_what_is_learnt_of_one_thing_holds_for_another_without_its_name() -> None:
    one, other = (shapes(f"the {name}", WORDS) for name in ("knee scooter", "ear thermometer"))
    assert "s:the _part ?" in one & other
    assert {text for text in one ^ other if not text.startswith("d:")} == set()


def unknown(clean: str) -> set[str]:
    return {text for text in shapes(clean, WORDS) if text.startswith("u:")}


def test_words_that_nothing_written_has_are_counted() -> None:
    assert unknown("wipe me") == {"u:0"}
    assert unknown("zinc me") == {"u:1"}
    assert unknown("zinc tin lead iron gold brass") == {"u:4"}


def test_words_are_counted_once_a_text() -> None:
    wishes = [("mark mark the knee", True)] * 40
    found = words_of([*wishes, ("bake a cake", False), ("bake bread", False)])
    assert {"mark", "the"} <= found.usual
    assert "bake" in found.known
    assert "bake" not in found.usual
    assert "cake" not in found.known
