"""What mmpose 1.3.2 needs to import beside a modern torch and numpy, in one place.

`install()` must run before the first import of mmpose. Each shim says why it is there; none of them
changes a number. Where a part of mmpose truly needs what is stood in for, it says so when it is
built, not when it is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from posealign.errors import InvalidInput, MissingExtra

_COMPILED = ("DeformConv2d", "ModulatedDeformConv2d", "MultiScaleDeformableAttention",
             "SyncBatchNorm")  # fmt: skip


def install() -> None:
    """Idempotent. Raises MissingExtra where the guests are not installed."""
    missing = [name for name in ("mmengine", "mmcv", "mmpose") if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"this needs {', '.join(missing)}: run `make mm`, then .venv-mm/bin/posealign …"
        )
    if "posealign.interop.mm.installed" in sys.modules:
        return
    _cocotools()
    _compiled_operators()
    _detection()
    _no_multimodal()
    _safe_checkpoints()
    _radii()
    sys.modules["posealign.interop.mm.installed"] = ModuleType("installed")


def _stand_in(name: str, **content: object) -> ModuleType:
    """A module of this name with this content, unless a real one can be imported."""
    if name not in sys.modules:
        module = ModuleType(name, "stood in for by posealign.interop.mm.shims")
        vars(module).update(content)
        sys.modules[name] = module
        above, _, last = name.rpartition(".")
        if above in sys.modules:
            setattr(sys.modules[above], last, module)
    return sys.modules[name]


def _cocotools() -> None:
    """xtcocotools' wheel is built against numpy 1 and its source wants a compiler.

    pycocotools does the same, but for two arguments of COCOeval and types of its own that we do
    not offer.
    """
    if find_spec("xtcocotools") is not None:
        return
    coco = import_module("pycocotools.coco")
    judge = import_module("pycocotools.cocoeval").COCOeval

    class COCOeval(judge):  # type: ignore[misc,valid-type]
        """With xtcocotools' `sigmas` and `use_area`."""

        def __init__(
            self,
            cocoGt: Any = None,
            cocoDt: Any = None,
            iouType: str = "keypoints",
            sigmas: Any = None,
            use_area: bool = True,
        ) -> None:
            if iouType != "keypoints":
                raise InvalidInput(f"iou_type {iouType!r} needs xtcocotools; expected 'keypoints'")
            # pycocotools notes a match by the annotation's id, and 0 means none.
            if cocoGt is not None and 0 in cocoGt.anns:
                raise InvalidInput("an annotation has the id 0; COCO's tools count from 1")
            if cocoGt is not None and not use_area:
                for row in cocoGt.anns.values():
                    row["area"] = row["bbox"][2] * row["bbox"][3] * 0.53
            super().__init__(cocoGt, cocoDt, iouType)
            if sigmas is not None:
                self.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)

    _stand_in("xtcocotools")
    _stand_in("xtcocotools.coco", COCO=coco.COCO)
    _stand_in("xtcocotools.cocoeval", COCOeval=COCOeval)
    _stand_in("xtcocotools.mask", **vars(import_module("pycocotools.mask")))


def _compiled_operators() -> None:
    """mmcv-lite has no `mmcv.ops`; building them takes half an hour. EDPose alone wants them."""
    try:
        import_module("mmcv.ops")
    except ImportError:
        _stand_in("mmcv.ops", **{name: _unbuilt(name) for name in _COMPILED})


def _unbuilt(name: str) -> type:
    def refuse(self: object, *_: object, **__: object) -> None:
        raise MissingExtra(f"{name} needs mmcv with compiled operators; `make mm` has mmcv-lite")

    return type(name, (), {"__init__": refuse})


def _detection() -> None:
    """RTMO imports two names of mmdet, a type and the mean over processes."""
    if find_spec("mmdet") is not None:
        return
    config = import_module("mmengine.config")
    dist = import_module("mmengine.dist")

    def reduce_mean(tensor: Any) -> Any:
        if dist.get_world_size() == 1:
            return tensor
        tensor = tensor.clone().div_(dist.get_world_size())
        dist.all_reduce(tensor)
        return tensor

    _stand_in("mmdet")
    _stand_in("mmdet.utils", ConfigType=config.ConfigDict | dict, reduce_mean=reduce_mean)


def _no_multimodal() -> None:
    """mmpretrain's captioning models import names that transformers 5 no longer has."""
    if find_spec("mmpretrain") is not None:
        setattr(import_module("mmpretrain.utils.dependency"), "WITH_MULTIMODAL", False)  # noqa: B010


def _safe_checkpoints() -> None:
    """mmengine resumes with torch.load, which since torch 2.6 reads tensors and nothing else.

    mmengine's own checkpoints also hold numpy arrays and HistoryBuffers. Naming these keeps the
    safe reading for every file, where TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD would run foreign code.
    """
    import torch  # noqa: PLC0415 - where mmengine is, torch is

    buffer = import_module("mmengine.logging").HistoryBuffer
    arrays = import_module("numpy._core.multiarray")

    def statistic(owner: object, name: str) -> object:
        """In a checkpoint `getattr` may only fetch a HistoryBuffer's methods, by their names."""
        if owner is not buffer or name not in ("mean", "max", "min", "current"):
            raise InvalidInput(f"a checkpoint asks for getattr({owner!r}, {name!r}); refused")
        return getattr(buffer, name)

    found: list[Any] = [buffer, np.ndarray, np.dtype, (statistic, "builtins.getattr")]
    found += [kind for kind in vars(np.dtypes).values() if isinstance(kind, type)]
    for module in ("numpy._core.multiarray", "numpy.core.multiarray"):  # numpy 2's and numpy 1's
        found += [(arrays._reconstruct, f"{module}._reconstruct"),
                  (arrays.scalar, f"{module}.scalar")]  # fmt: skip
    torch.serialization.add_safe_globals(found)


def _radii() -> None:
    """mmpose draws joints with int(np.array([radius])), which numpy 2.4 no longer takes."""
    module = import_module("mmpose.visualization.opencv_backend_visualizer")
    visualizer = module.OpencvBackendVisualizer
    draw = visualizer.draw_circles

    def draw_circles(self: Any, center: Any, radius: Any, *rest: Any, **options: Any) -> Any:
        number = np.asarray(radius).item() if self.backend == "opencv" else radius
        return draw(self, center, number, *rest, **options)

    visualizer.draw_circles = draw_circles
