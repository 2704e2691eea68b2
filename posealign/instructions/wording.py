"""Query → text: one of the many ways a phrasebook has to say it, chosen by the seed.

Nothing here knows a language; {x} {s} {p} {ps} {d} {a} {b} {y} {w} are filled from the YAML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from posealign.instructions.parts import PAIRED
from posealign.instructions.phrases import Lines, Phrasebook, Wish
from posealign.instructions.query import (
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Related,
    Scope,
    Union,
    part,
)
from posealign.instructions.sampling import sample_part

REGISTERS = (
    ("terse", 30), ("command", 28), ("polite", 14), ("question", 8), ("clinical", 7),
    ("context", 10), ("machine", 3),
)  # fmt: skip


def word(query: Query | Refusal, rng: Random, book: Phrasebook) -> str:
    if isinstance(query, Refusal):
        return refuse(query.reason, rng, book)
    return _Speaker(rng, book, query.subject == "all").say(query)


def phrase(scope: Scope, rng: Random, book: Phrasebook) -> str:
    """A scope as a noun phrase."""
    return _Speaker(rng, book, True).scope(scope)


def fill(pattern: str, **slots: str) -> str:
    """Not str.format: machine-like frames are full of braces."""
    for key, value in slots.items():
        pattern = pattern.replace("{" + key + "}", value)
    return pattern


def register(rng: Random, book: Phrasebook) -> Lines:
    names = [(name, weight) for name, weight in REGISTERS if name in book.frames]
    chosen = rng.choices([n for n, _ in names], [w for _, w in names])[0]
    return book.frames[chosen]


@dataclass
class _Speaker:
    rng: Random
    book: Phrasebook
    owned: bool  # may say "her knee"; not where a subject is named

    def say(self, query: Query) -> str:
        """Noun phrase, wishes inside it, a frame, wishes around it."""
        text = self._corrected(query.scope)
        wishes = self._wishes(query)
        self.rng.shuffle(wishes)
        outside: list[Wish] = []
        for wish in wishes:
            if self.rng.random() < 0.55:
                text = self._around(self.rng.choice(wish.phrase), text)
            else:
                outside.append(wish)
        text = fill(self.rng.choice(register(self.rng, self.book)), x=text)
        for wish in outside:
            text = fill(self.rng.choice(wish.sentence), x=text)
        return text

    def _wishes(self, query: Query) -> list[Wish]:
        book = self.book
        wishes = [
            {"visible": book.visible, "occluded": book.occluded}.get(query.visibility),
            book.dims3 if query.dims == 3 else None,
            book.dims2 if query.dims == 2 and self.rng.random() < 0.03 else None,
            book.subjects.get(query.subject),
            book.skeletons.get(query.skeleton or ""),
            book.premises.get(query.premise or ""),
        ]
        return [wish for wish in wishes if wish is not None]

    def _around(self, pattern: str, text: str) -> str:
        """ "the visible {x}" takes no second article."""
        before = pattern.partition("{x}")[0].rstrip()
        if before and not before.endswith((" of", " on")):
            text = self._bare(text)
        return fill(pattern, x=text)

    def _bare(self, text: str) -> str:
        for determiner in sorted(set(self.book.determiners), key=len, reverse=True):
            if determiner and text.startswith(determiner) and self.book.joiner == " ":
                return text[len(determiner) :]
        return text

    def _corrected(self, scope: Scope) -> str:
        roll, book = self.rng.random(), self.book
        if roll < 0.07 and book.corrections:
            if isinstance(scope, Part) and scope.side and self.rng.random() < 0.5:
                return self._side_corrected(scope)
            wrong = self._wrong(scope)
            return fill(self.rng.choice(book.corrections), w=wrong, x=self.scope(scope))
        if roll < 0.11 and book.background and not isinstance(scope, Except):
            wrong = self._wrong(scope)
            return fill(self.rng.choice(book.background), w=wrong, x=self.scope(scope))
        return self.scope(scope)

    def _side_corrected(self, right: Part) -> str:
        other = "right" if right.side == "left" else "left"
        slots = {
            "w": self.scope(part(f"{other}_{right.name}")),
            "s": self.book.sides[str(right.side)][0],
            "o": self.book.sides[other][0],
            "p": self.rng.choice(self.book.forms(right.name))[0],
        }
        return fill(self.rng.choice(self.book.side_corrections or self.book.corrections), **slots)

    def _wrong(self, scope: Scope) -> str:
        """A part that was not asked for; half the time the same one of the other side."""
        if isinstance(scope, Part) and scope.side and self.rng.random() < 0.4:
            other = "right" if scope.side == "left" else "left"
            return self.scope(part(f"{other}_{scope.name}"))
        for _ in range(9):
            wrong = sample_part(self.rng)
            if wrong.name not in str(scope) and wrong.name in self.book.parts:
                break
        return self.scope(wrong)

    def scope(self, scope: Scope) -> str:
        if isinstance(scope, Part):
            return self.part(scope)
        if isinstance(scope, Chain):
            return self._chain(scope)
        if isinstance(scope, Related):
            return self._related(scope)
        if isinstance(scope, Union):
            return self._union(scope)
        return self._except(scope)

    def part(self, named: Part) -> str:
        rng, book = self.rng, self.book
        fixed = book.fixed.get(str(named))
        if fixed and rng.random() < (0.25 if book.joiner == " " else 0.4):
            return rng.choice(fixed)
        singular, plural = rng.choice(book.forms(named.name))
        if named.name not in PAIRED:
            text = fill(rng.choice(book.single), d=self._det(), p=singular)
            text = (
                self._det() + singular
                if named.name == "all" or named.name.endswith("_side")
                else text
            )
        elif named.side is None:
            text = fill(rng.choice(book.both), d=self._det(), p=singular, ps=plural, s="")
        else:
            text = fill(
                rng.choice(book.sided),
                d=self._det(),
                s=rng.choice(book.sides[named.side]),
                S=rng.choice(book.owners or ("",)),
                p=singular,
            )
        return fill(rng.choice(book.points), x=text) if rng.random() < 0.1 else text

    def _det(self) -> str:
        determiners = self.book.determiners
        return self.rng.choice(determiners if self.owned else determiners[:5])

    def _join(self, items: list[str]) -> str:
        separator = self.rng.choice(self.book.union.separators)
        last = self.rng.choice(self.book.union.last) if self.rng.random() < 0.85 else separator
        return separator.join(items[:-1]) + last + items[-1]

    def _union(self, scope: Union) -> str:
        rng, items = self.rng, list(scope.items)
        if str(scope) in self.book.fixed and rng.random() < 0.5:
            return rng.choice(self.book.fixed[str(scope)])
        sides = {item.side if isinstance(item, Part) else None for item in items}
        if len(sides) == 1 and None not in sides and self.book.shared_side and rng.random() < 0.55:
            names = [rng.choice(self.book.forms(item.name))[0] for item in items]  # type: ignore[union-attr]
            side = rng.choice(self.book.sides[str(sides.pop())])
            return fill(
                rng.choice(self.book.shared_side), d=self._det(), s=side, parts=self._join(names)
            )
        texts = [self.scope(item) for item in items]
        if rng.random() < 0.4:
            texts[1:] = [self._bare(text) for text in texts[1:]]
        return fill(rng.choice(self.book.union_frames), x=self._join(texts))

    def _except(self, scope: Except) -> str:
        removed = self.scope(scope.removed)
        if scope.scope == Part("all") and self.rng.random() < 0.85:
            return fill(self.rng.choice(self.book.except_all), y=removed)
        whole = self.scope(scope.scope)
        inner, outer = scope.removed, scope.scope
        if (
            isinstance(inner, Part)
            and isinstance(outer, Part)
            and inner.side
            and inner.side == outer.side
            and self.rng.random() < 0.6
        ):  # "the left arm without the wrist"
            form = self.rng.choice(self.book.forms(inner.name))[0]
            removed = self.rng.choice(self.book.determiners[:5]) + form
        return fill(self.rng.choice(self.book.subtract), x=whole, y=removed)

    def _chain(self, scope: Chain) -> str:
        first, last = self.scope(scope.start), self.scope(scope.end)
        if scope.start.side and scope.start.side == scope.end.side and self.rng.random() < 0.6:
            bare = self.rng.choice(self.book.forms(scope.end.name))[0]
            last = self.rng.choice(self.book.determiners[:6]) + bare
        elif scope.start.side is None and scope.start.name in PAIRED and self.rng.random() < 0.5:
            first = self.rng.choice(self.book.forms(scope.start.name))[0]
            last = self.rng.choice(self.book.forms(scope.end.name))[0]
        return fill(self.rng.choice(self.book.chain), a=first, b=last)

    def _related(self, scope: Related) -> str:
        pattern = self.rng.choice(self.book.relations[scope.relation])
        if "{x}" in pattern:
            return self._around(pattern, self.scope(scope.part))
        singular, plural = self.rng.choice(self.book.forms(scope.part.name))
        return fill(pattern, p=singular, ps=plural)


_SLOT = re.compile(r"\{(\w+)\}")


def refuse(reason: str, rng: Random, book: Phrasebook, words: Lines = ()) -> str:
    """A text that must be refused; `words` are further content words for its slots."""
    if book.refusals is None:
        return gibberish(rng)
    slots = book.refusals.slots
    speaker = _Speaker(rng, book, True)
    same = {"x": speaker.scope(sample_part(rng))}

    def slot(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("x", "s", "p"):
            return same["x"]
        if name == "gibberish":
            return gibberish(rng)
        if name in ("word", "topic") and words and rng.random() < 0.6:
            return rng.choice(words)
        if name == "animal" and words and rng.random() < 0.35:
            return rng.choice(words)
        return rng.choice(slots[name]) if name in slots else match[0]

    return _SLOT.sub(slot, rng.choice(getattr(book.refusals, reason)))


def gibberish(rng: Random) -> str:
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    kind = rng.random()
    if kind < 0.4:
        return "".join(rng.choices(rng.choice(rows), k=rng.randint(3, 9)))
    if kind < 0.6:
        return "".join(rng.choices("bcdfghjklmnpqrstvwxyz", k=rng.randint(3, 8)))
    if kind < 0.75:
        return "".join(rng.choices("!?.,;:-_#*@&%$", k=rng.randint(1, 6)))
    if kind < 0.9:
        return " ".join(
            "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 6)))
            for _ in range(2)
        )
    return str(rng.randint(0, 99999))
