"""Reference pages made from the code: every command, route, configuration key and bundle field."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from posealign import bundle, cli
from serving.app import create_app
from serving.camera.config import Cameras
from serving.settings import Settings

ROOT = Path(__file__).parents[2]
WRITTEN = "Written from the code: `make docs`. "


def commands() -> str:
    """Each command with its arguments and options."""
    parts = [
        "# Commands\n\n" + WRITTEN + "How the command line behaves is said in "
        "[the command line](command-line.md).\n"
    ]
    for chapter, names in cli.CHAPTERS.items():
        known = [name for name in names if name in cli.commands()]
        parts.append(f"## {chapter}\n")
        for name in known:
            parts += _command(name, cli.load(name))
    listed = {name for names in cli.CHAPTERS.values() for name in names}
    more = [name for name in cli.commands() if name not in listed]
    if more:
        parts.append(f"## {cli.MORE}\n")
        for name in more:
            parts += _command(name, cli.load(name))
    return "\n".join(parts)


def _command(path: str, command: Any) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True)
    yield f"### {path}\n"
    yield _plain(command.help or "") + "\n"
    rows = [row for row in command.get_params(context) if row.name != "help"]
    if rows:
        yield "| | default | |\n|---|---|---|"
        for row in rows:
            names = ", ".join(f"`{one}`" for one in [*row.opts, *row.secondary_opts])
            if row.param_type_name == "argument":
                names = "`" + (row.metavar or row.name or "").upper() + "`"
            yield f"| {names} | {_default(row.default)} | {_cell(getattr(row, 'help', '') or '')} |"
        yield ""
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _command(f"{path} {name}", child)


def _plain(text: str) -> str:
    return re.sub(r"\n(?!\n)[ ]*", "\n", text.strip().replace("\\[", "["))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(value: Any) -> str:
    if value in (None, False, (), [], "") or value is PydanticUndefined or callable(value):
        return ""
    if type(value).__name__ == "Sentinel":  # click's way to say that nothing is the default
        return ""
    return f"`{_cell(_written(value))}`"


def _written(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    return str(value)


def http() -> str:
    """Each route with its fields, from the OpenAPI document."""
    document = create_app(Settings()).openapi()
    schemas = document["components"]["schemas"]
    parts = [
        "# HTTP\n\n" + WRITTEN + "A running server answers all of it at `/openapi.json`. Every "
        "error is a [problem](errors.md); how the service behaves is said in "
        "[serving](../explanation/serving.md).\n",
        "| | | |\n|---|---|---|",
    ]
    for path, operations in sorted(document["paths"].items()):
        for method, row in operations.items():
            what = _cell((row.get("description") or row.get("summary") or "").split("\n\n")[0])
            parts.append(f"| `{method.upper()}` | `{path}` | {what} |")
    parts.append(
        "| `WS` | `/v1/stream` | Frames in, answers out; the latest frame wins. |\n\n"
        "## What goes over the wire\n"
    )
    for name, schema in sorted(schemas.items()):
        if "properties" not in schema or name.endswith("ValidationError"):
            continue
        parts.append(f"### {name}\n")
        if schema.get("description"):
            parts.append(_plain(schema["description"]) + "\n")
        parts.append("| field | type | |\n|---|---|---|")
        needed = schema.get("required", [])
        for field, row in schema["properties"].items():
            mark = "" if field in needed else " (may be left out)"
            told = _cell(row.get("description", ""))
            parts.append(f"| `{field}` | {_schema_type(row)}{mark} | {told} |")
        parts.append("")
    return "\n".join(parts)


def _schema_type(row: dict[str, Any]) -> str:
    if "$ref" in row:
        name = row["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in row:
        return " or ".join(_schema_type(one) for one in row["anyOf"])
    if "enum" in row:
        return ", ".join(f"`{one}`" for one in row["enum"])
    if "const" in row:
        return f"`{row['const']}`"
    if row.get("type") == "array":
        items = row.get("items")
        return f"list of {_schema_type(items)}" if items else "list"
    kind = row.get("type", "any")
    limits = [
        f"{sign} {row[key]}"
        for key, sign in (
            ("minimum", "≥"), ("exclusiveMinimum", ">"),
            ("maximum", "≤"), ("exclusiveMaximum", "<"),
        )
        if key in row
    ]  # fmt: skip
    return f"{kind} {', '.join(limits)}".strip()


def configuration() -> str:
    """Every key of every configuration file that the repository has a kind of."""
    kinds: dict[str, type[BaseModel]] = {
        "serve.yaml: `posealign serve --config`": Settings,
        "cameras.yaml: `posealign camera --config`": Cameras,
    }
    files: dict[str, list[str]] = {}
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        first = path.read_text("utf-8").splitlines()[0]
        files.setdefault(first.removeprefix("# config: "), []).append(path.name)
    for where, names in files.items():
        module, _, attribute = where.partition(":")
        listed = ", ".join(f"`{name}`" for name in names)
        kinds[f"{attribute}: {listed}"] = getattr(import_module(module), attribute)
    parts = [
        "# Configuration\n\n" + WRITTEN + "Unknown keys fail and name the nearest right one. Any "
        "key of a configuration is set on the line as `key=value`, with dots for what lies "
        "deeper; a server's also by `POSEALIGN_SERVE_KEY` in the environment, with `__` for "
        "the dots.\n"
    ]
    shown: set[type[BaseModel]] = set()
    for title, kind in kinds.items():
        parts.append(f"## {title}\n")
        parts += _model(kind, shown)
    return "\n".join(parts)


def _model(kind: type[BaseModel], shown: set[type[BaseModel]]) -> Iterator[str]:
    if kind in shown:
        return
    shown.add(kind)
    if kind.__doc__ and not kind.__doc__.startswith("Usage docs"):
        yield _plain(kind.__doc__) + "\n"
    yield "| key | default | type | |\n|---|---|---|---|"
    deeper: list[type[BaseModel]] = []
    said = _comments(kind)
    for name, field in kind.model_fields.items():
        deeper += [found for found in _models(field.annotation) if found not in shown]
        default = field.get_default(call_default_factory=False)
        told = _cell(field.description or said.get(name, ""))
        needed = "**needed**" if field.is_required() else _default(default)
        yield f"| `{name}` | {needed} | {_type(field.annotation)} | {told} |"
    yield ""
    for found in dict.fromkeys(deeper):
        if found not in shown:
            yield f"### {found.__name__}\n"
            yield from _model(found, shown)


def _comments(kind: type[BaseModel]) -> dict[str, str]:
    """What the source says behind a field: `name: str  # this`."""
    lines = inspect.getsource(kind).splitlines()
    found = (re.match(r"    (\w+): .*  # (?!type:|fmt:|noqa)(.+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is tuple or origin is list or origin is frozenset:
        return "list of " + " and ".join(dict.fromkeys(_type(p) for p in parts if p is not ...))
    if origin is dict:
        return f"{_type(parts[0])} → {_type(parts[1])}"
    if parts:  # Annotated
        return _type(parts[0])
    return str(getattr(annotation, "__name__", annotation)).replace("NoneType", "nothing")


def bundles() -> str:
    """The files and fields of a bundle, and the tensors of its graphs."""
    graphs = import_module("posealign.export.graphs")
    parts = [
        "# Bundles\n\n" + WRITTEN + "A bundle is a folder; what its graphs compute is said in "
        "[the model](../explanation/model.md).\n",
        "| file | needed | |\n|---|---|---|",
        "| `bundle.json` | yes | what it is, below; the digest covers it and every file |",
        *(f"| `{name}` | yes | |" for name in bundle.REQUIRED),
        *(f"| `{name}` | no | to go on training |" for name in bundle.OPTIONAL),
        "\n## Graphs\n\nB batch, H W input, C channels, h w heatmap, N D picture tokens, L T text "
        "tokens, V vocabulary, K joints to place, R joint vector. B, L and K are free.\n",
        "| graph | in | out |\n|---|---|---|",
    ]
    for name, spec in graphs.SPECS.items():
        inputs = ", ".join(f"`{one}` [{', '.join(shape)}]" for one, shape in spec.inputs.items())
        parts.append(f"| `{name}` | {inputs} | {', '.join(f'`{one}`' for one in spec.outputs)} |")
    parts.append("\n`select` also gives `hider` where the model has `decoder.hiders`.")
    parts.append(f"\n## bundle.json\n\nGraph version {bundle.GRAPH_VERSION}.\n")
    parts += _model(bundle.Metadata, set())
    return "\n".join(parts)


PAGES = {
    "commands.md": commands,
    "http.md": http,
    "configuration.md": configuration,
    "bundles.md": bundles,
}
