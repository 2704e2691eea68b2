"""The written form and the tree are each other's inverse; what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.errors import InvalidQuery
from posealign.instructions.parts import PAIRED, PARTS
from posealign.instructions.query import (
    CHOOSING,
    FILTERING,
    PREMISES,
    REASONS,
    SKELETONS,
    SUBJECTS,
    VISIBILITIES,
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Related,
    leaves,
    parse,
    union,
)  # fmt: skip

unpaired = sorted(set(PARTS) - set(PAIRED))
parts = st.builds(Part, st.sampled_from(sorted(PAIRED)), st.sampled_from(["left", "right", None]))
parts |= st.builds(Part, st.sampled_from(unpaired))
related = st.builds(
    Related, st.sampled_from(CHOOSING), st.builds(Part, st.sampled_from(sorted(PAIRED)))
) | st.builds(Related, st.sampled_from(FILTERING), parts)
simple = parts | related | st.builds(Chain, parts, parts)
scopes = st.recursive(
    simple,
    lambda inner: (
        st.builds(Except, inner, inner) | st.lists(inner, min_size=2, max_size=4).map(union)
    ),
    max_leaves=8,
)
queries = st.builds(
    Query,
    scopes,
    st.sampled_from(VISIBILITIES),
    st.sampled_from([2, 3]),
    st.sampled_from(SUBJECTS),
    st.none() | st.sampled_from(SKELETONS),
    st.none() | st.sampled_from(PREMISES),
)


@given(queries | st.builds(Refusal, st.sampled_from(REASONS)))
def test_writing_and_reading_are_inverse(query: Any) -> None:
    assert parse(str(query)) == query
    assert str(parse(str(query))) == str(query)


@given(queries)
def test_spaces_do_not_matter(query: Query) -> None:
    scope, bar, options = str(query).partition("|")
    assert parse(scope.replace(" ", "") + bar + options) == query
    assert parse("  " + str(query).replace(" + ", "   +\t") + " ") == query


@given(queries)
def test_relations_are_those_of_the_scope(query: Query) -> None:
    assert [leaf for leaf in leaves(query.scope) if isinstance(leaf, Related)] == list(
        query.relations
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left_lg", "did you mean 'left_leg'|did you mean 'leg'|no part"),
        ("left_nose", "no part is called 'left_nose'"),
        ("", "expected a part, found the end"),
        ("head +", "found the end"),
        ("head head", r"expected \+ - or \|, found 'head'"),
        ("(head", r"expected '\)', found the end"),
        ("chain(left_hip left_ankle)", "expected ','"),
        ("higer(arm)", "did you mean 'higher'"),
        ("higher(left_arm)", "expected a paired part without a side"),
        ("head | vis=all", "vis is 'all'; expected one of any, visible, occluded"),
        ("head | dims=4", "expected one of 2, 3"),
        ("head | visib=any", "did you mean 'vis'|no option is called 'visib'"),
        ("refuse:because", "reason is 'because'"),
        ("head | skeleton=coco", "skeleton is 'coco'"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidQuery, match=message):
        parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_query_or_a_named_error(text: str) -> None:
    try:
        query = parse(text)
    except InvalidQuery:
        return
    assert parse(str(query)) == query
