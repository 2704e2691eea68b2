"""One way of writing for what people write in several, before anything is read.

Names typed in pinyin become characters, Cantonese and Latin sides ours, slips are mended, and a
part on both sides is said in one word: "left and right knee" and 左、右膝 are both knees, not the
one that the last side is beside. What is told behind a part ("the arm in the splint, left") goes
to it, what is asked beside a part ("apart from the knees, the nose too") is put plainly, and what
is left unsaid ("the left one too") is put in last.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from posealign.instructions.afterthought import put_together
from posealign.instructions.asides import without_asides
from posealign.instructions.background import foreground
from posealign.instructions.besides import besides
from posealign.instructions.binding import is_unsided
from posealign.instructions.chinese import explained, in_mandarin, sided_list, turned_list
from posealign.instructions.comparisons import compared
from posealign.instructions.concessions import without_concessions
from posealign.instructions.contrasts import uncontrasted
from posealign.instructions.denials import all_but
from posealign.instructions.elsewhere import said_elsewhere
from posealign.instructions.found import begins_with
from posealign.instructions.halves import halved
from posealign.instructions.headings import headed
from posealign.instructions.indices import by_name
from posealign.instructions.lists import listed
from posealign.instructions.mend import mend
from posealign.instructions.mend_han import HAN
from posealign.instructions.negated import denied
from posealign.instructions.notation import in_words
from posealign.instructions.numbers import without_idle_numbers
from posealign.instructions.per_limb import with_sides
from posealign.instructions.persons import as_persons
from posealign.instructions.pinyin import from_pinyin
from posealign.instructions.placed import placed
from posealign.instructions.pointed import in_place
from posealign.instructions.pronouns import named_again
from posealign.instructions.purposes import without_purpose
from posealign.instructions.reasons import without_reasons
from posealign.instructions.rests import without_gone
from posealign.instructions.singled import singled
from posealign.instructions.slips import unslipped
from posealign.instructions.statements import restated
from posealign.instructions.stretches import stretched
from posealign.instructions.unsaid import complete
from posealign.instructions.viewpoint import from_within
from posealign.instructions.ways import on_the_way
from posealign.instructions.whole import of_whole

_OWNER = r"(?:(?:the|his|her|its|their) )?"
_BOTH = re.compile(
    rf"\b(?:both )?{_OWNER}(?:(l|left|lt)|r|right|rt)\b\.?"
    r"\s*(?:\b(?:and|n|plus|then|as well as)\b|[&+/])\s*"
    rf"{_OWNER}(?:(?(1)r|l)|(?(1)right|left)|(?(1)rt|lt))\b\.?\s+(?=[a-z])"
)
_BOTH_HAN = re.compile(
    r"(?:(左)|右)(?:边|侧|面)?的?(?:[、/&+和跟与加及]|以及)\s*(?(1)右|左)(?:边|侧|面)?的?"
)
# "(左、右都算)" behind a part says nothing that the part alone does not.
_BOTH_BEHIND = re.compile(
    r"[,( ]*(?:要|就是|是|包括)?(?<![左右分认辨])左(?:边|侧)?(?:的)?(?:、|和|跟|与|也|,|/|&|"
    r"或)*右(?:边|侧)?的?"
    r"(?:两[个只条边侧]|都|各一?[个只条]|不分|全|也|算|要|看|标|有|在内|都是)*\)?(?=$|[,;。!])"
)
# Sides in the Latin of anatomy, behind what they belong to: crus sinistrum, pes dexter.
_LATIN = re.compile(
    r"\b(?P<part>(?:(?:membrum|articulatio|os|digitus) )?[a-z]+) "
    r"(?:(?P<left>sinistr(?:a|ae|um|i)|(?<=[sx] )sinister)|dextr(?:a|ae|um|i)|(?<=[sx] )dexter)\b"
)
# What puts a text plainly, one after the other: what stands beside the wish first.
_PLAINER: tuple[Callable[[str], str], ...] = (
    without_asides, as_persons, without_concessions, in_place, named_again, without_purpose,
    foreground, without_gone, uncontrasted, halved, all_but, singled, with_sides, on_the_way,
    headed, placed, stretched, listed, denied,
)  # fmt: skip
_LONGEST = 40  # characters of a part's name
_NO_PART = re.compile(r"hand side|\w+ side\b|手?边")


def cleaned(text: str) -> str:
    """A normalised text as its writer meant to write it."""
    text = _LATIN.sub(lambda m: f"{'left' if m['left'] else 'right'} {m['part']}", text)
    text = in_mandarin(from_pinyin(without_idle_numbers(by_name(in_words(text)))))
    mended = mend(unslipped(text))
    if mended != text:
        mended = mend(mended)  # a slip beside a slip: 作褪 is 作腿 and then 左腿
    for plainer in _PLAINER:
        mended = plainer(mended)
    mended = _BOTH_HAN.sub(lambda match: _both(match, "双侧"), mended)
    mended = _BOTH.sub(lambda match: _both(match, "both "), mended)
    mended = from_within(mended)
    if HAN.search(mended):
        mended = _BOTH_BEHIND.sub("", compared(mended))
        mended = explained(sided_list(turned_list(mended)))
    said = complete(of_whole(said_elsewhere(put_together(without_reasons(besides(mended))))))
    return restated(said) if HAN.search(said) else said


def _both(match: re.Match[str], word: str) -> str:
    """The word for both sides, where a part with sides is named next."""
    rest = match.string[match.end() : match.end() + _LONGEST]
    return word if is_unsided(begins_with(rest)) and not _NO_PART.match(rest) else match[0]
