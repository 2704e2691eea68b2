"""Arrays of judged people → figures, group by group. Every group is a plain function.

A figure is a number, a table of numbers, or `{"value", "low", "high"}` with a 95 % bootstrap
interval over people. NaN becomes None on the way to JSON.
Shapes: P people, J joints, N joints of all people in one row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import ANGLES, TORSO, angle
from posealign.anatomy.bones import BONES
from posealign.evaluate.judged import Judged
from posealign.evaluate.settings import Evaluation
from posealign.metrics import calibration, hallucination, mpjpe, oks, pck, plausibility, swap
from posealign.metrics.oks import Floats

Figures = dict[str, Any]
BY = ("posture", "age", "role", "condition")


def per_person(judged: Judged) -> dict[str, Floats]:
    """[P] each: the figures that are compared, resampled and ranked by."""
    similarity = joint_similarity(judged)
    labelled, names = judged.labelled_PJ, judged.skeleton.names
    table: dict[str, Floats] = {"oks": oks.masked_mean(similarity, labelled)}
    if judged.absent_PJ.any():
        table["ex_oks"] = oks.extended_oks(
            judged.points_PJ2, judged.truth_PJ2, labelled, judged.absent_PJ,
            judged.area_P, judged.skeleton.sigmas_J,
        )  # fmt: skip
    sizes = {
        "box": pck.box_size(judged.box_P4),
        "torso": pck.torso_size(judged.truth_PJ2, names, judged.truth_state_PJ >= 1),
        "head": pck.head_size(judged.truth_PJ2, names, judged.truth_state_PJ >= 1),
    }
    for name, size in sizes.items():
        shares = pck.pooled_pck(judged.points_PJ2, judged.truth_PJ2, labelled, size)
        for column, threshold in enumerate(pck.THRESHOLDS):
            table[f"pck_{name}@{threshold:g}"] = shares[:, column]
    swapped, seen = swaps(judged)
    table["swapped"] = oks.masked_mean(swapped.astype(np.float64), seen)
    return {name: values for name, values in table.items() if np.isfinite(values).any()}


def joint_similarity(judged: Judged) -> Floats:
    gap = oks.distances(judged.points_PJ2, judged.truth_PJ2)
    return oks.joint_similarity(gap, judged.area_P, judged.skeleton.sigmas_J)


def swaps(judged: Judged) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    size = pck.box_size(judged.box_P4)
    return swap.swapped(
        judged.points_PJ2, judged.truth_PJ2, judged.labelled_PJ, size, swap.pairs(judged.skeleton)
    )


def location(judged: Judged, evaluation: Evaluation) -> Figures:
    """AP and AR, OKS, PCK: over all, and per joint, posture, age, occlusion."""
    people = per_person(judged)
    similarity, labelled = joint_similarity(judged), judged.labelled_PJ
    found: Figures = {
        "people": len(judged),
        "found": mean(judged.answered_P.astype(np.float64)),
        "average_precision": {part: dict(row) for part, row in judged.precision.items()},
        **{
            name: interval(values, judged.index_P, evaluation)
            for name, values in people.items()
            if name != "swapped"
        },
    }
    size = pck.box_size(judged.box_P4)
    share_J, _ = pck.pck(judged.points_PJ2, judged.truth_PJ2, labelled, size, 0.1)
    found["per_joint"] = {
        joint: {"oks": mean(similarity[labelled[:, j], j]), "pck_box@0.1": float(share_J[j]),
                "count": int(labelled[:, j].sum())}
        for j, joint in enumerate(judged.skeleton.names)
        if labelled[:, j].any()
    }  # fmt: skip
    shown = ("oks", "pck_box@0.1", "ex_oks")
    chosen = {name: values for name, values in people.items() if name in shown}
    for kind in BY:
        table = grouped(judged.labels[kind], chosen)
        if table:
            found[f"per_{kind}"] = table
    for name, state in (("occluded", 1), ("visible", 2)):
        mask = labelled & (judged.truth_state_PJ == state)
        if mask.any():
            found.setdefault("per_state", {})[name] = {
                "oks": mean(similarity[mask]), "count": int(mask.sum())
            }  # fmt: skip
    return found


def confidence(judged: Judged, evaluation: Evaluation) -> Figures:
    """Honest or not: OKS-ECE, AUROC of errors, coverage, on labelled joints that were placed."""
    sure, similar, error, radius, mask = confident(judged)
    if not len(sure):
        return {}
    inside = (sure >= 0) & (sure <= 1)
    found: Figures = {
        "joints": len(sure),
        "in_0_1": mean(inside.astype(np.float64)),
        "ece": calibration.ece(sure, similar),
        "auroc": calibration.error_auroc(sure, similar),
        "errors": mean((similar < calibration.ERROR_BELOW).astype(np.float64)),
    }
    # What the best rising function of this confidence would reach, fitted on the other half.
    half = np.broadcast_to(judged.first_half_P[:, None], mask.shape)[mask]
    if half.any() and (~half).any():
        fitted = calibration.fit_isotonic(sure[half], similar[half])
        found["ece_isotonic"] = calibration.ece(fitted(sure[~half]), similar[~half])
    shown = calibration.reliability(sure, similar)
    found["reliability"] = {
        "confidence": shown.confidence_B.tolist(),
        "similarity": shown.similarity_B.tolist(),
        "count": shown.count_B.tolist(),
    }
    known = np.isfinite(radius)
    if known.any():
        within = error <= radius
        found["coverage"] = calibration.coverage(error[known], radius[known])
        found["coverage_per_joint"] = {}
        joint = np.broadcast_to(np.arange(mask.shape[1]), mask.shape)[mask]
        for j, name in enumerate(judged.skeleton.names):
            if (chosen := known & (joint == j)).any():
                found["coverage_per_joint"][name] = mean(within[chosen].astype(np.float64))
        for kind in ("posture", "condition"):
            groups = np.repeat(np.array(judged.labels[kind])[:, None], mask.shape[1], 1)[mask]
            table = {
                str(group): {
                    "coverage": mean(within[known & (groups == group)].astype(np.float64)),
                    "ece": calibration.ece(sure[groups == group], similar[groups == group]),
                }
                for group in sorted(set(groups)) if group and (known & (groups == group)).any()
            }  # fmt: skip
            if table:
                found[f"per_{kind}"] = table
    return found


def confident(judged: Judged) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    """[N] confidence, similarity, error in px, radius; and the mask [P, J] they come from."""
    mask = judged.labelled_PJ & judged.placed_PJ
    gap = oks.distances(judged.points_PJ2, judged.truth_PJ2)
    return (
        judged.confidence_PJ[mask], joint_similarity(judged)[mask], gap[mask],
        judged.radius_PJ[mask], mask,
    )  # fmt: skip


def sides(judged: Judged, evaluation: Evaluation) -> Figures:
    """Left taken for right, by roll and posture; mirror equivariance where it was measured."""
    swapped, seen = swaps(judged)
    roll = swap.roll_group(swap.roll_of(judged.truth_PJ2, judged.skeleton.names))
    found: Figures = {
        "pairs": int(seen.sum()),
        "swap_rate": swap.swap_rate(swapped, seen)["all"],
        "per_roll": {
            group: rate for group, rate in swap.swap_rate(swapped, seen, roll).items()
            if group not in ("all", "unknown")
        },
    }  # fmt: skip
    if any(judged.labels["posture"]):
        found["per_posture"] = {
            group: rate
            for group, rate in swap.swap_rate(swapped, seen, judged.labels["posture"]).items()
            if group not in ("all", "")
        }
    gap = swap.mirror_gap(judged.points_PJ2, judged.mirrored_PJ2, judged.width_P, judged.skeleton)
    if np.isfinite(gap).any():
        share = gap / pck.box_size(judged.box_P4)[:, None]
        found["mirror_px"] = {
            "median": float(np.nanmedian(gap)), "p90": float(np.nanpercentile(gap, 90)),
            "median_of_box": float(np.nanmedian(share)),
        }  # fmt: skip
    return found


def hallucinated(judged: Judged, evaluation: Evaluation) -> Figures:
    """CHAIR-kpt and hallucination at 99 % recall, where the labels know what is absent."""
    known = judged.labelled_PJ | judged.absent_PJ
    if not judged.absent_PJ.any():
        return {}
    emitted, absent = judged.placed_PJ[known], judged.absent_PJ[known]
    # A joint that was called absent ranks below every joint that was placed.
    sure = np.nan_to_num(judged.confidence_PJ)
    presence = np.where(judged.placed_PJ, sure, sure - 1)[known]
    found: Figures = {
        **hallucination.chair(emitted, absent),
        "at_99_recall": hallucination.at_recall(presence, absent),
    }
    both = judged.labelled_PJ & judged.placed_PJ
    hidden = judged.truth_state_PJ == 1
    if hidden[both].any():
        said = judged.state_PJ[both] == 1
        found["occlusion"] = hallucination.pope(said, hidden[both])
    return found


def plausible(judged: Judged, evaluation: Evaluation) -> Figures:
    """Share of answers that break a rule of the body, beside the labels' own share."""
    names = judged.skeleton.names
    found: Figures = {"answers": plausibility.violations(judged.points_PJ2, names).rates()}
    found["labels"] = plausibility.violations(judged.truth_PJ2, names).rates()
    known = judged.consistency_P[np.isfinite(judged.consistency_P)]
    if len(known):
        found["depth_consistency"] = mean(known)
    return found


def space(judged: Judged, evaluation: Evaluation) -> Figures:
    """Errors in millimetres where the labels are in space; joint angles against theirs."""
    if not np.isfinite(judged.truth_space_PJ3).any():
        return {}
    metric = np.isfinite(judged.space_PJ3).any()
    points = judged.space_PJ3 if metric else in_torsos(judged)
    known = np.asarray(np.isfinite(judged.truth_space_PJ3).all(axis=-1))
    found: Figures = {"frame": "metres" if metric else "torso lengths, no perspective"}
    rows = {"pa_mpjpe_mm": "procrustes"}
    if metric:
        rows |= {"mpjpe_mm": "none"}
        roots = [j for j, name in enumerate(judged.skeleton.names) if name.endswith("_hip")]
        if roots:
            rows |= {"root_mpjpe_mm": "root"}
    for name, align in rows.items():
        errors = mpjpe.joint_errors(
            points, judged.truth_space_PJ3, known, align,
            root_K=[j for j, n in enumerate(judged.skeleton.names) if n.endswith("_hip")],
        )  # fmt: skip
        people = oks.masked_mean(errors, np.isfinite(errors)) * 1000
        found[name] = interval(people, judged.index_P, evaluation)
    bones = [
        (judged.skeleton.index(ends[0]), judged.skeleton.index(ends[1]))
        for ends in BONES.values()
        if set(ends) <= set(judged.skeleton.names)
    ]
    if bones and any(judged.labels["sequence"]):
        found["bone_variation"] = _bone_variation(judged, points, bones)
    found["angles_deg"] = angle_errors(judged, points)
    return found


def _bone_variation(judged: Judged, points_PJ3: Floats, bones: list[tuple[int, int]]) -> float:
    """Of one body over a sequence's frames; the mean over sequences."""
    groups = np.array(judged.labels["sequence"])
    values = [
        mpjpe.bone_variation(points_PJ3[groups == group], bones)[1]
        for group in sorted(set(groups) - {""})
    ]
    return mean(np.array(values))


def in_torsos(judged: Judged) -> Floats:
    """[P, J, 3]: places over the torso's pixels, depths as answered: no camera needed."""
    names = judged.skeleton.names
    there = np.isfinite(judged.points_PJ2[..., 0])
    torso = pck.torso_size(judged.points_PJ2, names, there)
    # The torso's own depth belongs to its length.
    index = [names.index(n) for n in TORSO if n in names]
    if len(index) == 4:
        z = judged.z_PJ[:, index]
        slant = np.nan_to_num(z[:, :2].mean(axis=1) - z[:, 2:].mean(axis=1))
        torso = torso / np.sqrt(np.clip(1 - slant**2, 0.1, 1))
    flat = judged.points_PJ2 / torso[:, None, None]
    return np.concatenate([flat, judged.z_PJ[..., None]], axis=-1)


def angle_errors(judged: Judged, points_PJ3: Floats) -> Figures:
    """Median error of each joint angle in space, and of all together; flat places beside it."""
    names, table, every = judged.skeleton.names, {}, []
    for name, row in ANGLES.items():
        if not set(row.joints) <= set(names):
            continue
        real = angle(judged.truth_space_PJ3, names, name)
        error = np.abs(angle(points_PJ3, names, name) - real)
        flat = np.abs(angle(judged.points_PJ2, names, name) - real)
        if np.isfinite(error).any():
            table[name] = {
                "median": float(np.nanmedian(error)), "p90": float(np.nanpercentile(error, 90)),
                "median_flat": float(np.nanmedian(flat)), "count": int(np.isfinite(error).sum()),
            }  # fmt: skip
            every.append(error[np.isfinite(error)])
    if not every:
        return {}
    return {"median": float(np.median(np.concatenate(every))), "per_angle": table}


GROUPS: Mapping[str, Callable[[Judged, Evaluation], Figures]] = {
    "location": location,
    "confidence": confidence,
    "sides": sides,
    "hallucination": hallucinated,
    "plausibility": plausible,
    "space": space,
}


def mean(values: NDArray[np.floating]) -> float:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


def grouped(labels: list[str], people: Mapping[str, Floats]) -> Figures:
    """{group: {figure: mean, "people": count}}; people without a label are left out."""
    groups = np.array(labels)
    table = {}
    for group in sorted(set(labels) - {""}):
        chosen = groups == group
        table[group] = {
            **{name: mean(values[chosen]) for name, values in people.items()},
            "people": int(chosen.sum()),
        }
    return table


def interval(values: Floats, cluster_P: NDArray[np.int64], evaluation: Evaluation) -> Figures:
    """The mean and its 95 % interval: pictures are drawn again, with all their people."""
    known = np.isfinite(values)
    if not known.any():
        return {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    means = resampled(values[known], cluster_P[known], evaluation.bootstrap, evaluation.seed)
    low, high = np.percentile(means, [2.5, 97.5]) if len(means) else (np.nan, np.nan)
    return {"value": float(values[known].mean()), "low": float(low), "high": float(high)}


def resampled(values: Floats, cluster: NDArray[np.int64], draws: int, seed: int) -> Floats:
    """[draws] means over pictures drawn with replacement."""
    _, inverse = np.unique(cluster, return_inverse=True)
    sums, counts = np.bincount(inverse, values), np.bincount(inverse)
    random = np.random.default_rng(seed)
    means = []
    for _ in range(draws):  # one draw at a time: ten thousand pictures stay cheap in memory
        drawn = random.integers(0, len(sums), len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    return np.array(means)


def plain(value: Any) -> Any:
    """JSON has no NaN: None. Numbers are rounded to what can be told apart."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not np.isfinite(value) else round(value, 10)
    return value
