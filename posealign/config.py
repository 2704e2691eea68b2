"""YAML and `key=value` → one frozen model; unknown keys fail and name the nearest right one.

    class Recipe(Config):
        steps: int = Field(gt=0)

    recipe = load_config(Recipe, "configs/pose.yaml", ["optimizer.rate=3e-4"])

Errors are collected, each with the file's line where there is one. Keys given twice fail too.
A file that ends in .py is an mmengine configuration: it is executed, and its names are the keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from posealign.errors import InvalidConfig, MissingExtra, NotFound, nearest

Place = tuple[str | int, ...]  # where a value stands: ("optimizer", "rate"), ("sinks", 0, "url")


class Config(BaseModel):
    """What a configuration is: frozen, closed, checked down to its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


Model = TypeVar("Model", bound=BaseModel)


def load_config(
    kind: type[Model], path: str | Path | None = None, overrides: Sequence[str] = ()
) -> Model:
    """The file (or nothing but defaults), then the overrides, in order."""
    values: dict[str, Any] = {}
    lines: dict[Place, int] = {}
    if path is not None:
        values, lines = _read(Path(path))
    origins: dict[Place, str] = {}
    for override in overrides:
        keys, value = _override(override)
        _set(values, keys, value, override)
        origins[keys] = override
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        if path is not None and (other := _meant_for(Path(path), kind)):
            raise InvalidConfig(f"{path} configures {other}, not {kind.__name__}") from error
        rows = error.errors()
        # A list that lost its wrong items is "too short": the items' own faults say enough.
        places = [row["loc"] for row in rows]
        whole = [row for row in rows if not (row["type"] == "too_short" and _above(row, places))]
        found = [_explain(kind, row, path, lines, origins) for row in whole]
        raise InvalidConfig("\n".join(found)) from error


def to_yaml(config: BaseModel) -> str:
    """The inverse of `load_config`: what a run writes beside its results."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _meant_for(path: Path, kind: type[BaseModel]) -> str:
    """What the first line `# config: module:Model` names, where that is another model."""
    with path.open(encoding="utf-8", errors="replace") as file:
        named = file.readline().partition("# config: ")[2].strip()
    return named if named and named.partition(":")[2] != kind.__name__ else ""


def _above(row: Mapping[str, Any], places: Sequence[Place]) -> bool:
    place = row["loc"]
    return any(other[: len(place)] == place for other in places if other != place)


def _read(path: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    if not path.is_file():
        like = f"*{path.suffix or '.yaml'}"
        siblings = [str(p) for p in path.parent.glob(like)] if path.parent.is_dir() else []
        raise NotFound(f"no configuration file {path}{nearest(str(path), siblings)}")
    if path.suffix == ".py":
        return _read_python(path), {}
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise InvalidConfig(f"{path} is not YAML: {error}") from error
    if root is None:
        return {}, {}
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        raise InvalidConfig(f"{path} holds {kind}; expected `key: value` lines")
    return values, dict(_lines(root, (), path))


def _read_python(path: Path) -> dict[str, Any]:
    """mmengine resolves `_base_` and expressions; unknown keys fail as they do in YAML."""
    try:
        config = import_module("mmengine.config").Config
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{path} is an mmengine configuration, and {error.name} is not installed: run "
            "`make mm` and start this from .venv-mm/bin, or write the configuration as YAML"
        ) from error
    try:
        values: dict[str, Any] = config.fromfile(str(path)).to_dict()
    except Exception as error:  # the file's own code may raise anything
        raise InvalidConfig(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return values


def _lines(node: yaml.Node, above: Place, path: Path) -> Iterator[tuple[Place, int]]:
    """Every value's place and its line, counted from 1."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise InvalidConfig(f"{path}:{line}: {key.value!r} is given twice")
            seen.add(key.value)
            yield (*above, key.value), line
            yield from _lines(value, (*above, key.value), path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*above, index), value.start_mark.line + 1
            yield from _lines(value, (*above, index), path)


def _override(text: str) -> tuple[Place, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InvalidConfig(f"an override is written key=value, as in steps=100; got {text!r}")
    try:
        parsed = yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise InvalidConfig(f"{text!r}: the value is not YAML: {error}") from error
    steps = key.strip().split(".")
    return tuple(int(step) if step.isdigit() else step for step in steps), parsed


def _set(values: dict[str, Any], keys: Place, value: Any, override: str) -> None:
    here: Any = values
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        if isinstance(here, list):
            if not isinstance(key, int) or key >= len(here):
                raise InvalidConfig(f"{override!r}: the list has items 0 to {len(here) - 1}")
        elif isinstance(here, dict):
            key = str(key) if key not in here else key  # noqa: PLW2901
            if not last and here.get(key) is None:
                here[key] = {}
        else:
            above = ".".join(map(str, keys[:position]))
            raise InvalidConfig(f"{override!r}: {above} is {here!r}, which has no keys")
        if last:
            here[key] = value
        else:
            here = here[key]


def _explain(
    kind: type[BaseModel],
    row: Mapping[str, Any],
    path: str | Path | None,
    lines: Mapping[Place, int],
    origins: Mapping[Place, str],
) -> str:
    place: Place = tuple(row["loc"])
    # Pydantic's places may hold tags of unions; the longest prefix that the file knows will do.
    prefixes = [place[:end] for end in range(len(place), 0, -1)]
    override = next((text for keys, text in origins.items() if keys in prefixes), None)
    line = next((lines[prefix] for prefix in prefixes if prefix in lines), None)
    where = f"{override!r}" if override else f"{path}:{line}" if line else str(path or "config")
    name = ".".join(map(str, place)) or "the configuration"
    if row["type"] == "extra_forbidden":
        choices = sorted(_keys(kind, place[:-1]))
        near = nearest(str(place[-1]), choices) or f"; there are {', '.join(choices)}"
        return f"{where}: no key is called {name!r}{near}"
    if row["type"] == "missing":
        return f"{where}: {name} is missing"
    if row["type"] == "value_error":  # our own sentence, which says what came where that helps
        said = row["msg"].removeprefix("Value error, ")
        return f"{where}: {name}: {said}" if place else f"{where}: {said}"
    return f"{where}: {name}: {row['msg'].lower()}, got {row['input']!r}"


def _keys(kind: type[BaseModel], place: Place) -> set[str]:
    """The keys that models at this place take."""
    models = {kind}
    for step in place:
        deeper: set[type[BaseModel]] = set()
        for model in models:
            field = model.model_fields.get(str(step))
            deeper |= set(_models(field.annotation)) if field is not None else {model}
        models = deeper
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
