"""posealign audit: whether an audit log is what was written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from posealign.commands.output import AsJson, print_json
from posealign.errors import InvalidConfig, NotFound
from posealign.interop.audit import verify


def audit(
    path: Annotated[Path, typer.Argument(help="The log: audit.jsonl.")],
    key: Annotated[Path | None, typer.Option(help="File with the log's HMAC key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every line of an audit log; a changed, removed or added byte ends with an error.

    posealign audit camera-state/audit.jsonl
    """
    if not path.is_file():
        raise NotFound(f"no audit log at {path}")
    if key is not None and not key.is_file():
        raise InvalidConfig(f"no key file at {key}")
    count = verify(path, key.read_bytes().strip() if key is not None else None)
    if as_json:
        print_json({"events": count, "unchanged": True})
    else:
        print(f"{path}: {count} events, unchanged", file=sys.stderr)
