"""posealign demo: the page in your browser, with sample pictures to ask about."""

from __future__ import annotations

import os
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from posealign import bundle as bundles
from posealign.commands.output import AsJson, print_json
from posealign.errors import InvalidInput, Unavailable
from serving.samples import SamplePicture, sample_pictures, save


def demo(
    bundle: Annotated[str, typer.Option(help="Bundle name or folder.")] = "default",
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open the page when it is ready.")] = True,
    pictures: Annotated[
        Path | None, typer.Option(help="Instead: write the sample pictures into this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open the page with sample pictures; or write the pictures into a folder.

    posealign demo --pictures samples && posealign predict samples/sitting.jpg "both hands"
    """
    if pictures is not None:
        if pictures.exists() and not pictures.is_dir():
            raise InvalidInput(f"{pictures} is a file; --pictures wants a folder")
        _written(save(pictures), as_json)
        return
    from serving import logs, server  # noqa: PLC0415 - pictures alone need no server
    from serving.settings import load  # noqa: PLC0415

    settings = load(None, {"bundle": bundle, "port": port, "log_level": "warning"})
    bundles.find(settings.bundle, verify=False)
    logs.configure(settings.log_level)
    url = f"http://{settings.host}:{settings.port}/"
    print(f"posealign: {url} (Ctrl+C ends it)", file=sys.stderr)
    if browser and _has_screen():
        threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
    if server.run(settings) != 0:
        raise Unavailable(f"port {port} is taken; another one: posealign demo --port {port + 1}")


def _written(paths: tuple[Path, ...], as_json: bool) -> None:
    rows = list(zip(paths, sample_pictures(), strict=True))
    if as_json:
        print_json([{"path": str(path), **_words(picture)} for path, picture in rows])
        return
    width = max(len(str(path)) for path in paths)
    for path, picture in rows:
        typer.echo(f"{path!s:<{width}}  {picture.instruction_en}")


def _words(picture: SamplePicture) -> dict[str, str]:
    return {
        "instruction": picture.instruction_en,
        "instruction_zh": picture.instruction_zh,
        "shows": picture.shows_en,
    }


def _has_screen() -> bool:
    """Whether a browser would have somewhere to open."""
    elsewhere = sys.platform != "linux"
    return elsewhere or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_when_ready(url: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}v2/health/ready", timeout=2):
                webbrowser.open(url)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
