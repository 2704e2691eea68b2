"""A published checkpoint as a PoseModel: its own heatmaps, bit for bit as good as we can, with
our language side attached.

Shapes: J joints of the checkpoint, V vocabulary, R joint vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from posealign.bundle import Bundle
from posealign.errors import InvalidInput
from posealign.model.checkpoint import load_strict, read_safetensors
from posealign.model.config import DecoderConfig, EncoderConfig, PoseConfig, pose_config
from posealign.model.neck import ClassicNeck, SimpleNeck
from posealign.model.pose_model import PoseModel
from posealign.model.weights import Checkpoint, grid_of, resize_positions
from posealign.skeletons import load as skeletons
from posealign.skeletons.skeleton import Skeleton

_BY_COUNT = {17: "coco17", 133: "coco_wholebody133"}
_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


@dataclass(frozen=True)
class Imported:
    """`placed` names the vocabulary joints that the checkpoint knows, in its own row order."""

    model: PoseModel
    placed: tuple[str | None, ...]

    @property
    def trained(self) -> tuple[str, ...]:
        order = skeletons.vocabulary()
        return tuple(sorted((n for n in self.placed if n is not None), key=order.index))


def import_checkpoint(
    checkpoint: Checkpoint,
    source: str,
    ln_eps: float = 1e-6,
    input_size: tuple[int, int] | None = None,
    trained_size: tuple[int, int] | None = None,
    skeleton: Skeleton | None = None,
    language: Bundle | None = None,
    text: nn.Module | None = None,
    decoder: DecoderConfig | None = None,
    dark_kernel: int = 11,
) -> Imported:
    """Sizes are (width, height): `trained_size` of the checkpoint, `input_size` of the new model.

    `language` is the bundle whose text encoder is attached; `text` a ready module instead.
    """
    old = _grid(trained_size) if trained_size else grid_of(checkpoint.positions, source)
    new = _grid(input_size) if input_size else old
    borrowed = pose_config(language.metadata.model) if language is not None else None
    config = PoseConfig(
        encoder=EncoderConfig(name="vit", options=checkpoint.encoder_options(ln_eps)),
        decoder=decoder or DecoderConfig(),
        text=_text_options(borrowed),
        width=new[1] * 16,
        height=new[0] * 16,
        kernel=3 if checkpoint.neck == "simple" else 1,
        target="gaussian",
        dark_kernel=3 if dark_kernel == 3 else 11,
    )
    model = PoseModel(config, text=text)
    state = dict(checkpoint.state)
    state["vit.pos_embed"] = resize_positions(state["vit.pos_embed"], old, new)
    _load_part(model.encoder.get_submodule("vit"), "vit.", state, source)
    _load_part(model.encoder.get_submodule("neck"), "neck.", state, source)
    placed = joint_names(checkpoint.joints, skeleton)
    _place_rows(model, checkpoint.rows(), placed)
    _say_nothing(model)
    if language is not None:
        attach_language(model, language)
    return Imported(model.eval(), placed)


def _grid(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    if width % 16 or height % 16:
        raise InvalidInput(f"input {width}×{height}: sides must be multiples of 16")
    return height // 16, width // 16


def _text_options(borrowed: PoseConfig | None) -> dict[str, object]:
    if borrowed is None:
        return {}
    return {k: v for k, v in borrowed.text.items() if k != "vector_width"}


def _load_part(module: nn.Module, prefix: str, state: dict[str, Tensor], source: str) -> None:
    part = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    if isinstance(module, ClassicNeck | SimpleNeck):
        # A counter that inference never reads, and that some writers leave out.
        for name, value in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                part.setdefault(name, value)
    load_strict(module, part, f"{source} ({prefix[:-1]})", InvalidInput)


def joint_names(count: int, skeleton: Skeleton | None = None) -> tuple[str | None, ...]:
    """The vocabulary joint of each row; None for rows that the vocabulary does not know."""
    if skeleton is None and count == 308:
        return _goliath()
    if skeleton is None:
        if count not in _BY_COUNT:
            raise InvalidInput(
                f"a head with {count} joints is of no skeleton we know (17, 133 or 308); "
                "give the skeleton its rows are of"
            )
        skeleton = skeletons.skeleton(_BY_COUNT[count])
    if len(skeleton) != count:
        raise InvalidInput(
            f"skeleton {skeleton.name!r} has {len(skeleton)} joints, the head has {count}"
        )
    return tuple(j.sources[0][0] if len(j.sources) == 1 else None for j in skeleton.joints)


def _goliath() -> tuple[str | None, ...]:
    """Of Sapiens' 308 points those that are in our vocabulary: body, feet, hands, neck."""
    body = [n for n in skeletons.vocabulary().names[:17] if not n.endswith("wrist")]
    feet = [f"{side}_{p}" for side in ("left", "right") for p in ("big_toe", "small_toe", "heel")]
    hands: list[str] = []
    for side in ("right", "left"):
        hands += [f"{side}_{finger}{joint}" for finger in _FINGERS for joint in (4, 3, 2, 1)]
        hands.append(f"{side}_wrist")
    known = [*body, *feet, *hands]  # 0 to 62
    names: list[str | None] = [*known, *[None] * (308 - len(known))]
    names[69] = "neck"
    return tuple(names)


@torch.no_grad()
def _place_rows(model: PoseModel, rows_JR: Tensor, placed: tuple[str | None, ...]) -> None:
    """Rows of joints that the checkpoint does not know are zero: flat maps, no confidence."""
    if rows_JR.shape[1] != model.vector_width:
        raise InvalidInput(
            f"rows of the last layer have {rows_JR.shape[1]} numbers, expected {model.vector_width}"
        )
    model.table.zero_()
    vocabulary = skeletons.vocabulary()
    for row, name in zip(rows_JR, placed, strict=True):
        if name is not None:
            model.table[vocabulary.index(name)] = row


@torch.no_grad()
def _say_nothing(model: PoseModel) -> None:
    """An untrained decoder must not pretend: no opinion on what is asked, every joint visible."""
    decoder = model.decoder
    for head in (decoder.asked_out[1], decoder.answer_out[1], decoder.joint_heads.state,
                 decoder.joint_heads.z):  # fmt: skip
        for value in head.parameters():
            value.zero_()
    decoder.joint_heads.state.bias.copy_(torch.tensor([-4.0, -2.0, 4.0]))


def attach_language(model: PoseModel, bundle: Bundle) -> tuple[str, ...]:
    """Copy a bundle's text encoder and joint words; returns what did not fit and stays untrained.

    A joint vector made from a description fits only the features it was trained with.
    """
    state = read_safetensors(bundle.path("weights.safetensors"))
    wanted = model.state_dict()
    names = [k for k in wanted if k.startswith("words.") or k == "decoder.joint_words"]
    fitting = {k: state[k] for k in names if k in state and state[k].shape == wanted[k].shape}
    model.load_state_dict(fitting, strict=False)
    return tuple(k for k in names if k not in fitting)
