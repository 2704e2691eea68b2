"""A side that the text tells elsewhere: "the cast is on her left leg, mark the other one".

One clause says on which side something is (左手在打点滴, 患侧为右, a fracture of the right femur);
another points back to it, by what is said once more (没打点滴的那只, the arm without the drip), by
sound and unsound (健侧, the affected arm) or by "that one" and "the other". The telling clause
goes, and the side stands where it was pointed to. Where two sides are told, the text stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.binding import HALVES, bind
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.naming import names_parts
from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.query import Part
from posealign.instructions.sides import OTHER, SIDE_OF, called

_CLAUSES = re.compile(r"[^,;。.!?()–—]+(?:[,;。.!?()–—]+|$)")
_ONE_HAN = "(?:(?:那|这|另)?一?[只条个边侧]|(?:那|这)?一?半)"
_POINTS_HAN = re.compile(
    rf"(?P<sound>(?:非(?:患|病|手术|受累|损伤)侧|健[侧肢])(?:的?{_ONE_HAN})?"
    rf"|(?:(?:完?好|健康|正常|没事|没问题)的|(?:有力|活动自如)的?){_ONE_HAN})"
    rf"|(?P<unsound>(?:[患病伤术][侧肢]|(?:手术|受累|损伤)侧)(?:的?{_ONE_HAN})?"
    r"|患处|[患病伤](?=[手脚腿臂膝肩足踝肘髋])"
    rf"|(?:坏|不好|有问题|受伤)的{_ONE_HAN})"
    rf"|(?:没有?|未|不)(?P<not_again>[^,;。的没未标要看]{{1,6}})的(?P<whose>{_ONE_HAN})?"
    rf"|(?P<free>[空光闲裸露]着?的{_ONE_HAN}?|自由的{_ONE_HAN}?"
    rf"|(?:另外?|对面|相反)的?(?:那|一|那一)?[只条个边侧])"
    rf"|(?P<again>[^,;。的没未标要看取给画别其健患]{{1,6}})的(?P<who>{_ONE_HAN})?"
    r"|(?P<same>(?<!的)[那这]一?(?:[只条边侧]|[段截](?=的?[前上大小]?[臂腿肢胳]))(?:的(?=[^,;。]))?)"
)
_POINTS = re.compile(
    r"\b(?:(?:the|his|her|its|their) )?(?:(?P<sound>un(?:affected|injured|hurt|operated|involved|"
    r"broken|harmed|burnt|impaired)|non-?(?:affected|operated|injured|paretic|involved|surgical)"
    r"|healthy|sound|intact|good|normal|strong|well)"
    r"|(?P<unsound>affected|injured|operated|paretic|paraly[sz]ed|hurt|bad|sore|weak(?:er)?|broken"
    r"|fractured|bandaged|plastered|surgical|involved|impaired|burnt)"
    r"|(?P<free>free|bare|empty|uncovered|unwrapped|other|opposite)|(?P<same>(?<!so )that))"
    r" (?P<noun>[a-z]+)"
    r"|\bthe (?P<lacks>[a-z]+) (?:that|which) (?:is|has|was|does|did|wo|ca)(?:n't| not)"
    r"(?: (?:any|one|it|yet))?(?= *(?:[,.;!?]|$))"
    r"|\bthe (?P<which>[a-z]+)(?: that (?:is|has))? (?P<with>with(?:out)?|in|has no|has)"
    r" (?P<thing>it|(?:the |a |no |any )?(?P<what>[a-z]+))\b"
)
# What the telling clause names, taken off a part: the unstrapped foot, cuff-free, "with no brace".
_FREE_OF = re.compile(
    r"\b(?:the )?(?:un(?P<un>[a-z]{3,}?)(?:ed|d)|(?P<less>[a-z]{3,}?)-?less|(?P<of>[a-z]{3,})-free"
    r"|non-?(?P<non>[a-z]{2,})) (?P<noun>[a-z]+)"
    r"|\b(?:the )?(?P<which>[a-z]+) (?:with (?:no|nothing)|(?:that|which) (?:has|wears|carries) no"
    r"|(?:that|which) (?:is|was)(?:n't| not)|not) ?(?:in |on )?(?:the |a |any )?"
    r"(?P<what>[a-z]{2,})?"
)
_FREE_STEMS = ("un", "less", "-free", "non", "with no", " no ", "n't", " not ")
_STEMS = (
    "affected", "injured", "hurt", "good", "healthy", "sound", "other", "free", "bare", "that",
    "with", "broken", "operated", "bad", "weak", "paralys", "paralyz", "paretic", "sore", "normal",
    "surgical", "empty", "opposite", "fractured", "intact", "involved", "harmed", "burnt",
    "plaster", "bandaged", "impaired", "wrapped", "covered", "has ", "n't", " not",
)  # fmt: skip
_STEMS_HAN = frozenset("患健伤病术没未不好坏空光闲裸露另那这的")
_HAN = {"left": "左侧", "right": "右侧"}
_BARE = ("one", "side", "limb")
_BARE_SIDE = re.compile(r"[\W_]*(?:side)?[\W_]*")  # "palsy, right side": what ails stands before
_DENIED_HAN = re.compile(r"没有?[^,;。的要]{1,4}$")  # 没有吊那只手
_STATES = re.compile(  # nothing but which side ails or is well
    r"\W*(?:因为|由于)?(?:[患健病伤术]|手术|受累)[侧肢]?[是为在:=]\s*[左右][^,;。要标看取]{0,4}[,;。(]"
    r"|\W*(?:the |his |her )?(?:un)?(?:affected|injured|operated|hurt|bad|good|sore|healthy|sound"
    r"|weak|involved|broken) [a-z]+ (?:is|was|=|being) (?:on )?(?:the |his |her )?(?:left|right)"
    r"(?: (?:one|side|[a-z]+))?[,;.]"
)
_IS_WELL = re.compile(
    r"[,;.] ?(?:and |but )?(?:the |his |her )?(?P<side>left|right)(?: one| side| hand| foot| leg"
    r"| arm)?"
    r" (?:is|looks|seems)(?: perfectly| completely)? (?:fine|ok|okay|normal|good|unaffected|healthy"
    r"|alright|all right)(?=[,;.])"
    r"|[,;。](?P<han>[左右])(?:侧|边|脚|腿|手|臂|足)?(?:是|都|倒是|的)?(?:正常|没事|没问题|好的|健康)(?:的)?(?=[,;。])"
)
_LIES = re.compile(
    r"\b(?:lying|lies|lay|laid|rolled|turned|sleeping|asleep|resting|placed|nursed"
    r"|still) (?:over )?"
    r"on(?:to)? (?:his|her|its|the|their) (?:left|right) side\b(?! of)"
)
_STEM = 4  # letters by which a word comes back: strap, unstrapped
_EMPTY = frozenset("着了在有的上下里给被把住过个那只条边侧手脚腿臂左右")


@dataclass(frozen=True)
class _Told:
    """What a clause tells: the side where something is, the part there, the words."""

    side: str
    part: Part | None
    text: str

    @property
    def unsound(self) -> str:
        """The side that ails; a clause may tell which one is well."""
        return OTHER[self.side] if patterns.WELL.search(self.text) else self.side


def said_elsewhere(clean: str) -> str:
    """A normalised text with such sides put in where they are pointed to."""
    clean = _less_well(clean)
    clauses = [match[0] for match in _CLAUSES.finditer(clean)]
    telling = [at for at, clause in enumerate(clauses) if _sides(clause)]
    if len(telling) > 1 and _STATES.match(clauses[telling[0]]):
        return "".join(row for at, row in enumerate(clauses) if at != telling[0])
    if len(clauses) < 2 or len(telling) != 1:
        return clean
    at = telling[0]
    sides = _sides(clauses[at])
    if len(sides) != 1:
        return clean
    named = [one for one in bind(found_in(clauses[at]), clauses[at]) if isinstance(one, Part)]
    last = named[-1] if named and named[-1].name in PAIRED else None
    first = max(0, at - 1) if _BARE_SIDE.fullmatch(unnamed(clauses[at])) else at
    told = _Told(sides.pop(), last, "".join(clauses[first : at + 1]))
    changed, turned = list(clauses), False
    for place in range(len(clauses)):
        behind = place > at
        if first <= place <= at or patterns.ALSO.search(clauses[place]):
            continue
        changed[place] = _put(_freed(clauses[place], told), told, behind)
        turned = turned or changed[place] != clauses[place]
    if not turned and _STATES.match(clauses[at]):
        turned = any(_names_both(row) for row in clauses[:first] + clauses[at + 1 :])
    if not turned:
        return clean
    return "".join(row for place, row in enumerate(changed) if place != at).strip(" ,;。(")


def _less_well(clean: str) -> str:
    """ "Clubfoot on the left, the right one is fine": the latter goes, it says nothing new."""
    match = _IS_WELL.search(clean)
    if match is None:
        return clean
    told = {one.own_side for one in found_in(clean[: match.start()])} - {None}
    if told != {OTHER[SIDE_OF[match["side"] or match["han"]]]}:
        return clean
    return clean[: match.start()] + clean[match.end() :]


def _names_both(clause: str) -> bool:
    """Whether both of a pair are asked, whatever ails one of them."""
    return any(one.both for one in found_in(clause))


def _sides(clause: str) -> set[str]:
    found = found_in(_LIES.sub(" ", clause))
    named = [one.scope for one in found if isinstance(one.scope, Part)]
    sides = [one.side for one in found] + [HALVES.get(one, one.side) for one in named]
    sides += [one.name.partition("_")[0] for one in named if one.name.endswith("_collar")]
    return {side for side in sides if side in OTHER}


def _freed(clause: str, told: _Told) -> str:
    """A clause with the other side for each part that is without what the telling clause names."""
    if not any(stem in clause for stem in _FREE_STEMS):
        return clause

    def freed(match: re.Match[str]) -> str:
        said = match["un"] or match["less"] or match["of"] or match["non"] or match["what"]
        if said is None or said[:_STEM] not in told.text:
            return match[0]
        return _said_latin(match, OTHER[told.side], told) if _points(match) else match[0]

    return _FREE_OF.sub(freed, clause)


def _points(match: re.Match[str]) -> bool:
    """Whether a paired part or "one" is what is pointed out."""
    noun = _noun(match)
    named = next(iter(found_in(noun)), None)
    paired = named is not None and isinstance(named.scope, Part) and named.scope.name in PAIRED
    return paired or noun in _BARE


def _noun(match: re.Match[str]) -> str:
    return match["noun"] or match.groupdict().get("lacks") or match["which"]


def _put(clause: str, told: _Told, behind: bool) -> str:
    """A clause with the side for each word that points back to it."""
    if not patterns.AILS.search(told.text):
        return clause

    def han(match: re.Match[str]) -> str:
        side = _side_han(match, told, behind)
        return match[0] if side is None else _said_han(match, side, told)

    def latin(match: re.Match[str]) -> str:
        side = _side_latin(match, told, behind)
        return match[0] if side is None else _said_latin(match, side, told)

    if not _STEMS_HAN.isdisjoint(clause):
        clause = _POINTS_HAN.sub(han, clause)
    if any(stem in clause for stem in _STEMS):
        clause = _POINTS.sub(latin, clause)
    return clause


def _side_han(match: re.Match[str], told: _Told, behind: bool) -> str | None:
    if match["sound"] or match["unsound"]:
        return told.unsound if match["unsound"] else OTHER[told.unsound]
    if not behind:
        return None
    if match["free"]:
        return OTHER[told.side]
    if match["same"]:
        denied = _DENIED_HAN.search(match.string[: match.start()])
        return OTHER[told.side] if denied else told.side
    if not (match["whose"] or match["who"] or _names_next(match)):
        return None  # 鞋里挡住的点 are points
    if match["not_again"]:
        return OTHER[told.side] if _is_repeated(match["not_again"], told.text) else None
    return told.side if _is_repeated(match["again"], told.text) else None


def _side_latin(match: re.Match[str], told: _Told, behind: bool) -> str | None:
    if not _points(match):
        return None
    if match["sound"] or match["unsound"]:
        return told.unsound if match["unsound"] else OTHER[told.unsound]
    if not behind:
        return None
    if match["with"]:
        if match["what"] != "it" and match["thing"] != "it" and match["what"] not in told.text:
            return None
        denied = match["with"] in ("without", "has no") or match["thing"].startswith("no ")
        return OTHER[told.side] if denied else told.side
    return told.side if match["same"] else OTHER[told.side]


def _is_repeated(said: str, told: str) -> bool:
    """Whether words of the telling clause come back."""
    latin = re.findall(r"[a-z]+", said)
    return any(word in told for word in latin) or any(
        one in told for one in said if not one.isascii() and one not in _EMPTY
    )


def _names_next(match: re.Match[str]) -> bool:
    """Whether a part stands right behind."""
    rest = match.string[match.end() :]
    follows = next(iter(found_in(rest)), None)
    return follows is not None and not rest[: follows.start].strip(" 的")


def _said_han(match: re.Match[str], side: str, told: _Told) -> str:
    rest = match.string[match.end() :]
    if match[0][-1] == "半" and rest[:1] == "身":
        return _HAN[side] + "半"
    if _names_next(match):
        return _HAN[side]
    if match[0][-1] in "肢" and told.part is not None:
        return called(_limb(told.part), side, "zh")
    if names_parts(match.string):
        return _HAN[side]
    if told.part is None:
        return _HAN[side] + ("" if rest[:1] in ("半", "全") else "半身")
    return called(told.part.name, side, "zh")


def _said_latin(match: re.Match[str], side: str, told: _Told) -> str:
    noun = _noun(match)
    if noun not in _BARE:
        return f"the {side} {noun}"
    if told.part is None:
        return f"the {side} side"
    name = _limb(told.part) if noun == "limb" else told.part.name
    return f"the {called(name, side, 'en')}"


def _limb(one: Part) -> str:
    """The limb that a part belongs to."""
    lower = joints_of("leg") | joints_of("foot")
    return "leg" if joints_of(one.name) <= lower else "arm"
