"""Relations that say what goes: "everything but the raised arm" is all but that arm."""

from __future__ import annotations

import pytest

from posealign.instructions.cleaning import cleaned
from posealign.instructions.hints import find_hints
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Query, parse
from posealign.instructions.resolve import Resolver
from posealign.instructions.scoring import heads_of, same_meaning
from posealign.instructions.votes import goes
from tests.instructions.test_resolve import shipped


@pytest.fixture
def resolver() -> Resolver:
    return shipped()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("everything but the raised arm", "all - raised(arm)"),
        ("every joint other than the higher hand", "all - higher(hand)"),
        ("drop the arm closest to the camera, keep the rest", "all - nearer_camera(arm)"),
        ("legs apart from the one crossing over", "leg - crossing_over(leg)"),
        ("除了举着的胳膊都要", "all - raised(arm)"),
        ("抬着的那条腿不标，剩下都标", "all - raised(leg)"),
        ("legs, the raised one excluded", "leg - raised(leg)"),
        ("双腿，高的那只不要", "leg - higher(leg)"),
        ("whatever isn't covered by the blanket", "all - hidden_by_blanket(all)"),
        ("the raised leg and the head", "raised(leg) + head"),
        ("the less bent arm", "straighter(arm)"),
        ("not the scrunched leg, the long straight one", "straighter(leg)"),
    ],
)
def test_what_goes_is_told_from_what_is_asked(resolver: Resolver, text: str, query: str) -> None:
    assert resolver.resolve(text).query == query


def test_the_written_form_says_which_goes() -> None:
    goes, stays = parse("all - raised(arm)"), parse("raised(arm) + all")
    assert isinstance(goes, Query)
    assert isinstance(stays, Query)
    assert goes.takes_away
    assert not stays.takes_away
    assert not same_meaning(heads_of(goes), heads_of(stays))
    nested = parse("(leg - raised(leg)) + head")
    assert isinstance(nested, Query)
    assert nested.takes_away


def test_words_vote_on_what_goes() -> None:
    def said(text: str) -> float:
        clean = cleaned(normalise(text))
        return goes(clean, find_hints(clean))

    assert min(said("legs, the raised one excluded"), said("双腿，高的那只不要")) > 0
    assert max(said("the hand nearest the face"), said("举着的那条腿")) < 0
    assert said("not the left raised leg") == said("not the right raised leg")
