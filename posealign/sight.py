"""Running the graphs on people: crops through `image`, people through `select` and `locate`.

A joint's vector, state and z come from the crop alone, never from the words. So `select` runs
once a crop, at the first question, and its answer stays with the sight; a second question costs
its words and one `locate`.
Shapes: P people, S sights of them all, K joints to place, V vocabulary joints, R joint vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.bundle import Bundle
from posealign.data.crop import Crop
from posealign.data.finder import Found, decode
from posealign.instructions.resolve import Reading
from posealign.people import Box, Seen, Sight, clipped, picture_box, turn_of
from posealign.question import rows_of
from posealign.runtime.session import Arrays, Graphs
from posealign.skeletons.load import skeleton
from posealign.verify import softmax
from posealign.vote import Voted, voted

# What `select` says without looking at the words; older bundles do not say what hides a joint.
WORDLESS = ("vectors", "state", "z", "hider")
LEAST_SIDE = 8  # pixels; a smaller box holds nobody
BODY = skeleton("coco17").names
LEAST_JOINTS = 4  # of the body; fewer say little of where it ends
# Lean in degrees and padding of the sights after the first, in the order in which they help most:
# docs/decisions/0023-sights-that-vote.md.
FURTHER = ((0.0, 1.25), (-15.0, 1.1), (15.0, 1.1))
MOST_PASSES = 1 + len(FURTHER)


def find(
    graphs: Graphs, bundle: Bundle, image_HW3: NDArray[np.uint8], threshold: float, most: int
) -> list[Found]:
    """The people, best first; the whole picture where the finder sees nobody."""
    height, width = image_HW3.shape[:2]
    whole = (0.0, 0.0, float(width), float(height))
    if not bundle.metadata.finder:
        return [Found(whole, 1.0, 0.5)]
    crop = Crop.of_box(whole, bundle.input_size, padding=1.0)
    out = graphs["image"](bundle.image_feeds(crop.cut(image_HW3)[None]))
    if "finder" not in out:
        return [Found(whole, 1.0, 0.5)]
    cell = bundle.input_size[0] / out["finder"].shape[-1]
    boxes = [
        replace(person, box=clipped(picture_box(crop, person.box), (width, height)))
        for person in decode(out["finder"][0], cell, threshold)[:most]
    ]
    boxes = [person for person in boxes if min(person.box[2:]) >= LEAST_SIDE]
    return boxes or [Found(whole, 0.0, 0.5)]


def encode(
    graphs: Graphs, bundle: Bundle, image_HW3: NDArray[np.uint8], crops: Sequence[Crop]
) -> tuple[Sight, ...]:
    """A sight through each crop, in one run of `image`."""
    if not crops:
        return ()
    pixels = stacked([crop.cut(image_HW3) for crop in crops])
    out = graphs["image"](bundle.image_feeds(pixels))
    return tuple(map(Sight, crops, out["features"], out["tokens"]))


def select(graphs: Graphs, people: tuple[Seen, ...], reading: Reading) -> tuple[Seen, ...]:
    """The people with what `select` says of their joints; no sight is selected twice.

    The graph wants words all the same. One token is enough for what is kept, and calls for
    different questions then have one shape, so that a server can batch them.
    """
    new = [(one, sight) for one in people for sight in one.sights if not sight.selected]
    if not new:
        return people
    out = graphs["select"](
        {
            "tokens": stacked([sight.tokens for _, sight in new]),
            "text_tokens": stacked([reading.text_tokens[0, :1]] * len(new)),
            "ids": stacked([reading.ids[0, :1]] * len(new)),
            "crop": stacked([sight.crop.facts(one.size) for one, sight in new]),
        }
    )
    said = {name: out[name] for name in WORDLESS if name in out}
    rows = iter(range(len(new)))
    return tuple(
        replace(one, sights=tuple(
            sight if sight.selected
            else replace(sight, selected=row_of(said, next(rows)), tokens=sight.tokens[:0].copy())
            for sight in one.sights
        ))
        for one in people
    )  # fmt: skip


def vectors_of(people: Sequence[Seen], rows_K: NDArray[np.integer]) -> NDArray[np.float32]:
    """[S, K, R] of rows of the vocabulary, of all sights of people that were selected."""
    return stacked([s.selected["vectors"][rows_K] for one in people for s in one.sights])


def gathered(people: tuple[Seen, ...]) -> tuple[tuple[Seen, ...], NDArray[np.float32]]:
    """The same people and the feature maps of all their sights, [S, C, h, w], held once.

    `locate` wants them in one piece, and a question that copied them would spend a tenth of its
    time on that.
    """
    features_SChw = stacked([sight.features for one in people for sight in one.sights])
    rows = iter(features_SChw)
    people = tuple(
        replace(one, sights=tuple(replace(sight, features=next(rows)) for sight in one.sights))
        for one in people
    )
    return people, features_SChw


def locate(
    graphs: Graphs,
    people: Sequence[Seen],
    vectors_SKR: NDArray[np.float32],
    features_SChw: NDArray[np.float32] | None = None,
) -> tuple[Voted, ...]:
    """Each person's places, which all sights have a say in."""
    if features_SChw is None:
        features_SChw = stacked([sight.features for one in people for sight in one.sights])
    found = graphs["locate"]({"features": features_SChw, "vectors": vectors_SKR})
    last = np.cumsum([len(one.sights) for one in people]).tolist()
    parts = [slice(end - len(one.sights), end) for one, end in zip(people, last, strict=True)]
    return tuple(
        voted({name: values[part] for name, values in found.items()}, one)
        for one, part in zip(people, parts, strict=True)
    )


def look_again(
    graphs: Graphs,
    bundle: Bundle,
    image_HW3: NDArray[np.uint8],
    people: tuple[Seen, ...],
    passes: int,
) -> tuple[Seen, ...]:
    """Everybody through `passes` - 1 further crops, yet to be selected."""
    places = locate(graphs, people, vectors_of(people, rows_of(BODY)))
    crops = [
        crop
        for one, place in zip(people, places, strict=True)
        for crop in further(one, place.points_K2, bundle.input_size, passes)
    ]
    sights = iter(encode(graphs, bundle, image_HW3, crops))
    return tuple(
        replace(one, sights=(*one.sights, *(next(sights) for _ in range(passes - 1))))
        for one in people
    )


def further(
    one: Seen, body_K2: NDArray[np.float64], input_size: tuple[int, int], passes: int
) -> list[Crop]:
    """The person upright, then leaning and larger. A box that was found gives way to a tighter one.

    A whole degree: backends whose places differ in the sixth digit then cut the same pixels.
    """
    box = one.box if one.given else extent(one, body_K2)
    turn = turn_of(body_K2[[BODY.index(name) for name in TORSO]])
    return [
        Crop.of_box(box, input_size, float(round(turn + lean)), padding)
        for lean, padding in FURTHER[: passes - 1]
    ]


def extent(one: Seen, body_K2: NDArray[np.float64]) -> Box:
    """What the joints span that the first sight holds for present; the box, if these are few."""
    present_K = softmax(one.mean("state")[rows_of(BODY)])[:, 0] < 0.5
    if present_K.sum() < LEAST_JOINTS:
        return one.box
    low, high = body_K2[present_K].min(axis=0), body_K2[present_K].max(axis=0)
    # Whole pixels, for backends that differ in the sixth digit.
    (left, top), (right, bottom) = np.floor(low).tolist(), np.ceil(high).tolist()
    if min(right - left, bottom - top) < LEAST_SIDE:
        return one.box
    return left, top, right - left, bottom - top


def stacked(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """np.stack, but one row is not copied: a feature map is megabytes, and most pictures have one
    person.
    """
    return rows[0][None] if len(rows) == 1 else np.stack(rows)


def row_of(arrays: Arrays, row: int) -> Arrays:
    return {name: value[row] for name, value in arrays.items()}
