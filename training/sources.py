"""Where a config's `shards` come from: a packed folder, or `drawn:COUNT` figures."""

from __future__ import annotations

from pathlib import Path

from posealign.errors import InvalidConfig
from training.figures import drawn
from training.shards import Shard, read_shard


def open_shard(where: str) -> Shard:
    kind, _, rest = where.partition(":")
    if kind != "drawn":
        return read_shard(Path(where))
    if not rest.isdigit() or int(rest) == 0:
        raise InvalidConfig(f"expected drawn:COUNT, e.g. drawn:64; got {where!r}")
    return drawn(int(rest))
