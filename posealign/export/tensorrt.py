"""TensorRT engines of a bundle: through TensorRT's own API, or ONNX Runtime's provider.

Both need an NVIDIA GPU here and now; an engine fits the GPU and the version it was built with.
Profiles say for which batches, text lengths and numbers of joints it is fast.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from posealign.bundle import GRAPHS, Bundle
from posealign.errors import InvalidInput, Unavailable
from posealign.runtime.session import onnxruntime, session_options

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """Smallest, usual and largest values of the free dimensions."""

    batch: tuple[int, int, int] = (1, 4, 32)
    length: tuple[int, int, int] = (1, 16, 64)
    joints: tuple[int, int, int] = (1, 17, 148)

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            if not 1 <= values[0] <= values[1] <= values[2]:
                raise InvalidInput(
                    f"profile of {name} is {values}; expected 1 ≤ smallest ≤ usual ≤ largest"
                )

    def of(self, dimension: str) -> tuple[int, int, int]:
        return {"B": self.batch, "L": self.length, "K": self.joints}[dimension]


def shapes(bundle: Bundle, graph: str, profile: Profile) -> dict[str, tuple[Shape, Shape, Shape]]:
    """Input → its (smallest, usual, largest) shape, read off the graph itself."""
    proto = onnx.load(bundle.path(f"{graph}.onnx"), load_external_data=False)
    found = {}
    for value in proto.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        sizes = [profile.of(d.dim_param) if d.dim_param else (d.dim_value,) * 3 for d in dimensions]
        smallest, usual, largest = (tuple(size[i] for size in sizes) for i in range(3))
        found[value.name] = (smallest, usual, largest)
    return found


def build(
    bundle: Bundle,
    folder: Path,
    profile: Profile = Profile(),
    fp16: bool = True,
    workspace_mb: int = 4096,
    say: Callable[[str], None] = print,
) -> dict[str, str]:
    """Engines and a timing cache in `folder`; returns graph → file. `locate` stays fp32."""
    folder.mkdir(parents=True, exist_ok=True)
    how = _builder()
    made = {}
    for graph in GRAPHS:
        say(f"building {graph} (minutes; later builds reuse {folder / 'timing.cache'})")
        made[graph] = how(bundle, graph, folder, profile, fp16 and graph != "locate", workspace_mb)
    notes = {
        "bundle": bundle.name,
        "digest": bundle.digest,
        "fp16": fp16,
        "profile": {name: list(values) for name, values in vars(profile).items()},
        "engines": made,
    }
    (folder / "engines.json").write_text(json.dumps(notes, indent=1) + "\n", "utf-8")
    return made


def _builder() -> Callable[..., str]:
    """TensorRT's API where it is installed, else ONNX Runtime's provider, else why not."""
    if find_spec("tensorrt") is not None:
        return _with_api
    if "TensorrtExecutionProvider" not in onnxruntime().get_available_providers():
        raise Unavailable(
            "building TensorRT engines needs an NVIDIA GPU and either the package `tensorrt` or "
            "onnxruntime-gpu (posealign[gpu]); this machine has neither. The ONNX files run "
            "everywhere, and `--provider cuda` needs no engine"
        )
    return _with_onnxruntime


def _with_api(
    bundle: Bundle, graph: str, folder: Path, profile: Profile, fp16: bool, workspace_mb: int
) -> str:
    trt: Any = import_module("tensorrt")
    logger = trt.Logger(trt.Logger.WARNING)
    try:
        builder = trt.Builder(logger)
    except Exception as error:  # without a driver the constructor itself fails
        raise Unavailable(
            f"TensorRT is installed but found no GPU to build for: {error}"
        ) from error
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(bundle.path(f"{graph}.onnx").read_bytes()):
        reasons = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise Unavailable(f"TensorRT {trt.__version__} cannot read {graph}.onnx: {reasons}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mb * 2**20)
    if fp16 and hasattr(trt.BuilderFlag, "FP16"):
        config.set_flag(trt.BuilderFlag.FP16)
    ranges = builder.create_optimization_profile()
    for name, (smallest, usual, largest) in shapes(bundle, graph, profile).items():
        ranges.set_shape(name, smallest, usual, largest)
    config.add_optimization_profile(ranges)
    cache = folder / "timing.cache"
    timings = config.create_timing_cache(cache.read_bytes() if cache.is_file() else b"")
    config.set_timing_cache(timings, ignore_mismatch=False)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise Unavailable(f"TensorRT could not build {graph}; its log above says why")
    cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    path = folder / f"{graph}.engine"
    path.write_bytes(bytes(engine))
    return path.name


def provider_options(
    bundle: Bundle, graph: str, folder: Path, profile: Profile, fp16: bool, workspace_mb: int
) -> dict[str, str]:
    """Of ONNX Runtime's TensorRT provider; the same ones find the cached engine again."""
    ranges = shapes(bundle, graph, profile)

    def written(which: int) -> str:
        rows = (f"{name}:{'x'.join(map(str, row[which]))}" for name, row in ranges.items())
        return ",".join(rows)

    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(folder),
        "trt_engine_cache_prefix": f"posealign_{graph}",
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": str(fp16),
        "trt_max_workspace_size": str(workspace_mb * 2**20),
        "trt_profile_min_shapes": written(0),
        "trt_profile_opt_shapes": written(1),
        "trt_profile_max_shapes": written(2),
    }


def _with_onnxruntime(
    bundle: Bundle, graph: str, folder: Path, profile: Profile, fp16: bool, workspace_mb: int
) -> str:
    name = "TensorrtExecutionProvider"
    options = provider_options(bundle, graph, folder, profile, fp16, workspace_mb)
    session = onnxruntime().InferenceSession(
        str(bundle.path(f"{graph}.onnx")), session_options(), providers=[(name, options)]
    )
    if session.get_providers()[0] != name:
        raise Unavailable(
            "onnxruntime lists the TensorRT provider but could not load it: driver, CUDA or "
            "TensorRT libraries are missing"
        )
    # The engine is built at the first run, not when the session opens.
    kinds = {"tensor(uint8)": np.uint8, "tensor(int64)": np.int64, "tensor(float)": np.float32}
    usual = {key: row[1] for key, row in shapes(bundle, graph, profile).items()}
    feeds = {i.name: np.ones(usual[i.name], kinds[i.type]) for i in session.get_inputs()}
    session.run(None, feeds)
    engines = sorted(folder.glob(f"posealign_{graph}*.engine"))
    if not engines:
        raise Unavailable(f"onnxruntime wrote no engine for {graph} into {folder}")
    return engines[-1].name
