"""Phrasebooks: everything that can be asked can be said, in any language that has a file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.errors import InvalidConfig, InvalidQuery
from posealign.instructions.hints import find_hints, lexicon_of
from posealign.instructions.noise import damage, to_traditional, typo
from posealign.instructions.normalise import language_of, normalise
from posealign.instructions.phrases import LANGUAGES, from_data, phrasebook
from posealign.instructions.query import REASONS, RELATIONS, Part, Query, Refusal, Related
from posealign.instructions.sampling import COMMON, sample
from posealign.instructions.templates import template_of
from posealign.instructions.wording import phrase, refuse, word

GERMAN = Path(__file__).with_name("german.yaml")
SEEDS = st.integers(0, 10**6)


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_every_query_has_words(language: str, seed: int) -> None:
    rng, book = Random(seed), phrasebook(language)
    query = sample(rng)
    text = word(query, rng, book)
    assert text.strip()
    assert "{x}" not in text
    assert "{p}" not in text
    assert text == word(sample(again := Random(seed)), again, book)
    assert isinstance(damage(text, rng, book), str)


def test_both_languages_say_every_part_and_relation() -> None:
    for language in LANGUAGES:
        book = phrasebook(language)
        assert set(COMMON) <= set(book.parts)
        assert set(book.relations) == set(RELATIONS)
        assert sum(len(forms) for forms in book.parts.values()) > 600


def test_refusals_of_every_reason() -> None:
    for language in LANGUAGES:
        for reason in REASONS[:5]:
            assert word(Refusal(reason), Random(3), phrasebook(language))
    assert "zebra" in {refuse("no_such_part", Random(n), phrasebook("en"), ("zebra",))[-5:]
                       for n in range(300)}  # fmt: skip


def test_a_language_is_a_file() -> None:
    book = phrasebook(str(GERMAN))
    rng = Random(5)
    assert phrase(Part("knee", "left"), rng, book).endswith(("Knie", "Kniegelenk", "links"))
    said = {word(Query(Related("higher", Part("hand"))), Random(n), book) for n in range(30)}
    assert any("höher" in text for text in said)
    for name in book.parts:
        assert word(Query(Part(name)), rng, book)
    hints = find_hints(normalise("Zeige das linke Knie"), lexicon_of([book]))
    assert [token for hint in hints for token in hint.tokens] == ["<left>", "<knee>"]


def test_a_wrong_phrasebook_is_named() -> None:
    good = {
        "language": "xx", "joiner": " ", "sides": {"left": ["l"], "right": ["r"]},
        "parts": {"kneee": ["k"]}, "union": {"separators": [","], "last": [","]},
        "except_all": ["-{y}"], "except": ["{x}-{y}"], "chain": ["{a}{b}"],
        "frames": {"terse": ["{x}"]},
    }  # fmt: skip
    with pytest.raises(InvalidQuery, match="knee"):
        from_data(good)
    with pytest.raises(InvalidConfig, match="union"):
        from_data({**good, "union": 3})


def test_templates_put_other_parts_into_written_sentences() -> None:
    template = template_of("her left foot looks turned in, can you show me", "left_foot")
    assert template is not None
    assert template.text == "her {0} looks turned in, can you show me"
    filled = [template.fill(Random(n)) for n in range(20)]
    assert all(made is not None and "looks turned in" in made[1] for made in filled)
    assert template_of("the left arm, no, the right arm", "right_arm") is None
    assert template_of("手机没电了", "refuse:not_pose") is None


def test_normalising() -> None:
    assert normalise("  Ｌｅｆｔ\u200b  ARM\u202e ") == "left arm"
    assert normalise(to_traditional("标出左脚踝和头")) == "标出左脚踝和头"
    assert normalise("\u0000\ud800x") == "x"
    assert [language_of(t) for t in ("left arm", "左腿", "左leg啊", "🙂", "左腿 3D")] == [
        "en", "zh", "mixed", "other", "zh",
    ]  # fmt: skip


def test_hints_find_the_longest_name_and_mark_near_misses() -> None:
    tokens = [hint.tokens for hint in find_hints("the upper arm, rue, elbwo and 左胳膊肘")]
    assert tokens[:2] == [("<upper_arm>",), ("<right>", "<arm>")]
    assert tokens[2][-1] == "<elbow>"
    assert ("<left>",) in tokens
    assert not find_hints("the weather tomorrow")


@given(st.text(max_size=40), SEEDS)
def test_noise_and_normalising_take_anything(text: str, seed: int) -> None:
    rng = Random(seed)
    assert isinstance(typo(text, rng), str)
    clean = normalise(text)
    assert normalise(clean) == clean
    find_hints(clean)
