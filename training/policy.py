"""The model as a policy: distributions over answers, from cached features.

The picture side and the words are frozen; what is trained are the joint heads, the joint table and
the outer gate, the last decoder layers if asked for, and the answer's last layer where the cache
knows the instruction's token. Parameters are the PoseModel's own: training the policy trains it.
Which joints an instruction asks for is read from its words before the picture is looked at, so
π(not asked) is 0 or 1 and stands in the mask `asked`.
Shapes: B pictures, V vocabulary, K trained joints, C heatmap cells, Z depth bins, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from posealign.model.heads import heatmaps
from posealign.model.pose_model import PoseModel
from posealign.rewards.poses import Scene
from posealign.skeletons.load import skeleton, vocabulary
from training.cache import Cache

CERTAIN = 20.0  # the logit of a gate that nobody trained: it always answers


@dataclass(frozen=True)
class Batch:
    """Rows of a cache. `answer_BD` is None where the cache knows no instruction's token."""

    features_BChw: Tensor
    joints_BVD: Tensor
    tokens_BTD: Tensor | None
    answer_BD: Tensor | None
    scene: Scene
    answered_B: Tensor  # the right gate: True answers
    state_BK: Tensor
    state_weight_BK: Tensor
    place_weight_BK: Tensor
    z_BK: Tensor
    z_weight_BK: Tensor

    def __len__(self) -> int:
        return len(self.features_BChw)


@dataclass(frozen=True)
class Distribution:
    """Log-probabilities in fp32, tempered where they are sampled from."""

    place_BKC: Tensor
    z_BKZ: Tensor
    state_BK3: Tensor
    gate_B2: Tensor  # refuse, answer

    @property
    def placed(self) -> bool:
        """False where only presence is decided: one certain cell, one certain depth."""
        return self.place_BKC.shape[-1] > 1

    def detached(self) -> Distribution:
        return replace(self, **{name: value.detach() for name, value in vars(self).items()})


class Policy(nn.Module):
    """`layers` of the decoder's last layers are trained; the cache froze those before them.

    With `presence` only states are decided and only what says them is trained: places stay as they
    are to the last bit, and a step needs no heatmap.
    """

    def __init__(
        self,
        model: PoseModel,
        names: Sequence[str],
        layers: int = 0,
        with_gate: bool = False,
        presence: bool = False,
    ) -> None:
        super().__init__()
        self.presence = presence
        self.names, self.grid, self.kernel = tuple(names), model.config.grid, model.config.kernel
        self.index_K = [vocabulary().index(name) for name in names]
        decoder = model.decoder
        self.heads, self.gate, self.table = decoder.joint_heads, decoder.gate, model.table
        depth = len(decoder.layers)
        self.layers = nn.ModuleList(list(decoder.layers)[depth - layers :])
        self.answer_out = decoder.answer_out if with_gate else None
        # Frozen, so not registered as the policy's own.
        self._remember, self._locator = decoder.remember, (model.locator,)

    def batch(
        self, cache: Cache, rows: Sequence[int] | NDArray[np.int64], tokens: bool = False
    ) -> Batch:
        """Rows of a cache for these joints; `tokens` where somebody else looks at the picture."""
        seen = cache.without_maps() if self.presence else cache
        return batch_of(seen, rows, self.names, tokens or bool(self.layers))

    def trained(self) -> list[nn.Parameter]:
        """What a run may change."""
        return list((self.heads.state if self.presence else self).parameters())

    def states(self, batch: Batch) -> Tensor:
        """[B, K, 3] of frozen joint tokens."""
        said: Tensor = self.heads.state(self.heads.norm(batch.joints_BVD[:, self.index_K]))
        return said

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(maps [B, K, C], state [B, K, 3], z [B, K, Z], gate [B])."""
        joints = batch.joints_BVD
        if len(self.layers):
            if batch.tokens_BTD is None:
                raise ValueError("training decoder layers needs the picture's tokens")
            memory, _ = self._remember(batch.tokens_BTD)
            for layer in self.layers:
                joints = layer(joints, memory)
        delta, state, z = self.heads(joints[:, self.index_K])
        vectors = self.table[self.index_K] + torch.tanh(self.gate) * delta
        maps = heatmaps(batch.features_BChw, vectors, self.kernel).flatten(2)
        if batch.answer_BD is None or self.answer_out is None:
            gate = maps.new_full((len(batch),), CERTAIN)
        else:
            gate = self.answer_out(batch.answer_BD).squeeze(-1)
        return maps, state, z, gate

    def confidence(self, maps_BKC: Tensor) -> Tensor:
        """[B, K] as `locate` gives it."""
        found: Tensor = self._locator[0](maps_BKC.unflatten(-1, self.grid))[1]
        return found

    def forward(self, batch: Batch, tau: float = 1.0) -> tuple[Distribution, Distribution]:
        """(tempered, as it is): samples come from the first, the anchor holds the second."""
        if self.presence:
            state = self.states(batch)
            maps = z = state.new_zeros(*state.shape[:2], 1)
            gate = state.new_full((len(batch),), CERTAIN)
        else:
            maps, state, z, gate = self.logits(batch)
        two = torch.stack([-gate, gate], -1).float() / 2
        said = (state.float().log_softmax(-1), two.log_softmax(-1))
        plain = Distribution(maps.float().log_softmax(-1), z.float().log_softmax(-1), *said)
        if tau == 1.0:
            return plain, plain
        tempered = ((maps.float() / tau).log_softmax(-1), (z.float() / tau).log_softmax(-1))
        return Distribution(*tempered, *said), plain


def trained_joints(name: str) -> tuple[str, ...]:
    """A skeleton's joints that the vocabulary has."""
    return tuple(joint for joint in skeleton(name).names if joint in vocabulary().names)


def batch_of(
    cache: Cache, rows: Sequence[int] | NDArray[np.int64], names: Sequence[str], tokens: bool
) -> Batch:
    """Some rows of a cache as tensors; the scene is that of these joints."""
    index = np.asarray(rows, np.int64)
    columns = [vocabulary().index(name) for name in names]
    labels = cache.labels

    def tensor(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))

    def joint(name: str) -> Tensor:
        return tensor(labels[name][index][:, columns])

    def picture(name: str) -> Tensor:
        return tensor(labels[name][index])

    state, certain = joint("state"), joint("state_weight") > 0.9
    weights = joint("weights")
    scene = Scene(
        tuple(names), joint("points"), weights > 0, certain & (state > 0),
        certain & (state == 0), certain & (state == 2), joint("asked"), picture("area"),
        torch.tensor([vocabulary().sigmas_J[c] for c in columns]).float(), picture("age"),
        picture("torso"), picture("surface"), picture("sensor"), cache.pixels_per_cell,
        picture("posture"), picture("premise"), picture("infant"),
    )  # fmt: skip
    return Batch(
        tensor(cache.features_NChw[index]).float(), tensor(cache.joints_NVD[index]).float(),
        tensor(cache.tokens_NTD[index]).float() if tokens else None,
        picture("answer") if "answer" in labels else None, scene, picture("answered"),
        state, joint("state_weight"), weights, joint("z"), joint("z_weight"),
    )  # fmt: skip
