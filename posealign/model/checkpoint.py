"""A model's weights as safetensors, and back; what bundle.json says of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from posealign import bundle as bundles
from posealign.bundle import SMALL, Bundle, CalibrationSpec, InputSpec, Metadata, VocabularySpec
from posealign.errors import BrokenBundle, PoseAlignError
from posealign.model.config import PoseConfig, pose_config
from posealign.model.pose_model import PoseModel
from posealign.skeletons import load as skeletons


def save_weights(model: PoseModel, path: Path, half: bool = False) -> None:
    """All tensors once; shared ones are cloned, for safetensors stores no aliases.

    `half` stores large tensors in fp16; use it after `round_to_half`, when nothing is lost.
    """
    state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    if half:
        state = {
            name: value.half() if value.is_floating_point() and value.numel() >= SMALL else value
            for name, value in state.items()
        }
    save_file({name: value.contiguous() for name, value in state.items()}, path)


@torch.no_grad()
def round_to_half(model: PoseModel) -> None:
    """Every large tensor becomes what fp16 can hold, so that all that is made from it agrees."""
    for value in (*model.parameters(), *model.buffers()):
        if value.is_floating_point() and value.numel() >= SMALL:
            value.copy_(value.half().float())


def load_weights(model: PoseModel, path: Path) -> None:
    """Strict: a missing, extra or misshapen tensor is an error that names it."""
    load_strict(model, read_safetensors(path), path.name)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise BrokenBundle(f"{path} is not a safetensors file: {error}") from error


def load_strict(
    module: torch.nn.Module,
    state: dict[str, Tensor],
    source: str,
    error: type[PoseAlignError] = BrokenBundle,
) -> None:
    """Like load_state_dict(strict=True), with an error that a person can act on."""
    wanted = module.state_dict()
    problems = [f"missing {name}" for name in wanted if name not in state]
    problems += [f"unknown {name}" for name in state if name not in wanted]
    problems += [
        f"{name} is {list(state[name].shape)}, expected {list(value.shape)}"
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    if problems:
        more = f" and {len(problems) - 8} more" if len(problems) > 8 else ""
        raise error(f"{source} does not fit the model: {'; '.join(problems[:8])}{more}")
    module.load_state_dict(state)


def metadata_of(model: PoseModel, metadata: Metadata) -> Metadata:
    """Fill in what the model itself knows: input, vocabulary, calibration, how to rebuild it."""
    config = model.config
    dataset = metadata.input.dataset
    if dataset is None and getattr(model.encoder, "takes_dataset", False):
        dataset = 0  # a graph with experts cannot run without being told which
    size = {"width": config.width, "height": config.height, "dataset": dataset}
    spec = metadata.input.model_copy(update=size)
    fitted = metadata.calibration.fitted_on
    calibration = CalibrationSpec(**config.calibration.model_dump(), fitted_on=fitted)
    return metadata.model_copy(
        update={
            "input": spec,
            "calibration": calibration,
            "model": config.model_dump(mode="json"),
        }
    )


def new_metadata(name: str, config: PoseConfig, **notes: Any) -> Metadata:
    """A first bundle.json for a model with the library's vocabulary and skeletons."""
    names = skeletons.vocabulary().names
    vocabulary = VocabularySpec(count=len(names), digest=bundles.vocabulary_digest(names))
    values: dict[str, Any] = {
        "name": name,
        "input": InputSpec(width=config.width, height=config.height),
        "vocabulary": vocabulary,
        "skeletons": skeletons.NAMES,
        "model": config.model_dump(mode="json"),
    }
    return Metadata(**{**values, **notes})


def load_model(bundle: Bundle) -> PoseModel:
    """The torch model of a bundle, in eval mode, with its trained weights."""
    model = PoseModel(pose_config(bundle.metadata.model))
    load_weights(model, bundle.path("weights.safetensors"))
    return model.eval()
