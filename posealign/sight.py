"""Running the graphs on people: crops through `image`, people through `select` and `locate`.

A joint's vector, state and z come from the crop alone, never from the words. So `select` runs
once a crop, at the first question, and its answer stays with the person; a second question costs
its words and one `locate`.
Shapes: P people, K joints to place, V vocabulary joints, R joint vector.
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
from posealign.people import Seen, clipped, picture_box, turn_of
from posealign.question import rows_of
from posealign.runtime.session import Arrays, Graphs

WORDLESS = ("vectors", "state", "z")  # what `select` says without looking at the words
LEAST_SIDE = 8  # pixels; a smaller box holds nobody


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
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """(features, tokens) of each crop, in one run of `image`."""
    if not crops:
        return []
    pixels = stacked([crop.cut(image_HW3) for crop in crops])
    out = graphs["image"](bundle.image_feeds(pixels))
    return list(zip(out["features"], out["tokens"], strict=True))


def select(graphs: Graphs, people: tuple[Seen, ...], reading: Reading) -> tuple[Seen, ...]:
    """The people with what `select` says of their joints; nobody is selected twice.

    The graph wants words all the same. One token is enough for what is kept, and calls for
    different questions then have one shape, so that a server can batch them.
    """
    new = [person for person in people if not person.selected]
    if not new:
        return people
    out = graphs["select"](
        {
            "tokens": stacked([person.tokens for person in new]),
            "text_tokens": stacked([reading.text_tokens[0, :1]] * len(new)),
            "ids": stacked([reading.ids[0, :1]] * len(new)),
            "crop": stacked([person.crop.facts(person.size) for person in new]),
        }
    )
    said = {name: out[name] for name in WORDLESS}
    rows = iter(range(len(new)))
    return tuple(
        person if person.selected else replace(person, selected=row_of(said, next(rows)))
        for person in people
    )


def vectors_of(people: Sequence[Seen], rows_K: NDArray[np.integer]) -> NDArray[np.float32]:
    """[P, K, R] of rows of the vocabulary, from people that were selected."""
    return stacked([person.selected["vectors"][rows_K] for person in people])


def locate(graphs: Graphs, people: Sequence[Seen], vectors_PKR: NDArray[np.float32]) -> Arrays:
    features = stacked([person.features for person in people])
    return graphs["locate"]({"features": features, "vectors": vectors_PKR})


def upright(
    graphs: Graphs,
    bundle: Bundle,
    image_HW3: NDArray[np.uint8],
    people: tuple[Seen, ...],
    turn_at: float,
) -> tuple[Seen, ...]:
    """Those who lie across their crop are looked at again in a turned one, yet to be selected.

    The very same tuple comes back where nobody was turned.
    """
    torsos_P42 = locate(graphs, people, vectors_of(people, rows_of(TORSO)))["xy"]
    crops: dict[int, Crop] = {}
    for p, person in enumerate(people):
        # A whole degree: backends whose places differ in the sixth digit then cut the same pixels.
        turn = float(round(turn_of(person.crop.invert(torsos_P42[p]))))
        off = (turn - person.crop.rotation + 180) % 360 - 180
        if abs(off) >= turn_at:
            crops[p] = Crop.of_box(person.box, bundle.input_size, turn)
    if not crops:
        return people
    seen = list(people)
    encoded = encode(graphs, bundle, image_HW3, list(crops.values()))
    for (p, crop), (features, tokens) in zip(crops.items(), encoded, strict=True):
        seen[p] = replace(people[p], crop=crop, features=features, tokens=tokens, selected={})
    return tuple(seen)


def voted(before: tuple[Seen, ...], after: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """Whoever was looked at again, with states that both looks have a say in.

    A turned crop shows joints better, and less of how the picture's border cuts the person.
    """
    return tuple(
        new if new.selected is old.selected else replace(new, selected={
            **new.selected, "state": (old.selected["state"] + new.selected["state"]) / 2
        })
        for old, new in zip(before, after, strict=True)
    )  # fmt: skip


def stacked(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """np.stack, but one row is not copied: a feature map is megabytes, and most pictures have one
    person.
    """
    return rows[0][None] if len(rows) == 1 else np.stack(rows)


def row_of(arrays: Arrays, row: int) -> Arrays:
    return {name: value[row] for name, value in arrays.items()}
