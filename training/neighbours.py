"""Which words stand beside which in the written corpus, for posealign/instructions/neighbours.py.

    python -m training.neighbours

Run after the written corpus has changed. Runs of kinds (every part is one kind, every side another)
with their counts; what was written once is left out, and so are threes that were written twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from posealign.instructions.mend import LATIN, is_word
from posealign.instructions.mend_han import HEARD_SIDES
from posealign.instructions.neighbours import (
    BY_NAME,
    END,
    PART,
    RARE,
    RARE_HAN,
    SIDE,
    START,
    TABLE,
    Unit,
    units,
)
from posealign.instructions.normalise import normalise
from posealign.instructions.written import load

KNOWN = 3  # times a word must be written to be told from other rare ones
LEAST = (1, 2, 2)  # times that runs of one, two and three must be written to be kept

Run = tuple[str, ...]


def main() -> None:
    rows = rows_of(normalise(line.text) for line in load("train"))
    head = "# Runs of words in the written corpus: those before, then each that follows, its count."
    TABLE.write_text("\n".join((head, *rows)) + "\n", "utf-8")


def rows_of(texts: Iterable[str]) -> list[str]:
    """The table's rows: `BEFORE<tab>FOLLOWER COUNT FOLLOWER COUNT…`."""
    taken = [units(text) for text in texts]
    written = Counter(unit.kind for row in taken for unit in row)
    runs: Counter[Run] = Counter()
    named: Counter[Run] = Counter()
    for row in taken:
        kinds = [START, START, *(_kind(unit, written) for unit in row), END]
        for at in range(2, len(kinds)):
            for size in (1, 2, 3):
                runs[tuple(kinds[at + 1 - size : at + 1])] += 1
        runs[(START,)] += 2
        runs[START, START] += 1
        for before, unit in zip(kinds[1:], row, strict=False):
            if unit.kind in (PART, SIDE):
                named["", unit.written] += 1
                named[before, unit.written] += unit.kind == PART
    kept = {run: count for run, count in runs.items() if count >= LEAST[len(run) - 1]}
    parts = {run: count for run, count in named.items() if count >= LEAST[bool(run[0])]}
    return [*_grouped(kept, ""), *_grouped(parts, BY_NAME)]


def _kind(unit: Unit, written: Mapping[str, int]) -> str:
    known = written[unit.kind] >= KNOWN and unit.written not in HEARD_SIDES
    if known and (not LATIN.fullmatch(unit.written) or is_word(unit.written)):
        return unit.kind
    return RARE if unit.kind.isascii() else RARE_HAN


def _grouped(counts: Mapping[Run, int], mark: str) -> Iterator[str]:
    groups: dict[Run, list[tuple[int, str]]] = {}
    for run, count in counts.items():
        groups.setdefault(run[:-1], []).append((-count, run[-1]))
    for before in sorted(groups):
        followers = " ".join(f"{word} {-count}" for count, word in sorted(groups[before]))
        yield f"{' '.join(before)}{mark}\t{followers}"


if __name__ == "__main__":
    main()
