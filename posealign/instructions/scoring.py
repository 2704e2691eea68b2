"""Figures about readings of text: exact sets, F1, slots, refusals, agreement, consistency.

A reading is a Heads, or None where a reader refuses. Sets are compared on the whole vocabulary,
fingers, toes and face points included; `exact_core` looks at the COCO-17 joints alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from posealign.instructions.decoding import CORE_V, Heads, Logits, decode
from posealign.instructions.mirror import mirror_text
from posealign.instructions.noise import replace_words, typo
from posealign.instructions.phrases import phrasebook
from posealign.instructions.query import Query, Refusal, parse
from posealign.instructions.sets import read
from posealign.instructions.targets import target_of
from posealign.instructions.written import Line
from posealign.skeletons.load import vocabulary

Reading = Heads | None
Reader = Callable[[Sequence[str]], list[Reading]]
SLOTS = ("dims", "visibility", "subject", "skeleton", "relation", "premise")


def scores(out: Logits, queries: Sequence[str]) -> dict[str, float]:
    """Figures of a whole batch of logits."""
    return figures([decode(out, row) for row in range(len(queries))], queries)


def heads_of(query: Query | Refusal) -> Reading:
    """A Query as a reading, e.g. the keyword parser's."""
    if isinstance(query, Refusal):
        return None
    reading, relations = read(query), query.relations
    return Heads(
        answered=True, confidence=1.0, reason="", asked_V=reading.asked_V(),
        related_V=reading.related_V(), dims=query.dims, visibility=query.visibility,
        subject=query.subject, skeleton=query.skeleton,
        relation=relations[0].relation if relations else None, premise=query.premise,
        taken=query.takes_away,
    )  # fmt: skip


def refuses(reading: Reading) -> bool:
    return reading is None or not reading.answered


def figures(readings: Sequence[Reading], queries: Sequence[str]) -> dict[str, float]:
    """Sets and false refusals over answerable texts, slots over those that were answered."""
    pairs = [(r, target_of(q), parse(q)) for r, q in zip(readings, queries, strict=True)]
    asked = [(r, target, query) for r, target, query in pairs if isinstance(query, Query)]
    refused = [r for r, _, query in pairs if isinstance(query, Refusal)]
    exact, core, f1 = [], [], []
    for reading, target, query in asked:
        got_V = np.zeros_like(target.asked_V)
        if reading is not None and reading.answered:
            got_V = reading.asked_V
        same_V = got_V == target.asked_V
        stays = reading is not None and reading.taken == query.takes_away
        exact.append(bool(same_V.all() and stays))
        core.append(bool(same_V[CORE_V].all() and got_V.any() and stays))
        f1.append(2 * (got_V & target.asked_V).sum() / (got_V.sum() + target.asked_V.sum()))
    said_no = sum(refuses(reading) for reading in refused)
    false_no = sum(refuses(reading) for reading, _, _ in asked)
    precision, recall = said_no / max(1, said_no + false_no), said_no / max(1, len(refused))
    return {
        "exact": _mean(exact),
        "exact_core": _mean(core),
        "f1": _mean(f1),
        **_slots(asked),
        "refusal_p": precision,
        "refusal_r": recall,
        "refusal_f1": 2 * precision * recall / max(1e-9, precision + recall),
        "false_refusals": false_no / max(1, len(asked)),
    }


def _slots(asked: Sequence[tuple[Reading, object, Query]]) -> dict[str, float]:
    right: dict[str, list[bool]] = {name: [] for name in SLOTS}
    for reading, _, query in asked:
        if reading is None or not reading.answered:
            continue
        relations = query.relations
        truth = {
            "dims": query.dims, "visibility": query.visibility, "subject": query.subject,
            "skeleton": query.skeleton, "premise": query.premise,
            "relation": relations[0].relation if relations else None,
        }  # fmt: skip
        for name in SLOTS:
            right[name].append(getattr(reading, name) == truth[name])
    return {name: _mean(rows) for name, rows in right.items()}


def _mean(rows: Sequence[float | bool]) -> float:
    return float(np.mean(rows)) if len(rows) else float("nan")


def same_meaning(one: Reading, other: Reading) -> bool:
    if one is None or other is None or not one.answered or not other.answered:
        return refuses(one) and refuses(other)
    return bool((one.asked_V == other.asked_V).all()) and all(
        getattr(one, name) == getattr(other, name) for name in (*SLOTS, "taken")
    )


def pair_agreement(reader: Reader, lines: Sequence[Line]) -> float:
    """How often both halves of a translated pair are understood alike."""
    pairs: dict[str, list[str]] = {}
    for line in lines:
        if line.pair:
            pairs.setdefault(line.pair, []).append(line.text)
    halves = [texts for texts in pairs.values() if len(texts) == 2]
    readings = reader([text for texts in halves for text in texts])
    return _mean(
        [same_meaning(readings[at], readings[at + 1]) for at in range(0, len(readings), 2)]
    )


def mirror_consistency(reader: Reader, lines: Sequence[Line]) -> float:
    """How often exchanged side words give the exchanged set, over texts that name a side."""
    texts = [(line.text, mirror_text(line.text)) for line in lines]
    told = [(text, other) for text, other in texts if other is not None and other != text]
    straight, mirrored = (reader([pair[at] for pair in told]) for at in (0, 1))
    return _mean([_mirrored(a, b) for a, b in zip(straight, mirrored, strict=True)])


def _mirrored(one: Reading, other: Reading) -> bool:
    if one is None or other is None or not one.answered or not other.answered:
        return refuses(one) and refuses(other)
    return bool((one.asked_V[vocabulary().swap_J] == other.asked_V).all())


def typo_drop(reader: Reader, lines: Sequence[Line], seed: int = 7) -> float:
    """Loss of exact sets, in points, over the texts that one typo or homophone changes."""
    rng, changed = Random(seed), []
    for line in lines:
        if line.query.startswith("refuse"):
            continue
        book = phrasebook("en" if line.language == "en" else "zh")
        text = (
            typo(line.text, rng) if line.language == "en" else replace_words(line.text, rng, book)
        )
        if text != line.text:
            changed.append((line.query, line.text, text))
    queries = [query for query, _, _ in changed]
    clean = figures(reader([text for _, text, _ in changed]), queries)["exact"]
    return 100 * (clean - figures(reader([text for _, _, text in changed]), queries)["exact"])
