"""What the keyword parser looks for, apart from the parts themselves (keywords.yaml, compiled)."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import yaml

_ROWS: dict[str, Any] = yaml.safe_load(
    files(__package__).joinpath("keywords.yaml").read_text("utf-8")
)

SIDES: dict[str, str] = _ROWS["sides"]
NOT_PARTS: tuple[str, ...] = tuple(_ROWS["not_parts"])  # slang that mostly means something else
COMPOUNDS: tuple[str, ...] = tuple(_ROWS["compounds"])  # words with a body character inside
BOTH = re.compile(_ROWS["both"])
BOTH_WITHIN = re.compile(_ROWS["both_within"])  # a name that says both itself
BOTH_SIDES = re.compile(_ROWS["both_sides"])
BEHIND = re.compile(_ROWS["behind"])
OF = re.compile(_ROWS["of"])  # a part of a whole
OWNS = re.compile(_ROWS["owns"])  # a whole and its part
DENIED = re.compile(_ROWS["denied"])
JOINS = re.compile(_ROWS["joins"])
KEEPS_SIDE = re.compile(_ROWS["keeps_side"])
CORRECTION = re.compile(_ROWS["correction"])
IMPOSSIBLE = re.compile(_ROWS["impossible"])  # a third arm
REST = re.compile(_ROWS["rest"])  # "keep the others": what is named is taken away
REST_GONE = re.compile(_ROWS["rest_gone"])  # "delete the rest": what is named is kept
ONLY = re.compile(_ROWS["only"])
ENOUGH = re.compile(_ROWS["enough"])
LESS = re.compile(_ROWS["less"])
ADDED = re.compile(_ROWS["added"])
SIDED_PEOPLE = re.compile(_ROWS["sided_people"])  # the baby on the left
ALSO = re.compile(_ROWS["also"])
NOT_BUT = re.compile(_ROWS["not_but"])
BACK_SURELY = re.compile(_ROWS["back_surely"])  # "…, though keep the hands"
BACK = re.compile(_ROWS["back"])  # the same behind a contrast: "…, but the hands I need"
CONTRAST = re.compile(_ROWS["contrast"])
NOT_BACK = re.compile(_ROWS["not_back"])
GONE = re.compile(_ROWS["gone"])  # what is named was taken away
CHAINS = tuple(re.compile(pattern) for pattern in _ROWS["chains"])
EXCEPTIONS = tuple(re.compile(pattern) for pattern in _ROWS["exceptions"])
RELATIONS = tuple((name, re.compile(row)) for name, row in _ROWS["relations"].items())
OPTIONS = tuple((key, value, re.compile(pattern)) for key, value, pattern in _ROWS["options"])
REFUSALS = tuple((reason, re.compile(pattern)) for reason, pattern in _ROWS["refusals"].items())
ASKING = re.compile(_ROWS["asking"])
BODY_HINT = re.compile(_ROWS["body_hint"])
ONLY_WISHES = re.compile(_ROWS["only_wishes"])
PERSON = re.compile(_ROWS["person"])
PEOPLE_ALONE = re.compile(f"(?:{_ROWS['person']}|{_ROWS['around_person']})*")  # "only the baby"
IN_PICTURE = re.compile(_ROWS["in_picture"])
PRESENCE = re.compile(_ROWS["presence"])
