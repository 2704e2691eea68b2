"""What is true of a posed body: contacts, crossing, raised limbs, angles."""

from __future__ import annotations

from typing import Any

import numpy as np

from posealign.skeletons.load import vocabulary
from posealign.synth.body import DOFS, SIDES, Body
from posealign.synth.surface import Floats, cross


def describe(
    body: Body, points_V3: Floats, angles_Q: Floats | None, up_3: Floats, bed_height: float = 0.0
) -> dict[str, Any]:
    """Plain JSON. `points_V3` in any frame; `up_3` points away from the mattress in it and
    `bed_height` is the mattress's place along it.
    """
    at = {name: points_V3[k] for k, name in enumerate(vocabulary().names)}
    t = body["torso"]
    out: dict[str, Any] = {
        "age_months": round(body.age_months, 2), "stature_m": round(body.stature, 4),
        "missing": list(body.missing), "up_camera": [round(float(x), 5) for x in up_3],
    }  # fmt: skip
    face = (at["nose"] + at["face_57"]) / 2
    near_face, contacts = {}, []
    for side in SIDES:
        tips = np.array(
            [
                at[f"{side}_palm"],
                at[f"{side}_middle_finger2"],
                at[f"{side}_middle_finger4"],
                at[f"{side}_forefinger4"],
                at[f"{side}_thumb4"],
            ]
        )
        if not np.isfinite(tips).all():
            continue
        gap = float(np.linalg.norm(tips - face, axis=1).min())
        near_face[side] = round(gap, 4)
        # A face is about a third of a torso wide.
        if gap < 0.24 * t:
            contacts.append([f"{side}_hand", "face"])
        for other in SIDES:
            toe = at[f"{other}_forefoot"]
            if (
                np.isfinite(toe).all()
                and float(np.linalg.norm(tips - toe, axis=1).min()) < 0.18 * t
            ):
                contacts.append([f"{side}_hand", f"{other}_foot"])
    palms = [at["left_palm"], at["right_palm"]]
    if np.isfinite(palms).all() and float(np.linalg.norm(palms[0] - palms[1])) < 0.25 * t:
        contacts.append(["left_hand", "right_hand"])
    out["hand_to_face_m"], out["contacts"] = near_face, contacts
    out["touching_face"] = [hand.partition("_")[0] for hand, what in contacts if what == "face"]
    out["height_m"] = {
        name: round(float(at[name] @ up_3 - bed_height), 4)
        for side in SIDES
        for name in (f"{side}_wrist", f"{side}_elbow", f"{side}_knee", f"{side}_ankle")
        if np.isfinite(at[name]).all()
    }
    out["crossing"] = _crossing(at, up_3)
    out["bend_deg"] = {
        name: round(value, 2)
        for side in SIDES
        for name, value in (
            (f"{side}_elbow", _bend(at, side, "shoulder", "elbow", "wrist")),
            (f"{side}_knee", _bend(at, side, "hip_center", "knee", "ankle")),
        )
        if np.isfinite(value)
    }
    if angles_Q is not None:
        out["angles_deg"] = {
            d.name: round(float(a), 2) for d, a in zip(DOFS, angles_Q, strict=True)
        }
    return out


def _bend(at: dict[str, Floats], side: str, a: str, b: str, c: str) -> float:
    """Degrees away from straight."""
    first, second = at[f"{side}_{b}"] - at[f"{side}_{a}"], at[f"{side}_{c}"] - at[f"{side}_{b}"]
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _crossing(at: dict[str, Floats], up_3: Floats) -> dict[str, str]:
    """Limbs that cross when seen along the vertical, and the side that lies over the other."""
    out = {}
    for name, ends in (("legs", ("knee", "ankle")), ("forearms", ("elbow", "wrist"))):
        flat = []
        for side in SIDES:
            a, b = at[f"{side}_{ends[0]}"], at[f"{side}_{ends[1]}"]
            flat.append((a, b + 0.15 * (b - a)))
        if not np.isfinite(np.array(flat)).all():
            continue
        place = _meet(flat[0], flat[1], up_3)
        if place is not None:
            heights = [(a + (b - a) * u) @ up_3 for (a, b), u in zip(flat, place, strict=True)]
            out[name] = SIDES[int(np.argmax(heights))]
    return out


def _meet(
    first: tuple[Floats, Floats], second: tuple[Floats, Floats], up_3: Floats
) -> tuple[float, float] | None:
    """Where two segments cross when looked at along `up_3`, as shares of their lengths."""
    helper = np.array([1.0, 0, 0]) if abs(up_3[0]) < 0.9 else np.array([0, 1.0, 0])
    u = cross(up_3, helper)
    u /= np.linalg.norm(u)
    plane = np.stack([u, cross(up_3, u)])
    p, q = plane @ first[0], plane @ second[0]
    d, e = plane @ (first[1] - first[0]), plane @ (second[1] - second[0])
    area = d[0] * e[1] - d[1] * e[0]
    if abs(area) < 1e-9:
        return None
    gap = q - p
    s = (gap[0] * e[1] - gap[1] * e[0]) / area
    t = (gap[0] * d[1] - gap[1] * d[0]) / area
    return (float(s), float(t)) if 0 <= s <= 1 and 0 <= t <= 1 else None
