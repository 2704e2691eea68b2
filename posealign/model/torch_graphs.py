"""A bundle's four graphs run by torch: the same functions that runtime/session.py opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posealign import bundle as bundles
from posealign.model.checkpoint import load_model

Arrays = dict[str, NDArray[Any]]


def open_torch_graphs(
    folder: Path, threads: int | None = None
) -> tuple[dict[str, Callable[[Arrays], Arrays]], str]:
    """The functions by name, and the device that runs them: a GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    model = load_model(bundles.load(folder)).to(device).eval()
    orders = {
        "image": ("pixels", "dataset"),
        "text": ("ids",),
        "select": ("tokens", "text_tokens", "ids", "crop"),
        "locate": ("features", "vectors"),
    }
    functions = {
        graph: _function(getattr(model, graph), inputs, device) for graph, inputs in orders.items()
    }
    return functions, f"torch-{device.type}"


def _function(
    run: Callable[..., dict[str, Tensor]], inputs: tuple[str, ...], device: torch.device
) -> Callable[[Arrays], Arrays]:
    def call(arrays: Arrays) -> Arrays:
        with torch.inference_mode():
            given = [
                torch.from_numpy(np.ascontiguousarray(arrays[name])).to(device)
                for name in inputs
                if name in arrays
            ]
            return {name: value.cpu().numpy() for name, value in run(*given).items()}

    return call
