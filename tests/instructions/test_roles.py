from __future__ import annotations

import numpy as np
import pytest

from posealign.instructions.hints import find_hints
from posealign.instructions.mend import mend
from posealign.instructions.mirror import mirror_text
from posealign.instructions.query import RELATIONS, SUBJECTS, Query, Scope, parse
from posealign.instructions.roles import Chosen, compose, likely, take_apart
from posealign.instructions.sets import candidates, evaluate
from posealign.instructions.votes import slot_votes


def scope_of(written: str) -> Scope:
    query = parse(written)
    assert isinstance(query, Query)
    return query.scope


def chosen(*rows: tuple[str, str]) -> list[Chosen]:
    return [Chosen(role, scope_of(written)) for role, written in rows]


@pytest.mark.parametrize(
    ("rows", "meant"),
    [
        ((("asked", "arm"), ("out", "wrist")), "arm - wrist"),
        ((("out", "left_knee"),), "all - left_knee"),
        ((("said", "leg"), ("asked", "knee")), "knee"),
        ((("linked", "left_hip"), ("asked", "ankle")), "chain(left_hip, left_ankle)"),
        ((("linked", "hip"), ("asked", "ankle"), ("asked", "head")), "chain(hip, ankle) + head"),
        ((("asked", "leg"), ("linked", "knee"), ("out", "ankle")), "leg - chain(knee, ankle)"),
        ((("said", "leg"),), "all"),
        ((("asked", "all"), ("out", "arm"), ("asked", "hand")), "(all - arm) + hand"),
        ((("out", "left_leg"), ("asked", "left_knee")), "(all - left_leg) + left_knee"),
        ((("asked", "heel"), ("out", "foot")), "heel"),
    ],
)
def test_parts_in_their_roles_make_a_scope(rows: tuple[tuple[str, str], ...], meant: str) -> None:
    scope = compose(chosen(*rows))
    assert scope is not None
    assert evaluate(scope, candidates) == evaluate(scope_of(meant), candidates)


def test_a_chain_without_an_end_makes_none() -> None:
    assert compose(chosen(("asked", "head"), ("linked", "hip"))) is None


def test_names_give_way_to_marks() -> None:
    text = take_apart("just the left knee, never mind the hips")
    assert text.tokens == ("just", "<s>", "<p>", ",", "never", "mind", "<p>")
    assert [str(mention.scope) for mention in text.mentions] == ["knee", "hip"]
    assert text.sides == ((1, "left"),)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pray tell, whither the left knee", "left_knee"),
        ("arms, never mind about the legs", "arm"),
        ("everything but the left arm", "all - left_arm"),
        ("my thesis is late, so please only the arms", "arm"),
        ("不要右膝，其他都要", "all - right_knee"),
    ],
)
def test_the_words_around_a_part_say_what_it_is_there_for(text: str, meant: str) -> None:
    clean = text.replace("，", ",")
    found = likely(clean, [None, None])
    assert evaluate(found[0][0], candidates) == evaluate(scope_of(meant), candidates)
    assert all(score <= 1e-9 for _, score in found)


def test_no_part_has_no_role() -> None:
    assert likely("good morning", [None, None]) == []


@pytest.mark.parametrize("text", ["the arm on the left of the picture", "最左边的宝宝的膝盖"])
def test_slot_votes_of_a_mirrored_text_are_mirrored(text: str) -> None:
    other = mirror_text(text)
    assert other is not None
    here, there = slot_votes(text, find_hints(text)), slot_votes(other, find_hints(other))
    left, right = (1 + RELATIONS.index(name) for name in ("image_left", "image_right"))
    assert here["relation"][left] == there["relation"][right]
    left, right = (SUBJECTS.index(name) for name in ("leftmost", "rightmost"))
    assert here["subject"][left] == there["subject"][right]
    assert np.isclose(np.exp(here["subject"]).sum(), 1)


def test_latin_letters_beside_han_characters_are_words() -> None:
    hints = find_hints("宝宝forearm两侧,knee先exclude掉")
    assert [hint.tokens for hint in hints] == [("<forearm>",), ("<knee>",)]


def test_a_slip_breaks_up_no_name() -> None:
    assert mend("鼻子肩膀这四样") == "鼻子肩膀这四样"
    assert mend("手之外都要") == "手之外都要"
