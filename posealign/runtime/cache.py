"""A bounded cache that forgets the least recently used, and what is too old."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Thread-safe. `hits` and `misses` are counted for metrics."""

    def __init__(
        self,
        size: int,
        seconds: float = float("inf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size, self.seconds = size, seconds
        self.hits = self.misses = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: OrderedDict[Hashable, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            row = self._rows.get(key)
            if row is None or self._clock() - row[0] > self.seconds:
                self._rows.pop(key, None)
                self.misses += 1
                return None
            self._rows.move_to_end(key)
            self.hits += 1
            return row[1]

    def put(self, key: Hashable, value: Value) -> None:
        with self._lock:
            self._rows[key] = (self._clock(), value)
            self._rows.move_to_end(key)
            while len(self._rows) > self.size:
                self._rows.popitem(last=False)

    def drop(self, key: Hashable) -> bool:
        with self._lock:
            return self._rows.pop(key, None) is not None
