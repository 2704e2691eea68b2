"""OpenTelemetry spans, where they are configured; otherwise nothing is even imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from posealign import __version__
from posealign.errors import MissingExtra


class Traces:
    """`span` costs nothing while `target` is None."""

    def __init__(self, target: str | None, exporter: Any = None) -> None:
        self._tracer: Any = None
        self._provider: Any = None
        if target is not None or exporter is not None:
            self._provider = _provider(target, exporter)
            self._tracer = self._provider.get_tracer("posealign", __version__)

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A span below whatever `traceparent` the caller sent; yields None without tracing."""
        if self._tracer is None:
            yield None
            return
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        parent = TraceContextTextMapPropagator().extract(dict(headers or {}))
        with self._tracer.start_as_current_span(
            name, context=parent, record_exception=False
        ) as span:
            yield span

    def close(self) -> None:
        if self._provider is not None:
            self._provider.shutdown()


def _provider(target: str | None, exporter: Any) -> Any:
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
            BatchSpanProcessor,
            ConsoleSpanExporter,
            SimpleSpanProcessor,
        )

        provider = TracerProvider(resource=Resource.create({"service.name": "posealign"}))
        if exporter is not None:
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        elif target == "console":
            provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
        else:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )

            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=target)))
    except ImportError as error:
        raise MissingExtra("traces need OpenTelemetry: pip install 'posealign[traces]'") from error
    return provider
