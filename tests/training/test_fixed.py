"""The control of flexibility: views kept, arms alike, runs that go on, figures by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from posealign.config import load_config
from posealign.errors import InvalidInput
from posealign.instructions.tokens import load_tokenizer, train_tokenizer
from posealign.model.codec import log_target
from posealign.model.config import DecoderConfig, PoseConfig
from posealign.model.pose_model import PoseModel
from training.experiments.behind import JOINTS, Arm, Lattice, drawn_instructions, fresh, understood
from training.experiments.cost import QUESTIONS, judge, points, questions, together
from training.experiments.fixed import FixedConfig, open_views, study, train
from training.experiments.intervals import change
from training.experiments.looked import Looked, open_looked
from training.sft import SftConfig
from training.starting import assembled

from .tiny import CONFIGS, start

ARMS = {
    "fixed": Arm(),
    "asked": Arm(joints="body", words=True),
    "asked only": Arm(words=True, teaches="asked"),
    "rows": Arm(decoder=False),
}


def config_of(base: Path, **changes: object) -> FixedConfig:
    """The tiny model's own words as a trained text folder."""
    folder = base / "text"
    options = load_config(SftConfig, CONFIGS / "sft_tiny.yaml").model
    if not folder.exists():
        folder.mkdir(parents=True)
        words = PoseModel(PoseConfig.model_validate(options)).words
        save_file(words.state_dict(), folder / "weights.safetensors")
        (folder / "text.json").write_text(json.dumps({"text": options["text"]}))
        texts = ["all joints", "the left leg", "左腿", "every keypoint"] * 4
        train_tokenizer(texts, 400).save(str(folder / "tokenizer.json"))
    values = {
        "out": str(base / "run"), "cache": str(base / "cache"), "weights_from": str(start()),
        "text_from": str(folder), "model": options, "arms": ARMS,
        "decoder": DecoderConfig(width=16, layers=1, text_layers=1, heads=2),
        "shards": {"figures": "drawn:16"}, "weights": {"figures": 1.0}, "views": 12,
        "synthetic": "drawn:10", "synthetic_count": 6, "instructions": 16, "samples": 16,
        "batch": 4, "save_every": 2, "draws": 20, "warmup": 1, "stride": 2,
    }  # fmt: skip
    return FixedConfig.model_validate({**values, **changes})


def test_the_study_runs_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    config = config_of(tmp_path, decay_from=1.0)
    text = study(config).read_text()
    assert "asked only less fixed" in text
    assert "On synthetic infants (6 views of 6 pictures)" in text
    assert "all tests together (6 views of 6 pictures)" in text
    whole = torch.load(tmp_path / "run/seed0/last.pt", weights_only=True)
    model = assembled(config.model, config.weights_from, config.text_from)
    model.requires_grad_(False)
    views, _ = open_views(config, model)
    tokenizer = load_tokenizer(Path(config.text_from) / "tokenizer.json")
    words = understood(model, tokenizer, drawn_instructions(16, 0, JOINTS["body"]))
    for samples in (8, 16):  # stopped half way, and gone on with
        part = config.model_copy(update={"out": str(tmp_path / "again"), "samples": samples})
        train(part, model, views, words, 0)
    again = torch.load(tmp_path / "again/seed0/last.pt", weights_only=True)
    assert again["step"] == whole["step"] == 4
    for name in ARMS:
        for key, value in whole["arms"][name]["ema"].items():
            assert torch.equal(again["arms"][name]["ema"][key], value), (name, key)
    with pytest.raises(InvalidInput, match="same samples"):
        train(config.model_copy(update={"arms": {"fixed": Arm()}}), model, views, words, 0)


def test_arms_begin_alike_where_shapes_agree(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    model = assembled(config.model, config.weights_from, config.text_from)
    heads = {name: fresh(arm, config.decoder, model, 3) for name, arm in ARMS.items()}
    fixed, asked = heads["fixed"], heads["asked"]
    assert torch.equal(fixed.table, asked.table[:17])
    assert torch.equal(fixed.table, heads["rows"].table)
    assert fixed.decoder is not None
    assert asked.decoder is not None
    assert torch.equal(fixed.decoder.queries, asked.decoder.queries[:17])
    for (name, one), (_, other) in zip(fixed.decoder.layers.named_parameters(),
                                       asked.decoder.layers.named_parameters(),
                                       strict=True):  # fmt: skip
        assert torch.equal(one, other), name
    assert not fixed.decoder.joint_words.any()
    assert asked.decoder.joint_words.shape[0] == len(JOINTS["body"])
    assert not torch.equal(fixed.table, fresh(Arm(), config.decoder, model, 4).table)


def test_what_is_not_asked_for_teaches_no_place(tmp_path: Path) -> None:
    """`asked only` learns from the asked joints alone; `asked` from all, and reading moves none."""
    config = config_of(tmp_path)
    model = assembled(config.model, config.weights_from, config.text_from)
    channels, tokens = model.channels, model.config.tokens[0] * model.config.tokens[1]
    dice = torch.Generator().manual_seed(0)
    batch = {
        "features": torch.rand(2, channels, *model.config.grid, generator=dice),
        "scale": torch.ones(2, channels), "tokens": torch.rand(2, tokens, 48, generator=dice),
        "crop": torch.zeros(2, 4), "points": torch.full((2, 148, 2), 20.0),
        "weights": torch.ones(2, 148),
    }  # fmt: skip
    asked = torch.zeros(2, 148)
    asked[:, 13] = 1
    words = {"asked": asked, "answered": torch.ones(2), "text_tokens": torch.rand(2, 3, 48),
             "ids": torch.ones(2, 3, dtype=torch.long)}  # fmt: skip
    moved = {}
    for name, arm in ARMS.items():
        head = fresh(arm, config.decoder, model, 0)
        parts = head.cost(batch, words, Lattice(torch.tensor([4.0, 4.0])))
        parts["place"].backward(retain_graph=True)
        assert head.table.grad is not None
        moved[name] = head.table.grad.abs().sum(1) > 0
        if name == "asked":
            assert head.decoder is not None
            before = head.decoder.queries.grad
            assert before is not None
            kept = before.clone()
            parts["asked"].backward()
            assert torch.equal(kept, head.decoder.queries.grad)
    assert moved["asked only"].nonzero().ravel().tolist() == [13]
    assert moved["asked"].all()
    assert moved["fixed"].all()


def test_a_part_of_the_cells_has_the_same_optimum(tmp_path: Path) -> None:
    """Where maps are the target's own logits, no phase of a lattice pulls at them."""
    config = config_of(tmp_path)
    model = assembled(config.model, config.weights_from, config.text_from)
    head = fresh(Arm(decoder=False), config.decoder, model, 0)
    point = torch.tensor([21.0, 33.0])  # input pixels; four to a cell
    target = log_target(point / 4, 16, 16, sigma=1.0).view(16, 16)
    with torch.no_grad():
        head.table.zero_()
        head.table[:, 0] = 1.0
    for stride, phase in ((1, (0, 0)), (2, (0, 1)), (3, (2, 0))):
        lattice = Lattice(torch.tensor([4.0, 4.0]), 1.0, stride, phase)
        features = torch.zeros(1, model.channels, 16, 16)
        features[0, 0] = target
        x, y = phase
        batch = {
            "features": features[:, :, y::stride, x::stride], "tokens": torch.zeros(1, 16, 48),
            "scale": torch.ones(1, model.channels), "points": point.expand(1, 148, 2),
            "weights": torch.ones(1, 148),
        }  # fmt: skip
        part = head.cost(batch, {"asked": torch.ones(1, 148)}, lattice)["place"]
        gradient = torch.autograd.grad(part, head.table)[0]
        assert gradient[:, 0].abs().max() < 1e-4, (stride, phase)
        off = dict(batch, points=(point + 8).expand(1, 148, 2))
        part = head.cost(off, {"asked": torch.ones(1, 148)}, lattice)["place"]
        assert torch.autograd.grad(part, head.table)[0][:, 0].abs().max() > 0.1


def test_instructions_need_no_picture() -> None:
    drawn = drawn_instructions(40, 0, JOINTS["coco17"])
    assert not any(one.related for one in drawn)
    assert any(one.refused for one in drawn)
    assert all(one.refused or one.asked_V[:17].any() for one in drawn)


def test_a_joint_counts_where_it_is_near_and_asked(tmp_path: Path) -> None:
    """A head that places everything at one spot, judged on labels that are there or not."""
    config = config_of(tmp_path)
    model = assembled(config.model, config.weights_from, config.text_from)
    rows, columns = model.config.grid
    views = 3
    points_N172 = np.zeros((views, 17, 2), np.float32)
    points_N172[:, :9] = 4.0  # the first cell but one, where every map has its peak
    points_N172[:, 9:] = 60.0
    features = np.zeros((views, model.channels, rows, columns), np.uint8)
    features[:, 0, 1, 1] = 255
    looked = Looked({
        "features": features, "scale": np.full((views, model.channels), 1 / 255, np.float32),
        "tokens": np.zeros((views, 16, 48), np.float16), "crop": np.zeros((views, 4), np.float32),
        "points": points_N172, "seen": np.ones((views, 17), bool),
        "box": np.full(views, 30, np.float32), "torso": np.array([30, 30, 0], np.float32),
    })  # fmt: skip
    head = fresh(Arm(decoder=False), config.decoder, model, 0)
    with torch.no_grad():
        head.table.zero_()
        head.table[:, 0] = 1.0
    tokenizer = load_tokenizer(Path(config.text_from) / "tokenizer.json")
    asked = understood(model, tokenizer, questions(views, 0))
    assert len(asked) == views * QUESTIONS
    found = judge(head, looked, asked, torch.tensor([4.0, 4.0]))
    hits, counted = found["all placed, box"]
    assert hits.tolist() == [9, 9, 9]
    assert counted.tolist() == [17, 17, 17]
    assert found["all placed, torso"][1].tolist() == [17, 17, 0]  # no torso, no figure
    hits, counted = found["limb answered, box"]  # shoulders and elbows, of hip to wrist
    assert hits.tolist() == [4, 4, 4]
    assert counted.tolist() == [12, 12, 12]


def test_the_bar_is_read_from_the_interval() -> None:
    body, ones = np.arange(50), np.ones(50)
    half = np.full(50, 0.5)
    assert points(change([(half, ones)], [(half, ones)], body, 50)).endswith("within")
    assert points(change([(half, ones)], [(half - 0.02, ones)], body, 50)).endswith("missed")
    noisy = half + np.where(body % 2 == 0, 0.2, -0.2)
    assert points(change([(half, ones)], [(noisy, ones)], body, 50)).endswith("open")


def test_a_turned_picture_is_the_same_body() -> None:
    def of(value: float, count: int) -> dict[str, list[dict[str, tuple[np.ndarray, np.ndarray]]]]:
        return {"fixed": [{"hit": (np.full(count, value), np.ones(count))}]}

    runs, body_N = together({"a": of(0, 3), "a, turned": of(1, 3), "b": of(2, 2)})
    assert body_N.tolist() == [0, 1, 2, 0, 1, 2, 3, 4]
    assert runs["fixed"][0]["hit"][0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_views_that_were_kept_are_not_looked_at_again(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    model = assembled(config.model, config.weights_from, config.text_from)
    calls: list[range] = []

    def look(part: range) -> dict[str, np.ndarray]:
        calls.append(part)
        if part.start and len(calls) == 2:
            raise KeyboardInterrupt
        return {"tokens": np.array(part, np.float32)[:, None]}

    with pytest.raises(KeyboardInterrupt):
        open_looked(tmp_path / "kept", model, {"a": 1}, 40, look)
    whole = open_looked(tmp_path / "kept", model, {"a": 1}, 40, look)
    assert [part.start for part in calls] == [0, 32, 32]
    assert whole.arrays["tokens"][:, 0].tolist() == list(range(40))
    picked = whole.rows(np.array([7, 3, 39]))["tokens"][:, 0]
    assert picked.tolist() == [7, 3, 39]
    open_looked(tmp_path / "kept", model, {"a": 2}, 40, look)
    assert len(calls) == 5


def test_the_config_is_whole() -> None:
    config = load_config(FixedConfig, CONFIGS / "study_fixed.yaml")
    assert config.arms["fixed"].words is False
