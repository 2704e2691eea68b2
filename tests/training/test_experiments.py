"""The study: intervals by hand, and every part once on drawn figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posealign.config import load_config
from posealign.errors import InvalidConfig, InvalidInput
from posealign.skeletons.load import skeleton
from training.cache import SplitConfig
from training.experiments.__main__ import PARTS, study
from training.experiments.config import PARTS as NAMED
from training.experiments.config import StudyConfig
from training.experiments.intervals import change, per_body
from training.experiments.report import markdown
from training.experiments.tables import Table, said
from training.prior import Prior, limb_features

from .tiny import CONFIGS, start, tiny

COCO = skeleton("coco17").names


def test_a_body_is_resampled_with_all_its_views() -> None:
    assert per_body(np.array([1.0, 2, 4]), np.array([7, 9, 7])).tolist() == [5, 2]


def test_a_clear_fall_is_one_and_noise_is_a_tie() -> None:
    dice = np.random.default_rng(0)
    body, ones = np.arange(200), np.ones(200)
    before = (dice.random(200) < 0.6).astype(float)
    better = before * (dice.random(200) < 0.5)
    clear = change([(before, ones)], [(better, ones)], body, 400)
    assert clear.verdict == "fell"
    assert clear.relative[0] == pytest.approx(better.mean() / before.mean() - 1)
    assert clear.relative[1] < clear.relative[0] < clear.relative[2] < 0
    shuffled = dice.permutation(before)
    assert change([(before, ones)], [(shuffled, ones)], body, 400).verdict == "tie"
    same = change([(before, ones)], [(before, ones)], body, 100)
    assert same.verdict == "tie"
    assert same.absolute == (0, 0, 0)
    assert "tie" in said(same)


def test_pairing_sees_what_two_separate_intervals_would_not() -> None:
    """Every view gets a little better; views differ a lot."""
    body, ones = np.arange(40), np.ones(40)
    before = np.linspace(0, 1, 40)
    found = change([(before, ones)], [(before - 0.02, ones)], body, 300)
    assert found.verdict == "fell"
    assert found.absolute[1:] == pytest.approx((-0.02, -0.02))


def test_seeds_that_disagree_widen_the_interval() -> None:
    body, ones, zero = np.arange(60), np.ones(60), np.full(60, 0.5)
    runs = [(np.full(60, value), ones) for value in (0.2, 0.8)]
    assert change([(zero, ones)], runs, body, 400).verdict == "tie"
    assert change([(zero, ones)], runs[:1], body, 400).verdict == "fell"


def test_the_prior_knows_a_usual_pose_from_an_odd_one() -> None:
    dice = np.random.default_rng(1)
    usual = dice.normal(0, 1, (1, 17, 3)) + dice.normal(0, 0.05, (80, 17, 3))
    prior = Prior.fit(usual, COCO)
    assert prior.score(usual, COCO).mean() == pytest.approx(1, abs=0.5)
    odd = usual[:1] + dice.normal(0, 0.6, (1, 17, 3))
    assert prior.score(odd, COCO)[0] > 4
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    assert limb_features(usual @ turn.T, COCO) == pytest.approx(limb_features(usual, COCO))
    with pytest.raises(InvalidInput, match="24"):
        Prior.fit(usual[:3], COCO)


def test_a_table_is_markdown() -> None:
    table = Table("Title", ("a", "b"), (("1", "2"),), "A note.")
    assert markdown(table)[2:5] == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    assert markdown(table)[-1] == "A note."


def tiny_study(out: Path, *parts: str) -> StudyConfig:
    plain = {"roll": 0.0, "truncate": 0.1, "occlude": 0.0}
    model = tiny(out).model
    return StudyConfig(
        out=str(out), weights_from=str(start()), model=model, cache=str(out / "cache"),
        splits={
            "train": SplitConfig(source="drawn:80", count=60, of=4, parts=(0, 1, 2), augment=plain),
            "validation": SplitConfig(source="drawn:80", count=16, of=4, parts=(3,), augment=plain),
            "test": SplitConfig(source="drawn:80", count=16, of=4, parts=(3,), augment=plain,
                                seed=5, noised=True),
        },
        parts=parts, seeds=(0,), tuning={"steps": 1, "batch": 8, "rollouts": 4}, few=(8,),
        corrections=12, flips=(0.1,), dpo={"steps": 1, "batch": 8}, draws=20,
        dpo_search=({}, {"rate": 1e-5}),
        reward_model={"steps": 2, "members": 2, "width": 32},
    )  # fmt: skip


def test_a_study_leaves_a_page_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, "core", "hallucination")
    page = study(config).read_text()
    assert "tuned against SFT" in page
    assert "start, contrastive" in page
    assert (tmp_path / "core-0.png").stat().st_size > 1000
    arms = sorted(path.name for path in (tmp_path / "arms").iterdir())
    assert len(arms) == 3
    before = [(tmp_path / "arms" / arm / "figures.npz").stat().st_mtime_ns for arm in arms]
    study(config)
    after = [(tmp_path / "arms" / arm / "figures.npz").stat().st_mtime_ns for arm in arms]
    assert before == after


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(set(NAMED) - {"core", "hallucination"}))
def test_every_part_runs(tmp_path: Path, part: str) -> None:
    assert "\n## " in study(tiny_study(tmp_path, part)).read_text()


def test_parts_are_named_once() -> None:
    assert tuple(PARTS) == NAMED
    for name in ("quick", "full", "eight", "parts"):
        config = load_config(StudyConfig, CONFIGS / f"study_{name}.yaml")
        assert set(config.parts) <= set(PARTS)
    with pytest.raises(InvalidConfig, match="core"):
        study(tiny_study(Path("unused"), "cor"))
