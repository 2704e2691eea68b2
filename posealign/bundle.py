"""A bundle: one folder with everything needed to answer. No torch, no onnxruntime here.

    bundle.json        what it is: input, vocabulary, text limits, calibration, training, figures
    image.onnx text.onnx select.onnx locate.onnx
    tokenizer.json
    weights.safetensors   to go on training; not needed at run time

The digest covers bundle.json and the content of every file it lists; `load` checks both.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from posealign.errors import BrokenBundle, InvalidInput, NotFound, among, first_fault, nearest

GRAPH_VERSION = 1
GRAPHS = ("image", "text", "select", "locate")
REQUIRED = (*(f"{graph}.onnx" for graph in GRAPHS), "tokenizer.json")
OPTIONAL = ("weights.safetensors",)
# Tensors under this many numbers stay fp32: they cost nothing and hold biases and calibration.
SMALL = 1024
NAME_PATTERN = r"^[a-z0-9][a-z0-9._+-]{0,63}$"


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(_Frozen):
    """`mean` and `std` are for reading only: the image graph takes uint8 RGB and normalises."""

    width: int = Field(ge=32)
    height: int = Field(ge=32)
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    padding: float = Field(default=1.25, gt=0)
    dataset: int | None = Field(default=None, ge=0)  # ViTPose+: the expert to ask for

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


class VocabularySpec(_Frozen):
    """`trained` lists the joints whose vectors were trained; None means all."""

    count: int = Field(ge=1)
    digest: str
    trained: tuple[str, ...] | None = None


class TextSpec(_Frozen):
    """`trained` is False where only the picture side of a bundle was ever trained."""

    max_tokens: int = Field(default=64, ge=4)
    padding_id: int = 0
    languages: tuple[str, ...] = ("en", "zh")
    trained: bool = True


# Numbers that posealign.confidence adds to what the graph says.
SHARES = ("tolerance", "hidden", "spread", "support")


class CalibrationSpec(_Frozen):
    """Bias, slopes and radius are a copy, for reading, of what is inside `locate`; `tolerance` (by
    the logarithm of a joint's OKS sigma), `hidden` (by the log-odds of its being occluded),
    `spread` (by the logarithm of the radius, as a share of the box) and `support` (by the share of
    sights behind the place, less 1) are added to the confidence's log-odds after it. `fitted_on`
    None means never fitted.
    """

    bias: float = 0.0
    slopes: tuple[float, float, float] = (0.0, 1.0, 0.0)
    radius_scale: float = 1.0
    radius_offset: float = 0.0
    tolerance: float = 0.0
    hidden: float = 0.0
    spread: float = 0.0
    support: float = 0.0
    fitted_on: str | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Bundles of before these four say nothing of them, and their digests must hold."""
        rows: dict[str, Any] = write(self)
        return {k: v for k, v in rows.items() if v or k not in SHARES}


class FileSpec(_Frozen):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Metadata(_Frozen):
    """bundle.json. `model` rebuilds the torch module (PoseConfig); the rest is for everybody."""

    name: str = Field(pattern=NAME_PATTERN)
    version: str = "0.1.0"
    graph_version: int = GRAPH_VERSION
    precision: Literal["fp32", "fp16-weights", "fp16", "int8"] = "fp32"
    input: InputSpec
    vocabulary: VocabularySpec
    skeletons: tuple[str, ...]
    text: TextSpec = TextSpec()
    calibration: CalibrationSpec = CalibrationSpec()
    finder: bool = True  # whether the person finder was trained
    select: bool = True  # whether the decoder was; if not, words alone say what is asked
    opset: int = 20
    licence: str = "Apache-2.0"
    origin: tuple[str, ...] = ()  # published weights it started from
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    settings: dict[str, Any] = {}  # defaults for the Predictor, e.g. passes, thresholds
    model: dict[str, Any] = {}
    files: dict[str, FileSpec] = {}
    digest: str = ""


@dataclass(frozen=True)
class Bundle:
    folder: Path
    metadata: Metadata

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def digest(self) -> str:
        return self.metadata.digest

    @property
    def input_size(self) -> tuple[int, int]:
        return self.metadata.input.size

    def image_feeds(self, pixels_BHW3: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """What `image` takes; ViTPose+ also wants to know which dataset's expert to ask."""
        dataset = self.metadata.input.dataset
        if dataset is None:
            return {"pixels": pixels_BHW3}
        return {"pixels": pixels_BHW3, "dataset": np.full(len(pixels_BHW3), dataset, np.int64)}

    @cached_property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.metadata.files.values())

    def path(self, name: str) -> Path:
        """A file of the bundle; NotFound for an optional one that was left out."""
        if name not in self.metadata.files:
            raise NotFound(
                f"bundle {self.name!r} has no {name!r}{nearest(name, self.metadata.files)}"
            )
        path = self.folder / name
        if not path.is_file():
            raise NotFound(f"bundle {self.name!r} came without {name}")
        return path

    def require_vocabulary(self, digest: str) -> None:
        """The graphs' rows are the vocabulary's joints: another vocabulary is another model."""
        if self.metadata.vocabulary.digest != digest:
            raise BrokenBundle(
                f"bundle {self.name!r} was made for another vocabulary "
                f"({self.metadata.vocabulary.digest[:12]}…, this version has {digest[:12]}…); "
                "export it again with this version"
            )


def load(folder: Path, verify: bool = True) -> Bundle:
    """Read and check a bundle. `verify=False` skips hashing the files, not the metadata."""
    path = folder / "bundle.json"
    if not path.is_file():
        raise NotFound(f"{folder} is not a bundle: it has no bundle.json")
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BrokenBundle(f"{path} is not JSON: {error}") from error
    version = raw.get("graph_version") if isinstance(raw, dict) else None
    if version != GRAPH_VERSION:
        raise BrokenBundle(
            f"{folder.name} has graph version {version!r}; this posealign reads {GRAPH_VERSION}: "
            "export the bundle again, or install the posealign it was made with"
        )
    try:
        metadata = Metadata.model_validate(raw)
    except ValidationError as error:
        raise BrokenBundle(f"{path}: {first_fault(error)}") from error
    bundle = Bundle(folder, metadata)
    _check(bundle, verify)
    return bundle


def _check(bundle: Bundle, verify: bool) -> None:
    metadata, name = bundle.metadata, bundle.folder.name
    if metadata.digest != digest_of(metadata):
        raise BrokenBundle(
            f"{name}: bundle.json says digest {metadata.digest[:12] or 'nothing'}, its content is "
            f"{digest_of(metadata)[:12]}: it was changed after it was written"
        )
    for required in REQUIRED:
        if required not in metadata.files:
            raise BrokenBundle(f"{name}: bundle.json does not list {required}")
    for file, spec in metadata.files.items():
        path = bundle.folder / file
        if Path(file).name != file:
            raise BrokenBundle(f"{name}: {file!r} does not lie in the bundle's folder")
        if not path.is_file():
            if file in OPTIONAL:
                continue
            raise BrokenBundle(f"{name}: {file} is missing")
        size = path.stat().st_size
        if size != spec.bytes:
            raise BrokenBundle(f"{name}: {file} has {size} bytes, expected {spec.bytes}")
        if verify and (found := sha256_of(path)) != spec.sha256:
            raise BrokenBundle(
                f"{name}: {file} has digest {found[:12]}…, expected {spec.sha256[:12]}…"
            )


def write(folder: Path, metadata: Metadata) -> Bundle:
    """Describe the files already lying in `folder` and write bundle.json last."""
    present = [name for name in (*REQUIRED, *OPTIONAL) if (folder / name).is_file()]
    missing = sorted(set(REQUIRED) - set(present))
    if missing:
        raise InvalidInput(f"{folder} is not a whole bundle yet: {', '.join(missing)} missing")
    described = {
        name: FileSpec(sha256=sha256_of(folder / name), bytes=(folder / name).stat().st_size)
        for name in present
    }
    metadata = metadata.model_copy(update={"files": described, "digest": ""})
    metadata = metadata.model_copy(update={"digest": digest_of(metadata)})
    text = json.dumps(metadata.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    # A reader must never see half a file.
    partial = folder / "bundle.json.partial"
    partial.write_text(text, "utf-8")
    os.replace(partial, folder / "bundle.json")
    return Bundle(folder, metadata)


def digest_of(metadata: Metadata) -> str:
    """Over everything bundle.json says, file hashes included, but the digest itself."""
    plain = metadata.model_dump(mode="json", exclude={"digest"})
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def vocabulary_digest(names: Iterable[str]) -> str:
    """Of the joint names in their order, which is the order of the graphs' rows."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def embedded() -> Path:
    """The folder of the bundles that lie in the package."""
    return Path(str(files("posealign").joinpath("bundles")))


def home() -> Path:
    """Where pulled and converted bundles lie: $POSEALIGN_HOME/bundles."""
    default = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "posealign"
    return Path(os.environ.get("POSEALIGN_HOME", default)) / "bundles"


def available() -> dict[str, Path]:
    """Bundles by name; a pulled one never hides an embedded one."""
    found: dict[str, Path] = {}
    for root in (home(), embedded()):
        if root.is_dir():
            found |= {p.parent.name: p.parent for p in sorted(root.glob("*/bundle.json"))}
    return found


def find(name: str | os.PathLike[str] = "default", verify: bool = True) -> Bundle:
    """A bundle by name (`default` is the embedded one) or by the path of its folder."""
    known = available()
    if str(name) in known:
        return load(known[str(name)], verify)
    path = Path(name).expanduser()
    if path.name == "bundle.json":
        path = path.parent
    if path.is_dir():
        return load(path, verify)
    raise NotFound(
        f"no bundle is called {str(name)!r}{among(str(name), known)}. "
        "`posealign pull NAME` fetches one, or give the path of a bundle's folder"
    )
