"""Text → token ids. Han characters stand alone; the rest is byte-pair encoded with byte fallback.

Normalisation is normalise.py's and happens here, so that no caller can forget it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE

from posealign.instructions.hints import Hint, Lexicon, find_hints, hint_tokens
from posealign.instructions.normalise import normalise

PADDING = 0
LONGEST = 512  # tokens; of anything longer the middle is left out
_PIECES = r"[\p{Han}]| ?[\p{L}\p{M}]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]|\s+"


def train_tokenizer(texts: Iterable[str], size: int = 7000, letters: str = "") -> Tokenizer:
    """Byte-pair encoding over normalised texts; `letters` are in the vocabulary regardless."""
    tokenizer = Tokenizer(BPE(unk_token=None, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=size - 256,
        special_tokens=["<pad>"],
        min_frequency=3,
        initial_alphabet=sorted(set(letters)),
        show_progress=False,
    )
    tokenizer.train_from_iterator((_spaced(normalise(text)) for text in texts), trainer)
    # The 256 byte tokens: whatever the alphabet lacks is still something, never nothing.
    data = json.loads(tokenizer.to_str())
    vocab = data["model"]["vocab"]
    for byte in range(256):
        vocab.setdefault(f"<0x{byte:02X}>", len(vocab))
    data["added_tokens"] = []  # "<pad>" written by a user is text
    return with_hints(Tokenizer.from_str(json.dumps(data)))


def with_hints(tokenizer: Tokenizer) -> Tokenizer:
    """The hints' tokens behind the others; no merge makes them, so no text can."""
    data = json.loads(tokenizer.to_str())
    for token in hint_tokens():
        data["model"]["vocab"].setdefault(token, len(data["model"]["vocab"]))
    return Tokenizer.from_str(json.dumps(data))


def load_tokenizer(path: str | Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))


def _spaced(text: str) -> str:
    """Words carry their leading space; the first one gets its own."""
    return " " + text if text and not "\u3400" <= text[0] <= "\u9fff" else text


def encode(
    tokenizer: Tokenizer,
    text: str,
    keep: Callable[[], bool] | None = None,
    lexicon: Lexicon | None = None,
    hints: Sequence[Hint] | None = None,
) -> list[int]:
    """Ids of the text with its hints, found already or not; in training `keep` decides for each
    of them whether it is given.
    """
    clean = normalise(text)
    spaced = _spaced(clean)
    encoded = tokenizer.encode(spaced, add_special_tokens=False)
    ids: list[int] = []
    if hints is None:
        hints = find_hints(clean, lexicon)
    shift = len(spaced) - len(clean)
    at = 0
    for token, (_, stop) in zip(encoded.ids, encoded.offsets, strict=True):
        end = stop - shift
        while at < len(hints) and hints[at].end < end:
            _add_hint(tokenizer, ids, hints[at], keep)
            at += 1
        ids.append(token)
        while at < len(hints) and hints[at].end == end:
            _add_hint(tokenizer, ids, hints[at], keep)
            at += 1
    return shorten(ids)


def _add_hint(
    tokenizer: Tokenizer, ids: list[int], hint: Hint, keep: Callable[[], bool] | None
) -> None:
    if keep is not None and not keep():
        return
    known = (tokenizer.token_to_id(token) for token in hint.tokens)
    ids.extend(token for token in known if token is not None)


def shorten(ids: list[int]) -> list[int]:
    half = LONGEST // 2
    return ids if len(ids) <= LONGEST else ids[:half] + ids[-half:]


def batch(tokenizer: Tokenizer, texts: Sequence[str]) -> NDArray[np.int64]:
    """[B, L], padded with zeros at the end."""
    return pad([encode(tokenizer, text) for text in texts])


def pad(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    length = max(1, *(len(row) for row in rows)) if rows else 1
    ids_BL = np.full((len(rows), length), PADDING, dtype=np.int64)
    for row, ids in zip(ids_BL, rows, strict=True):
        row[: len(ids)] = ids
    return ids_BL
