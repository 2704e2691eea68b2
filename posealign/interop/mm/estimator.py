"""PoseAlign as an mmpose estimator: mmpose's pipelines in, mmengine's Runner around it.

    custom_imports = dict(imports=["posealign.interop.mm.register"], allow_failed_imports=False)
    model = dict(type="PoseAlign", pose=dict(encoder=dict(name="vit", options=dict(size="S")),
                 width=192, height=256), codec=codec, test_cfg=dict(flip_test=True))

Shapes: B batch, K joints of the data set, V vocabulary, h×w cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData, PixelData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from posealign import bundle as bundles
from posealign.errors import InvalidConfig, among
from posealign.instructions.tokens import batch as to_ids
from posealign.instructions.tokens import load_tokenizer
from posealign.interop.mm.sampling import Asking, asked
from posealign.interop.mm.targets import codec_of, crop_vectors, targets
from posealign.model import codec as cells
from posealign.model.checkpoint import load_model
from posealign.model.config import PoseConfig, pose_config
from posealign.model.importing import attach_language, joint_names
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Skeleton

COSTS = {"place": 1.0, "asked": 0.5}
NEAR = 0.05  # of the heatmap's sides: what mmpose counts as right while it trains


@MODELS.register_module()
class PoseAlign(TopdownPoseEstimator):  # type: ignore[misc]
    """A PoseModel under `pose`; its joints are those of `skeleton`, in the data set's order.

    `bundle` starts from a trained bundle; `pose` (fields of PoseConfig) makes a new model with
    the text encoder of the bundle `language`. `codec` is the one GenerateTarget writes with.
    `costs` weigh the places and, with the hook InstructionSampling, what is asked for.
    """

    def __init__(
        self,
        codec: Mapping[str, Any],
        pose: Mapping[str, Any] | None = None,
        bundle: str | None = None,
        language: str = "default",
        skeleton: str = "coco17",
        sigma: float = cells.SIGMA,
        costs: Mapping[str, float] | None = None,
        train_words: bool = False,
        train_cfg: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        data_preprocessor: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
        metainfo: Mapping[str, Any] | None = None,
    ) -> None:
        # mmpose's own __init__ builds a backbone and a head; here both are in one model.
        BaseModel.__init__(
            self,
            data_preprocessor or {"type": "mmpose.PoseDataPreprocessor", "bgr_to_rgb": True},
            init_cfg,
        )
        self.metainfo = self._load_metainfo(metainfo)
        self.train_cfg, self.test_cfg = dict(train_cfg or {}), dict(test_cfg or {})
        if not self.data_preprocessor._channel_conversion:
            raise InvalidConfig("data_preprocessor: bgr_to_rgb=True is expected; we look at RGB")
        self.pose, spoken = model_of(pose, bundle, language)
        self.codec, self.sigma, self.train_words = codec_of(codec), float(sigma), train_words
        self.costs = COSTS | dict(costs or {})
        if unknown := set(self.costs) - set(COSTS):
            word = sorted(unknown)[0]
            raise InvalidConfig(f"costs: no loss is called {word!r}{among(word, COSTS)}")
        size = self.pose.config.width, self.pose.config.height
        if self.codec.input_size != size:
            raise InvalidConfig(f"the codec's input is {self.codec.input_size}, the model's {size}")
        self.skeleton = load_skeleton(skeleton)
        self.rows_K: Tensor
        self.register_buffer("rows_K", _rows(self.skeleton), persistent=False)
        self._tokenizer = load_tokenizer(spoken)
        if not train_words:
            self.pose.words.requires_grad_(False)

    def train(self, mode: bool = True) -> PoseAlign:
        super().train(mode)
        if not self.train_words:
            self.pose.words.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """mmengine adds up what is called loss_…"""
        points_BK2, weights_BK = targets(self.codec, data_samples, inputs.device)
        seen = self.pose.image(self._pixels(inputs))
        crop_B4 = crop_vectors(data_samples, inputs.device)
        joints_BVD, delta, _, _, crop_B1D = self.pose.decoder.look(seen["tokens"], crop_B4)
        vectors_BKR = (self.pose.table + delta)[:, self.rows_K]
        maps_BKC = self.pose.heatmaps(seen["features"], vectors_BKR).flatten(2).float()
        height, width = self.pose.config.grid
        cells_BK2 = points_BK2 / points_BK2.new_tensor(self.pose.locator.pixels)
        target = cells.soft_target(cells_BK2, height, width, self.sigma)
        place_BK = -(target * maps_BKC.log_softmax(-1)).sum(-1) * weights_BK
        found = {"loss_place": self.costs["place"] * place_BK.sum() / weights_BK.sum().clamp(min=1)}
        with torch.no_grad():
            gap = (cells.decode(maps_BKC, height, width) - cells_BK2).abs()
            near = (gap / gap.new_tensor([width, height])).norm(dim=-1) < NEAR
            found["acc_pose"] = (near * weights_BK).sum() / weights_BK.sum().clamp(min=1)
        askings = [sample.metainfo.get("asking") for sample in data_samples]
        if self.costs["asked"] and all(isinstance(asking, Asking) for asking in askings):
            cost = self._asked_cost(askings, joints_BVD, crop_B1D, points_BK2, weights_BK)
            found["loss_asked"] = self.costs["asked"] * cost
        return found

    def _asked_cost(
        self,
        askings: Sequence[Any],
        joints_BVD: Tensor,
        crop_B1D: Tensor,
        points_BK2: Tensor,
        weights_BK: Tensor,
    ) -> Tensor:
        """Which joints the words and the picture ask for, and whether to answer at all."""
        ids_BL = torch.from_numpy(to_ids(self._tokenizer, [asking.text for asking in askings]))
        ids_BL = ids_BL.to(points_BK2.device)
        text_BLT = self.pose.text(ids_BL)["text_tokens"]
        logits_BV, gate_B = self.pose.decoder.ask(joints_BVD, crop_B1D, text_BLT, ids_BL)
        wanted_BV, sure_BV, answered_B = asked(
            askings, points_BK2, weights_BK, self.rows_K, self.codec.input_size
        )
        cost_BV = functional.binary_cross_entropy_with_logits(
            logits_BV.float(), wanted_BV, reduction="none"
        )
        gate = functional.binary_cross_entropy_with_logits(gate_B.float(), answered_B)
        return (cost_BV * sure_BV).sum() / sure_BV.sum().clamp(min=1) + 0.2 * gate

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: Sequence[Any]) -> Any:
        crop_B4 = crop_vectors(data_samples, inputs.device)
        maps_BKhw = self._heatmaps(inputs, crop_B4)
        if self.test_cfg.get("flip_test", False):
            swap_K = torch.from_numpy(self.skeleton.swap_J).to(inputs.device)
            mirrored = self._heatmaps(inputs.flip(-1), crop_B4)
            maps_BKhw = (maps_BKhw + cells.flip_back(mirrored, swap_K)) / 2
        points_BK2, sure_BK, _ = self.pose.locator(maps_BKhw)
        points_BK2 = self.codec.to_mmpose(points_BK2)
        found = [
            InstanceData(keypoints=points[None].cpu().numpy(), keypoint_scores=sure[None])
            for points, sure in zip(points_BK2, sure_BK.cpu().numpy(), strict=True)
        ]
        fields = None
        if self.test_cfg.get("output_heatmaps", False):
            fields = [PixelData(heatmaps=maps) for maps in maps_BKhw]
        return self.add_pred_to_datasample(found, fields, data_samples)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Tensor:
        """Heatmaps [B, K, h, w] of upright crops that are all picture."""
        crop = [0.0, 1.0, 0.0, 0.0]
        return self._heatmaps(inputs, inputs.new_tensor([crop]).expand(len(inputs), 4))

    def _heatmaps(self, inputs: Tensor, crop_B4: Tensor) -> Tensor:
        seen = self.pose.image(self._pixels(inputs))
        delta = self.pose.decoder.look(seen["tokens"], crop_B4)[1]
        vectors_BKR = (self.pose.table + delta)[:, self.rows_K]
        return self.pose.heatmaps(seen["features"], vectors_BKR)

    def _pixels(self, inputs_B3HW: Tensor) -> Tensor:
        """[B, H, W, 3] RGB as bytes count; what the preprocessor normalised is undone."""
        before = self.data_preprocessor
        if before._enable_normalize:
            inputs_B3HW = inputs_B3HW * before.std + before.mean
        return inputs_B3HW.permute(0, 2, 3, 1)


def model_of(
    pose: Mapping[str, Any] | None, bundle: str | None, language: str
) -> tuple[PoseModel, Path]:
    """A bundle's model or a new one, and the file of its tokenizer."""
    if (pose is None) == (bundle is None):
        raise InvalidConfig("PoseAlign takes either `bundle` (trained) or `pose` (new)")
    if bundle is not None:
        found = bundles.find(bundle)
        model = load_model(found)
    else:
        found = bundles.find(language)
        text = {k: v for k, v in _text(found).items() if k != "vector_width"}
        model = PoseModel(pose_config({**(pose or {}), "text": text}))
        attach_language(model, found)
        _say_nothing(model)
    if model.config.target != "softmax":
        raise InvalidConfig(
            "this model's heatmaps were trained with MSE (an imported ViTPose); places are trained "
            "here as distributions: start from a bundle of ours, or give `pose`"
        )
    return model, found.path("tokenizer.json")


@torch.no_grad()
def _say_nothing(model: PoseModel) -> None:
    """mmpose's labels teach neither states nor depth: every joint counts as visible, depth as 0."""
    heads = model.decoder.joint_heads
    for value in (*heads.state.parameters(), *heads.z.parameters()):
        value.zero_()
    heads.state.bias.copy_(torch.tensor([-4.0, -2.0, 4.0]))


def _text(found: bundles.Bundle) -> dict[str, Any]:
    said: PoseConfig = pose_config(found.metadata.model)
    return said.text


def _rows(skeleton: Skeleton) -> Tensor:
    """The vocabulary joint of each of the data set's joints."""
    names = joint_names(len(skeleton), skeleton)
    strange = [own for own, name in zip(skeleton.names, names, strict=True) if name is None]
    if strange:
        raise InvalidConfig(
            f"skeleton {skeleton.name!r}: {', '.join(strange[:4])} are no joints of the vocabulary "
            "by themselves, and have no row to train"
        )
    return torch.tensor([vocabulary().index(name) for name in names if name is not None])
