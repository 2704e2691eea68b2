"""A bundle's graphs as plain functions: arrays in, arrays out.

`open_graphs` gives a dict with the functions `image`, `text`, `select` and `locate`; everything
above does not know what runs them. Whoever else opens an ONNX file does it with `open_session`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from posealign.errors import BrokenBundle, InvalidInput, MissingExtra, Unavailable, among
from posealign.runtime.cores import usable_cores

Arrays = dict[str, NDArray[Any]]
Graph = Callable[[Arrays], Arrays]
GRAPHS = ("image", "text", "select", "locate")
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


@dataclass(frozen=True)
class Graphs:
    """The four functions, and what runs them."""

    functions: Mapping[str, Graph]
    provider: str

    def __getitem__(self, name: str) -> Graph:
        return self.functions[name]


def open_graphs(folder: Path, provider: str = "auto", threads: int | None = None) -> Graphs:
    """Open `image.onnx` and so on; `auto` takes the best provider that really loads."""
    if provider == "torch":
        return _torch_graphs(folder, threads)
    sessions = {name: open_session(folder / f"{name}.onnx", provider, threads) for name in GRAPHS}
    used = {session.get_providers()[0] for session in sessions.values()}
    name = next(key for key, value in PROVIDERS.items() if value == min(used))
    return Graphs({key: as_graph(session) for key, session in sessions.items()}, name)


def _torch_graphs(folder: Path, threads: int | None) -> Graphs:
    # By name: nothing that a server imports may reach torch.
    try:
        module = import_module("posealign.model.torch_graphs")
    except ModuleNotFoundError as error:
        raise MissingExtra("provider torch needs torch: pip install 'posealign[train]'") from error
    return Graphs(*module.open_torch_graphs(folder, threads))


def as_graph(session: Any) -> Graph:
    """A session as a function; arrays that it does not take are left out."""
    outputs = [output.name for output in session.get_outputs()]
    inputs = {value.name for value in session.get_inputs()}

    def run(arrays: Arrays) -> Arrays:
        feeds = {name: value for name, value in arrays.items() if name in inputs}
        return dict(zip(outputs, session.run(outputs, feeds), strict=True))

    return run


def open_session(
    path: Path, provider: str = "cpu", threads: int | None = None, options: Any = None
) -> Any:
    """An onnxruntime session; `options` replaces those of `session_options(threads)`."""
    ort = onnxruntime()
    if not path.is_file():
        raise BrokenBundle(f"{path.parent.name} has no {path.name}")
    wanted = _wanted(provider, ort.get_available_providers())
    options = options or session_options(threads)
    try:
        session = ort.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # onnxruntime raises its own many kinds
        raise BrokenBundle(f"{path.name} cannot be opened: {error}") from error
    if provider not in ("auto", "cpu") and session.get_providers()[0] != PROVIDERS[provider]:
        raise Unavailable(
            f"provider {provider} is listed but could not be loaded (driver, CUDA or cuDNN "
            f"missing?); `--provider cpu` works here"
        )
    return session


def session_options(threads: int | None = None) -> Any:
    options = onnxruntime().SessionOptions()
    # From node to node the threads wait awake, for waking one takes longer than a small node does,
    # and a node that runs on one thread takes 60 to 300 µs. Not for longer, and never between runs:
    # they would steal the core from whoever needs it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", "300")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _wanted(provider: str, available: list[str]) -> list[str]:
    if provider != "auto" and provider not in PROVIDERS:
        choices = ("auto", *PROVIDERS, "torch")
        raise InvalidInput(f"no provider is called {provider!r}{among(provider, choices)}")
    if provider == "auto":
        # TensorRT builds engines for minutes: it is taken only when asked for.
        order = [PROVIDERS["cuda"], PROVIDERS["cpu"]]
        return [name for name in order if name in available]
    if PROVIDERS[provider] not in available:
        raise Unavailable(
            f"provider {provider} is not in this onnxruntime ({', '.join(available)}); "
            "install posealign[gpu] instead of posealign[cpu] on a machine with a GPU"
        )
    ranked = dict.fromkeys((PROVIDERS[provider], PROVIDERS["cuda"], PROVIDERS["cpu"]))
    return [name for name in ranked if name in available]


def onnxruntime() -> Any:
    """The module, or which extra brings it."""
    try:
        return import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "running a bundle needs onnxruntime: pip install 'posealign[cpu]' or 'posealign[gpu]'"
        ) from error
