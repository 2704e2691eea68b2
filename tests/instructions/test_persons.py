"""Kin, little ones, players and one of several are persons."""

from __future__ import annotations

import pytest

from posealign.instructions.persons import as_persons


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("my little sister's nose", "the nose"),
        ("wee brother's ears", "the ears"),
        ("my half-sister's hands", "the hands"),
        ("my little one's arms", "the baby's arms"),
        ("just the player on the far right", "just the person on the far right"),
        (
            "two runners are in the shot; for the one on the right the knees",
            "two runners are in the shot; for the person on the far right the knees",
        ),
        ("照片里有两个跑步的人,右边那位我要膝盖", "照片里有两个跑步的人,最右边的人我要膝盖"),
        ("标大人,不标宝宝", "只要大人"),
        ("双胞胎睡一张床,标画面左边那个", "双胞胎睡一张床,标画面最左边的人"),
        (
            "there are two of them; take the one furthest to the right",
            "there are two of them; take the person on the far right",
        ),
        ("只要宝宝的,别把我也算进去", "只要宝宝的"),
        ("只要宝宝的,不要我的", "只要宝宝的"),
        ("只要最大的那个人的腿,背景里的路人不用管", "只要最大的那个人的腿"),
        ("the runner's legs, ignore the bystanders", "the runner's legs"),
        ("光标娃", "光标宝宝"),
        ("请标宝宝,别标妈妈", "只要宝宝"),
    ],
)
def test_they_are_put_plainly(said: str, plain: str) -> None:
    assert as_persons(said) == plain


@pytest.mark.parametrize(
    "said",
    ["both knees, the one on the right first", "the ward sister's left hand", "two arms"],
)
def test_parts_stay(said: str) -> None:
    assert as_persons(said) == said
