"""Published pose checkpoints → our names, strictly: Hugging Face, official, mmpose, Sapiens.

Ours are the official names without prefix: vit.*, neck.* and final.{weight, bias}, the last
convolution, whose rows become joint vectors. Every key must be known, present and of the right
shape; an error names those that are not. Files are read as tensors only, never as code.
Shapes: N tokens, D width, J joints of the checkpoint, C channels.
"""

from __future__ import annotations

import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from posealign.errors import InvalidInput, NotFound, nearest
from posealign.model.backbone import SIZES

State = dict[str, Tensor]

# (pattern, ours), tried in order. {q,k,v} are joined after renaming.
_HF = (
    (r"backbone\.embeddings\.position_embeddings$", "vit.pos_embed"),
    (r"backbone\.embeddings\.patch_embeddings\.projection\.", "vit.patch_embed.proj."),
    (r"backbone\.encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.",
     r"vit.blocks.\1.attn.\2."),
    (r"backbone\.encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"vit.blocks.\1.attn.proj."),
    (r"backbone\.encoder\.layer\.(\d+)\.layernorm_before\.", r"vit.blocks.\1.norm1."),
    (r"backbone\.encoder\.layer\.(\d+)\.layernorm_after\.", r"vit.blocks.\1.norm2."),
    (r"backbone\.encoder\.layer\.(\d+)\.mlp\.experts\.(?:experts\.)?(\d+)\.",
     r"vit.blocks.\1.mlp.experts.\2."),
    (r"backbone\.encoder\.layer\.(\d+)\.mlp\.", r"vit.blocks.\1.mlp."),
    (r"backbone\.layernorm\.", "vit.last_norm."),
    (r"head\.deconv1\.", "neck.deconv_layers.0."),
    (r"head\.batchnorm1\.", "neck.deconv_layers.1."),
    (r"head\.deconv2\.", "neck.deconv_layers.3."),
    (r"head\.batchnorm2\.", "neck.deconv_layers.4."),
    (r"head\.conv\.", "final."),
)  # fmt: skip
_OFFICIAL = (
    (r"backbone\.(pos_embed$|patch_embed\.proj\.|last_norm\.)", r"vit.\1"),
    (r"backbone\.(blocks\.\d+\.(?:norm[12]|attn\.qkv|attn\.proj|mlp\.fc[12]|mlp\.experts\.\d+)\.)",
     r"vit.\1"),
    (r"keypoint_head\.(deconv_layers\.[0134]\.)", r"neck.\1"),
    (r"keypoint_head\.final_layer\.", "final."),
)  # fmt: skip
_MMPOSE = (
    (r"backbone\.pos_embed$", "vit.pos_embed"),
    (r"backbone\.patch_embed\.projection\.", "vit.patch_embed.proj."),
    (r"backbone\.layers\.(\d+)\.ln([12])\.", r"vit.blocks.\1.norm\2."),
    (r"backbone\.layers\.(\d+)\.attn\.(qkv|proj)\.", r"vit.blocks.\1.attn.\2."),
    (r"backbone\.layers\.(\d+)\.ffn\.layers\.0\.0\.", r"vit.blocks.\1.mlp.fc1."),
    (r"backbone\.layers\.(\d+)\.ffn\.layers\.1\.", r"vit.blocks.\1.mlp.fc2."),
    (r"backbone\.ln1\.", "vit.last_norm."),
    (r"head\.(deconv_layers\.[0134]\.|conv_layers\.[0134]\.)", r"neck.\1"),
    (r"head\.final_layer\.", "final."),
)  # fmt: skip
LAYOUTS = {"huggingface": _HF, "official": _OFFICIAL, "mmpose": _MMPOSE}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint under our names, and what its shapes say."""

    layout: str
    state: State
    width: int
    depth: int
    heads: int
    experts: int
    part: int
    neck: str  # classic | simple
    neck_channels: int
    neck_convs: tuple[int, ...]
    neck_norm: str  # batch | instance (Sapiens)
    joints: int
    positions: int  # tokens the position embedding was made for

    @property
    def sapiens(self) -> bool:
        return self.neck_norm == "instance"

    def encoder_options(self, ln_eps: float) -> dict[str, object]:
        return {
            "size": (self.width, self.depth, self.heads), "ln_eps": ln_eps,
            "experts": self.experts, "part": self.part, "neck": self.neck,
            "neck_channels": self.neck_channels, "neck_convs": self.neck_convs,
            "neck_norm": self.neck_norm,
        }  # fmt: skip

    def rows(self) -> Tensor:
        """[J, C·k² + 1]: the last convolution as joint vectors."""
        weight, bias = self.state["final.weight"], self.state["final.bias"]
        return torch.cat([weight.flatten(1), bias[:, None]], 1).float()


def read_state(path: Path) -> State:
    """Tensors by name from .safetensors or .pth; pickles that hold code are refused."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols; tensors or refused, as below
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InvalidInput(
            f"{path.name} is not just tensors, and opening it could run foreign code; it was not "
            "opened. Save its state_dict alone (torch.save(model.state_dict(), …) or safetensors) "
            "on a machine that may trust it"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise InvalidInput(f"{path.name} is no checkpoint: {error}") from error
    while isinstance(found, dict) and isinstance(found.get("state_dict", found.get("model")), dict):
        found = found.get("state_dict", found.get("model"))
    state = (
        {k: v for k, v in found.items() if isinstance(v, Tensor)} if hasattr(found, "items") else {}
    )
    if not state:
        raise InvalidInput(f"{path.name} holds no tensors by name")
    return {name.removeprefix("module."): value for name, value in state.items()}


def convert(state: State, source: str, heads: int | None = None, head_index: int = 0) -> Checkpoint:
    """Recognise the layout, rename every key, and read the sizes off the shapes.

    `heads` is asked for only where the width is of no known model. `head_index` chooses among the
    heads of official multi-dataset checkpoints: 0 is keypoint_head, i is associate head i - 1.
    """
    layout = layout_of(state, source)
    renamed = _rename(_choose_head(state, head_index, source), layout, source)
    if layout == "huggingface":
        renamed = _join_qkv(renamed, source)
    for name in ("vit.pos_embed", "vit.patch_embed.proj.weight", "final.weight", "final.bias"):
        if name not in renamed:
            raise InvalidInput(f"{source}: {name} is missing from this {layout} checkpoint")
    width = int(renamed["vit.patch_embed.proj.weight"].shape[0])
    known = {size.width: size.heads for size in SIZES.values()}
    if heads is None and width not in known:
        raise InvalidInput(
            f"{source}: width {width} is of no known size ({', '.join(map(str, known))}); "
            "give the number of attention heads"
        )
    if layout == "mmpose":
        # mmpretrain has no class position; ours is added to every token, so it is zero.
        zero = torch.zeros_like(renamed["vit.pos_embed"][:, :1])
        renamed["vit.pos_embed"] = torch.cat([zero, renamed["vit.pos_embed"]], 1)
    return _measure(layout, renamed, width, heads or known[width])


def layout_of(state: State, source: str) -> str:
    marks = {
        "huggingface": "backbone.embeddings.position_embeddings",
        "official": "backbone.blocks.0.norm1.weight",
        "mmpose": "backbone.layers.0.ln1.weight",
    }
    for layout, mark in marks.items():
        if mark in state:
            return layout
    first = next(iter(state), "nothing")
    raise InvalidInput(
        f"{source} is no ViTPose checkpoint we know (Hugging Face, official, mmpose or Sapiens): "
        f"its first key is {first!r}{nearest(first, marks.values())}"
    )


def _choose_head(state: State, head_index: int, source: str) -> State:
    """Of official multi-dataset checkpoints keep one head, under the name keypoint_head."""
    others = {k for k in state if k.startswith("associate_keypoint_heads.")}
    kept = {k: v for k, v in state.items() if k not in others}
    if head_index == 0:
        return kept
    prefix = f"associate_keypoint_heads.{head_index - 1}."
    if not any(name.startswith(prefix) for name in others):
        count = len({name.split(".")[1] for name in others})
        raise InvalidInput(f"{source} has heads 0 to {count}, not {head_index}")
    kept = {k: v for k, v in kept.items() if not k.startswith("keypoint_head.")}
    chosen = {k.replace(prefix, "keypoint_head.", 1): state[k] for k in others if prefix in k}
    return kept | chosen


def _rename(state: State, layout: str, source: str) -> State:
    renamed: State = {}
    unknown = []
    for name, value in state.items():
        for pattern, ours in LAYOUTS[layout]:
            if re.match(pattern, name):
                renamed[re.sub(f"^{pattern}", ours, name)] = value
                break
        else:
            unknown.append(name)
    if unknown:
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        raise InvalidInput(f"{source} ({layout}) has unknown keys: {', '.join(unknown[:8])}{more}")
    return renamed


def _join_qkv(state: State, source: str) -> State:
    joined = {k: v for k, v in state.items() if not re.search(r"attn\.(query|key|value)\.", k)}
    for name in [k for k in state if ".attn.query." in k]:
        parts = [name.replace("query", part) for part in ("query", "key", "value")]
        missing = [part for part in parts if part not in state]
        if missing:
            raise InvalidInput(f"{source}: {missing[0]} is missing")
        joined[name.replace("query", "qkv")] = torch.cat([state[part] for part in parts])
    return joined


def _measure(layout: str, state: State, width: int, heads: int) -> Checkpoint:
    blocks = {int(k.split(".")[2]) for k in state if k.startswith("vit.blocks.")}
    experts = {k.split(".")[5] for k in state if ".mlp.experts." in k}
    first = state.get("vit.blocks.0.mlp.experts.0.weight")
    deconv = state.get("neck.deconv_layers.0.weight")
    convs = tuple(
        int(state[f"neck.conv_layers.{index}.weight"].shape[0])
        for index in (0, 3)
        if f"neck.conv_layers.{index}.weight" in state
    )
    norm = "batch" if deconv is None or "neck.deconv_layers.1.weight" in state else "instance"
    return Checkpoint(
        layout,
        state,
        width,
        len(blocks),
        heads,
        max(1, len(experts)),
        int(first.shape[0]) if first is not None else 0,
        "simple" if deconv is None else "classic",
        int(deconv.shape[1]) if deconv is not None else 256,
        convs,
        norm,
        int(state["final.weight"].shape[0]),
        int(state["vit.pos_embed"].shape[1]) - 1,
    )


def grid_of(positions: int, source: str) -> tuple[int, int]:
    """Rows and columns of a 4:3 portrait input with this many tokens: 192 → 16×12."""
    unit = round((positions / 12) ** 0.5)
    if 12 * unit * unit != positions:
        raise InvalidInput(
            f"{source}: {positions} position embeddings are of no 4:3 input; give its input size"
        )
    return 4 * unit, 3 * unit


def resize_positions(pos_1ND: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Position embeddings for another input size: the class position stays, the grid is bicubic."""
    if old == new:
        return pos_1ND
    grid = pos_1ND[:, 1:].transpose(1, 2).unflatten(2, old)
    resized = functional.interpolate(grid, size=new, mode="bicubic", align_corners=False)
    return torch.cat([pos_1ND[:, :1], resized.flatten(2).transpose(1, 2)], 1)
