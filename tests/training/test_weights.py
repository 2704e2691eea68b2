"""The weights of readings: fitted to written lines, drawn to what there was, all of them used."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.bundle import find
from posealign.instructions import written
from posealign.instructions.candidates import choose_mask, every_reading, weights
from posealign.instructions.resolve import Resolver
from training.weights import FIXED, Case, cases_of, figures, fitted, refusal_figures

LINES = 48


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    lines = written.load("dev")
    some = lines[:: len(lines) // LINES]
    return cases_of(some, Resolver.of_folder(find("default").folder), weights())


def test_whatever_speaks_for_a_reading_or_an_answer_has_a_weight(cases: list[Case]) -> None:
    known = weights()
    for case in cases:
        _, said = every_reading(case.polled.asked_V, case.polled.ballot)
        assert {name for row in said for name in row} <= {*known.readings, "chain"}
        assert set(case.polled.said) <= set(known.gate)


def test_the_rows_that_are_fitted_are_those_that_are_chosen_from(cases: list[Case]) -> None:
    known = weights()
    worth_F = np.array(list(known.readings.values()))
    for case in cases:
        chosen_V = choose_mask(case.polled.asked_V, case.polled.ballot, known.readings)
        masks_CV, said = every_reading(case.polled.asked_V, case.polled.ballot)
        found_CF = np.array([[row.get(name, 0.0) for name in known.readings] for row in said])
        assert (masks_CV[int((found_CF @ worth_F).argmax())] == chosen_V).all()


def test_fitting_keeps_names_and_fits(cases: list[Case]) -> None:
    known = weights()
    fit = fitted(cases, known)
    assert set(fit.readings) == set(known.readings)
    assert all(fit.readings[name] == known.readings[name] for name in FIXED)
    before, after = figures(cases, known), figures(cases, fit)
    assert before["exact"] > 0.8
    assert after["exact"] >= before["exact"] - 0.05
    assert after["reachable"] == before["reachable"] > 0.95


def test_refusal_figures() -> None:
    said_yes, answered = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert refusal_figures(said_yes, answered) == (0.5, 0.5)
