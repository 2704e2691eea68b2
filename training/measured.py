"""What a trained model is worth, on people it has never seen: the bundle's own figures.

Real people: OKS and PCK@0.1·box on half B, as they are and turned by any angle, with intervals.
Synthetic people: PCK@0.1·torso by group of joints, states, swapped sides, root-relative depth.
Shapes: N people, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.model import codec
from posealign.model.pose_model import PoseModel
from posealign.people import turn_of
from posealign.skeletons.load import skeleton, vocabulary
from training import validate
from training.judging import locator
from training.shards import Shard


def real_figures(model: PoseModel, folder: Path, half: str = "B") -> dict[str, Any]:
    """mean, low, high of each figure, with one look and with a second, upright one."""
    size = (model.config.width, model.config.height)
    report: dict[str, Any] = {}
    upright = validate.read_lsp(folder)
    for name, judged in (("upright", upright), ("turned", validate.turned(upright))):
        kept = validate.half(judged, half)
        once = validate.predict(kept, locator(model), size)
        twice = look_again(kept, once, locator(model), size)
        for passes, found in (("one pass", once), ("two passes", twice)):
            summary = validate.summary(kept, found)
            report |= {f"{name} {key}, {passes}": value for key, value in summary.items()}
    return report


def look_again(
    judged: validate.Judged,
    found_N172: NDArray[np.floating],
    locate: validate.Locate,
    size: tuple[int, int],
    turn_at: float = 50.0,
) -> NDArray[np.floating]:
    """The Predictor's second pass: who lies across the crop is cut again with the torso upright."""
    torso = [skeleton("coco17").index(name) for name in TORSO]
    turns = np.array([turn_of(points[torso]) for points in found_N172])
    rows = np.nonzero(np.abs((turns + 180) % 360 - 180) >= turn_at)[0]
    boxes, again = judged.boxes_N4, found_N172.copy()
    for start in range(0, len(rows), 16):
        part = rows[start : start + 16]
        crops = [Crop.of_box(tuple(boxes[row]), size, float(turns[row])) for row in part]
        cuts = [c.cut(judged.images[r]) for c, r in zip(crops, part, strict=True)]
        placed = locate(np.stack(cuts).astype(np.uint8))
        for crop, row, points in zip(crops, part, placed, strict=True):
            again[row] = crop.invert(points)
    return again


def groups() -> dict[str, NDArray[np.bool_]]:
    names = vocabulary().names
    feet, hand, face = (
        ("toe", "heel", "forefoot"),
        ("thumb", "finger", "hand_root", "palm"),
        "face_",
    )
    kinds = np.array([
        "face points" if name.startswith(face)
        else "hands" if any(word in name for word in hand)
        else "feet" if any(word in name for word in feet)
        else "body" for name in names
    ])  # fmt: skip
    return {kind: kinds == kind for kind in ("body", "hands", "feet", "face points")}


@torch.no_grad()
def answers(
    model: PoseModel, shard: Shard, rows: NDArray[np.int64], turn: bool
) -> dict[str, NDArray[Any]]:
    """Places in packed-picture pixels, states and z of every vocabulary joint."""
    size = (model.config.width, model.config.height)
    random = np.random.default_rng(0)
    found: dict[str, list[NDArray[Any]]] = {"points": [], "states": [], "absent": [], "z": []}
    for start in range(0, len(rows), 16):
        part = rows[start : start + 16]
        crops = [Crop.of_box(tuple(shard.boxes_N4[row].tolist()), size,
                             float(random.uniform(-180, 180)) if turn else 0.0)
                 for row in part]  # fmt: skip
        cuts = [c.cut(np.asarray(shard.images_NSS3[r])) for c, r in zip(crops, part, strict=True)]
        seen = model.image(torch.from_numpy(np.stack(cuts).astype(np.uint8)))
        side = shard.images_NSS3.shape[1]
        facts_B4 = np.stack([crop.facts((side, side)) for crop in crops])
        facts_B4[:, :2] = (0.0, 1.0)  # a turn here is the picture's own
        crop_B4 = torch.from_numpy(facts_B4)
        _, delta, state, z, _ = model.decoder.look(seen["tokens"], crop_B4)
        placed = model.locate(seen["features"], model.table + delta)["xy"].numpy()
        found["points"] += [c.invert(xy) for c, xy in zip(crops, placed, strict=True)]
        found["states"].append(state.argmax(-1).numpy())
        found["absent"].append(state.softmax(-1)[..., 0].numpy())
        found["z"].append(codec.z_decode(z).numpy())
    return {
        "points": np.stack(found["points"]), "states": np.concatenate(found["states"]),
        "absent": np.concatenate(found["absent"]), "z": np.concatenate(found["z"]),
    }  # fmt: skip


def synthetic_figures(
    model: PoseModel,
    shard: Shard,
    rows: NDArray[np.int64],
    threshold: float = 0.5,
    turn: bool = False,
) -> dict[str, Any]:
    """Torso length is the picture's own (shoulders' middle to hips'), at least a fifth of the box,
    for a foreshortened torso is no yardstick.
    """
    found, index = answers(model, shard, rows, turn), vocabulary().index
    truth_NV2, states_NV = shard.points_NV2[rows], shard.states_NV[rows]
    middle = [np.nanmean(truth_NV2[:, [index(f"left_{j}"), index(f"right_{j}")]], axis=1)
              for j in ("shoulder", "hip")]  # fmt: skip
    box_N = shard.boxes_N4[rows][:, 2:].max(1)
    torso_N = np.linalg.norm(middle[0] - middle[1], axis=-1)
    torso_N = np.fmax(np.nan_to_num(torso_N), 0.2 * box_N)
    error_NV = np.linalg.norm(found["points"] - truth_NV2, axis=-1) / torso_N[:, None]
    report: dict[str, Any] = {}
    for name, member_V in groups().items():
        for state in (State.VISIBLE, State.OCCLUDED):
            chosen = (states_NV == state) & member_V
            if chosen.any():
                report[f"pck {name} {state.name.lower()}"] = _mean(error_NV[chosen] <= 0.1)
    body = groups()["body"]
    for name, member_V in (("body", body), ("all joints", np.ones_like(body))):
        right = (found["states"] == states_NV)[:, member_V]
        report[f"state accuracy {name}"] = _mean(right)
    absent = states_NV[:, body] == State.ABSENT
    emitted = found["absent"][:, body] <= threshold
    if absent.any():
        report["absent body joints emitted"] = _mean(emitted[absent])
    report["present body joints emitted"] = _mean(emitted[~absent])
    report["sides swapped"] = _mean(_swapped(found["points"], truth_NV2, states_NV))
    depth = np.isfinite(shard.z_NV[rows]) & (states_NV >= State.OCCLUDED) & body
    report["z error, torso lengths"] = _mean(np.abs(found["z"] - shard.z_NV[rows])[depth])
    return report


def _swapped(
    points_NV2: NDArray[Any], truth_NV2: NDArray[Any], states_NV: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """Of visible paired limb joints: nearer to the other side's place than half its own error."""
    swap = vocabulary().swap_J
    limbs = np.arange(5, 17)
    own = np.linalg.norm(points_NV2 - truth_NV2, axis=-1)[:, limbs]
    other = np.linalg.norm(points_NV2 - truth_NV2[:, swap], axis=-1)[:, limbs]
    both = ((states_NV == State.VISIBLE) & (states_NV[:, swap] == State.VISIBLE))[:, limbs]
    return np.asarray((other < 0.5 * own)[both])


def _mean(values: NDArray[Any]) -> float:
    return round(float(np.mean(values)), 4)
