"""The written corpus: from `QUERY => TEXT` files to JSONL, split by frame, duplicates reported.

    python -m training.corpus convert SOURCE_DIR  en_*, zh_*, w*_*: train and dev; test_*: test
    python -m training.corpus add SOURCE_DIR      more w*_* files to what is in the repository
    python -m training.corpus hold SOURCE_DIR     w*_* files that are only ever measured on
    python -m training.corpus check               figures of what is in the repository

Test texts are read by this script alone and never printed; its digest is committed before
training. Lines of train or dev that nearly repeat one of test or strangers are dropped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy import sparse

from posealign.instructions.foreign import language
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Refusal, parse
from posealign.instructions.written import FOLDER, SPLITS, Line, digest, load

DEV_SHARE = 0.13  # of the frames
LATER_DEV_SHARE = 0.04  # of those of the later files (w*), which are there to learn from
NEAR = 0.8  # Jaccard of character trigrams


def read_source(path: Path) -> Iterator[Line]:
    """Lines of one source file; translated pairs share `pair`."""
    frame = ""
    for number, row in enumerate(path.read_text("utf-8").splitlines(), 1):
        if row.startswith("# "):
            frame = row[2:].strip()
        if row.startswith("#") or not row.strip():
            continue
        query, arrow, text = row.partition(" => ")
        if not arrow:
            raise SystemExit(f"{path}:{number}: expected `QUERY => TEXT`")
        texts = [piece.strip() for piece in text.split(" ||| ")]
        pair = f"{path.stem}-{number}" if len(texts) == 2 else None
        for piece in texts:
            written = str(parse(query))
            yield Line(written, piece, language(normalise(piece)), f"{path.stem}/{frame}", pair)


def split_of(frame: str) -> str:
    """By frame, so that a sentence pattern is either learnt or measured."""
    share = int(hashlib.sha256(frame.encode()).hexdigest()[:8], 16) / 2**32
    return "dev" if share < (LATER_DEV_SHARE if frame[0] == "w" else DEV_SHARE) else "train"


def key_of(text: str) -> str:
    return re.sub(r"[^\w]+", "", normalise(text))


def trigrams(texts: list[str], index: dict[str, int]) -> sparse.csr_matrix:
    rows, columns = [], []
    for row, text in enumerate(texts):
        padded = f"^{key_of(text)}$"
        for gram in {padded[i : i + 3] for i in range(len(padded) - 2)}:
            rows.append(row)
            columns.append(index.setdefault(gram, len(index)))
    shape = (len(texts), 2**20)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def nearest_similarity(texts: list[str], others: list[str]) -> np.ndarray:
    """For each text the highest trigram overlap with any of the others."""
    index: dict[str, int] = {}
    a, b = trigrams(texts, index), trigrams(others, index)
    shared = (a @ b.T).tocoo()
    size_a, size_b = a.sum(axis=1).A1, b.sum(axis=1).A1
    jaccard = shared.data / (size_a[shared.row] + size_b[shared.col] - shared.data)
    best = np.zeros(len(texts))
    np.maximum.at(best, shared.row, jaccard)
    return best


def convert(source: Path) -> None:
    lines = [line for path in sorted(source.glob("*_*.txt")) for line in read_source(path)]
    groups: dict[str, list[Line]] = {"train": [], "dev": [], "test": []}
    seen: set[tuple[bool, str]] = set()
    for line in lines:
        key = key_of(line.text) or line.text
        where = "test" if line.frame.startswith("test") else split_of(line.frame)
        if (where == "test", key) in seen:
            continue
        seen.add((where == "test", key))
        groups[where].append(line)
    _drop_near(groups, groups["test"])
    _write(groups)


def add(source: Path) -> None:
    """Later files behind what is there: mended lines stay mended, the test part untouched."""
    groups = {name: list(load(name)) for name in ("train", "dev", "test")}
    seen = {key_of(line.text) or line.text for group in groups.values() for line in group}
    fresh: dict[str, list[Line]] = {"train": [], "dev": []}
    for path in sorted(source.glob("w*_*.txt")):
        for line in read_source(path):
            key = key_of(line.text) or line.text
            if key not in seen:
                fresh[split_of(line.frame)].append(line)
            seen.add(key)
    held = load("strangers") if (FOLDER / "strangers.jsonl").is_file() else []
    _drop_near(fresh, [*groups["test"], *held])
    _write({name: groups[name] + fresh[name] for name in ("train", "dev")})


def hold(source: Path) -> None:
    """Lines of strangers, but for those that nearly repeat a line of another part."""
    lines = [line for path in sorted(source.glob("w*_*.txt")) for line in read_source(path)]
    others = [line.text for name in ("train", "dev", "test") for line in load(name)]
    near = nearest_similarity([line.text for line in lines], others)
    report("lines close to one of another part, dropped", int((near >= NEAR).sum()))
    _write({"strangers": [line for line, n in zip(lines, near, strict=True) if n < NEAR]})


def _drop_near(groups: dict[str, list[Line]], measured: list[Line]) -> None:
    """Lines of train or dev that nearly repeat one that is only measured on."""
    if not measured:
        return
    others = [line.text for line in measured]
    for name in ("train", "dev"):
        near = nearest_similarity([line.text for line in groups[name]], others)
        report(f"{name} lines close to a measured line, dropped", int((near >= NEAR).sum()))
        groups[name] = [line for line, n in zip(groups[name], near, strict=True) if n < NEAR]


def _write(groups: dict[str, list[Line]]) -> None:
    """Each part as JSONL, the digests of all parts, and the figures."""
    FOLDER.mkdir(exist_ok=True)
    for name, group in groups.items():
        if name == "test" and not group:
            continue
        rows = (json.dumps(asdict(line), ensure_ascii=False) for line in group)
        (FOLDER / f"{name}.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    parts = [name for name in SPLITS if (FOLDER / f"{name}.jsonl").is_file()]
    digests = {name: digest(name) for name in parts}
    (FOLDER / "digests.json").write_text(json.dumps(digests, indent=1) + "\n", "utf-8")
    check()


def check() -> None:
    for name in SPLITS:
        if not (FOLDER / f"{name}.jsonl").is_file():
            continue
        lines = load(name)
        queries = [parse(line.query) for line in lines]
        report(
            name,
            {
                "lines": len(lines),
                "frames": len({line.frame for line in lines}),
                "languages": dict(Counter(line.language for line in lines)),
                "refusals": sum(isinstance(query, Refusal) for query in queries),
                "pairs": len({line.pair for line in lines if line.pair}),
                "sha256": digest(name)[:16],
            },
        )
    dev, train = [x.text for x in load("dev")], [x.text for x in load("train")]
    report("dev lines close to a train line", int((nearest_similarity(dev, train) >= NEAR).sum()))


def report(name: str, value: object) -> None:
    print(f"{name}: {value}", file=sys.stderr)


TASKS = {"convert": convert, "add": add, "hold": hold}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("check", *TASKS))
    parser.add_argument("source", nargs="?", type=Path)
    options = parser.parse_args()
    if options.task == "check":
        check()
    elif options.source is None:
        parser.error(f"{options.task} needs the folder of the written files")
    else:
        TASKS[options.task](options.source)


if __name__ == "__main__":
    main()
