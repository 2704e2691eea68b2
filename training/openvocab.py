"""The open vocabulary: a joint's description → its vector, fitted to the trained joint table.

The text model's last slot reads a description; one linear map takes it to (w, b). It is solved in
closed form over many wordings of each vocabulary joint, so it costs seconds and no tuning.
Shapes: M wordings, T text width, R vector width.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
from torch import Tensor

from posealign.instructions.phrases import phrasebook
from posealign.instructions.query import Part
from posealign.instructions.tokens import batch, load_tokenizer
from posealign.instructions.wording import phrase
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary

RIDGE = 0.03  # of the features' mean square


def descriptions(seed: int, each: int) -> list[tuple[int, str]]:
    """Names, aliases and phrasebook wordings of every vocabulary joint."""
    books, rows = [phrasebook("en"), phrasebook("zh")], []
    for index, joint in enumerate(vocabulary().joints):
        texts = {joint.en, joint.zh, f"the {joint.en}", f"point: {joint.en}", *joint.aliases}
        rng = Random(f"{seed}/{joint.name}")
        for _ in range(each):
            try:
                texts.add(phrase(_part(joint.name), rng, rng.choice(books)))
            except KeyError:  # a point no phrasebook names, such as face_12
                break
        rows += [(index, text) for text in sorted(texts)]
    return rows


def _part(name: str) -> Part:
    from posealign.instructions.query import part  # noqa: PLC0415

    return part(name)


@torch.no_grad()
def read_slot(model: PoseModel, tokenizer_file: Path, texts: list[str]) -> Tensor:
    """[M, T]: what the vector head is given for each text."""
    tokenizer, caught = load_tokenizer(tokenizer_file), []
    head = model.words.vector
    hook = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))  # type: ignore[operator, union-attr]
    try:
        for start in range(0, len(texts), 64):
            model.text(torch.from_numpy(batch(tokenizer, texts[start : start + 64])))
    finally:
        hook.remove()
    return torch.cat(caught)


@torch.no_grad()
def fit_vector_head(model: PoseModel, tokenizer_file: Path, each: int = 12) -> float:
    """Ridge regression onto the joint table; returns the share of variance explained."""
    rows = descriptions(0, each)
    features_MT = read_slot(model, tokenizer_file, [text for _, text in rows]).double()
    target_MR = model.table[torch.tensor([index for index, _ in rows])].double()
    x = torch.cat([features_MT, torch.ones(len(rows), 1).double()], dim=1)
    penalty = RIDGE * float((features_MT**2).mean()) * len(rows) / x.shape[1]
    diagonal = torch.full((x.shape[1],), penalty, dtype=torch.float64)
    diagonal[-1] = 0
    solved = torch.linalg.solve(x.T @ x + torch.diag(diagonal), x.T @ target_MR)
    head = model.words.vector
    head.weight.copy_(solved[:-1].T.float())  # type: ignore[operator, union-attr]
    head.bias.copy_(solved[-1].float())  # type: ignore[operator, union-attr]
    left = ((x @ solved - target_MR) ** 2).sum()
    return float(1 - left / ((target_MR - target_MR.mean(0)) ** 2).sum())
