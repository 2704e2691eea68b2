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
LINKED = re.compile(_ROWS["linked"])  # words of a way from one part to another
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
LISTED = re.compile(_ROWS["listed"])  # between the parts of a list
SHARES = re.compile(_ROWS["shares"])  # between parts that share the side behind the last
JOINS_LAST = re.compile(_ROWS["joins_last"])  # before the last of a list
OUT_BEFORE = re.compile(_ROWS["out_before"])  # before a part that is left out
OUT_BEHIND = re.compile(_ROWS["out_behind"])
TAKEN = re.compile(_ROWS["taken"])  # between a whole and the part that is taken from it
GIVEN = re.compile(_ROWS["given"])  # between a whole and the part that is taken of it
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
PLAINLY = tuple((slot, value, re.compile(pattern)) for slot, value, pattern in _ROWS["plainly"])
PLAIN_STEMS: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in _ROWS["plain_stems"].items()}
ERRAND = re.compile(_ROWS["errand"])  # "wipe his nose"
STUDY = re.compile(_ROWS["study"])  # "how does a knee work"
NO_ERRAND = re.compile(_ROWS["no_errand"])  # … "and show the mouth"
ADULTS_OWN = re.compile(_ROWS["adults_own"])  # "the aunt's …"
OF_ADULT = re.compile(_ROWS["of_adult"])  # "… of the woman changing her"
ADULT_ALONE = re.compile(_ROWS["adult_alone"])  # "just the handler"
NO_OWNING = re.compile(_ROWS["no_owning"])  # "the doctor's words were: legs"
CHILDREN = re.compile(_ROWS["children"])
AILS = re.compile(_ROWS["ails"])  # something is on one side: "the cast is on the left"
WELL = re.compile(_ROWS["well"])  # … or that side is the sound one
