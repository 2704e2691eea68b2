"""What a bundle is worth, on people it has never seen, by the Predictor that serves it.

Real people: OKS and PCK@0.1·box on half B, as they are and turned by any angle, with intervals.
Synthetic people: PCK@0.1·torso by group of joints, states, swapped sides, root-relative depth.
Shapes: N people, V vocabulary.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.answer import expected_z
from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.data.sample import HIDERS
from posealign.predictor import Predictor
from posealign.skeletons.load import vocabulary
from posealign.verify import softmax
from training import validate
from training.calibrate import everything
from training.shards import Shard

CLEARLY_NEARER = 0.3  # torso lengths between a joint and its twin


def real_figures(predictor: Predictor, folder: Path, half: str = "B") -> dict[str, Any]:
    """mean, low, high of each figure, with one look at each person and with all that vote."""
    report: dict[str, Any] = {}
    upright = validate.read_lsp(folder)
    most = predictor.settings.passes
    for name, judged in (("upright", upright), ("turned", validate.turned(upright))):
        kept = validate.half(judged, half)
        for passes in dict.fromkeys((1, most)):
            summary = validate.summary(kept, places_of(predictor, kept, passes))
            looks = "1 look" if passes == 1 else f"{passes} looks"
            report |= {f"{name} {key}, {looks}": value for key, value in summary.items()}
    return report


def places_of(predictor: Predictor, judged: validate.Judged, passes: int) -> NDArray[np.float64]:
    """COCO-17 in picture pixels, with so many looks at each person."""
    looking = predictor.looking(passes)
    found = [
        everything(looking, image, box)[1].points_K2[:17]
        for image, box in zip(judged.images, judged.boxes_N4.tolist(), strict=True)
    ]
    return np.stack(found)


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


def answers(
    predictor: Predictor, shard: Shard, rows: NDArray[np.int64], turn: bool
) -> dict[str, NDArray[Any]]:
    """Places in packed-picture pixels, states, z and hider of every vocabulary joint; no hider
    where the bundle does not tell.
    """
    random = np.random.default_rng(0)
    names = ("points", "states", "absent", "covered", "z", "hider")
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for row in rows:
        image, box = np.asarray(shard.images_NSS3[row]), shard.boxes_N4[row]
        whole = turned(image.shape[0], random.uniform(-180, 180) if turn else 0.0)
        corners_42 = whole.apply(box[:2] + box[2:] * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]))
        low, high = corners_42.min(axis=0), corners_42.max(axis=0)
        one, places = everything(predictor, whole.cut(image), [*low, *(high - low)])
        share_V3 = softmax(one.mean("state"))
        found["points"].append(whole.invert(places.points_K2))
        found["states"].append(share_V3.argmax(-1))
        found["absent"].append(share_V3[:, State.ABSENT])
        found["covered"].append(share_V3[:, State.OCCLUDED])
        found["z"].append(expected_z(one.mean("z")))
        if one.says("hider"):
            found["hider"].append(one.mean("hider").argmax(-1))
    return {name: np.stack(values) for name, values in found.items() if values}


def turned(side: int, angle: float) -> Crop:
    """All of a square picture, turned; nothing of it is cut off."""
    turn = math.radians(angle)
    wide = math.ceil(side * (abs(math.cos(turn)) + abs(math.sin(turn))))
    return Crop.of_box((0.0, 0.0, float(side), float(side)), (wide, wide), angle, padding=1.0)


def synthetic_figures(
    predictor: Predictor,
    shard: Shard,
    rows: NDArray[np.int64],
    threshold: float = 0.5,
    turn: bool = False,
) -> dict[str, Any]:
    """Torso length is the picture's own (shoulders' middle to hips'), at least a fifth of the box,
    for a foreshortened torso is no yardstick.
    """
    found, index = answers(predictor, shard, rows, turn), vocabulary().index
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
    swapped = _swapped(found["points"], truth_NV2, states_NV)
    report["sides swapped"] = _mean(swapped[np.isfinite(swapped)])
    prone_N = np.array([shard.facts(row).get("posture") == "prone" for row in rows])
    if prone_N.any():  # the hardest: a back looks much like a front
        of_prone = swapped[prone_N]
        report["sides swapped, prone"] = _mean(of_prone[np.isfinite(of_prone)])
        right = (error_NV <= 0.1)[prone_N][(states_NV[prone_N] == State.VISIBLE) & body]
        report["pck body visible, prone"] = _mean(right)
    depth = np.isfinite(shard.z_NV[rows]) & (states_NV >= State.OCCLUDED) & body
    report["z error, torso lengths"] = _mean(np.abs(found["z"] - shard.z_NV[rows])[depth])
    apart_NV = np.where(depth, shard.z_NV[rows], np.nan)
    report["nearer of twins told"] = _mean(_twins_told(found["z"], apart_NV, CLEARLY_NEARER))
    covered_NV = np.where(states_NV >= State.OCCLUDED, states_NV == State.OCCLUDED, np.nan)
    report["covered of twins told"] = _mean(_twins_told(found["covered"], covered_NV, 1.0))
    hidden_NV = shard.extra.get("hidden_by_NV")
    if "hider" in found and hidden_NV is not None:
        known = (hidden_NV[rows] >= 0) & body  # whatever the model says of their being hidden
        told = hiders_told(found["hider"][known], hidden_NV[rows][known])
        report |= {"what hides a joint told": told.pop("told"), **told}
    return report


def hiders_told(said_M: NDArray[Any], truth_M: NDArray[Any]) -> dict[str, float]:
    """Shares of hidden joints of which it is told by what they are hidden; a blanket's alone."""
    blanket = HIDERS.index("blanket")
    under_M, said_under_M = truth_M == blanket, said_M == blanket
    return {
        "told": _mean(said_M == truth_M),
        "under a blanket told": _mean(said_under_M[under_M]),
        "said to be under one, wrongly": _mean(said_under_M[~under_M]),
    }


def _twins_told(said_NV: NDArray[Any], truth_NV: NDArray[Any], margin: float) -> NDArray[np.bool_]:
    """For limb joints that differ from their twin by the margin: does what is said, the same way?

    Half of them is what chance would give, and what an average of both sides would.
    """
    swap, left_L = vocabulary().swap_J, np.arange(5, 17, 2)
    true_NL, told_NL = ((values - values[:, swap])[:, left_L] for values in (truth_NV, said_NV))
    clear_NL = np.abs(true_NL) >= margin
    right: NDArray[np.bool_] = (np.sign(true_NL) == np.sign(told_NL))[clear_NL]
    return right


def _swapped(
    points_NV2: NDArray[Any], truth_NV2: NDArray[Any], states_NV: NDArray[np.int8]
) -> NDArray[np.float64]:
    """[N, 12] of limb joints 1 where the place is nearer to the other side's than half its own
    error; NaN where not both are visible.
    """
    swap = vocabulary().swap_J
    limbs = np.arange(5, 17)
    own = np.linalg.norm(points_NV2 - truth_NV2, axis=-1)[:, limbs]
    other = np.linalg.norm(points_NV2 - truth_NV2[:, swap], axis=-1)[:, limbs]
    both = ((states_NV == State.VISIBLE) & (states_NV[:, swap] == State.VISIBLE))[:, limbs]
    return np.where(both, other < 0.5 * own, np.nan)


def _mean(values: NDArray[Any]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else math.nan
