"""Makes torchvision's wheel import on a CPU build of torch.

torchvision registers fake kernels for `torchvision::nms` at import; where its compiled library
does not load (a wheel built for CUDA beside a CPU torch), the operators have no schema and the
import fails, and with it timm's and transformers' image processors. Declaring the schemas is
enough; `torchvision.ops.nms` itself still raises. Declaring them twice would abort the process,
hence the checks. `import posealign` installs the hook below: torch is touched only when somebody
imports torchvision, so the core stays free of it.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[Any] = []  # the schemas live as long as their torch.library.Library


class _BeforeTorchvision:
    """A finder that finds nothing: it declares the schemas just before torchvision loads."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            declare_schemas()
        return None


def install() -> None:
    """Idempotent; does nothing once torchvision is imported."""
    there = any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path)
    if not there and "torchvision" not in sys.modules:
        sys.meta_path.insert(0, _BeforeTorchvision())


def declare_schemas() -> bool:
    """Declare the missing operator schemas; True where that was needed."""
    if _kept or find_spec("torch") is None:
        return bool(_kept)
    import torch  # noqa: PLC0415 - the core has no torch

    if torch.version.cuda is not None or _compiled_operators_load(torch):
        return False
    library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        library.define(schema)
    _kept.append(library)
    return True


def _compiled_operators_load(torch: Any) -> bool:
    spec = find_spec("torchvision")
    folders = spec.submodule_search_locations if spec is not None else None
    for path in (path for folder in folders or [] for path in Path(folder).glob("_C*.so")):
        try:
            torch.ops.load_library(str(path))
        except OSError:
            return False
        return True
    return False
