"""Text → Understood: tokens, the text graph, decoding, a skeleton. No picture, no torch.

resolver = Resolver.of_folder("runs/text")
resolver.resolve("everything but the left arm").joints
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from posealign.data.pose import Understood
from posealign.errors import InvalidInput, TooLarge
from posealign.instructions.candidates import settle
from posealign.instructions.cleaning import cleaned
from posealign.instructions.decoding import Heads
from posealign.instructions.describe import describe_query
from posealign.instructions.foreign import is_foreign, language
from posealign.instructions.hints import Hint, find_hints, lexicon_of
from posealign.instructions.near import near_matches
from posealign.instructions.normalise import language_of, normalise
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.sets import in_skeleton
from posealign.instructions.tokens import encode, load_tokenizer, pad
from posealign.instructions.twofold import mirrored, twofold
from posealign.runtime.cache import Cache
from posealign.runtime.session import Graph, as_graph, open_session
from posealign.skeletons.load import NAMES, vocabulary
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Skeleton

LONGEST_TEXT = 400  # characters, as given; longer is refused with TooLarge (HTTP 413)
DEFAULT_SKELETON = "coco17"


class HasFolder(Protocol):
    """A bundle, as far as words are concerned."""

    @property
    def folder(self) -> Path: ...


@dataclass(frozen=True)
class Reading:
    """One text read: everything that does not depend on a skeleton or a picture.

    `asked` and `related` are vocabulary joints; `ids` [1, L] and `text_tokens` [1, L, T] are what
    `select` takes, of the text or, where that was read, of its mirror image. `asked` includes the
    candidates of a relation.
    """

    text: str
    language: str
    refused: bool
    reason: str | None
    asked: frozenset[str]
    related: frozenset[str]
    relation: str | None
    taken: bool  # what the relation chooses goes
    dims: int
    visibility: str
    subject: str
    skeleton: str | None
    premise: str | None
    confidence: float
    query: str | None
    near: tuple[str, ...]
    ids: NDArray[np.int64] = field(repr=False, compare=False)
    text_tokens: NDArray[np.float32] = field(repr=False, compare=False)


class Resolver:
    """Owns a tokenizer and a text graph. Safe to share between threads; remembers `size` texts."""

    def __init__(
        self,
        bundle: HasFolder | Tokenizer,
        graph: Graph,
        size: int = 4096,
        phrasebooks: Sequence[str] = LANGUAGES,
    ) -> None:
        self.tokenizer = (
            bundle
            if isinstance(bundle, Tokenizer)
            else load_tokenizer(bundle.folder / "tokenizer.json")
        )
        self.graph = graph
        # Names of further phrasebooks (paths) are pointed out to the graph like our own.
        self.lexicon = lexicon_of([phrasebook(name) for name in phrasebooks])
        self.foreign = bool(set(phrasebooks) - set(LANGUAGES))
        self._readings: Cache[Reading] = Cache(size)
        self._answers: Cache[Understood] = Cache(size)

    @classmethod
    def of_folder(
        cls, folder: str | Path, size: int = 4096, phrasebooks: Sequence[str] = LANGUAGES
    ) -> Resolver:
        """From text.onnx and tokenizer.json alone, on one CPU thread."""
        tokenizer = load_tokenizer(Path(folder) / "tokenizer.json")
        return cls(tokenizer, open_text(folder), size, phrasebooks)

    def resolve(self, text: str, skeleton: str | None = None) -> Understood:
        """What is understood; `skeleton` holds where the text names none."""
        key = (text, skeleton)
        known = self._answers.get(key)
        if known is None:
            known = self.understand(self.read(text), skeleton)
            self._answers.put(key, known)
        return known

    def read(self, text: str) -> Reading:
        check_text(text)
        known = self._readings.get(text)
        if known is None:
            known = self._read(text)
            self._readings.put(text, known)
        return known

    def heads(self, text: str) -> Heads | None:
        """As `read`, in the terms that scoring compares; None is a refusal."""
        heads, reason, _, _ = self._heads(self.clean(text))
        return heads if reason is None else None

    def clean(self, text: str) -> str:
        """Normalised and, unless it speaks another language, mended."""
        clean = normalise(text)
        return clean if self._is_added(clean) or is_foreign(clean) else cleaned(clean)

    def _is_added(self, clean: str) -> bool:
        """Whether a further phrasebook knows words of the text that ours do not."""
        return self.foreign and find_hints(clean, self.lexicon) != find_hints(clean)

    def language(self, clean: str) -> str:
        """en | zh | mixed | other, which a further phrasebook's texts are told from by script."""
        return language_of(clean) if self._is_added(clean) else language(clean)

    def logits(
        self, clean: str, hints: list[Hint] | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
        """The graph's answer to a clean text as it stands, and its ids [1, L]; none of them where
        it says nothing.
        """
        row = encode(self.tokenizer, clean, hints=hints, lexicon=self.lexicon)
        ids = pad([row or [1]])
        return dict(self.graph({"ids": ids})), ids[:, : len(row)]

    def _heads(
        self, clean: str
    ) -> tuple[Heads, str | None, NDArray[np.int64], NDArray[np.float32]]:
        seen = twofold(clean)
        hints = find_hints(seen.text, self.lexicon)
        out, ids = self.logits(seen.text, hints)
        foreign = self.foreign and hints != find_hints(seen.text)
        heads = settle(out, 0, hints, seen.text, foreign=foreign)
        heads = mirrored(heads) if seen.turned else heads
        reason = None if heads.answered else heads.reason
        if not ids.size:
            reason, ids = "unclear", pad([[1]])
        elif suspicious(clean):
            reason = "injection"
        elif not foreign and is_foreign(clean):
            reason = "unclear"
        return heads, reason, ids, out["text_tokens"]

    def _read(self, text: str) -> Reading:
        clean = self.clean(text)
        heads, reason, ids, tokens = self._heads(clean)
        if suspicious(normalise(text)):
            reason = "injection"
        return _reading(text, self.language(clean), heads, reason, ids, tokens)

    def understand(self, reading: Reading, skeleton: str | None = None) -> Understood:
        """A reading in the terms of a skeleton: the one the text names, else the given one."""
        chosen = load_skeleton(reading.skeleton or skeleton or DEFAULT_SKELETON)
        named = _named(reading.text, chosen)
        refused, reason, near = reading.refused, reading.reason, reading.near
        if refused and named:
            refused, reason = False, None  # a joint of a skeleton of one's own, by its own name
        joints = (
            () if refused else in_skeleton(reading.asked, chosen) if not reading.refused else ()
        )
        joints = tuple(name for name in chosen.names if name in {*joints, *named})
        if not refused and not joints:
            refused, reason, near = True, "not_in_skeleton", _skeletons_with(reading.asked)
        candidates = in_skeleton(reading.related, chosen) if reading.related and not refused else ()
        return Understood(
            text=reading.text,
            language=reading.language,
            refused=refused,
            reason=reason,
            joints=() if refused else joints,
            dims=reading.dims,
            visibility=reading.visibility,
            subject=reading.subject,
            skeleton=reading.skeleton or skeleton or DEFAULT_SKELETON,
            query=f"refuse:{reason}" if refused else reading.query,
            relations=(reading.relation,) if reading.relation and not refused else (),
            candidates=candidates,
            needs_picture=bool(reading.relation) and not refused,
            near_matches=near if refused else (),
            confidence=round(reading.confidence, 4),
        )


def check_text(text: str) -> None:
    if not isinstance(text, str):
        raise InvalidInput(f"an instruction is text; got {type(text).__name__}")
    if len(text) > LONGEST_TEXT:
        raise TooLarge(f"the instruction has {len(text)} characters; at most {LONGEST_TEXT}")


def open_text(folder: str | Path) -> Graph:
    """The text graph of a bundle's folder on one CPU thread."""
    return as_graph(open_session(Path(folder) / "text.onnx", "cpu", 1))


def _reading(
    text: str,
    language: str,
    heads: Heads,
    reason: str | None,
    ids: NDArray[np.int64],
    tokens: NDArray[np.float32],
) -> Reading:
    names = vocabulary().names
    refused = reason is not None
    options = {
        "vis": heads.visibility if heads.visibility != "any" else None,
        "dims": "3" if heads.dims == 3 else None,
        "subject": heads.subject if heads.subject != "all" else None,
        "skeleton": heads.skeleton,
        "premise": heads.premise,
    }
    query = None
    if not refused:
        query = describe_query(heads.asked_V, heads.related_V, heads.relation, options, heads.taken)
    return Reading(
        text=text,
        language=language,
        refused=refused,
        reason=reason,
        asked=frozenset() if refused else _names_of(names, heads.asked_V),
        related=frozenset() if refused else _names_of(names, heads.related_V),
        relation=None if refused else heads.relation,
        taken=heads.taken and not refused,
        dims=heads.dims if not refused else 2,
        visibility=heads.visibility if not refused else "any",
        subject=heads.subject if not refused else "all",
        skeleton=None if refused else heads.skeleton,
        premise=None if refused else heads.premise,
        confidence=heads.confidence,
        query=query,
        near=near_matches(text) if refused else (),
        ids=ids,
        text_tokens=tokens,
    )


def _names_of(names: tuple[str, ...], mask_V: NDArray[np.bool_]) -> frozenset[str]:
    return frozenset(names[at] for at in np.flatnonzero(mask_V))


@cache
def _guards() -> re.Pattern[str]:
    return re.compile("|".join(g for name in LANGUAGES for g in phrasebook(name).guards))


@lru_cache(maxsize=16)  # a text that needs no mending is asked for twice in a row
def suspicious(clean: str) -> bool:
    """Phrases that talk to the machine about its rules: refused whatever else is asked."""
    return bool(_guards().search(clean))


@cache
def _own_joints(skeleton: Skeleton) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Joints that are none of the vocabulary's, by the words for them."""
    rows = []
    for joint in skeleton.joints:
        if joint.sources:
            continue
        words = {normalise(w) for w in (joint.name.replace("_", " "), joint.en, joint.zh)}
        words |= {normalise(alias) for alias in joint.aliases}
        options = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word)
        rows.append((joint.name, re.compile(rf"(?<![a-z])(?:{options})(?![a-z])")))
    return tuple(rows)


def _named(text: str, skeleton: Skeleton) -> tuple[str, ...]:
    if all(joint.sources for joint in skeleton.joints):
        return ()  # the usual case, and looking into a cache by a whole skeleton is slow
    clean = normalise(text)
    return tuple(name for name, pattern in _own_joints(skeleton) if pattern.search(clean))


def _skeletons_with(asked: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in NAMES if in_skeleton(asked, load_skeleton(name)))
