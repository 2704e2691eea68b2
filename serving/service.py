"""Everything one server process owns, made once and kept in `app.state.service`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from posealign.data.image import ImageLimits
from posealign.data.pose import PoseResult
from posealign.errors import PoseAlignError, Unavailable
from posealign.interop.audit import AuditLog
from posealign.predictor import Look
from posealign.runtime.cache import Cache
from serving.auth import Auth
from serving.body import Uploads
from serving.decoding import Decoder
from serving.engine import Engine
from serving.feedback import Feedback
from serving.idempotency import Answers
from serving.logs import log
from serving.metrics import Metrics
from serving.models import Model, ModelStore, Opener, concurrency, open_predictor
from serving.settings import Settings
from serving.ticket import Ticket
from serving.traces import Traces

T = TypeVar("T")


@dataclass(frozen=True)
class KeptLook:
    """A look somebody may ask about again; `owner` is who sent the picture."""

    look: Look
    model: Model
    owner: str


@dataclass
class Service:
    """`engine` is there once the model is: how many threads it has depends on the provider."""

    settings: Settings
    metrics: Metrics
    auth: Auth
    models: ModelStore
    decoder: Decoder
    uploads: Uploads
    frames: Cache[KeptLook]
    answers: Answers
    traces: Traces
    audit: AuditLog | None
    feedback: Feedback | None
    engine: Engine | None = None
    draining: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def ready(self) -> bool:
        return self.engine is not None and self.models.ready and not self.draining

    @property
    def reason(self) -> str | None:
        """Why it is not ready."""
        if self.ready:
            return None
        if self.draining:
            return "shutting down"
        return self.models.problem or "the model is still being loaded"

    def working(self) -> Engine:
        """The engine, or Unavailable for a moment."""
        if self.draining or self.engine is None:
            raise Unavailable(self.reason or "not ready")
        return self.engine

    def start(self) -> None:
        """Load the model; on a thread, so that the port answers at once."""
        try:
            model = self.models.start()
        except Exception as error:
            known = isinstance(error, PoseAlignError)
            log().error("model_failed", error=str(error) if known else type(error).__name__)
            return
        threads = concurrency(self.settings.batching, model.provider)
        self.engine = Engine(threads, self.settings.limits.queue, self.metrics)
        log().info(
            "ready", model=model.name, digest=model.digest[:12], provider=model.provider,
            seconds=round(time.monotonic() - self.started, 3),
        )  # fmt: skip

    def start_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.start, name="load", daemon=True)
        thread.start()
        return thread

    def reload(self, name: str) -> Model:
        """Hot: requests go on with the old model until the new one is warm."""
        try:
            model = self.models.load(name)
        except Exception:
            self.metrics.reloads.labels("failed").inc()
            raise
        self.metrics.reloads.labels("done").inc()
        log().info("reloaded", model=model.name, digest=model.digest[:12], seconds=model.seconds)
        return model

    def ticket(self, request_id: str, timeout_ms: int) -> Ticket:
        return Ticket(request_id, time.monotonic() + timeout_ms / 1e3)

    async def run(self, work: Callable[[], T], ticket: Ticket) -> T:
        return await self.working().run(work, ticket)

    def told(self, result: PoseResult, ticket: Ticket) -> None:
        """Count an answer."""
        seconds = time.monotonic() - ticket.queued_at
        self.metrics.answered(result, seconds, ticket.queue_ms, ticket.compute_ms)

    def close(self) -> None:
        if self.engine is not None:
            self.engine.close()
        self.decoder.close()
        self.traces.close()


def make_service(
    settings: Settings, opener: Opener = open_predictor, exporter: Any = None
) -> Service:
    limits = settings.limits
    metrics = Metrics()
    holder: list[Service] = []

    def working() -> int:
        engine = holder[0].engine if holder else None
        return engine.working if engine is not None else 1

    service = Service(
        settings=settings,
        metrics=metrics,
        auth=Auth(settings),
        models=ModelStore(settings, metrics, working, opener),
        decoder=Decoder(
            ImageLimits(limits.image_pixels, limits.image_side, limits.image_bytes),
            limits.decode_seconds,
        ),
        uploads=Uploads(limits.uploads_bytes),
        frames=Cache(limits.frames, limits.frame_seconds),
        answers=Answers(),
        traces=Traces(settings.traces, exporter),
        audit=AuditLog(settings.audit_file) if settings.audit_file else None,
        feedback=Feedback(settings.feedback_file) if settings.feedback_file else None,
    )
    holder.append(service)
    metrics.before_render(lambda: _set_pending(service))
    return service


def _set_pending(service: Service) -> None:
    pending = service.engine.pending if service.engine is not None else 0
    for model in service.models.loaded():
        service.metrics.pending.labels(model.name, model.digest[:12]).set(pending)
