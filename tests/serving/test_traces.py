"""Spans, where tracing is configured: the caller's trace goes on, and no content is in it."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.serving.conftest import png, running, toy_settings


def test_a_request_is_a_span_of_the_callers_trace(toy: Path) -> None:
    exporter = InMemorySpanExporter()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    with (
        running(toy_settings(toy), exporter=exporter) as server,
        server.client(headers=parent) as client,
    ):
        client.post("/v1/pose", data={"instruction": "the nose"}, files={"image": png()})
    span = exporter.get_finished_spans()[-1]
    assert span.name == "POST /v1/pose"
    assert f"{span.context.trace_id:032x}" == trace
    assert dict(span.attributes or {}) == {"http.response.status_code": 200}
