from pathlib import Path

import pytest
import torch

from posealign import bundle as bundles
from posealign.errors import InvalidInput
from training.average import average
from training.card import card


def state(seed: int, width: int = 6) -> dict[str, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    return {
        "table": torch.randn(5, 3, generator=dice),
        "decoder.queries": torch.randn(5, 4, generator=dice),
        "decoder.joint_words": torch.randn(5, width, generator=dice),
        "decoder.words_in.weight": torch.randn(4, width, generator=dice),
        "decoder.words_in.bias": torch.randn(4, generator=dice),
    }


def said(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    words = weights["decoder.joint_words"]
    normed = torch.nn.functional.layer_norm(words, words.shape[-1:])
    read = normed @ weights["decoder.words_in.weight"].T + weights["decoder.words_in.bias"]
    return weights["decoder.queries"] + read


def test_an_average_mixes_what_joints_say_even_where_their_words_differ() -> None:
    first, second = state(1, width=8), state(2)
    mixed = average(first, second, 0.25)
    assert torch.allclose(mixed["table"], 0.75 * first["table"] + 0.25 * second["table"])
    assert torch.equal(mixed["decoder.joint_words"], second["decoder.joint_words"])
    expected = 0.75 * said(first) + 0.25 * said(second)
    assert torch.allclose(said(mixed), expected, atol=1e-5)
    with pytest.raises(InvalidInput):
        average(first, second, 1.5)


def test_the_card_in_the_docs_is_the_embedded_bundles() -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text("utf-8")
    assert text == card(bundles.find("default"))
    assert "Not a medical device" in text
    assert "MoveNet" in text
