"""What is asked after each turn of an English text, as if it were kept in a ledger.

"Feet, hands rather, shoulders", "no arms, the hands stay in", "both hips but not the left": every
word of such a text is a part, a side, or one of those that `turns.py` knows, so what it asks can be
worked out step by step. A text with any other word is left to those who read by what they have
seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from posealign.instructions.binding import HALVES, is_unsided, on_side
from posealign.instructions.entries import (
    Ledger,
    is_inside,
    is_one_of,
    name_of,
    named_in,
    side_of,
    touches,
)
from posealign.instructions.others import spoken_of_others
from posealign.instructions.outline import outlined
from posealign.instructions.query import ALL, Except, Part, Scope, union
from posealign.instructions.sets import is_within
from posealign.instructions.sides import OTHER
from posealign.instructions.turns import TURNS

# What no remark may say.
_TELLING = re.compile(
    r"n't|\b(?:not?|none|never|nothing|only|both|others?|rest|all|every\w*|any\w*|but|except|what\w*"
    r"|which|who\w*|whose|if|unless|from|to|between|ones?|same|visible|hidden|left|right|like|side)\b"
)
_BARE_NO = re.compile(r"no [PS]\d+$")
_BESIDE = re.compile(r"apart from|aside from|other than")
_STATES = re.compile(r"\b(?:is|are|was|were|has|have|there)\b|'s\b")
_SETTLED = re.compile(r" ?(?:$|\.|,(?! (?:no|yes|not)(?= ?[.,]|$))|(?:but|and)\b)")
_LONGEST = 160


@dataclass(frozen=True)
class Outcome:
    """`scope` is None where nothing is left of what was asked."""

    scope: Scope | None


@lru_cache(maxsize=1024)
def settled(text: str) -> Outcome | None:
    """What the text asks in the end; None where a word is unknown or nothing is turned."""
    if not text.isascii() or len(text) > _LONGEST:
        return None
    said, items, plural = outlined(text)
    if len(items) < 2 or not HALVES.keys().isdisjoint(items.values()):
        return None  # "the leg of the right side" binds otherwise
    others = spoken_of_others(said)
    if others is not None:
        named = union([items[name] for name in others[1]])  # type: ignore[misc]
        return Outcome(named if others[0] == "only" else Except(ALL, named))
    ledger, at = Ledger(items, plural), 0
    while at < len(said):
        if said[at] == " ":
            at += 1
            continue
        turns = ((name, pattern.match(said, at)) for name, pattern in TURNS)
        name, match = next((turn for turn in turns if turn[1] is not None), ("", None))
        if match is None or not _STEPS[name](ledger, match):
            return None
        at = match.end()
    return _outcome(ledger) if ledger.turned else None


def _outcome(ledger: Ledger) -> Outcome | None:
    kept = ledger.kept
    if ledger.pending is not None:
        return None
    if not kept:
        return _all_but(ledger) if ledger.lost else Outcome(None) if ledger.emptied else None
    lost = [one for one in ledger.lost if any(touches(one, whole) for whole in kept)]
    lost += [one for one in ledger.ahead if any(is_inside(one, whole) for whole in kept)]
    if not any(name_of(one) in ("all", "torso", "left_side", "right_side") for one in kept):
        lost = [one for one in lost if name_of(one) != "torso"]  # limbs hold its corners
    scope = union(list(dict.fromkeys(kept)))
    if lost:
        side = kept[0].side if len(kept) == 1 and isinstance(kept[0], Part) else None
        scope = Except(scope, union([on_side(one, side) for one in lost]))
    return Outcome(union([scope, *ledger.back]) if ledger.back else scope)


def _all_but(ledger: Ledger) -> Outcome | None:
    """ "No arms, the hands stay": nothing was asked but that, so all the rest was."""
    if not ledger.back:
        return None
    return Outcome(union([Except(ALL, union(ledger.lost)), *ledger.back]))


# What each turn does ---------------------------------------------------------------------------


def _plain(ledger: Ledger, match: re.Match[str]) -> bool:
    words = match["some"]
    before, topic = ledger.kept[-1] if ledger.kept else None, ledger.topic
    some = named_in(ledger, words)
    if some is None:
        return False
    ledger.turned = ledger.turned or "O" in words
    if words[0] == "N":  # "let me rephrase the last one: hips"
        named, ledger.pending = ledger.pending is not None, some
        return named
    if ledger.pending is not None:
        return _corrected(ledger, some, words)
    if words[0] in "SOB":
        return _sided(ledger, some, words, before, topic, match.string[match.end() :])
    if not set(some).isdisjoint(ledger.lost):
        return False  # "…, of the head only the nose"
    if ledger.out and all(any(is_inside(one, whole) for whole in ledger.kept) for one in some):
        return _taken(ledger, some)
    if any(is_inside(one, whole) for one in some for whole in ledger.kept):
        return False
    if ALL in some and ALL in ledger.kept:
        return False
    if len(some) == 1 and not ledger.kept and ledger.denied and words not in ledger.plural:
        some = [on_side(some[0], ledger.denied)]
    if not ledger.kept:  # "no feet, no toes: ankles"
        ledger.ahead, ledger.lost = ledger.lost, []
    ledger.kept[:] = dict.fromkeys([*ledger.kept, *some])
    ledger.out = False
    return True


def _sided(
    ledger: Ledger,
    some: list[Scope],
    words: str,
    before: Scope | None,
    topic: Part | None,
    rest: str,
) -> bool:
    """A side alone says which one of the pair before is meant."""
    if len(some) != 1 or words[0] != "S" or topic is None or topic.side is not None:
        return False
    if before != topic or (len(ledger.kept) > 1 and ledger.plural):
        return False
    if not _SETTLED.match(rest):
        return False
    side = side_of(some[0])
    if not all(is_unsided(one) for one in ledger.kept):
        return False
    ledger.kept[:] = [on_side(one, side) for one in ledger.kept]
    ledger.turned = True
    return True


def _corrected(ledger: Ledger, some: list[Scope], words: str) -> bool:
    old, ledger.pending, ledger.turned = ledger.pending, None, True
    kept = ledger.kept
    if ledger.out and ledger.lost:
        ledger.lost[-1:] = some
        return True
    ledger.out = False
    if not kept:
        return False
    if words[0] == "B":
        return _replaced(ledger, kept[-1], some)
    if len(kept) > 1 and some[0] == kept[-1]:
        del kept[-2]  # "hands. head! i meant head"
        return True
    if len(some) == 1 and words not in ledger.plural and isinstance(kept[-1], Part):
        some = [on_side(some[0], kept[-1].side)]  # "left toe, no, heel"
    if old:
        return _replaced(ledger, old[0], some)
    if len(some) > 1 and len(kept) > 1:
        if not set(some) & set(kept) and len(some) < len(kept):
            return False
        kept[:] = some  # the whole list is said anew
        return True
    first = some[0]
    same = [one for one in kept if isinstance(one, Part) and one.name == name_of(first)]
    return _replaced(ledger, same[-1] if same else kept[-1], some)


def _replaced(ledger: Ledger, old: Scope, new: list[Scope]) -> bool:
    places = [at for at, one in enumerate(ledger.kept) if one == old]
    if not places:
        places = [
            at for at, one in enumerate(ledger.kept) if name_of(one) == name_of(old) is not None
        ]
    if places:
        ledger.kept[places[-1] : places[-1] + 1] = new
    else:
        ledger.kept += new
    ledger.kept[:] = dict.fromkeys(ledger.kept)
    return True


def _out(ledger: Ledger, match: re.Match[str]) -> bool:
    words = match["some"]
    whole = match.groupdict().get("all")
    if whole is not None:
        ledger.kept.append(ALL)
    some = named_in(ledger, words)
    if some is None:
        return False
    if match[0].startswith("not ") and match.string[: match.start()].endswith("P1 "):
        return False  # "left arm not left hand"
    if _BARE_NO.match(match[0]) and not any(touches(some[0], one) for one in ledger.kept):
        same = any(name_of(one) == name_of(some[0]) for one in ledger.kept)
        listed = match.string[: match.start()][-2:-1] not in (",", ".", "") and (
            match.string[match.end() :].startswith(" , P")
        )
        if same or listed:  # "left arm, no right arm", "ear no nose, elbow"
            return _corrected(ledger, some, words)
        if ledger.kept:
            return False
    if ledger.pending is not None and ledger.out and ledger.lost:
        return _corrected(ledger, some, words)
    ledger.pending = None
    if ledger.kept and {any(touches(one, k) for k in ledger.kept) for one in some} == {True, False}:
        return False  # "the left arm without the wrist and the head"
    if match[0].startswith("not ") and not ledger.kept:
        ledger.turned = True
        return True  # "not the hands. the arms"
    if match[0].endswith(" not") and ledger.out:
        return False
    if _BESIDE.match(match[0]) and not ledger.kept:
        return False  # "apart from the nose, the wrists too"
    return _taken(ledger, some)


def _taken(ledger: Ledger, some: list[Scope]) -> bool:
    ledger.turned = ledger.out = True
    for one in some:
        at = next((n for n, whole in enumerate(ledger.kept) if is_one_of(one, whole)), None)
        if one in ledger.back:
            ledger.back.remove(one)
        elif at is None:
            last = ledger.kept[-1] if ledger.kept else None
            ledger.lost.append(on_side(one, side_of(last)) if last is not None else one)
        elif one == ledger.kept[at] or side_of(one) is None:
            ledger.denied = side_of(ledger.kept[at])
            ledger.kept[:] = [whole for whole in ledger.kept if not is_one_of(one, whole)]
            ledger.emptied = not ledger.kept
        else:
            ledger.kept[at] = Part(name_of(one) or "", OTHER[side_of(one) or ""])  # type: ignore[arg-type]
    return bool(ledger.kept) or not ledger.back


def _back(ledger: Ledger, match: re.Match[str]) -> bool:
    some = named_in(ledger, match["some"])
    if some is None:
        return False
    if ledger.pending is not None and not ledger.lost:
        return False
    ledger.pending, ledger.turned, ledger.out = None, True, False
    side = side_of(ledger.kept[0]) if len(ledger.kept) == 1 else None
    if match[0].startswith("with ") and not any(one in ledger.lost for one in some):
        return False
    twins = any(name_of(one) == name_of(gone) for one in some for gone in ledger.lost)
    if twins and match[0].endswith((" in", " on")) and not ledger.kept:
        return False  # "left foot out, right foot in"
    for one in some:
        if one in ledger.lost:
            ledger.lost.remove(one)
        elif any(is_inside(on_side(one, side), gone) for gone in ledger.lost):
            gone = next(gone for gone in ledger.lost if is_inside(on_side(one, side), gone))
            ledger.back.append(on_side(one, side or side_of(gone)))
        elif not any(is_within(one, whole) for whole in ledger.kept):
            (ledger.back if ledger.lost and not ledger.kept else ledger.kept).append(one)
    return True


def _more(ledger: Ledger, match: re.Match[str]) -> bool:
    some = named_in(ledger, match["some"])
    if some is None:
        return False
    if ledger.out and match[0].startswith("plus"):
        return False
    negated = "n't" in match[0] or "not" in match[0].split()
    alone = match["some"][0] in "SOB"
    ledger.turned = ledger.turned or alone or negated or ledger.pending is not None
    ledger.pending, ledger.out = None, False
    ledger.lost = [one for one in ledger.lost if one not in some]
    for one in some:
        if ALL not in ledger.kept and not any(is_one_of(one, whole) for whole in ledger.kept):
            ledger.kept.append(one)
        elif isinstance(one, Part) and one.side is None and one not in ledger.kept:
            return False
    return True


def _only(ledger: Ledger, match: re.Match[str]) -> bool:
    before, topic = ledger.kept[-1] if ledger.kept else None, ledger.topic
    some = named_in(ledger, match["some"])
    if some is None:
        return False
    ledger.pending, ledger.out = None, False
    if match["some"][0] in "SOB":
        return _sided(ledger, some, match["some"], before, topic, "")
    if not ledger.kept:
        ledger.kept += some
        known = any(one == gone or is_within(one, gone) for one in some for gone in ledger.lost)
        ledger.lost.clear()
        return not known
    inside = len(ledger.kept) == 1 and all(is_inside(one, ledger.kept[0]) for one in some)
    if not inside:
        return False
    ledger.turned = True
    ledger.kept[:] = [on_side(one, side_of(ledger.kept[0])) for one in some]
    return True


def _swap(ledger: Ledger, match: re.Match[str]) -> bool:
    old, new = named_in(ledger, match["old"]), named_in(ledger, match["new"])
    if not old or not new:
        return False
    ledger.pending, ledger.turned, ledger.out = None, True, False
    if not ledger.kept:
        ledger.kept += new  # "replace knees by hips in my order"
        return True
    return _replaced(ledger, old[0], new)


def _doubt(ledger: Ledger, match: re.Match[str]) -> bool:
    some = named_in(ledger, match["some"])
    if not some or not any(name_of(some[0]) == name_of(one) for one in ledger.kept):
        return False
    ledger.pending = some
    return True


def _turned(ledger: Ledger, match: re.Match[str]) -> bool:
    some = named_in(ledger, match["some"])
    return some is not None and _corrected(ledger, some, match["some"])


def _correct(ledger: Ledger, match: re.Match[str]) -> bool:
    if ledger.pending is None:
        ledger.pending = []
    return True


def _clear(ledger: Ledger, match: re.Match[str]) -> bool:
    ledger.kept.clear()
    ledger.lost.clear()
    ledger.back.clear()
    ledger.pending, ledger.turned = None, True
    return True


def _nothing(ledger: Ledger, match: re.Match[str]) -> bool:
    whole = ledger.kept == [ALL]
    ledger.kept.clear()
    ledger.emptied = ledger.turned = whole
    return whole


def _aside(ledger: Ledger, match: re.Match[str]) -> bool:
    """A remark behind what it explains: "no nose, the dummy is on it"."""
    apart = match.string[: match.start()].rstrip()[-1:] in (",", ".")
    states = match[0][0] == "O" or _STATES.search(match[0])
    return bool(ledger.turned and apart and states) and not _TELLING.search(match[0])


def _pass(ledger: Ledger, match: re.Match[str]) -> bool:
    return True


_STEPS = {
    "plain": _plain, "out": _out, "back": _back, "more": _more, "only": _only, "swap": _swap,
    "doubt": _doubt, "turned": _turned, "correct": _correct, "clear": _clear, "aside": _aside,
    "nothing": _nothing,
    "stop": _pass, "join": _pass,
}  # fmt: skip
