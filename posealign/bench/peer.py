"""What others do with the same weights: transformers' VitPose, eager, beside our bundle of it.

The weights are random: time does not depend on them. Both are made once and kept in a temporary
folder.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign import bundle as bundles
from posealign.bench.asking import noise_frame
from posealign.bench.graphs import graph_inputs
from posealign.bench.timing import Call
from posealign.bundle import Bundle
from posealign.errors import InvalidInput, MissingExtra, PoseAlignError, among
from posealign.predictor import Predictor

ARCHITECTURES = {"vitpose-s": "S", "vitpose-b": "B", "vitpose-l": "L", "vitpose-h": "H"}
INPUT = (192, 256)  # width, height
THEIRS = "transformers' VitPose, forward"
THEIRS_WHOLE = "transformers' VitPose, picture to joints"
OURS = "image and locate, 17 joints"
OURS_WHOLE = "Predictor, picture to 17 joints"
ALL = "all 17 keypoints"


@dataclass(frozen=True)
class Architecture:
    """A bundle and, in transformers' own layout, the checkpoint it was made of."""

    bundle: Bundle
    checkpoint: Path


def make_architecture(name: str, folder: Path | None = None) -> Architecture:
    """ViTPose of a published size at 256×192 with random weights; kept for the next run."""
    if name not in ARCHITECTURES:
        raise InvalidInput(f"no architecture is called {name!r}{among(name, ARCHITECTURES)}")
    language = bundles.find("default")
    kept = folder or Path(tempfile.gettempdir()) / "posealign-bench"
    kept = kept / f"{name}-{language.digest[:12]}"
    try:
        return Architecture(bundles.load(kept / "bundle"), kept)
    except PoseAlignError:
        pass  # not made yet, or by another version
    try:
        from posealign.export.convert import Conversion, convert_file  # noqa: PLC0415

        _write_checkpoint(ARCHITECTURES[name], kept)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"--arch needs {error.name}: pip install 'posealign[train,export]'"
        ) from error
    made = convert_file(kept / "model.safetensors", name, kept / "bundle", language, Conversion())
    return Architecture(made, kept)


def _write_checkpoint(size: str, folder: Path) -> None:
    import torch  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        VitPoseBackboneConfig,
        VitPoseConfig,
        VitPoseForPoseEstimation,
    )

    from posealign.model.backbone import SIZES  # noqa: PLC0415

    shape = SIZES[size]
    backbone = VitPoseBackboneConfig(
        image_size=INPUT[::-1], hidden_size=shape.width, num_hidden_layers=shape.depth,
        num_attention_heads=shape.heads, out_indices=[shape.depth],  # type: ignore[call-arg]
    )  # fmt: skip
    config = VitPoseConfig(backbone_config=backbone, use_simple_decoder=False)
    config.num_labels = 17
    torch.manual_seed(0)
    VitPoseForPoseEstimation(config).save_pretrained(folder)


@dataclass(frozen=True)
class Peer:
    """transformers' model and processor of a checkpoint; `attention` is what it chose itself."""

    model: Any
    processor: Any
    attention: str


def open_peer(checkpoint: Path, threads: int) -> Peer:
    try:
        import torch  # noqa: PLC0415
        from transformers import VitPoseForPoseEstimation, VitPoseImageProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra(f"--peer needs {error.name}: pip install 'posealign[train]'") from error
    torch.set_num_threads(threads)
    model = VitPoseForPoseEstimation.from_pretrained(checkpoint).eval()
    processor = VitPoseImageProcessor(size={"width": INPUT[0], "height": INPUT[1]})
    return Peer(model, processor, str(model.backbone.config._attn_implementation))


def peer_calls(peer: Peer, predictor: Predictor) -> dict[str, Call]:
    """The same picture and box for both: the graphs alone, and from a picture to joints."""
    import torch  # noqa: PLC0415

    image, boxes = noise_frame(predictor)
    inputs = graph_inputs(predictor, 1, 17)
    values = _values(inputs["image"]["pixels"])
    asked = predictor.graphs

    @torch.inference_mode()
    def forward() -> object:
        return peer.model(values).heatmaps

    @torch.inference_mode()
    def whole() -> object:
        given = peer.processor(image, boxes=[boxes], return_tensors="pt")
        found = peer.model(given["pixel_values"])
        return peer.processor.post_process_pose_estimation(found, boxes=[boxes])

    def ours() -> object:
        asked["image"](inputs["image"])
        return asked["locate"](inputs["locate"])

    return {
        THEIRS: forward,
        OURS: ours,
        THEIRS_WHOLE: whole,
        OURS_WHOLE: lambda: predictor.look(image, boxes).ask(ALL),
    }


def _values(pixels_BHW3: NDArray[np.uint8]) -> Any:
    import torch  # noqa: PLC0415

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    values = ((pixels_BHW3 / 255 - mean) / std).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
