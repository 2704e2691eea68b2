"""What others do with the same weights: transformers' VitPose, eager, beside our bundle of it.

The weights are random: time does not depend on them. Both are made once and kept in a temporary
folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
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
    """transformers' model and processor of a checkpoint, with one of torch's ways to attend."""

    model: Any
    processor: Any

    @property
    def attention(self) -> str:
        """`sdpa`, one fused operator, or `eager`, its products and softmax one by one."""
        return str(self.model.backbone.config._attn_implementation)

    @property
    def forward_row(self) -> str:
        return f"transformers, {self.attention} attention, forward"

    @property
    def whole_row(self) -> str:
        return f"transformers, {self.attention} attention, picture to joints"


def open_peers(checkpoint: Path, threads: int) -> tuple[Peer, ...]:
    """The attention that transformers chooses itself, and its plain one. None is compiled."""
    try:
        import torch  # noqa: PLC0415
        from transformers import VitPoseForPoseEstimation, VitPoseImageProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra(f"--peer needs {error.name}: pip install 'posealign[train]'") from error
    torch.set_num_threads(threads)
    processor = VitPoseImageProcessor(size={"width": INPUT[0], "height": INPUT[1]})
    load = VitPoseForPoseEstimation.from_pretrained
    own = Peer(load(checkpoint).eval(), processor)
    if own.attention == "eager":
        return (own,)
    return own, Peer(load(checkpoint, attn_implementation="eager").eval(), processor)


def peer_macs(peers: Sequence[Peer], predictor: Predictor) -> int:
    """Of transformers' network, to heatmaps: more than our graphs need for the same numbers."""
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    values = _values(graph_inputs(predictor, 1, 17)["image"]["pixels"])
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        peers[-1].model(values)  # eager: each product is an operator of its own
    return int(counter.get_total_flops()) // 2


def peer_calls(peers: Sequence[Peer], predictor: Predictor) -> dict[str, Call]:
    """The same picture and box for all: the graphs alone, and from a picture to joints."""
    image, boxes = noise_frame(predictor)
    inputs = graph_inputs(predictor, 1, 17)
    values = _values(inputs["image"]["pixels"])
    graphs = predictor.graphs

    def ours() -> object:
        graphs["image"](inputs["image"])
        return graphs["locate"](inputs["locate"])

    return {
        **{peer.forward_row: _forward(peer, values) for peer in peers},
        OURS: ours,
        **{peer.whole_row: _whole(peer, image, boxes) for peer in peers},
        OURS_WHOLE: lambda: predictor.look(image, boxes).ask(ALL),
    }


def _forward(peer: Peer, values: Any) -> Call:
    import torch  # noqa: PLC0415

    @torch.inference_mode()
    def forward() -> object:
        return peer.model(values).heatmaps

    return forward


def _whole(peer: Peer, image: NDArray[np.uint8], boxes: Sequence[tuple[float, ...]]) -> Call:
    import torch  # noqa: PLC0415

    @torch.inference_mode()
    def whole() -> object:
        given = peer.processor(image, boxes=[boxes], return_tensors="pt")
        found = peer.model(given["pixel_values"])
        return peer.processor.post_process_pose_estimation(found, boxes=[boxes])

    return whole


def _values(pixels_BHW3: NDArray[np.uint8]) -> Any:
    import torch  # noqa: PLC0415

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    values = ((pixels_BHW3 / 255 - mean) / std).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
