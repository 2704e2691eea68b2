"""posealign camera: watch cameras, answer instructions, tell MQTT, FHIR, webhooks and files."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from posealign.commands.output import print_json
from posealign.errors import InvalidInput, NotFound
from posealign.predictor import Predictor
from serving.camera import messages
from serving.camera.clock import Clock
from serving.camera.config import load
from serving.camera.log import configure, log
from serving.camera.scene import Scene
from serving.camera.secret import Secrets
from serving.camera.source import absent_device
from serving.camera.station import Station
from serving.camera.watch import WatchServer


def camera(
    config: Annotated[Path | None, typer.Option(help="cameras.yaml.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(help="key=value over the file, as in watch.port=0.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Check file and instructions, then end.")] = False,
    schema: Annotated[bool, typer.Option(help="Print the messages' JSON Schema.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Watch cameras and tell what was asked for. Not an alarm system.

    posealign camera --config cameras.yaml
    """
    if schema:
        print_json(messages.schema())
        return
    if config is None:
        raise InvalidInput("expected --config cameras.yaml; examples/cameras.yaml is a start")
    secrets = Secrets()
    configure(secrets, log_level)
    wanted = load(config, tuple(overrides or ()))
    for row in wanted.cameras:
        if (absent := absent_device(row.source)) is not None:
            if check:
                raise NotFound(f"camera {row.name!r}: {absent}")
            log().warning("not there yet", camera=row.name, message=absent)  # it may come
    predictor = Predictor(wanted.bundle, wanted.provider, wanted.threads).looking(wanted.passes)
    if check:
        for row in wanted.cameras:
            Scene(row, predictor, Clock(), False)
        names = ", ".join(row.name for row in wanted.cameras)
        print(f"{config} is good; cameras: {names}", file=sys.stderr)
        return
    station = Station(wanted, predictor, secrets)
    run(station)


def run(station: Station) -> None:
    """Until SIGINT or SIGTERM, or until all files are read."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    page = WatchServer(station, station.config.watch) if station.config.watch is not None else None
    station.start()
    try:
        if page is not None:
            page.start()
        while not stopping.wait(0.2) and not station.finished():
            pass
    finally:
        log().info("stopping")
        if page is not None:
            page.stop()
        station.stop()
