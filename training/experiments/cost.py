"""Fixed and instructed heads on the same held-out views: places, and places that were given.

A joint is placed where it lies near its label. It is answered where the head also took it as asked
for; a fixed head is not asked, its joints are cut out by the truth. Shapes: N views, Q questions a
view, 17 COCO's joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posealign.instructions.asked import answer
from posealign.instructions.query import Part, Query
from posealign.instructions.wording import word
from posealign.model import codec
from training.ask import books
from training.experiments.behind import BODY, Head, Instructions, anybody
from training.experiments.intervals import Change, Floats, change
from training.experiments.looked import Looked
from training.experiments.tables import Findings, Table
from training.instruct import Triple

LIMBS = (Part("leg", "left"), Part("leg", "right"), Part("arm", "left"), Part("arm", "right"))
QUESTIONS = 1 + len(LIMBS)  # a view
WHOLE = ("all keypoints", "every joint", "all joints", "所有关键点", "全部关节", "全身的关节点")
TURNED = ", turned"  # behind the name of a test whose pictures are another's, turned
NEAR = 0.1
BAR = 0.5  # points that flexibility may cost
Ratio = tuple[Floats, Floats]
Figures = dict[str, Ratio]
Runs = Mapping[str, Sequence[Figures]]  # of each arm, one a seed


def questions(views: int, seed: int) -> list[Triple]:
    """For every view one wording of "all joints" and one of each limb, in English or Chinese."""
    rng, drawn = Random(1_000_003 + seed), list[Triple]()
    for _ in range(views):
        drawn.append(_triple(Query(Part("all")), rng.choice(WHOLE)))
        for limb in LIMBS:
            query = Query(limb)
            drawn.append(_triple(query, word(query, rng, rng.choice(books()))))
    return drawn


def _triple(query: Query, text: str) -> Triple:
    return Triple(text, query, *answer(query, anybody(), (192, 192)))


@torch.no_grad()
def judge(head: Head, views: Looked, asked: Instructions, cell: Tensor) -> Figures:
    """Each figure as a sum over a view's joints and the count of them; `asked` as `questions`."""
    head.eval()
    near, seen, given = [], [], []
    for start in range(0, len(views), 32):
        rows = np.arange(start, min(start + 32, len(views)))
        batch = views.rows(rows)
        vectors, joints, crop = head.place(batch)
        maps = head.maps(batch, vectors[:, :BODY])
        found = codec.decode(maps, *head.grid) * cell
        gap_B17 = (found - batch["points"]).norm(dim=-1)
        near.append(torch.stack([gap_B17 <= NEAR * batch[size][:, None]
                                 for size in ("box", "torso")], 1).numpy())  # fmt: skip
        known = batch["seen"] > 0
        seen.append(torch.stack([known, known & (batch["torso"] > 0)[:, None]], 1).numpy())
        given.append(_given(head, joints, crop, asked, rows))
    return _figures(
        np.concatenate(near), np.concatenate(seen), np.concatenate(given), asked,
        head.arm.words,
    )  # fmt: skip


def _given(
    head: Head, joints: Tensor, crop: Tensor, words: Instructions, rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """[B, Q, 17]: which joints the head takes as asked for."""
    count = QUESTIONS
    every = torch.from_numpy((rows[:, None] * count + np.arange(count)).ravel())
    if not head.arm.words:
        truth = words.asked_PV[every, :BODY] > 0
        return np.asarray(truth.unflatten(0, (-1, count)).numpy())
    asked, gate = head.asks(
        joints.repeat_interleave(count, 0), crop.repeat_interleave(count, 0), words.rows(every)
    )
    given = (asked[:, :BODY] > 0) & (gate > 0)[:, None]
    return np.asarray(given.unflatten(0, (-1, count)).numpy())


def _figures(
    near_N217: NDArray[np.bool_],
    seen_N217: NDArray[np.bool_],
    given_NQ17: NDArray[np.bool_],
    instructions: Instructions,
    words: bool,
) -> Figures:
    views = len(near_N217)
    shape = (views, QUESTIONS, BODY)
    asked = instructions.asked_PV[:, :BODY].numpy().reshape(shape) > 0
    read = instructions.read_PV[:, :BODY].numpy().reshape(shape)
    figures: Figures = {}
    for at, size in enumerate(("box", "torso")):
        near, seen = near_N217[:, at, None], seen_N217[:, at, None]
        for kind, part in (("all", slice(0, 1)), ("limb", slice(1, None))):
            wanted = asked[:, part] & seen
            total = wanted.sum((1, 2)).astype(float)
            hit = wanted & near
            figures[f"{kind} placed, {size}"] = hit.sum((1, 2)).astype(float), total
            for how, taken in (("answered", given_NQ17), ("read by the text graph", read)):
                side = taken[:, part] if words else asked[:, part]
                figures[f"{kind} {how}, {size}"] = (hit & side).sum((1, 2)).astype(float), total
    if words:
        for how, taken in (("answered", given_NQ17), ("read", read)):
            for kind, part in (("all", slice(0, 1)), ("limb", slice(1, None))):
                exact = (taken[:, part] == asked[:, part]).all(2)
                figures[f"{kind} exact, {how}"] = (
                    exact.sum(1).astype(float), np.full(views, exact.shape[1], float)
                )  # fmt: skip
    return figures


def findings(figures: Mapping[str, Runs], against: str, draws: int) -> Findings:
    """All tests together, one table a test, and one of what was understood."""
    runs, body_N = together(figures)
    tables = [_table("all tests together", runs, body_N, against, draws)]
    for test, alone in figures.items():
        tables.append(_table(test, alone, np.arange(_views(alone)), against, draws))
    return Findings((*tables, _understood(figures)))


def _views(runs: Runs) -> int:
    return len(next(iter(next(iter(runs.values()))[0].values()))[0])


def together(figures: Mapping[str, Runs]) -> tuple[Runs, NDArray[np.int64]]:
    """Views behind views; a turned picture is the same body as the one that was turned."""
    bodies: list[NDArray[np.int64]] = []
    first: dict[str, int] = {}
    used = 0
    for test, runs in figures.items():
        count, of = _views(runs), test.removesuffix(TURNED)
        if of not in first:
            first[of], used = used, used + count
        bodies.append(first[of] + np.arange(count))
    arms = next(iter(figures.values()))
    pooled: dict[str, list[Figures]] = {}
    for name, seeds in arms.items():
        for number, keys in enumerate(seeds):
            sums = {key: tuple(np.concatenate([runs[name][number][key][side]
                                               for runs in figures.values()])
                               for side in (0, 1)) for key in keys}  # fmt: skip
            pooled.setdefault(name, []).append({k: (v[0], v[1]) for k, v in sums.items()})
    return pooled, np.concatenate(bodies)


ROWS = {
    "all 17, PCK@0.1 box": "all placed, box",
    "all 17, PCK@0.1 torso": "all placed, torso",
    "asked for all: given and near (box)": "all answered, box",
    "one limb: near (box)": "limb placed, box",
    "one limb: given and near (box)": "limb answered, box",
    "one limb, read by the text graph (box)": "limb read by the text graph, box",
    "one limb: given and near (torso)": "limb answered, torso",
}


def _table(test: str, runs: Runs, body_N: NDArray[np.int64], against: str, draws: int) -> Table:
    others = [name for name in runs if name != against]
    rows = []
    for label, figure in ROWS.items():
        base = [one[figure] for one in runs[against]]
        cells = [f"{100 * change(base, base, body_N, 1).before:.1f}"]
        for name in others:
            found = change(base, [one[figure] for one in runs[name]], body_N, draws)
            cells.append(f"{100 * found.after:.1f}")
            cells.append(points(found))
        rows.append((label, *cells))
    header = ["figure", against]
    for name in others:
        header += [name, f"{name} less {against}"]
    title = f"On {test} ({len(body_N)} views of {len(np.unique(body_N))} pictures)"
    return Table(title, tuple(header), tuple(rows))


def points(found: Change) -> str:
    """The difference in points with its interval, and whether the bar is kept."""
    middle, low, high = (100 * value for value in found.absolute)
    kept = "within" if low >= -BAR else "missed" if high < -BAR else "open"
    return f"{middle:+.2f} [{low:+.2f}, {high:+.2f}] {kept}"


def _understood(figures: Mapping[str, Runs]) -> Table:
    rows = []
    for test, runs in figures.items():
        for name, seeds in runs.items():
            if "all exact, answered" not in seeds[0]:
                continue
            cells = []
            for figure in ("all exact, answered", "limb exact, answered", "all exact, read",
                           "limb exact, read"):  # fmt: skip
                shares = [one[figure][0].sum() / one[figure][1].sum() for one in seeds]
                cells.append(f"{100 * float(np.mean(shares)):.1f}")
            rows.append((f"{name}, {test}", *cells))
    header = ("arm", "all: its own reading", "limb: its own reading", "all: text graph",
              "limb: text graph")  # fmt: skip
    note = "Instructions whose set of the 17 is exact, in per cent."
    return Table("What was understood", header, tuple(rows), note)
