"""Stage 0, alignment: joints in the picture and joints in words share one space.

    python -m training.align configs/align_tiny.yaml key=value …

LLaVA's first stage with CLIP's loss: backbone and text encoder stay as they are; a projector
learns to bring what the feature map holds at a joint to the joint's words (symmetric InfoNCE over
joints), and the pooled picture to the text of the pose (over pictures). The projector then gives
the joint table its start: the words of a joint, read back into the features' space.
Shapes: B batch, J joints that someone labelled, C feature channels, T text width.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from posealign.config import Config, load_config
from posealign.data.augment import Augmentation
from posealign.data.mixture import Mixture
from posealign.model.config import PoseConfig
from posealign.model.pose_model import PoseModel
from training import loop
from training.judging import pixels_per_cell
from training.people import People
from training.sources import open_shard
from training.starting import load_text, start_from, text_options


class AlignConfig(Config):
    out: str
    shards: dict[str, str]
    weights: dict[str, float]
    stem: str | None = None
    weights_from: str | None = None
    text_from: str | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    augment: dict[str, Any] = Field(default_factory=dict)
    width: int = Field(128, ge=8)  # of the shared space
    steps: int = Field(500, ge=1)
    batch: int = Field(32, ge=2)
    rate: float = Field(1e-3, gt=0)
    warmup: int = 20
    weight_decay: float = 0.01
    ema: float = 0.99
    seed: int = 0
    threads: int = 2
    workers: int = 0
    save_every: int = 100


class Projector(nn.Module):
    """Two linear maps into one space and a temperature, as in CLIP."""

    def __init__(self, channels: int, text_width: int, width: int) -> None:
        super().__init__()
        self.picture = nn.Linear(channels, width)
        self.words = nn.Linear(text_width, width)
        self.log_scale = nn.Parameter(torch.tensor(2.6593))  # ln(1 / 0.07)

    def forward(self, features_MC: Tensor, words_MT: Tensor) -> Tensor:
        """Similarities [M, M] of every feature with every text."""
        first = F.normalize(self.picture(features_MC), dim=-1)
        second = F.normalize(self.words(words_MT), dim=-1)
        return first @ second.T * self.log_scale.clamp(max=4.6).exp()


def info_nce(similarity_MM: Tensor, same_MM: Tensor) -> Tensor:
    """Symmetric; `same` marks pairs that mean the same thing and are no negatives."""
    targets = same_MM / same_MM.sum(1, keepdim=True)
    back = same_MM.T / same_MM.T.sum(1, keepdim=True)
    forth = -(targets * similarity_MM.log_softmax(1)).sum(1).mean()
    return 0.5 * (forth - (back * similarity_MM.T.log_softmax(1)).sum(1).mean())


def at_joints(features_BChw: Tensor, points_BV2: Tensor, scale_2: Tensor) -> Tensor:
    """[B, V, C]: the feature map, read bilinearly where the joints stand."""
    height, width = features_BChw.shape[-2:]
    cells = points_BV2 / scale_2
    grid = cells / torch.tensor([width - 1, height - 1]) * 2 - 1
    read = F.grid_sample(features_BChw, grid[:, :, None], align_corners=True)
    return read[..., 0].transpose(1, 2)


def pairs(
    model: PoseModel, batch: dict[str, Tensor], scale_2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Joint features, their joints' words, and which pairs are of the same joint."""
    with torch.no_grad():
        features = model.image(batch["pixels"])["features"]
        read_BVC = at_joints(features, batch["points"], scale_2)
    pictures, joints = torch.nonzero(batch["weights"] > 0, as_tuple=True)
    # As many pairs as pictures a few times over: each joint at most once a picture anyway.
    if len(pictures) > 512:
        chosen = torch.linspace(0, len(pictures) - 1, 512).long()
        pictures, joints = pictures[chosen], joints[chosen]
    words_VT = model.decoder.joint_words.detach()
    same = (joints[:, None] == joints[None, :]).float()
    return read_BVC[pictures, joints], words_VT[joints], same


def train(config: AlignConfig) -> dict[str, float]:
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    text = {} if config.text_from is None else {"text": text_options(Path(config.text_from))}
    model = PoseModel(PoseConfig.model_validate(config.model | text))
    start_from(model, config.stem, config.weights_from)
    if config.text_from is not None:
        load_text(model, Path(config.text_from))
    model.eval().requires_grad_(False)
    channels, width = model.vector_width - 1, model.decoder.joint_words.shape[1]
    projector = Projector(channels, width, config.width)
    groups = loop.parameter_groups(projector, {}, config.rate, config.weight_decay)
    optimizer = torch.optim.AdamW(groups)
    ema, out, start = loop.Ema(projector, config.ema), Path(config.out), 0
    if (out / "last.pt").exists():
        start = loop.resume(out / "last.pt", projector, ema, optimizer)
    wrapped, optimizer = accelerator.prepare(projector, optimizer)
    shards = {name: open_shard(path) for name, path in config.shards.items()}
    mixture = Mixture({n: len(s) for n, s in shards.items()}, config.weights, config.seed)
    size = (model.config.width, model.config.height)
    people = People(shards, mixture, Augmentation(**config.augment), size)
    order = list(range(start * config.batch, config.steps * config.batch))
    loader = DataLoader(people, config.batch, sampler=order, num_workers=config.workers)
    log, scale, row = loop.CsvLog(out, start), pixels_per_cell(size), {}
    for step, batch in zip(range(start, config.steps), loader, strict=True):
        loop.set_rate(optimizer, loop.learning_rate(step, config.steps, config.warmup))
        features_MC, words_MT, same_MM = pairs(model, batch, scale)
        similarity = wrapped(features_MC, words_MT)
        loss = info_nce(similarity, same_MM)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(projector, step)
        hit = same_MM.gather(1, similarity.argmax(1, keepdim=True)).mean()
        row = {"loss": float(loss.detach()), "retrieved": float(hit)}
        log.write(step, row)
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            loop.save_run(out / "last.pt", projector, ema, optimizer, step + 1)
    torch.save(start_table(ema.model, model).half(), out / "table.pt")
    return row


@torch.no_grad()
def start_table(projector: nn.Module, model: PoseModel) -> Tensor:
    """[V, C + 1]: each joint's words read back into the features' space, bias 0."""
    assert isinstance(projector, Projector)
    words = F.normalize(projector.words(model.decoder.joint_words), dim=-1)
    rows = words @ projector.picture.weight * projector.log_scale.exp()
    return torch.cat([rows, torch.zeros(len(rows), 1)], dim=1)


def main() -> None:
    train(load_config(AlignConfig, sys.argv[1], sys.argv[2:]))


if __name__ == "__main__":
    main()
