"""What each clause of a Chinese text states: a part is asked for, left out, all is, or the rest.

"头我不关心,身上其他的点给我" leaves out the head and asks for the rest; "先标胳膊,算了全标" asks
for everything in the end; in "右肩,左膝……膝错了是肘" one part takes another's place. Where every
clause is a statement of a known kind (statement_kinds.py), the text is put in one: 除了头都要,
全身, 右肩和左肘. One word that is foreign to them all leaves the text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from posealign.instructions.binding import HALVES, is_unsided
from posealign.instructions.mentions import (
    FIRST,
    WHOLE,
    Mention,
    listed,
    masked,
    mentions_in,
    same,
    sided,
    within,
)
from posealign.instructions.query import Part
from posealign.instructions.sets import meant
from posealign.instructions.sides import OTHER
from posealign.instructions.statement_kinds import (
    CUTS,
    KINDS,
    LEADS,
    PLACES,
    WISH,
    is_doubted,
)

_LONGEST = 60  # characters; who tells a story means more
_LONGEST_CLAUSE = 24
_ADDS = re.compile("[也和跟加添补]|还[要有得带]|同样|一起")
_EVERY = re.compile("都|全")
_LIMBS = Part("limbs")  # they hold the corners of the trunk: 胳膊腿,不要身子 keeps them


@dataclass
class _Account:
    """What the clauses so far come to; `sure`: no clause said what this cannot hold."""

    mentions: list[Mention]
    asked: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    said: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    whole: bool = False
    turned: bool = False
    excepted: bool = False  # "apart from …", whatever it is that follows
    denied: bool = False  # what was asked for must not be there
    sure: bool = True

    def meant(self, clause: str) -> list[int]:
        """The parts of a clause; what was named before, where it is named without its side."""
        rows = []
        for at in listed(clause):
            again = [n for n in self.said if same(self.mentions[n], self.mentions[at])]
            rows += again or [at]
            if not again:
                self.said.append(at)
        return rows

    def placed(self, clause: str) -> str:
        """A clause with the part of the list that it tells by its place there."""
        for pattern, place in PLACES:
            if pattern.match(clause) and len(self.asked) > max(1, place):
                return pattern.sub(chr(FIRST + self.asked[place]), clause)
        return clause

    def inside(self, at: int, places: Sequence[int]) -> bool:
        """Whether this is a piece of one of those."""
        scope = self.mentions[at].scope
        return any(within(scope, self.mentions[n].scope) for n in places)


def restated(clean: str) -> str:
    """A mended text in one plain statement, where all its clauses are statements."""
    mentions = mentions_in(clean) if len(clean) <= _LONGEST else None
    if mentions is None:
        return clean
    account, kinds = _Account(list(mentions)), []
    for said in _clauses(masked(clean, mentions)):
        lead = LEADS.match(said)
        account.turned = account.turned or lead is not None
        clause = account.placed(said[lead.end() :] if lead else said)
        if len(clause) > _LONGEST_CLAUSE:
            return clean
        kind = next((kind for kind, pattern in KINDS if pattern.fullmatch(clause)), None)
        if kind is None:
            return clean
        kinds.append(kind)
        _STEPS[kind](account, account.meant(clause), clause)
        if not account.sure:
            return clean
    if len([kind for kind in kinds if kind != "idle"]) < 2 and {*kinds} <= {"asked", "idle"}:
        return clean
    return _told(account) or clean


def _clauses(text: str) -> list[str]:
    """Clauses; one that doubts what it says keeps its mark."""
    pieces = CUTS.split(text.replace(")", ""))
    marks = [*pieces[1::2], ""]
    rows = [
        f"{clause}?" if mark[:1] == "?" and is_doubted(clause) else clause
        for clause, mark in zip((piece.strip() for piece in pieces[::2]), marks, strict=True)
    ]
    return [row for row in rows if row]


def _ask(account: _Account, parts: list[int], clause: str) -> None:
    if account.wrong:
        _exchange(account, [*account.wrong, *parts], clause)
        return
    fresh = [at for at in parts if at not in account.asked and at not in account.gone]
    more = bool(_ADDS.search(clause))
    if fresh and account.excepted and more:  # "apart from the hand, the foot too"
        account.asked, account.gone, account.excepted = account.gone, [], False
    if not more:  # "the wrists, of them the left"
        scopes = [account.mentions[at].scope for at in fresh]
        account.asked = [
            at
            for at in account.asked
            if not any(_is_one_of(one, account.mentions[at]) for one in scopes)
        ]
    given_back = any(account.inside(at, account.gone) for at in fresh)
    if fresh and (account.whole or account.excepted or given_back):
        account.sure = False
    instead = account.turned or "还是" in clause
    if fresh and instead and account.asked and not more:
        account.sure = False  # one part in the place of another
    if parts and not fresh and not more and {*parts} <= {*account.asked}:
        account.sure = False  # the last of several, once more
    nested = any(account.inside(at, account.asked) for at in fresh)
    if nested or any(account.inside(at, fresh) for at in account.asked):
        account.sure = False  # which of them is meant?
    account.asked += [at for at in dict.fromkeys(parts) if at not in account.asked]
    account.gone = [at for at in account.gone if at not in parts]


def _leave(account: _Account, parts: list[int], clause: str) -> None:
    if account.asked and not account.turned and {*account.asked} <= {*parts}:
        account.denied = len(account.asked) == len(account.said)
    account.asked = [at for at in account.asked if at not in parts]
    account.gone += [at for at in parts if at not in account.gone]


def _except(account: _Account, parts: list[int], clause: str) -> None:
    account.excepted = not account.asked
    _leave(account, parts, clause)


def _shorten(account: _Account, parts: list[int], clause: str) -> None:
    """ "The right arm has no hand": the second of two is taken from the first."""
    if len({*parts}) < 2 or account.whole:
        account.sure = account.denied = len(listed(clause)) == 2 and not account.whole
        account.asked = [*dict.fromkeys(parts)]
        return
    whole, *inner = parts
    account.sure = all(account.inside(at, [whole]) for at in inner)
    side = account.mentions[whole].side
    for at in inner:
        account.mentions[at] = sided(account.mentions[at], side)
    if whole not in account.asked and not account.inside(whole, account.asked):
        one = account.mentions[whole].scope
        pair = [n for n in account.asked if _is_one_of(one, account.mentions[n])]
        account.asked += [] if pair else [whole]
    account.gone += inner


def _narrow(account: _Account, parts: list[int], clause: str) -> None:
    """ "The face only has to have a nose": of a whole a piece."""
    if len(parts) < 2:
        account.sure = False
        return
    whole, *inner = parts
    side = account.mentions[whole].side
    if not all(account.inside(at, [whole]) for at in inner):
        joints = [meant(account.mentions[at].scope) for at in (whole, *inner)]
        account.denied = not any(joints[0] & one for one in joints[1:])
        account.sure, account.asked = account.denied, [whole]
        return
    for at in inner:
        account.mentions[at] = sided(account.mentions[at], side)
    others = [_other(account, at, whole) for at in account.asked if at != whole]
    account.asked = others + inner


def _exchange(account: _Account, parts: list[int], clause: str) -> None:
    """One part in the place of another that was named before, or that nobody asked for."""
    if len(parts) != 2:
        account.sure = False
        return
    old, new = parts if not clause.startswith(("用", "拿", "以")) else parts[::-1]
    if account.asked and old not in account.asked:
        account.sure = False
        return
    side = account.mentions[old].side
    account.mentions[new] = sided(account.mentions[new], side)
    account.asked = [new if at == old else at for at in account.asked] or [new]
    account.wrong = []


def _doubt(account: _Account, parts: list[int], clause: str) -> None:
    """ "The knee is wrong": what comes next is meant instead."""
    account.wrong = parts or account.asked[-1:]
    account.sure = len(account.wrong) == 1 and account.wrong[0] in account.asked


def _all(account: _Account, parts: list[int], clause: str) -> None:
    if account.turned or re.search("还是|干脆|索性", clause):
        account.asked, account.gone, account.whole = [], [], True
    elif account.asked and not account.gone:
        account.sure = not re.search(f"{WHOLE}|所有|整个", clause) and len(account.asked) > 1
    elif not account.asked:
        account.whole = True


def _rest(account: _Account, parts: list[int], clause: str) -> None:
    account.sure = not account.asked and (bool(account.gone) or account.denied)
    account.whole = True


def _rest_gone(account: _Account, parts: list[int], clause: str) -> None:
    account.sure = bool(account.asked) and not account.whole


def _only(account: _Account, parts: list[int], clause: str) -> None:
    joints = [meant(account.mentions[at].scope) for at in parts]
    before = [meant(account.mentions[at].scope) for at in account.asked]
    apart = not any(one & other for one in joints for other in before)
    if account.asked and apart and re.search("仅限|只限|限于", clause):
        account.denied = True
        return
    account.sure = not set(parts) & set(account.gone)
    for at in parts if len(account.asked) == 1 else ():
        whole = account.mentions[account.asked[0]]
        if within(account.mentions[at].scope, whole.scope):
            side = whole.side
            account.mentions[at] = sided(account.mentions[at], side)
    account.asked, account.gone, account.whole = parts, [], False


def _wish(account: _Account, parts: list[int], clause: str) -> None:
    if account.asked or account.whole or not WISH.search(clause):
        return
    every = bool(_EVERY.search(clause))
    if account.gone:
        account.whole = account.sure = every
    else:
        account.asked = list(account.said)
        account.sure = bool(account.asked)


def _never_less(account: _Account, parts: list[int], clause: str) -> None:
    if parts:
        _ask(account, parts, clause)
    elif account.turned or not account.asked:
        _all(account, parts, clause)


def _its(account: _Account, parts: list[int], clause: str) -> None:
    _narrow(account, [*account.asked[-1:], *parts], clause)


def _empty(account: _Account, parts: list[int], clause: str) -> None:
    account.denied = True


def _turn(account: _Account, parts: list[int], clause: str) -> None:
    account.turned = True


def _pass(account: _Account, parts: list[int], clause: str) -> None:
    return


_STEPS: dict[str, Callable[[_Account, list[int], str], None]] = {
    "turn": _turn, "idle": _pass, "short": _ask, "granted": _ask, "doubted": _pass,
    "never_less": _never_less, "only": _only, "rest_gone": _rest_gone, "rest": _rest,
    "its": _its, "emptied": _empty, "excepted": _except, "gone": _leave, "all": _all,
    "alike": _ask, "asked": _ask, "wish": _wish,
    "shortened": _shorten, "narrowed": _narrow, "exchanged": _exchange, "wrong": _doubt,
}  # fmt: skip


def _told(account: _Account) -> str | None:
    """The one statement; None where nothing is asked."""

    def words(places: Sequence[int]) -> str:
        chosen = [account.mentions[at] for at in places]
        one_sided = any(one.side for one in chosen)
        return "和".join(
            dict.fromkeys(
                f"双{one.word}" if one_sided and is_unsided(one.scope) else one.word
                for one in chosen
            )
        )

    if account.denied:
        named = words(account.asked or account.gone) or "全身"
        return f"{named}但不要{named}"
    if account.wrong:
        return None
    if account.whole:
        return f"除了{words(account.gone)}都要" if account.gone else "全身"
    for at in account.gone:
        account.asked = [_other(account, n, at) for n in account.asked]
    halves = {HALVES.get(account.mentions[at].scope) for at in account.asked} - {None}
    if len(halves) == 1:  # 左半身,不包括胳膊: the left one
        side = halves.pop()
        account.mentions = [
            sided(one, side) if at in account.gone and is_unsided(one.scope) else one
            for at, one in enumerate(account.mentions)
        ]
    inner = [at for at in account.gone if account.inside(at, account.asked)]
    if all(meant(account.mentions[at].scope) <= meant(_LIMBS) for at in account.asked):
        inner = [at for at in inner if account.mentions[at].scope != Part("torso")]
    if not account.asked:
        return None
    return f"{words(account.asked)},不要{words(inner)}" if inner else words(account.asked)


def _is_one_of(one: object, pair: Mention) -> bool:
    """Whether this is the left or the right of a pair."""
    both = pair.scope
    if not isinstance(one, Part) or not isinstance(both, Part):
        return False
    return one.name == both.name and both.side is None and one.side is not None


def _other(account: _Account, pair: int, gone: int) -> int:
    """Of a pair that one is taken from, the other."""
    one = account.mentions[gone].scope
    if not _is_one_of(one, account.mentions[pair]):
        return pair
    assert isinstance(one, Part)
    account.mentions.append(sided(account.mentions[pair], OTHER[one.side or ""]))
    return len(account.mentions) - 1
