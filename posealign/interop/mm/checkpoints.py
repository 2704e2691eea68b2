"""An mmpose configuration and its checkpoint → a bundle.

    posealign convert --from mmpose CONFIG.py CHECKPOINT.pth

The configuration says what a checkpoint's shapes do not: heads, eps, input size, joints. It is
Python and is executed, so it must be one you trust; the checkpoint is read as data. ViTPose's
family converts fully, and so do models that mmengine trained as PoseAlign. Anything else can be
measured beside ours: `kind: mmpose` among the models of an evaluation.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from posealign import bundle as bundles
from posealign.bundle import Bundle, VocabularySpec
from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.export.convert import Conversion, convert_state
from posealign.export.onnx import export_bundle
from posealign.interop.mm import shims
from posealign.interop.mm.skeletons import from_parsed, library_name
from posealign.model.backbone import MEAN, STD
from posealign.model.checkpoint import load_strict, new_metadata
from posealign.model.importing import joint_names
from posealign.model.weights import State, read_state
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import to_json, vocabulary
from posealign.skeletons.skeleton import Skeleton

_INSTEAD = "; measure it as it is: `kind: mmpose` among the models of an evaluation"


def read_config(path: Path) -> Any:
    """The configuration, its `_base_` and custom imports resolved; this executes it."""
    shims.install()
    if not path.is_file():
        raise NotFound(f"there is no configuration {path}")
    try:
        config = import_module("mmengine.config").Config.fromfile(str(path))
    except (SyntaxError, OSError, KeyError, ImportError, AttributeError) as error:
        raise InvalidConfig(f"{path} is no mmengine configuration: {error}") from error
    if "model" not in config:
        raise InvalidConfig(f"{path} has no `model`")
    return config


def convert_mmpose(
    config_file: Path,
    checkpoint: Path,
    name: str,
    folder: Path,
    language: Bundle,
    options: Conversion,
) -> Bundle:
    """Options that were given win over what the configuration says."""
    config = read_config(config_file)
    state = {
        key: value
        for key, value in read_state(checkpoint).items()
        if not key.startswith("data_preprocessor.")
    }
    if str(config.model.type).rsplit(".", 1)[-1] == "PoseAlign":
        return _ours(config, state, checkpoint.name, name, folder, options)
    said = described(config)
    with tempfile.TemporaryDirectory() as scratch:
        joints = options.skeleton or _as_named(skeleton_of(config), Path(scratch))
        given = replace(
            options,
            heads=options.heads or said.heads,
            ln_eps=said.ln_eps if options.ln_eps is None else options.ln_eps,
            input_size=options.input_size or said.input_size,
            trained_size=options.trained_size or said.trained_size,
            skeleton=joints,
        )
        return convert_state(state, checkpoint.name, name, folder, language, given)


def described(config: Any) -> Conversion:
    """What a ViTPose configuration says; every setting our model could not follow is an error."""
    model = config.model
    backbone, head = model.backbone, model.head
    kind = str(backbone.type).rsplit(".", 1)[-1]
    if kind != "VisionTransformer" or head.type != "HeatmapHead":
        raise InvalidConfig(
            f"{backbone.type} with {head.type} is not of ViTPose's family and has no place in our "
            f"model{_INSTEAD}"
        )
    needed = {
        "patch_size": (16, 16), "with_cls_token": (False, True), "final_norm": (True, True),
        "pre_norm": (False, False), "qkv_bias": (True, True), "layer_scale_init_value": (0.0, 0.0),
        "in_channels": (3, 3),
    }  # fmt: skip
    wrong = [
        f"{key}={backbone.get(key, default)!r} (expected {wanted!r})"
        for key, (wanted, default) in needed.items()
        if backbone.get(key, default) != wanted
    ]
    if backbone.get("patch_cfg", {}).get("padding", 0) != 2:
        wrong.append("patch_cfg without padding=2")
    wrong += _wrong_around(model, head)
    if wrong:
        raise InvalidConfig(f"this ViT is not ViTPose's: {'; '.join(wrong)}{_INSTEAD}")
    size = backbone.get("img_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    codec_width, codec_height = head.decoder.input_size
    return Conversion(
        heads=_heads(backbone.get("arch", "base")),
        ln_eps=float(backbone.get("norm_cfg", {}).get("eps", 1e-6)),
        input_size=(int(codec_width), int(codec_height)),
        trained_size=(int(width), int(height)),
    )


def _wrong_around(model: Any, head: Any) -> list[str]:
    wrong = []
    before = model.get("data_preprocessor", {})
    if tuple(before.get("mean", ())) != MEAN or tuple(before.get("std", ())) != STD:
        wrong.append("other mean or std than ImageNet's")
    if not before.get("bgr_to_rgb", False):
        wrong.append("a model that looks at BGR")
    codec = head.get("decoder", {})
    udp = codec.get("type") == "UDPHeatmap" and codec.get("heatmap_type", "gaussian") == "gaussian"
    if not udp or codec.get("blur_kernel_size", 11) != 11:
        wrong.append(f"codec {codec.get('type')} (expected UDPHeatmap, Gaussian, blur 11)")
    neck = model.get("neck")
    if neck is not None and (
        neck.type != "FeatureMapProcessor"
        or neck.get("scale_factor") != 4.0
        or not neck.get("apply_relu", False)
    ):
        wrong.append(f"neck {neck.type} (expected ViTPose's simple one or none)")
    return wrong


def _heads(arch: Any) -> int:
    if isinstance(arch, str):
        zoo = import_module("mmpretrain.models.backbones").VisionTransformer.arch_zoo
        if arch.lower() not in zoo:
            raise InvalidConfig(f"mmpretrain has no VisionTransformer {arch!r}")
        arch = zoo[arch.lower()]
    return int(arch["num_heads"])


def skeleton_of(config: Any) -> Skeleton:
    """Of the data set that the configuration trains or tests on."""
    inference = import_module("mmpose.apis.inference")
    for mode in ("train", "test"):
        meta = inference.dataset_meta_from_config(config, mode)
        if meta is not None:
            return from_parsed(meta)
    raise InvalidConfig("the configuration names no data set; give --skeleton")


def _as_named(found: Skeleton, scratch: Path) -> str:
    name = library_name(found)
    if name is not None:
        return name
    path = scratch / "joints.json"
    path.write_text(json.dumps(to_json(found), ensure_ascii=False), "utf-8")
    return str(path)


def _ours(
    config: Any, state: State, source: str, name: str, folder: Path, options: Conversion
) -> Bundle:
    """A PoseAlign that mmengine trained. Its EMA weights are what mmengine saved as the model's."""
    said: Mapping[str, Any] = config.model
    estimator = import_module("posealign.interop.mm.estimator")
    started = said.get("bundle")
    model, tokenizer = estimator.model_of(
        said.get("pose"), started, said.get("language", "default")
    )
    ours = {key.removeprefix("pose."): value for key, value in state.items()}
    load_strict(model, ours, source, InvalidInput)
    spoken = bundles.find(started or said.get("language", "default"))
    skeleton = load_skeleton(said.get("skeleton", "coco17"))
    trained = [name for name in joint_names(len(skeleton), skeleton) if name is not None]
    vocabulary_spec = new_metadata(name, model.config).vocabulary
    hooks = {str(hook.get("type")) for hook in config.get("custom_hooks", [])}
    before = spoken.metadata if started else None
    metadata = new_metadata(
        name,
        model.config,
        finder=before.finder if before else False,
        select="InstructionSampling" in hooks or bool(before and before.select),
        origin=(f"bundle {started}",) if started else (),
        text=spoken.metadata.text,
        vocabulary=before.vocabulary
        if before
        else VocabularySpec(
            count=vocabulary_spec.count,
            digest=vocabulary_spec.digest,
            trained=tuple(sorted(trained, key=vocabulary().index)),
        ),
        settings=before.settings if before else {},
        training={"trained": "mmengine", "configuration": Path(config.filename).name},
    )
    with torch.no_grad():
        return export_bundle(model.eval(), folder, metadata, tokenizer, options.precision)
