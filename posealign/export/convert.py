"""A published checkpoint file → a bundle with the language side of another bundle attached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posealign import bundle as bundles
from posealign.bundle import Bundle, InputSpec, VocabularySpec
from posealign.errors import InvalidInput
from posealign.export.onnx import export_bundle
from posealign.model.checkpoint import new_metadata
from posealign.model.importing import import_checkpoint
from posealign.model.pretrained import hub_config
from posealign.model.weights import Checkpoint, State, convert, read_state
from posealign.skeletons.load import skeleton as load_skeleton

LICENCES = {
    False: "Apache-2.0",
    True: "Sapiens licence (Meta; not Apache-2.0, read it before any use: "
    "https://github.com/facebookresearch/sapiens/blob/main/LICENSE)",
}


@dataclass(frozen=True)
class Conversion:
    """What the file itself does not say; None means read it off the file or its config.json."""

    heads: int | None = None
    head_index: int = 0
    dataset: int | None = None  # ViTPose+: the expert to ask for; by default that of the head
    ln_eps: float | None = None
    input_size: tuple[int, int] | None = None
    trained_size: tuple[int, int] | None = None
    skeleton: str | None = None
    precision: str = "fp32"


def convert_file(
    path: Path,
    name: str,
    folder: Path,
    language: Bundle,
    options: Conversion = Conversion(),
    origin: str | None = None,
) -> Bundle:
    """Read, rename strictly, attach the language side, export. The file is never executed."""
    given = _with_config(path, options)
    return convert_state(read_state(path), path.name, name, folder, language, given, origin)


def convert_state(
    state: State,
    source: str,
    name: str,
    folder: Path,
    language: Bundle,
    given: Conversion,
    origin: str | None = None,
) -> Bundle:
    """As `convert_file`, for tensors that were read already; `source` names them in errors."""
    checkpoint = convert(state, source, given.heads, given.head_index)
    found = import_checkpoint(
        checkpoint,
        source,
        ln_eps=1e-6 if given.ln_eps is None else given.ln_eps,
        input_size=given.input_size,
        trained_size=given.trained_size,
        skeleton=load_skeleton(given.skeleton) if given.skeleton else None,
        language=language,
        # transformers' own processor smooths with 3 cells, ViTPose and mmpose with 11.
        dark_kernel=3 if checkpoint.layout == "huggingface" else 11,
    )
    if not found.trained:
        raise InvalidInput(f"{source}: none of its joints is in the vocabulary")
    vocabulary = new_metadata(name, found.model.config).vocabulary
    metadata = new_metadata(
        name,
        found.model.config,
        licence=LICENCES[checkpoint.sapiens],
        origin=(origin or source,),
        finder=False,
        select=False,
        vocabulary=VocabularySpec(
            count=vocabulary.count, digest=vocabulary.digest, trained=found.trained
        ),
        input=InputSpec(
            width=found.model.config.width,
            height=found.model.config.height,
            dataset=_dataset(checkpoint, given, source),
        ),
        text=language.metadata.text,
        training={"imported": checkpoint.layout, "language": language.name},
    )
    return export_bundle(
        found.model, folder, metadata, language.path("tokenizer.json"), given.precision
    )


def _with_config(path: Path, options: Conversion) -> Conversion:
    """Beside Hugging Face weights lies config.json: it knows eps, heads and input size."""
    beside = path.parent / "config.json"
    if path.suffix != ".safetensors" or not beside.is_file():
        return options
    said = hub_config(beside)
    return Conversion(
        options.heads or said.heads,
        options.head_index,
        options.dataset,
        said.ln_eps if options.ln_eps is None else options.ln_eps,
        options.input_size,
        options.trained_size or said.size,
        options.skeleton,
        options.precision,
    )


def _dataset(checkpoint: Checkpoint, options: Conversion, source: str) -> int | None:
    if checkpoint.experts == 1:
        if options.dataset is not None:
            raise InvalidInput(f"{source} has no experts; a dataset index means nothing to it")
        return None
    dataset = options.head_index if options.dataset is None else options.dataset
    if not 0 <= dataset < checkpoint.experts:
        raise InvalidInput(f"{source} has experts 0 to {checkpoint.experts - 1}, not {dataset}")
    return dataset


def target_folder(name: str, output: Path | None) -> Path:
    """Where a new bundle goes; a name must not hide an embedded one."""
    if output is not None:
        return output
    if (bundles.embedded() / name).is_dir():
        raise InvalidInput(f"{name!r} is an embedded bundle; choose another --name")
    return bundles.home() / name
