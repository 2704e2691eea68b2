"""A tiny trained model and its caches, made once for all tests of alignment."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from posealign.config import load_config
from training.sft import SftConfig
from training.sft import train as sft
from training.tune_config import TuneConfig

CONFIGS = Path(__file__).parents[2] / "configs"


@cache
def start() -> Path:
    """A checkpoint of three supervised steps."""
    out = Path(mkdtemp(prefix="posealign-tiny-"))
    sft(load_config(SftConfig, CONFIGS / "sft_tiny.yaml", [f"out={out}", "steps=3"]))
    return out / "last.pt"


def tiny(out: Path, *overrides: str) -> TuneConfig:
    """The tiny recipe; caches lie beside the checkpoint and are shared."""
    folder = start().parent / "cache"
    return load_config(TuneConfig, CONFIGS / "tune_tiny.yaml",
                       [f"out={out}", f"weights_from={start()}", f"cache={folder}",
                        *overrides])  # fmt: skip
