"""PoseAlign as an mmpose model: built, asked, trained for a step, and right about geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.apis.inference import inference_topdown, init_model
from mmpose.registry import DATASETS, MODELS

from posealign.errors import InvalidConfig
from posealign.instructions.query import Part, Query, Refusal
from posealign.interop.mm.estimator import PoseAlign
from posealign.interop.mm.sampling import Asking, InstructionSampling, asked, draw
from posealign.skeletons.load import vocabulary
from tests.mm.toys import mmpose_config, on_people

RECIPE = Path(__file__).parents[2] / "configs" / "mmpose" / "posealign_vitpose-s_coco-256x192.py"
TINY = {"encoder": {"name": "vit", "options": {"size": (48, 2, 4)}}, "width": 192, "height": 256}
UDP = {"type": "UDPHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}
MSRA = {**UDP, "type": "MSRAHeatmap"}
SIMCC = {"type": "SimCCLabel", "input_size": (192, 256), "sigma": 4.9, "simcc_split_ratio": 2.0}


def build(**changes: Any) -> PoseAlign:
    torch.manual_seed(0)
    return MODELS.build({"type": "PoseAlign", "pose": TINY, "codec": UDP, **changes})


VITPOSE_S = "body_2d_keypoint/topdown_heatmap/coco/td-hm_ViTPose-small_8xb64-210e_coco-256x192.py"
STILL = ("LoadImage", "GetBBoxCenterScale", "TopdownAffine", "GenerateTarget", "PackPoseInputs")


def batch(people: Path, codec: dict[str, Any] = UDP, still: bool = False) -> dict[str, Any]:
    """Through ViTPose-S's own training pipeline, or with another codec in its place.

    `still`: without its random flips, turns and half bodies.
    """
    dataset = on_people(mmpose_config(VITPOSE_S), people).train_dataloader.dataset
    changed = {"GenerateTarget": {"encoder": codec},
               "TopdownAffine": {"use_udp": codec["type"] == "UDPHeatmap"}}  # fmt: skip
    dataset.pipeline = [
        {**step, **changed.get(step["type"], {})}
        for step in dataset.pipeline
        if not still or step["type"] in STILL
    ]
    built = DATASETS.build(dataset)
    np.random.seed(0)
    return pseudo_collate([built[index] for index in range(4)])


@pytest.fixture(scope="module")
def model() -> PoseAlign:
    return build()


@pytest.mark.parametrize("codec", [UDP, MSRA, SIMCC], ids=lambda codec: codec["type"])
def test_loss_and_backward_with_every_pipeline(
    people: Path, model: PoseAlign, codec: dict[str, Any]
) -> None:
    model = build(codec=codec) if codec is not UDP else model
    model.train()
    data = model.data_preprocessor(batch(people, codec), True)
    losses = model.loss(**data)
    assert set(losses) == {"loss_place", "acc_pose"}
    assert float(losses["loss_place"]) == pytest.approx(np.log(64 * 48), rel=0.1)  # knows nothing
    losses["loss_place"].backward()
    moved = {name for name, value in model.named_parameters() if value.grad is not None}
    assert {"pose.table", "pose.encoder.vit.pos_embed", "pose.decoder.queries"} <= moved
    assert not any(name.startswith("pose.words") for name in moved)
    model.zero_grad()


def test_half_precision_trains_too(people: Path, model: PoseAlign) -> None:
    """What mmengine's AMP does on a GPU, with the processor's bfloat16."""
    one = {key: values[:1] for key, values in batch(people).items()}  # bfloat16 is slow here
    data = model.train().data_preprocessor(one, True)
    exact = float(model.loss(**data)["loss_place"].detach())
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.loss(**data)
    losses["loss_place"].backward()
    assert losses["loss_place"].dtype == torch.float32
    assert float(losses["loss_place"].detach()) == pytest.approx(exact, rel=0.02)
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
    model.zero_grad()


def test_normalised_inputs_are_undone(people: Path, model: PoseAlign) -> None:
    """ViTPose's own data_preprocessor, as it stands in its configuration."""
    theirs = mmpose_config(VITPOSE_S).model.data_preprocessor
    normalised = build(data_preprocessor=theirs).eval()
    model.eval()
    data = batch(people)
    pixels = data["inputs"][0].flip(0).permute(1, 2, 0).float()  # RGB, rows, columns
    for one in (model, normalised):
        inputs = one.data_preprocessor(data, False)["inputs"]
        torch.testing.assert_close(one._pixels(inputs)[0], pixels, atol=1e-3, rtol=0)
    with pytest.raises(InvalidConfig, match="bgr_to_rgb=True"):
        build(data_preprocessor={"type": "PoseDataPreprocessor"})


@pytest.mark.parametrize("codec", [UDP, MSRA, SIMCC], ids=lambda codec: codec["type"])
def test_a_perfect_model_finds_the_labels(
    people: Path, model: PoseAlign, codec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the pipeline's convention, a joint at its label comes back to the picture there."""
    from posealign.interop.mm.targets import codec_of, targets
    from posealign.model.codec import log_target

    monkeypatch.setattr(model, "codec", codec_of(codec))
    samples = batch(people, codec, still=True)["data_samples"]
    points_BK2, weights_BK = targets(model.codec, samples, torch.device("cpu"))
    cells = points_BK2 / points_BK2.new_tensor(model.pose.locator.pixels)
    maps = log_target(cells, 64, 48).unflatten(2, (64, 48))
    monkeypatch.setattr(model, "_heatmaps", lambda inputs, crop: maps)
    found = model.predict(torch.zeros(4, 3, 256, 192), samples)
    coarse = {"UDPHeatmap": 0.02, "MSRAHeatmap": 1.2, "SimCCLabel": 0.2}[codec["type"]]
    for one, weights_K in zip(found, weights_BK.numpy(), strict=True):
        gap = np.abs(one.pred_instances.keypoints - one.gt_instances.keypoints)[0]
        assert gap[weights_K > 0].max() < coarse


def test_inference_by_mmposes_own_function(people: Path) -> None:
    config = Config.fromfile(str(RECIPE))
    config.model.pose = TINY
    model = init_model(config, device="cpu", cfg_options={})
    picture = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    boxes = np.array([[10.0, 10, 90, 150], [100, 5, 190, 150]])
    found = inference_topdown(model, picture, boxes)
    assert [one.pred_instances.keypoints.shape for one in found] == [(1, 17, 2)] * 2
    for one, box in zip(found, boxes, strict=True):
        points = one.pred_instances.keypoints[0]
        padded = (box[2:] - box[:2]).max() * 1.25
        assert (np.abs(points - (box[:2] + box[2:]) / 2) <= padded).all()
        scores = one.pred_instances.keypoint_scores
        assert ((scores > 0) & (scores < 1)).all()
    assert model(torch.zeros(1, 3, 256, 192), None, mode="tensor").shape == (1, 17, 64, 48)


def test_flip_test_is_mirror_true(people: Path, model: PoseAlign) -> None:
    """With it, a mirrored picture gets the mirrored heatmaps."""
    model.eval()
    swap = torch.from_numpy(model.skeleton.swap_J)
    inputs = torch.rand(1, 3, 256, 192, generator=torch.Generator().manual_seed(1)) * 255
    upright = torch.tensor([[0.0, 1, 0, 0]])

    def both(pictures: torch.Tensor) -> torch.Tensor:
        back = model._heatmaps(pictures.flip(-1), upright).index_select(1, swap).flip(-1)
        return (model._heatmaps(pictures, upright) + back) / 2

    with torch.no_grad():
        found, mirrored = both(inputs), both(inputs.flip(-1))
    torch.testing.assert_close(mirrored.index_select(1, swap).flip(-1), found)


def test_instructions_are_drawn_again_alike_and_learnt(people: Path, model: PoseAlign) -> None:
    class Runner:
        iter = 3

    data, again = batch(people), batch(people)
    InstructionSampling(seed=1).before_train_iter(Runner(), 0, data)
    InstructionSampling(seed=1).before_train_iter(Runner(), 0, again)
    texts = [sample.metainfo["asking"].text for sample in data["data_samples"]]
    assert texts == [sample.metainfo["asking"].text for sample in again["data_samples"]]
    assert len(set(texts)) > 1
    losses = model.train().loss(**model.data_preprocessor(data, True))
    assert float(losses["loss_asked"].detach()) > 0
    losses["loss_asked"].backward()
    moved = {name for name, value in model.named_parameters() if value.grad is not None}
    assert "pose.decoder.answer_query" in moved
    assert not any(name.startswith("pose.words") for name in moved)
    model.zero_grad()


def test_what_an_instruction_asks_for() -> None:
    rows = torch.arange(17)
    points = torch.rand(2, 17, 2, generator=torch.Generator().manual_seed(0)) * 100
    askings = [Asking("the left arm", Query(Part("arm", "left"))), Asking("?", Refusal("not_pose"))]
    wanted, sure, answered = asked(askings, points, torch.ones(2, 17), rows, (192, 256))
    names = vocabulary().names
    chosen = {names[index] for index in torch.nonzero(wanted[0])[:, 0].tolist()}
    assert {"left_shoulder", "left_elbow", "left_wrist"} <= chosen
    assert not any(name.startswith("right") for name in chosen)
    assert float(wanted[1].sum()) == 0
    assert bool((sure == 1).all())
    assert answered.tolist() == [1.0, 0.0]


def test_random_draws_are_of_this_person() -> None:
    from random import Random

    from posealign.instructions.phrases import phrasebook

    rng = Random(0)
    drawn = [draw(rng, [phrasebook("en")], 0.5) for _ in range(40)]
    assert {type(one.query) for one in drawn} == {Query, Refusal}
    assert {one.query.subject for one in drawn if isinstance(one.query, Query)} == {"all"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pose": None}, "either `bundle`"),
        ({"bundle": "default"}, "either `bundle`"),
        ({"codec": {**UDP, "input_size": (288, 384)}}, "the codec's input is"),
        ({"costs": {"plaice": 1}}, "did you mean 'place'"),
        ({"skeleton": "body25"}, "MidHip are no joints of the vocabulary"),
        ({"pose": {**TINY, "target": "gaussian"}}, "trained with MSE"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        build(**changes)


def test_a_bundle_goes_on_learning() -> None:
    """The embedded bundle as the start: its own input size, its own weights."""
    codec = {**UDP, "input_size": (192, 192), "heatmap_size": (48, 48)}
    model = build(pose=None, bundle="default", codec=codec)
    assert model.pose.config.encoder.name == "hybrid"
    assert model.rows_K.tolist() == list(range(17))


def test_a_bundle_under_mmpose_is_the_predictor(people: Path) -> None:
    """mmpose's crop and our Crop, mmpose's inverse and ours: the same joints in the picture."""
    import cv2

    from posealign import bundle as bundles
    from posealign.predictor import Predictor, PredictorSettings

    config = Config.fromfile(str(RECIPE.with_name("posealign_default_coco-192x192.py")))
    config.model.test_cfg = {"flip_test": False}
    model = init_model(config, device="cpu", cfg_options={})
    path = people.parent / "images" / "2.png"
    box = (8.0, 10.0, 90.0, 140.0)
    corners = np.array([[box[0], box[1], box[0] + box[2], box[1] + box[3]]])
    (found,) = inference_topdown(model, str(path), corners)
    bundle = bundles.find("default")
    predictor = Predictor(bundle, "cpu", 1, PredictorSettings.of(bundle, passes=1))
    picture = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    (pose,) = predictor.look(picture, [box]).ask("all keypoints", "coco17").poses
    placed = {joint.name: joint for joint in pose.joints}
    assert len(placed) == 17
    apart = []
    for name, point, sure in zip(
        model.skeleton.names, found.pred_instances.keypoints[0],
        found.pred_instances.keypoint_scores[0], strict=True,
    ):  # fmt: skip
        joint = placed[name]
        if joint.x is None or joint.y is None:
            continue  # our states call it absent; mmpose has no such answer
        apart.append(np.hypot(point[0] - joint.x, point[1] - joint.y))
        assert sure == pytest.approx(joint.confidence, abs=0.05)
    # The two warps do not round alike: a doubtful joint moves, though by less than a heatmap cell.
    assert np.median(apart) < 0.5
    assert max(apart) < 4.0
