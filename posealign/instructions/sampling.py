"""Random Queries for training: what people might want, before it is put into words."""

from __future__ import annotations

from random import Random

from posealign.instructions.parts import PAIRED
from posealign.instructions.query import (
    FILTERING,
    PREMISES,
    SKELETONS,
    SUBJECTS,
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Related,
    Scope,
    union,
)
from posealign.instructions.query import (
    part as part_of,
)
from posealign.instructions.sets import read

# How often a part is asked for, roughly; the rest are as rare as they are in life.
COMMON = {
    "leg": 9, "arm": 9, "hand": 8, "foot": 8, "knee": 8, "elbow": 7, "wrist": 7, "shoulder": 7,
    "hip": 7, "ankle": 7, "thigh": 6, "shank": 6, "upper_arm": 6, "forearm": 6, "eye": 5, "ear": 5,
    "fingers": 4, "toes": 5, "thumb": 4, "forefinger": 3, "middle_finger": 3, "ring_finger": 3,
    "pinky_finger": 3, "big_toe": 4, "small_toe": 4, "heel": 5, "limbs": 5,
    "head": 9, "face": 7, "torso": 8, "upper_body": 7, "lower_body": 7, "left_side": 4,
    "right_side": 4, "nose": 7, "neck": 6, "pelvis": 5, "spine": 5, "head_top": 4, "mouth": 5,
    "jaw": 4, "eyebrow": 3, "left_eyebrow": 2, "right_eyebrow": 2, "head_center": 1, "spine1": 1,
    "spine2": 1, "spine3": 1, "left_collar": 1, "right_collar": 1, "left_palm": 1, "right_palm": 1,
    "left_forefoot": 1, "right_forefoot": 1, "left_thumb4": 0.5, "right_thumb4": 0.5,
    "left_forefinger4": 0.5, "right_forefinger4": 0.5,
}  # fmt: skip
# What can be taken out of what.
WITHIN: dict[str, tuple[str, ...]] = {
    "leg": ("knee", "ankle", "hip", "foot", "thigh", "shank", "toes", "heel", "big_toe"),
    "arm": ("elbow", "wrist", "shoulder", "hand", "forearm", "upper_arm"),
    "limbs": ("arm", "leg", "hand", "foot", "knee", "elbow", "wrist", "ankle"),
    "upper_body": ("arm", "head", "face", "hand", "shoulder", "elbow", "wrist", "neck", "eye"),
    "lower_body": ("leg", "foot", "knee", "hip", "ankle", "thigh", "toes"),
    "head": ("nose", "eye", "ear"),
    "face": ("nose", "eye", "ear", "mouth", "jaw", "eyebrow"),
    "torso": ("hip", "shoulder", "arm", "leg", "neck", "pelvis"),
    "hand": ("fingers", "thumb", "wrist", "pinky_finger"),
    "foot": ("toes", "heel", "ankle", "big_toe"),
    "thigh": ("knee", "hip"), "shank": ("ankle", "knee"),
    "upper_arm": ("elbow", "shoulder"), "forearm": ("wrist", "elbow"),
    "left_side": ("arm", "leg", "hand", "foot", "eye", "head"),
    "right_side": ("arm", "leg", "hand", "foot", "eye", "head"),
}  # fmt: skip
_CHAINS = (
    ("hip", "ankle"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "wrist"), ("ankle", "hip"),
    ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "shoulder"), ("shoulder", "hip"),
    ("hip", "foot"), ("hip", "toes"), ("shoulder", "hand"), ("elbow", "hand"), ("knee", "foot"),
    ("knee", "toes"), ("neck", "pelvis"), ("neck", "head_top"), ("shoulder", "ankle"),
    ("ear", "shoulder"), ("nose", "shoulder"), ("hip", "wrist"), ("knee", "hip"), ("ankle", "knee"),
    ("elbow", "shoulder"), ("wrist", "elbow"), ("hip", "heel"), ("shoulder", "knee"),
    ("pelvis", "head_top"), ("neck", "wrist"), ("pelvis", "ankle"), ("hand", "shoulder"),
)  # fmt: skip
_CHOOSERS = {
    "higher": ("hand", "arm", "leg", "foot", "knee", "elbow", "shoulder", "wrist", "hip", "ankle"),
    "lower": ("hand", "arm", "leg", "foot", "knee", "elbow", "shoulder", "wrist", "hip", "ankle"),
    "raised": ("arm", "leg", "hand", "foot", "arm", "leg"),
    "more_bent": ("arm", "leg", "knee", "elbow", "arm", "leg"),
    "straighter": ("arm", "leg", "knee", "elbow", "arm", "leg"),
    "nearer_camera": ("hand", "arm", "leg", "foot", "knee", "elbow", "shoulder", "wrist", "ankle"),
    "farther_camera": ("hand", "arm", "leg", "foot", "knee", "elbow", "shoulder", "wrist"),
    "nearest_face": ("hand", "hand", "arm", "foot", "wrist", "elbow"),
    "touching_face": ("hand", "hand", "hand", "arm", "foot"),
    "crossing_over": ("leg", "leg", "leg", "foot", "arm"),
    "image_left": ("arm", "leg", "hand", "foot", "knee", "elbow", "shoulder", "hip", "ankle"),
    "image_right": ("arm", "leg", "hand", "foot", "knee", "elbow", "shoulder", "hip", "ankle"),
}
_FILTERED = ("all", "all", "limbs", "leg", "arm", "hand", "foot", "upper_body", "lower_body")
_REFUSALS = {
    "not_pose": 50, "no_such_part": 18, "unclear": 14, "contradictory": 10, "injection": 12,
}  # fmt: skip


def sample(rng: Random, refusals: float = 0.2) -> Query | Refusal:
    if rng.random() < refusals:
        return Refusal(rng.choices(list(_REFUSALS), list(_REFUSALS.values()))[0])
    while True:
        query = Query(sample_scope(rng), **_wishes(rng))  # type: ignore[arg-type]
        if read(query).asked:
            return query


def sample_part(rng: Random, sided: float = 0.62) -> Part:
    name = rng.choices(list(COMMON), list(COMMON.values()))[0]
    if name in PAIRED and rng.random() < sided:
        return Part(name, "left" if rng.random() < 0.5 else "right")
    return Part(name)


def sample_scope(rng: Random) -> Scope:
    roll = rng.random()
    if roll < 0.40:
        return sample_part(rng)
    if roll < 0.47:
        return Part("all")
    if roll < 0.62:
        return sample_union(rng)
    if roll < 0.79:
        return sample_except(rng)
    if roll < 0.845:
        return sample_chain(rng)
    related = sample_related(rng)
    if rng.random() < 0.08 and related.part.name in WITHIN and related.part.side is None:
        return Except(related, Part(rng.choice(WITHIN[related.part.name])))
    if rng.random() < 0.08:
        return union([related, _other(rng, related.part)])
    return Except(Part("all"), related) if rng.random() < 0.03 else related


def _other(rng: Random, used: Part) -> Part:
    while True:
        other = sample_part(rng)
        if other.name != used.name:
            return other


def sample_union(rng: Random) -> Scope:
    count = rng.choices((2, 3, 4, 5), (62, 24, 9, 5))[0]
    if rng.random() < 0.25:  # of one side, or the same part crosswise
        side = rng.choice(("left", "right"))
        names = rng.sample([name for name in COMMON if name in PAIRED], count)
        return union([part_of(f"{side}_{name}") for name in names])
    items: list[Scope] = []
    while len(items) < count:
        item = sample_part(rng, 0.5)
        if item not in items:
            items.append(item)
    if rng.random() < 0.1:
        items[-1] = sample_chain(rng)
    return union(items)


def sample_except(rng: Random) -> Except:
    roll = rng.random()
    if roll < 0.55:
        removed: Scope = sample_part(rng, 0.45)
        for _ in range(rng.choices((0, 1, 2), (68, 24, 8))[0]):
            removed = union([removed, sample_part(rng, 0.45)])
        return Except(Part("all"), removed)
    whole = rng.choice(list(WITHIN))
    inner = Part(rng.choice(WITHIN[whole]))
    outer = Part(whole)
    if whole in PAIRED and rng.random() < 0.5:
        side = rng.choice(("left", "right"))
        outer = part_of(f"{side}_{whole}")
        if inner.name in PAIRED and rng.random() < 0.6:
            inner = part_of(f"{side}_{inner.name}")
    elif inner.name in PAIRED and rng.random() < 0.4:
        side = rng.choice(("left", "right"))
        if whole.endswith("_side"):
            side = whole.split("_", maxsplit=1)[0]
        inner = part_of(f"{side}_{inner.name}")
    if rng.random() < 0.08:
        return Except(Except(Part("all"), outer), _other(rng, outer))
    return Except(outer, inner)


def sample_chain(rng: Random) -> Chain:
    first, last = rng.choice(_CHAINS)
    if rng.random() < 0.12:  # across the body
        name = rng.choice(("shoulder", "hip", "wrist", "knee", "ankle", "elbow", "hand"))
        sides = ["left", "right"]
        rng.shuffle(sides)
        return Chain(part_of(f"{sides[0]}_{name}"), part_of(f"{sides[1]}_{name}"))
    if rng.random() < 0.65:
        side = rng.choice(("left", "right"))
        ends = [part_of(f"{side}_{n}") if n in PAIRED else Part(n) for n in (first, last)]
        return Chain(ends[0], ends[1])
    return Chain(Part(first), Part(last))


def sample_related(rng: Random) -> Related:
    if rng.random() < 0.35:
        side = rng.random() < 0.15
        name = rng.choice(_FILTERED)
        where = (
            part_of(f"{rng.choice(('left', 'right'))}_{name}")
            if side and name in PAIRED
            else Part(name)
        )
        return Related(rng.choice((*FILTERING, "hidden_by_blanket", "hidden_by_blanket")), where)
    relation = rng.choice(list(_CHOOSERS))
    return Related(relation, Part(rng.choice(_CHOOSERS[relation])))


def _wishes(rng: Random) -> dict[str, object]:
    wishes: dict[str, object] = {}
    if rng.random() < 0.15:
        wishes["visibility"] = "visible" if rng.random() < 0.55 else "occluded"
    if rng.random() < 0.16:
        wishes["dims"] = 3
    if rng.random() < 0.11:
        wishes["subject"] = rng.choice((*SUBJECTS[1:], "adult", "infant", "adult", "infant"))
    if rng.random() < 0.10:
        wishes["skeleton"] = rng.choice(SKELETONS)
    if rng.random() < 0.04:
        wishes["premise"] = rng.choice(PREMISES)
    return wishes
