"""posealign key: make, list and withdraw API keys; the file holds hashes only."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from posealign.commands.output import AsJson, print_json
from posealign.errors import NotFound
from serving.auth import new_key, read_keys, stored_keys

key = typer.Typer(help=__doc__, no_args_is_help=True)
KeysFile = Annotated[Path, typer.Option(help="Where hashed keys are kept.")]


@key.command()
def new(
    name: Annotated[str, typer.Argument(help="Who will use it; appears in logs.")],
    scope: Annotated[list[str] | None, typer.Option(help="infer, feedback, admin.")] = None,
    days: Annotated[float | None, typer.Option(help="Days until it expires.")] = None,
    keys_file: KeysFile = Path("keys.jsonl"),
) -> None:
    """Make a key and print it, once."""
    plain, stored = new_key(name, tuple(scope or ["infer"]), days)
    if keys_file.exists():
        stored_keys(keys_file)  # another kind of file is left alone
    number = os.open(keys_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(number, "a", encoding="utf-8") as file:
        file.write(stored.model_dump_json() + "\n")
    typer.echo(plain)


@key.command(name="list")
def list_keys(keys_file: KeysFile = Path("keys.jsonl"), as_json: AsJson = False) -> None:
    """Which keys there are, and until when."""
    rows = read_keys(keys_file).values()
    if as_json:
        shown = {"id", "name", "scopes", "expires"}  # a hash is nobody's business
        print_json([row.model_dump(mode="json", include=shown) for row in rows])
        return
    for row in rows:
        until = "" if row.expires is None else f"  until {_date(row.expires)}"
        typer.echo(f"{row.id}  {row.name}  {','.join(row.scopes)}{until}")


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


@key.command()
def withdraw(
    identity: Annotated[str, typer.Argument(help="The key's ID, see `posealign key list`.")],
    keys_file: KeysFile = Path("keys.jsonl"),
) -> None:
    """Take a key away; a running server notices by itself."""
    if identity not in read_keys(keys_file):
        raise NotFound(f"no key has the ID {identity!r} in {keys_file}")
    kept = [
        line
        for line in keys_file.read_text("utf-8").splitlines()
        if f'"id":"{identity}"' not in line
    ]
    partial = keys_file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text("".join(line + "\n" for line in kept), "utf-8")
    # The service reads it as another user: whose it is and who may read it stay.
    before = keys_file.stat()
    os.chown(partial, before.st_uid, before.st_gid)
    partial.chmod(stat.S_IMODE(before.st_mode))
    partial.replace(keys_file)
