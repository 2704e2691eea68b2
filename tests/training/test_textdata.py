"""The words' examples: what is put together still means what it is labelled."""

from __future__ import annotations

from random import Random

import pytest

from training.textdata import Mixture, Sources, beside_a_story, example, gather


@pytest.fixture(scope="module")
def sources() -> Sources:
    return gather(Mixture())


def test_a_story_stands_whole_beside_a_wish_in_its_language(sources: Sources) -> None:
    mixture = Mixture(stories=1.0, damage=0.0)
    told = {language: set(lines) for language, lines in sources.stories.items()}
    refused = {line.text for line in sources.refused}
    wishes = 0
    for seed in range(60):
        query, text = example(Random(seed), mixture, sources)
        if query.startswith("refuse"):
            continue
        wishes += 1
        whole = [line for lines in told.values() for line in lines if line in text]
        assert whole, text
        assert text not in refused
    assert wishes > 20


def test_sentences_are_parted() -> None:
    def both(wish: str, story: str) -> set[str]:
        return {beside_a_story(wish, story, Random(seed)) for seed in range(40)}

    assert "Poor lamb! left leg" in both("left leg", "Poor lamb!")
    assert "left leg. Poor lamb!" in both("left leg", "Poor lamb!")
    assert {"要左腿。小手真胖", "小手真胖；要左腿"} <= both("要左腿", "小手真胖")
