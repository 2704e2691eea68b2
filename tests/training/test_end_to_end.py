"""A bundle's whole life in miniature: SFT → tune → correct → DPO → export → serve."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from posealign.config import load_config
from posealign.export.onnx import export_bundle
from posealign.instructions.tokens import train_tokenizer
from posealign.model.checkpoint import new_metadata
from posealign.model.pose_model import PoseModel
from posealign.preferences import write
from serving.settings import Settings
from tests.serving.conftest import running
from training.deployed import deploy
from training.dpo import DpoConfig, dpo
from training.figures import drawn
from training.pairs import simulated
from training.run import prepare
from training.starting import assembled
from training.tune import tune

from .tiny import CONFIGS, start, tiny


def test_from_labels_to_an_answer_over_http(tmp_path: Path) -> None:
    tuned = tmp_path / "tuned"
    report = tune(tiny(tuned, "steps=2"))
    assert (tuned / "accepted.pt").exists()
    assert report["accepted_step"] in (0, 2)

    # A rater looks at the tuned model's own answers and puts the worst joints right.
    config = tiny(tmp_path / "unused")
    run = prepare(config)
    records = simulated(deploy(run.policy, run.train), run.train, 12, 0.1, 3)
    assert write(tmp_path / "preferences.jsonl", records) == 12
    preferred = dpo(load_config(DpoConfig, CONFIGS / "dpo_tiny.yaml", [
        f"out={tmp_path / 'preferred'}", f"weights_from={tuned / 'accepted.pt'}",
        f"preferences={tmp_path / 'preferences.jsonl'}", f"cache={start().parent / 'cache2'}",
        "steps=2",
    ]))  # fmt: skip
    assert preferred["pairs"] == 12

    model = assembled(config.model, str(tmp_path / "preferred" / "accepted.pt"), None)
    words_that_answer(model)
    tokenizer = tmp_path / "tokenizer.json"
    train_tokenizer(["all joints", "the left leg", "左腿"] * 4, 400).save(str(tokenizer))
    bundle = export_bundle(
        model, tmp_path / "bundle", new_metadata("tiny", model.config), tokenizer
    )
    image = np.ascontiguousarray(drawn(1, seed=9).images_NSS3[0])
    png = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    with running(Settings(bundle=str(bundle.folder), threads=1, drain_seconds=0.0)) as server, \
            server.client() as client:  # fmt: skip
        # Two steps teach nobody to find people: the box is given.
        box = [[0, 0, image.shape[1], image.shape[0]]]
        asked = {"instruction": "all joints", "skeleton": "coco17", "boxes": json.dumps(box)}
        answer = client.post("/v1/pose", data=asked, files={"image": ("a.png", png, "image/png")})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["model"]["digest"] == bundle.digest
    assert len(said["poses"]) == 1
    assert {joint["name"] for joint in said["poses"][0]["joints"]} >= {"left_knee", "right_knee"}


@torch.no_grad()
def words_that_answer(model: PoseModel) -> None:
    """Nobody taught the tiny model words: it takes every text for a wish for everything."""
    for name, value in model.words.named_parameters():
        if name == "bias":
            value[0] = 30.0
        if "gate" in name and name.endswith("bias"):
            value.fill_(30.0)
