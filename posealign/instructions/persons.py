"""Whose part it is, where the words for it mislead: "my little sister's nose" is no nurse's, "my
little one's arms" are the baby's, and of two runners "the one on the right" is a person.
要大人,不要宝宝 wants the adult alone.
"""

from __future__ import annotations

import re

_KIN = re.compile(
    r"\b(?:(?:my|our|his|her|their|the) )?"
    r"(?:(?:little|baby|wee|kid|younger|newborn|infant|tiny)[ -](?:half-|step-)?|half-|step-)"
    r"(?:sister|brother|sibling|cousin|nephew|niece)'s\b"
)
_LITTLE = re.compile(
    r"\b(?:my|our|your|the|her|his) (?:little|wee|tiny) (?:one|man|girl|boy|lad|lass|fella|guy"
    r"|angel|monkey|bean|patient)(?='s)"
)
_PLAYER = re.compile(
    r"\b(?:player|athlete|dancer|swimmer|runner|skater|gymnast|boxer|keeper|goalkeeper|skier|climber"
    r"|pupil|performer|fighter)(?=s? (?:on|to|at|furthest|farthest|nearest|closest|in|who)\b)"
)
_SEVERAL = re.compile(
    r"\b(?:two|three|four|several|many|(?:a )?few|both|couple of) (?:\w+ )?(?:people|persons"
    r"|babies|infants|children|kids|twins|patients|runners|players|swimmers|dancers|athletes|girls|boys|men|women)\b"
    r"|\b(?:two|three|four|several|both) of (?:them|us)\b|\b(?:twins|triplets)\b|双胞胎|三胞胎"
    r"|双生子"
    r"|(?:[两三四几]个|好几个|一群|多个)[^,;。]{0,6}(?:人|宝宝|孩子|婴儿|娃|运动员|选手)"
)
_ONE_OF_THEM = re.compile(
    r"\bthe one (?:furthest |farthest )?(?:on|to|at) the (?:far )?(?P<side>left|right)\b(?! side)"
    r"|(?P<han>最?[左右])(?:手?边|侧)(?:的)?那[位个]"
)
_CHILD_HAN = "(?:宝宝|宝贝|婴儿|孩子|小孩|娃娃?|患儿|新生儿)"
_ADULT_HAN = (
    "(?:大人|成人|成年人|家长|妈妈?|爸爸?|奶奶|爷爷|姥姥|外婆|阿姨|护士|医生|护工|治疗师"
    "|照护者|看护人?)"
)
_KID_HAN = re.compile("(?<=[标看要画取])娃(?:儿|子)?(?=$|[,;。!])")
_NOT_ME_HAN = re.compile(
    r"(?P<who>宝宝|宝贝|婴儿|孩子|小孩|娃|患儿)(?P<of>的?)[,;。](?:别|不要|不用|不必)(?:把|将)?我们?(?:也|都|的)?"
    r"(?:(?:算|标|画|框|带|拍)(?:进去|进来|上|在内|入)?)?(?:[,;。]我[^,;。]*)?[。!]*$"
)
_BYSTANDERS = re.compile(
    r"[,;.] (?:please )?(?:and )?(?:ignore|skip|disregard|never mind|forget) (?:the |any "
    r"|all )?(?:passers-?by"
    r"|bystanders|onlookers|other people|people (?:in the|behind)[a-z ]*|crowd|spectators)[\s.!]*$"
    r"|[,;。][^,;。]{0,6}(?:路人|旁人|别人|其他人|围观的人|观众)(?:都|就|也)?(?:不用管|别管|不要|忽略|不标|别标|不用标)[。!]*$"
)
_NOT_THEM_HAN = re.compile(
    r"^(?:请|麻烦|帮我|给我|我|就|只|仅)*[要标看画取](?:出|注)?"
    rf"(?:(?P<child>{_CHILD_HAN})|{_ADULT_HAN})[,;](?:而?不[要标看画取是]|别[要标看画管])"
    rf"(?(child){_ADULT_HAN}|{_CHILD_HAN})(?:的|了|就行|就好)*[。!]*$"
)


def as_persons(clean: str) -> str:
    """A normalised text with those people in the words that readers know."""
    if "er " in clean or "te " in clean:
        clean = _PLAYER.sub("person", clean)
    clean = _BYSTANDERS.sub("", clean)
    if _SEVERAL.search(clean):
        clean = _ONE_OF_THEM.sub(_person, clean)
    if not clean.isascii():
        clean = _NOT_ME_HAN.sub(r"\g<who>\g<of>", clean)
        clean = _NOT_THEM_HAN.sub(_alone, _KID_HAN.sub("宝宝", clean))
    return _LITTLE.sub("the baby", _KIN.sub("the", clean)) if "'s" in clean else clean


def _alone(match: re.Match[str]) -> str:
    """要大人,不要宝宝 → 只要大人."""
    return f"只要{'宝宝' if match['child'] else '大人'}"


def _person(match: re.Match[str]) -> str:
    """Of several people the one on a side."""
    if match["side"]:
        return f"the person on the far {match['side']}"
    return f"最{match['han'].removeprefix('最')}边的人"
