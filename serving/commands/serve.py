"""posealign serve: the service, one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from posealign import bundle as bundles
from posealign.errors import Unavailable


def serve(
    bundle: Annotated[str | None, typer.Option(help="Bundle name or folder.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, tensorrt or torch.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; one is right for a GPU.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of a session on a CPU.")] = None,
    keys_file: Annotated[Path | None, typer.Option(help="Hashed keys: `posealign key`.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="One plain key, a secret file.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file.")] = None,
    audit_file: Annotated[Path | None, typer.Option(help="Hash-chained audit trail.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML with the same names.")] = None,
) -> None:
    """Serve pictures and words over HTTP, with a page at /.

    Flags win over POSEALIGN_SERVE_* in the environment, which wins over --config.
    """
    flags = {name: value for name, value in locals().items() if name != "config"}
    from serving import logs, server  # noqa: PLC0415 - after the flags were seen to be right
    from serving.settings import load  # noqa: PLC0415

    settings = load(config, flags)
    bundles.find(settings.bundle, verify=False)  # a wrong name is said before a port is bound
    logs.configure(settings.log_level)
    scheme = "https" if settings.tls_key else "http"
    if settings.port:
        print(f"posealign: {scheme}://{settings.host}:{settings.port}/", file=sys.stderr)
    if server.run(settings) != 0:
        raise Unavailable(
            f"{settings.host}:{settings.port} cannot be bound: another server is there, or the "
            "address is not this machine's; --port 0 takes a free port"
        )
