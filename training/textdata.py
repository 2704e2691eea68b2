"""The endless mixture the text encoder learns from: phrasebooks, the written corpus, damage.

Every example is a written Query and a text; what it means is computed, never labelled by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from posealign.instructions.compositions import shaped
from posealign.instructions.mirror import mirror_query, mirror_text
from posealign.instructions.noise import damage
from posealign.instructions.phrases import LANGUAGES, Phrasebook, phrasebook
from posealign.instructions.query import Query, Refusal, parse
from posealign.instructions.sampling import sample, sample_part
from posealign.instructions.sets import read
from posealign.instructions.templates import Template, template_of
from posealign.instructions.wording import fill, phrase, refuse, register, word
from posealign.instructions.written import Line, load

Example = tuple[str, str]  # written Query, text


@dataclass(frozen=True)
class Mixture:
    """Shares of an endless stream; `distractors` are files with one content word a line."""

    written: float = 0.4  # of all examples; half of them with other parts put in
    mixed: float = 0.08  # of phrasebook examples: one language's frame, another's phrase
    refusals: float = 0.22
    chatter: float = 0.03  # a harmless sentence before the wish
    stories: float = 0.0  # a written line that asks for nothing, before or behind the wish
    damage: float = 0.8
    distractors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    lines: list[Line]
    refused: list[Line]
    stories: dict[str, list[str]]
    templates: list[Template]
    words: dict[str, tuple[str, ...]]


def gather(mixture: Mixture) -> Sources:
    # Shapes kept for the compositional test are never learnt.
    lines = [line for line in load("train") if not shaped(parse(line.query))]
    templates = [template_of(line.text, line.query) for line in lines]
    idle = [line for line in lines if line.query == "refuse:not_pose"]
    return Sources(
        [line for line in lines if not line.query.startswith("refuse")],
        [line for line in lines if line.query.startswith("refuse")],
        {
            language: [line.text for line in idle if _book_language(line.language) == language]
            for language in LANGUAGES
        },
        [template for template in templates if template is not None],
        {language: _words(mixture.distractors, language) for language in LANGUAGES},
    )


def example(rng: Random, mixture: Mixture, sources: Sources) -> Example:
    made = (
        _written(rng, mixture, sources)
        if rng.random() < mixture.written
        else _phrased(rng, mixture, sources)
    )
    query, text, language = made
    book = phrasebook(language)
    if rng.random() < 0.5:
        query, text = _mirrored(query, text)
    if rng.random() < mixture.chatter and not query.startswith("refuse"):
        text = (
            refuse("not_pose", rng, _harmless(language))
            + rng.choice((". ", ", ", "。", " "))
            + text
        )
    if rng.random() < mixture.stories and not query.startswith("refuse"):
        text = beside_a_story(text, rng.choice(sources.stories[language]), rng)
    if rng.random() < mixture.damage:
        text = damage(text, rng, book)
    return query, text


def beside_a_story(wish: str, story: str, rng: Random) -> str:
    """What else is told names parts too, and changes nothing of what is asked for."""
    first, second = rng.sample((wish, story), 2)
    han = bool(re.search("[一-鿿]", first))
    if re.search(r"[.!?;。！？；…]$", first):
        return first + ("" if han else " ") + second
    return first + rng.choice(("。", "；", "\n") if han else (". ", "; ", "\n")) + second


def easy_example(rng: Random) -> Example:
    """A part by one of its names, and nothing else."""
    part = sample_part(rng)
    return str(part), phrase(part, rng, phrasebook(rng.choice(LANGUAGES)))


def _written(rng: Random, mixture: Mixture, sources: Sources) -> tuple[str, str, str]:
    if rng.random() < mixture.refusals:
        line = rng.choice(sources.refused)
        return line.query, line.text, _book_language(line.language)
    if rng.random() < 0.5:
        for _ in range(4):
            template = rng.choice(sources.templates)
            filled = template.fill(rng)
            if filled is not None:
                return str(filled[0]), filled[1], template.language
    line = rng.choice(sources.lines)
    return line.query, line.text, _book_language(line.language)


def _phrased(rng: Random, mixture: Mixture, sources: Sources) -> tuple[str, str, str]:
    language = rng.choice(LANGUAGES)
    book = phrasebook(language)
    query = sample(rng, mixture.refusals)
    if isinstance(query, Refusal):
        return str(query), refuse(query.reason, rng, book, sources.words[language]), language
    if rng.random() < mixture.mixed:
        other = phrasebook(rng.choice([name for name in LANGUAGES if name != language]))
        plain = Query(query.scope)
        text = fill(rng.choice(register(rng, book)), x=phrase(plain.scope, rng, other))
        return str(plain), text, language
    return str(query), word(query, rng, book), language


def _mirrored(query: str, text: str) -> Example:
    mirrored = mirror_text(text)
    parsed = parse(query)
    if mirrored is None or isinstance(parsed, Refusal):
        return query, text
    other = mirror_query(parsed)
    if mirrored == text and str(other) != query:
        return query, text  # a side said in a way the mirror does not know
    return str(other), mirrored


@cache
def _harmless(language: str) -> Phrasebook:
    """A book whose refusals are greetings and thanks: they change no wish."""
    book = phrasebook(language)
    if book.refusals is None:
        return book
    short = tuple(
        line
        for line in book.refusals.not_pose
        if "{" not in line
        and re.match(
            r"hello|hi there|good|thank|nice|great|ok |你好|您好|早上|谢谢|多谢|不错|好的|太棒",
            line,
        )
    )
    return book.model_copy(
        update={"refusals": book.refusals.model_copy(update={"not_pose": short})}
    )


def _book_language(language: str) -> str:
    return "en" if language == "en" else "zh"


def _words(files: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Content words for what must be refused, without any that name a part of a body."""
    named = {
        form.lower()
        for name in phrasebook(language).parts
        for forms in phrasebook(language).forms(name)
        for form in forms
    }
    single = "左右手脚腿头脸臂肩肘腕髋胯膝踝趾指眼耳鼻口嘴眉颈脖腰背躯肢脊骨盆掌胸腹肚身足膊拳爪"
    chosen: list[str] = []
    for file in files:
        for row in Path(file).read_text("utf-8").splitlines():
            text = row.strip()
            han = bool(re.fullmatch("[一-鿿]+", text))
            if han != (language == "zh") or not 2 <= len(text) <= 14 or text.lower() in named:
                continue
            if han and set(text) & set(single):
                continue
            if not han and not re.fullmatch("[a-z]{3,}", text):
                continue
            chosen.append(text)
    return tuple(chosen)


def usable(query: str) -> bool:
    parsed = parse(query)
    return isinstance(parsed, Refusal) or bool(read(parsed).asked)
