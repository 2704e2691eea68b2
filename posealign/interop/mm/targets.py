"""What mmpose's pipelines say of a batch, whatever codec wrote it, as points in the input.

Every codec here is read back exactly as it was written: a Gaussian's vertex is the point it was
drawn around. Shapes: B batch, K joints of the data set, P positions along an axis, h×w cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from posealign.errors import InvalidConfig, among
from posealign.model import codec as cells

TINY = 1e-30  # under a Gaussian's cut tail; log of it still orders


@dataclass(frozen=True)
class Codec:
    """`udp`: distances are counted between pixel centres, by TopdownAffine too (use_udp=True)."""

    name: str
    options: Mapping[str, Any]
    input_size: tuple[int, int]  # width, height
    udp: bool
    read: Callable[[Codec, Any], Tensor]

    def to_mmpose(self, points_BK2: Tensor) -> Tensor:
        """Input pixels → the coordinates mmpose's codecs decode to, which it scales to pictures."""
        if not self.udp:
            return points_BK2
        size = points_BK2.new_tensor(self.input_size)
        return points_BK2 * size / (size - 1)


def codec_of(config: Mapping[str, Any]) -> Codec:
    """From a codec's configuration, as heads take it under `decoder`."""
    name = str(config.get("type"))
    if name not in READERS:
        raise InvalidConfig(f"codec {name!r} cannot be read as points{among(name, READERS)}")
    if config.get("heatmap_type", "gaussian") != "gaussian":
        raise InvalidConfig(f"{name} with heatmap_type {config['heatmap_type']!r}; take 'gaussian'")
    if config.get("smoothing_type", "gaussian") != "gaussian":
        raise InvalidConfig(
            f"{name} with smoothing_type {config['smoothing_type']!r}; take 'gaussian'"
        )
    if READERS[name] is _of_heatmaps and (3 * float(config.get("sigma", 2))) % 1:
        raise InvalidConfig(
            f"{name} with sigma {config['sigma']}: mmpose draws a Gaussian half a cell off where "
            "three sigma are no whole number of cells; take 2 or 3"
        )
    width, height = config["input_size"]
    return Codec(name, dict(config), (int(width), int(height)), name in UDP, READERS[name])


def targets(codec: Codec, samples: Sequence[Any], device: torch.device) -> tuple[Tensor, Tensor]:
    """[B, K, 2] in input pixels and [B, K] weights; a joint nobody labelled has weight 0."""
    points_BK2 = torch.stack([codec.read(codec, sample) for sample in samples])
    labels = [sample.gt_instance_labels for sample in samples]
    weights_BK = torch.cat([label.keypoint_weights.reshape(1, -1) for label in labels])
    return points_BK2.to(device).float(), weights_BK.to(device).float()


def crop_vectors(samples: Sequence[Any], device: torch.device) -> Tensor:
    """What `select` knows of each crop: sin and cos of its turn, log scale, padded share.

    mmpose's samples keep no turn, so a crop counts as upright.
    """
    rows = []
    for sample in samples:
        center_x, center_y = (float(v) for v in sample.metainfo["input_center"])
        width, height = (float(v) for v in sample.metainfo["input_scale"])
        rows_of_picture, columns = sample.metainfo["ori_shape"][:2]
        across = min(center_x + width / 2, columns) - max(center_x - width / 2, 0.0)
        along = min(center_y + height / 2, rows_of_picture) - max(center_y - height / 2, 0.0)
        shown = max(across, 0.0) * max(along, 0.0) / (width * height)
        rows.append([0.0, 1.0, torch.tensor(width * height).sqrt().div(192).log(), 1 - shown])
    return torch.tensor(rows, device=device)


def _of_heatmaps(codec: Codec, sample: Any) -> Tensor:
    """The vertex of each Gaussian; MSRA draws it on whole cells unless it is unbiased."""
    maps_Khw = sample.gt_fields.heatmaps.float()
    height, width = maps_Khw.shape[1:]
    found_K2 = cells.decode(maps_Khw.flatten(1).clamp(min=TINY).log(), height, width)
    size = found_K2.new_tensor(codec.input_size)
    grid = found_K2.new_tensor([width, height])
    scale = (size - 1) / (grid - 1) if codec.udp else size / grid
    return found_K2 * scale


def _of_axes(codec: Codec, sample: Any) -> Tensor:
    """SimCC: one Gaussian an axis, `simcc_split_ratio` positions a pixel."""
    labels = sample.gt_instance_labels
    axes = (labels.keypoint_x_labels, labels.keypoint_y_labels)
    found = [_vertex(axis.float().flatten(0, -2).clamp(min=TINY).log()) for axis in axes]
    return torch.stack(found, -1) / float(codec.options.get("simcc_split_ratio", 2.0))


def _vertex(logits_KP: Tensor) -> Tensor:
    """The top of the parabola through the highest position and its neighbours."""
    count = logits_KP.shape[-1]
    inner = logits_KP.argmax(-1, keepdim=True).clamp(1, count - 2)
    low, middle, high = logits_KP.gather(
        -1, inner + torch.tensor([-1, 0, 1], device=logits_KP.device)
    ).unbind(-1)
    bend = low + high - 2 * middle
    shift = torch.where(bend < 0, (low - high) / (2 * torch.where(bend < 0, bend, -1.0)), 0.0)
    return (inner.squeeze(-1) + shift.clamp(-1.5, 1.5)).clamp(0, count - 1)


def _of_points(codec: Codec, sample: Any) -> Tensor:
    """Regression: shares of the input's sides."""
    found_K2: Tensor = sample.gt_instance_labels.keypoint_labels.float().reshape(-1, 2)
    return found_K2 * found_K2.new_tensor(codec.input_size)


READERS: dict[str, Callable[[Codec, Any], Tensor]] = {
    "UDPHeatmap": _of_heatmaps,
    "MSRAHeatmap": _of_heatmaps,
    "SimCCLabel": _of_axes,
    "RegressionLabel": _of_points,
}
UDP = ("UDPHeatmap",)
