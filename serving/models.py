"""The models that are loaded, and hot reload: a new one is warm before it takes over.

A request takes its model once, at the start, and keeps it: no answer mixes two. The old model goes
when its last request has gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from posealign import bundle as bundles
from posealign.errors import NotFound, PoseAlignError, Unavailable, among
from posealign.instructions.resolve import Resolver
from posealign.predictor import Predictor, PredictorSettings
from posealign.runtime.session import GRAPHS, Graphs
from serving.batching import BatchedGraph, BatchLimits, Observer
from serving.settings import Batching, Settings

Opener = Callable[[Settings, str], Predictor]


@dataclass(frozen=True)
class Model:
    """One loaded bundle. `name` is what clients call it."""

    name: str
    predictor: Predictor
    seconds: float  # that loading and warming took

    @property
    def digest(self) -> str:
        return self.predictor.bundle.digest

    @property
    def header(self) -> str:
        """The value of PoseAlign-Model."""
        return f"{self.name}@{self.digest}"

    @property
    def version(self) -> str:
        return self.predictor.bundle.metadata.version

    @property
    def provider(self) -> str:
        return self.predictor.graphs.provider


def open_predictor(settings: Settings, name: str) -> Predictor:
    """With the bundle's own settings, as everywhere; what the operator sets goes before them."""
    bundle = bundles.find(name)
    wanted = {"passes": settings.passes, "max_people": settings.max_people}
    changes = {key: value for key, value in wanted.items() if value is not None}
    chosen = PredictorSettings.of(bundle, **changes)
    return Predictor(bundle, settings.provider, settings.threads, chosen)


class ModelStore:
    """Loads by name or by the configured folder; clients can never name a path."""

    def __init__(
        self,
        settings: Settings,
        observer: Observer | None = None,
        expected: Callable[[], int] = lambda: 1,
        opener: Opener = open_predictor,
    ) -> None:
        self._settings, self._observer, self._expected = settings, observer, expected
        self._opener = opener
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}
        self._sources: dict[str, str] = {}  # what a loaded model was loaded from
        self._primary: str | None = None
        self.problem: str | None = None  # why there is no model, once loading has failed

    def start(self) -> Model:
        """Load the configured bundle."""
        try:
            model = self._open(self._settings.bundle)
        except Exception as error:
            self.problem = str(error) if isinstance(error, PoseAlignError) else "loading failed"
            raise
        self._keep(model, self._settings.bundle)
        self._primary = model.name
        return model

    def _keep(self, model: Model, source: str) -> None:
        # A new dict, swapped in at once: readers take no lock.
        self._models = {**self._models, model.name: model}
        self._sources[model.name] = source

    @property
    def ready(self) -> bool:
        return self._primary in self._models

    def get(self, name: str | None = None) -> Model:
        wanted = name or self._primary
        if wanted is None:
            raise Unavailable(self.problem or "the model is still being loaded")
        model = self._models.get(wanted)
        if model is None:
            known = list(self._models)
            raise NotFound(f"no model is called {wanted!r}{among(wanted, known, 'loaded:')}")
        return model

    def loaded(self) -> list[Model]:
        return list(self._models.values())

    def index(self) -> list[dict[str, str]]:
        """Every bundle on this machine, loaded or not."""
        rows = [
            {"name": model.name, "version": model.version, "state": "READY", "reason": ""}
            for model in self.loaded()
        ]
        known = {row["name"] for row in rows} | set(self._sources.values())
        for name in (*self._sources, *bundles.available()):
            if name not in known:
                rows.append(
                    {"name": name, "version": "", "state": "UNAVAILABLE", "reason": "not loaded"}
                )
        return rows

    def load(self, name: str) -> Model:
        """Load a bundle anew, or another one; the old one answers until the new one is warm."""
        with self._lock:
            source = self._sources.get(name, name)
            if name not in self._sources and name not in bundles.available():
                raise NotFound(f"no bundle is called {name!r}{among(name, bundles.available())}")
            model = self._open(source)
            self._keep(model, source)
            if self._primary is None:
                self._primary = model.name
            return model

    def unload(self, name: str) -> None:
        with self._lock:
            self.get(name)
            self._models = {key: value for key, value in self._models.items() if key != name}
            if name == self._primary:
                self._primary = next(iter(self._models), None)
                self.problem = None if self._primary else "its model was unloaded by an admin"

    def _open(self, source: str) -> Model:
        start = time.perf_counter()
        predictor = self._opener(self._settings, source)
        warm(predictor)
        batched(predictor, self._settings.batching, self._observer, self._expected)
        return Model(predictor.bundle.name, predictor, time.perf_counter() - start)


def warm(predictor: Predictor) -> None:
    """The first run of a graph allocates; nobody should wait for that."""
    predictor.look(np.zeros((96, 96, 3), np.uint8)).ask("all joints")
    predictor.look(np.zeros((96, 96, 3), np.uint8)).ask("the nose")


def batched(
    predictor: Predictor,
    batching: Batching,
    observer: Observer | None,
    expected: Callable[[], int],
) -> None:
    """Put a batch in front of each graph of this Predictor."""
    limits = batch_limits(batching, predictor.graphs.provider)
    functions = {
        name: BatchedGraph(name, predictor.graphs[name], limits, observer, expected)
        for name in GRAPHS
    }
    predictor.graphs = Graphs(functions, predictor.graphs.provider)
    predictor.resolver = Resolver(predictor.bundle, predictor.graphs["text"])


def batch_limits(batching: Batching, provider: str) -> BatchLimits:
    """A CPU gains little from large batches and nothing from waiting for them."""
    gpu = provider in ("cuda", "tensorrt", "torch")
    size = batching.max_size or (32 if gpu else 8)
    delay = batching.max_delay_ms if batching.max_delay_ms is not None else (2.0 if gpu else 0.0)
    return BatchLimits(size, delay / 1e3)


def concurrency(batching: Batching, provider: str) -> int:
    """Threads: enough to fill a batch while another one runs."""
    gpu = provider in ("cuda", "tensorrt")
    return batching.concurrency or 2 * (batching.max_size or (32 if gpu else 4))
