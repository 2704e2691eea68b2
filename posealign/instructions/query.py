"""The Query: what an instruction means, as a small typed tree with one written form.

    left_leg - left_ankle | vis=visible dims=3
    nearer_camera(arm)
    refuse:not_pose

`parse` and `str` are inverse. The conventions behind the words are in parts.yaml and
docs/explanation/instructions.md; `execute.py` gives the exact answer for an annotated sample.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from posealign.errors import InvalidQuery, nearest
from posealign.instructions.parts import PAIRED, PARTS

# Relations choose among the sides of a paired part; they need the picture.
CHOOSING = (
    "higher", "lower",                      # by image y
    "raised",                               # off the mattress
    "more_bent", "straighter",              # by elbow or knee angle
    "nearer_camera", "farther_camera",      # by depth
    "nearest_face",                         # the hand closest to the face
    "touching_face",                        # may be none
    "crossing_over",                        # the leg that lies over the other
    "image_left", "image_right",            # by side of the picture, not of the person
)  # fmt: skip
# Filters keep those joints of a part for which the picture says yes.
FILTERING = ("in_upper_half", "in_lower_half", "in_left_half", "in_right_half", "hidden_by_blanket")
RELATIONS = CHOOSING + FILTERING

VISIBILITIES = ("any", "visible", "occluded")
SUBJECTS = ("all", "largest", "leftmost", "rightmost", "topmost", "bottommost", "adult", "infant")
PREMISES = ("supine", "prone", "left_lateral", "right_lateral", "sitting", "standing", "held")
REASONS = ("not_pose", "contradictory", "no_such_part", "unclear", "injection", "not_in_skeleton")
SKELETONS = (
    "coco17", "coco_wholebody133", "halpe26", "lsp14", "smil25", "body25", "blazepose33",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A named part; paired parts carry a side or mean both (`side is None`)."""

    name: str
    side: Literal["left", "right"] | None = None

    def __post_init__(self) -> None:
        if self.name not in PARTS:
            raise InvalidQuery(f"no part is called {self.name!r}{nearest(self.name, PARTS)}")
        if self.side is not None and self.name not in PAIRED:
            raise InvalidQuery(f"{self.name!r} has no left or right")

    def __str__(self) -> str:
        return f"{self.side}_{self.name}" if self.side else self.name


ALL = Part("all")


@dataclass(frozen=True)
class Chain:
    """All joints on the way from one joint to another along the skeleton's edges."""

    start: Part
    end: Part

    def __str__(self) -> str:
        return f"chain({self.start}, {self.end})"


@dataclass(frozen=True)
class Related:
    """A part narrowed by what the picture shows."""

    relation: str
    part: Part

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise InvalidQuery(
                f"no relation is called {self.relation!r}{nearest(self.relation, RELATIONS)}"
            )
        if self.relation in CHOOSING and (self.part.name not in PAIRED or self.part.side):
            raise InvalidQuery(
                f"{self.relation} chooses between left and right: expected a paired part "
                f"without a side, got {str(self.part)!r}"
            )

    def __str__(self) -> str:
        return f"{self.relation}({self.part})"


@dataclass(frozen=True)
class Union:
    items: tuple[Scope, ...]

    def __post_init__(self) -> None:
        if len(self.items) < 2 or any(isinstance(item, Union) for item in self.items):
            raise InvalidQuery("a union has at least two members and no union inside")

    def __str__(self) -> str:
        # An exception needs brackets inside a union: `a + (b - c)` is not `a + b - c`.
        # As first member it must be bracketed too, or it would swallow the sum.
        return " + ".join(f"({i})" if isinstance(i, Except) else str(i) for i in self.items)


@dataclass(frozen=True)
class Except:
    scope: Scope
    removed: Scope

    def __str__(self) -> str:
        removed = f"({self.removed})" if isinstance(self.removed, Union | Except) else self.removed
        return f"{self.scope} - {removed}"


Scope = Part | Chain | Related | Union | Except


@dataclass(frozen=True)
class Query:
    """Which joints, of whom, and how. `visibility` filters the answer, not the scope."""

    scope: Scope
    visibility: str = "any"
    dims: int = 2
    subject: str = "all"
    skeleton: str | None = None
    premise: str | None = None

    def __post_init__(self) -> None:
        _among("vis", self.visibility, VISIBILITIES)
        _among("dims", self.dims, (2, 3))
        _among("subject", self.subject, SUBJECTS)
        _among("skeleton", self.skeleton, (None, *SKELETONS))
        _among("premise", self.premise, (None, *PREMISES))

    @property
    def relations(self) -> tuple[Related, ...]:
        """The relations in the scope, left to right; non-empty means the picture is needed."""
        return tuple(leaf for leaf in leaves(self.scope) if isinstance(leaf, Related))

    @property
    def takes_away(self) -> bool:
        """Whether a relation says what goes: "everything but the raised arm"."""
        return any(
            isinstance(leaf, Related)
            for removed in _removed(self.scope)
            for leaf in leaves(removed)
        )

    def __str__(self) -> str:
        options = {
            "vis": self.visibility if self.visibility != "any" else None,
            "dims": self.dims if self.dims != 2 else None,
            "subject": self.subject if self.subject != "all" else None,
            "skeleton": self.skeleton,
            "premise": self.premise,
        }
        tail = " ".join(f"{key}={value}" for key, value in options.items() if value is not None)
        return f"{self.scope} | {tail}" if tail else str(self.scope)


@dataclass(frozen=True)
class Refusal:
    """An answer too: the text asks for no joints that could be given."""

    reason: str

    def __post_init__(self) -> None:
        _among("reason", self.reason, REASONS)

    def __str__(self) -> str:
        return f"refuse:{self.reason}"


def leaves(scope: Scope) -> tuple[Part | Chain | Related, ...]:
    if isinstance(scope, Union):
        return tuple(leaf for item in scope.items for leaf in leaves(item))
    if isinstance(scope, Except):
        return leaves(scope.scope) + leaves(scope.removed)
    return (scope,)


def _removed(scope: Scope) -> tuple[Scope, ...]:
    if isinstance(scope, Union):
        return tuple(removed for item in scope.items for removed in _removed(item))
    return (scope.removed, *_removed(scope.scope)) if isinstance(scope, Except) else ()


def union(items: list[Scope]) -> Scope:
    """The flat union of some scopes; a single one is itself."""
    flat: list[Scope] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Union) else [item])
    return flat[0] if len(flat) == 1 else Union(tuple(flat))


def part(word: str) -> Part:
    """`left_leg` → Part("leg", "left"); names that merely begin with a side stay whole."""
    if word in PARTS:
        return Part(word)
    side, _, name = word.partition("_")
    if side in ("left", "right") and name in PAIRED:
        return Part(name, "left" if side == "left" else "right")
    raise InvalidQuery(f"no part is called {word!r}{nearest(word, PARTS)}")


_OPTIONS = {
    "vis": "visibility",
    "dims": "dims",
    "subject": "subject",
    "skeleton": "skeleton",
    "premise": "premise",
}


def parse(text: str) -> Query | Refusal:
    """Read the written form; errors name what stood there and the nearest right word."""
    head, _, tail = text.strip().partition("|")
    if head.strip().startswith("refuse:"):
        return Refusal(head.strip().removeprefix("refuse:"))
    tokens = re.findall(r"[a-z0-9_]+|[()+,-]|\S", head)
    scope, rest = _sum(tokens)
    if rest:
        raise InvalidQuery(f"expected + - or |, found {rest[0]!r} in {text!r}")
    options: dict[str, str | int] = {}
    for pair in tail.split():
        key, _, value = pair.partition("=")
        if key not in _OPTIONS:
            raise InvalidQuery(f"no option is called {key!r}{nearest(key, _OPTIONS)}")
        options[_OPTIONS[key]] = int(value) if key == "dims" and value.isdigit() else value
    return Query(scope, **options)  # type: ignore[arg-type]


def _sum(tokens: list[str]) -> tuple[Scope, list[str]]:
    """expr := term (('+' | '-') term)*, left to right."""
    scope, tokens = _term(tokens)
    while tokens and tokens[0] in "+-":
        sign, (other, tokens) = tokens[0], _term(tokens[1:])
        scope = union([scope, other]) if sign == "+" else Except(scope, other)
    return scope, tokens


def _term(tokens: list[str]) -> tuple[Scope, list[str]]:
    if not tokens:
        raise InvalidQuery("expected a part, found the end; `all` asks for every joint")
    word, rest = tokens[0], tokens[1:]
    if word == "(":
        scope, rest = _sum(rest)
        return scope, _expect(")", rest)
    if rest[:1] != ["("]:
        return part(word), rest
    argument = part(rest[1] if len(rest) > 1 else "")
    if word == "chain":
        rest = _expect(",", rest[2:])
        return Chain(argument, part(rest[0] if rest else "")), _expect(")", rest[1:])
    return Related(word, argument), _expect(")", rest[2:])


def _expect(mark: str, tokens: list[str]) -> list[str]:
    if tokens[:1] != [mark]:
        found = repr(tokens[0]) if tokens else "the end"
        raise InvalidQuery(f"expected {mark!r}, found {found}")
    return tokens[1:]


def _among(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        right = ", ".join(str(choice) for choice in choices if choice is not None)
        raise InvalidQuery(f"{name} is {value!r}; expected one of {right}")
