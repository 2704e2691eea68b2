"""What a sink is told. Every call returns at once; slow work happens in the sink's own thread."""

from __future__ import annotations

from serving.camera.messages import EventMessage, StatsMessage, StatusMessage
from serving.camera.scene import Outcome


class Sink:
    """Does nothing with anything; each sink takes what it wants."""

    name = "sink"

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def waiting(self) -> int:
        """Messages that are still to be delivered."""
        return 0

    def pose(self, outcome: Outcome) -> None: ...

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        """`outcome` is the frame that brought it; None where there was no frame."""

    def status(self, message: StatusMessage) -> None: ...

    def stats(self, message: StatsMessage) -> None: ...
