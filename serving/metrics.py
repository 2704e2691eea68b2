"""Prometheus metrics. The nv_inference_* names are Triton's, so its dashboards work unchanged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from posealign.data.pose import PoseResult

disable_created_metrics()  # type: ignore[no-untyped-call]

_TRITON = ("model", "version")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One registry a server; in several workers the values are summed through files."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()

        def counter(name: str, text: str, labels: Iterable[str] = ()) -> Counter:
            return Counter(name, text, labels, registry=r)

        self.success = counter("nv_inference_request_success", "answered requests", _TRITON)
        self.failure = counter(
            "nv_inference_request_failure", "failed requests", (*_TRITON, "reason")
        )
        self.count = counter("nv_inference_count", "rows inferred", _TRITON)
        self.executions = counter("nv_inference_exec_count", "runs of the image graph", _TRITON)
        self.duration = counter("nv_inference_request_duration_us", "whole requests", _TRITON)
        self.queue = counter("nv_inference_queue_duration_us", "waiting in the queue", _TRITON)
        self.compute = counter("nv_inference_compute_infer_duration_us", "in sessions", _TRITON)
        self.pending = Gauge(
            "nv_inference_pending_request_count", "admitted, not answered", _TRITON, registry=r,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.requests = counter(
            "posealign_http_requests", "HTTP answers", ("route", "method", "status")
        )
        self.seconds = Histogram(
            "posealign_http_seconds", "HTTP answers", ("route",), buckets=_SECONDS, registry=r
        )
        self.shed = counter("posealign_shed", "requests refused with 429")
        self.never_ran_total = counter(
            "posealign_never_ran", "admitted, but dead before their turn", ("reason",)
        )
        self.dropped_total = counter(
            "posealign_graph_dropped", "calls dropped before a graph ran", ("graph",)
        )
        self.late_total = counter(
            "posealign_dead_reached_session", "must stay 0: dead calls that ran", ("graph",)
        )
        self.rows = Histogram(
            "posealign_batch_rows", "rows in one run of a graph", ("graph",), registry=r,
            buckets=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64),
        )  # fmt: skip
        self.graph_seconds = Histogram(
            "posealign_graph_seconds", "one run of a graph", ("graph",), buckets=_SECONDS,
            registry=r,
        )  # fmt: skip
        self.wait_seconds = Histogram(
            "posealign_queue_seconds", "waiting for a thread", buckets=_SECONDS, registry=r
        )
        self.refusals = counter("posealign_refusals", "instructions refused", ("reason",))
        self.states = counter("posealign_joint_states", "joints answered", ("state",))
        self.cache = counter("posealign_cache", "looks asked for again", ("outcome",))
        self.reloads = counter("posealign_reloads", "hot reloads", ("outcome",))
        self._before_render: list[Callable[[], None]] = []

    def before_render(self, action: Callable[[], None]) -> None:
        """Called at each scrape, to set gauges."""
        self._before_render.append(action)

    # The engine's and the batches' observer

    def waited(self, seconds: float) -> None:
        self.wait_seconds.observe(seconds)

    def never_ran(self, reason: str) -> None:
        self.never_ran_total.labels(reason).inc()

    def ran(self, graph: str, rows: int, calls: int, seconds: float) -> None:
        self.rows.labels(graph).observe(rows)
        self.graph_seconds.labels(graph).observe(seconds)

    def dropped(self, graph: str, calls: int) -> None:
        self.dropped_total.labels(graph).inc(calls)

    def late(self, graph: str, calls: int) -> None:
        self.late_total.labels(graph).inc(calls)

    # Answers

    def answered(
        self, result: PoseResult, seconds: float, queue_ms: float, compute_ms: float
    ) -> None:
        labels = (result.model_name, result.model_digest[:12])
        self.success.labels(*labels).inc()
        self.count.labels(*labels).inc(len(result.poses))
        self.executions.labels(*labels).inc()
        self.duration.labels(*labels).inc(seconds * 1e6)
        self.queue.labels(*labels).inc(queue_ms * 1e3)
        self.compute.labels(*labels).inc(compute_ms * 1e3)
        if result.instruction.refused:
            self.refusals.labels(result.instruction.reason or "none").inc()
        for pose in result.poses:
            for joint in pose.joints:
                self.states.labels(joint.state.name.lower()).inc()

    def render(self) -> tuple[bytes, str]:
        """The exposition; Triton's counters carry no `_total`, Prometheus' own do."""
        for action in self._before_render:
            action()
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = re.sub(rb"\b(nv_\w+?)_total\b", rb"\1", generate_latest(registry))
        return text, CONTENT_TYPE_LATEST
