"""The words by which English turns what was asked: they take back, put back, exchange, narrow.

Patterns on a text whose parts are P0, P1 …, everything A0 …, lone sides S0 …, the other one of a
pair O, both of it B and a place in a list N1 … (`outline.py` writes them so).
"""

from __future__ import annotations

import re

ONE = r"(?:[PASN]\d+|O|B)"
SOME = rf"(?P<some>{ONE}(?: (?:(?:and|or|nor) )?{ONE})*)"
_END = r"(?= ?(?:[,.]|$)| (?:but|and|though|although|while|however|so)\b)"
_OLD, _NEW = r"(?P<old>P\d+|N\d)", rf"(?P<new>{ONE})"

# Words that say nothing of what is asked.
IDLE = re.compile(
    r"\b(?:the|an?|her|his|its|their|hers|please|pls|plz|thanks|thank you|cheers|ta|(?<!as )well"
    r"|oh|ok|okay"
    r"|um|uh|now|this time|for now|for me|for us|(?:i|we)(?:'d| would)? (?:want|need|like|wish|get"
    r"|have|take)(?: to (?:have|see|get))?|i'm after|(?:can|could|would|will) (?:you|i|we)"
    r"|(?<!did )i(?:'d)? (?:say|think|guess|suppose|believe)|(?:show|give|get)(?: me| us)?|mark"
    r"|plot|find"
    r"|track|label|annotate|let's (?:have|see|do|take)|that(?:'s| is)|it(?:'s| is)|of (?:them|those"
    r"|course)|(?:key)?points? (?:of|for|on)|keypoints|joints|really|simply|baby's|child's|so"
    r"|sweetheart|dear|mate|lads|folks|i said|i wrote|i had|i asked for"
    r"|you'd think|there is|you(?:'ve)? (?:have|got)|what (?:remains|is left)(?= ?$| \.)"
    r"|one (?:of(?= P)|(?=P))|only one|one only"
    r"|just one|(?:one|that) (?:will do|is enough|of them|though)|two|both(?= P| of P)"
    r"|of(?= (?:(?:the|her|his|those|these|two|both) )*P)|(?<!make )(?:that|this|these"
    r"|those)(?= [PSA]\d)"
    r"|do(?= (?:the )?[PSOB])|bilat\w*|in 3d|3d|entire|(?<=.)of it|bar none"
    r"|(?:a )?single|i ordered|in my order|why not(?= ?,)|go on|fine(?= ?(?:$|[.,]))"
    r"|(?<=P\d) (?:on|in) the (?:mat|sheet|table|bed|picture|photo|frame|shot|screen)"
    r"|(?<!you can )keep(?= A)|you know what|in fact|even|any|whatsoever|absolutely|at all)\b"
)
# Several words for what one says, first of all.
PHRASES = (
    (r"\b(?:on (?:second thoughts?|reflection)|come to think of it|now (?:that )?i think of it"
     r"|(?:i|we)(?:'d| would) rather (?:have|see|take)|i take that back|let me rephrase(?: that)?)",
     "actually"),
    (r"\*\s*(?=[PS]\d)", " , actually "),
    (r"\bas well(?! as)|\blikewise|\bwhile you're at it|\bin addition(?! to)", "too"),
    (r"\b(?:because of|due to|thanks to) [a-z' ]+(?=[,.]|$)"
     r"|(?<=\S),? (?:so )?one (?:P\d+ )?(?:to go"
     r"|(?:is|was) left(?: over)?|remains?)\b", " , "),
)  # fmt: skip
CORRECTS = (
    r"(?:no(?= ?[,.]| wait)|nope|nah|sorry|wait|oops|whoops|er|erm|ehm|hmm*|actually|i me(?:an|ant)"
    r"|make (?:that|it)|ugh|argh|(?:or )?rather|or better(?: still)?|better|correction|hang on"
    r"|hold on"
    r"|(?:scratch|strike|scrap|cancel|delete) (?:that|the last(?: one)?)|my (?:mistake|bad|fault)"
    r"|pardon(?: me)?|instead|let's say|typo|sic|cancel that|i misspoke"
    r"|(?:it|that) should (?:be|read|say|have been))"
)
_LEAVE = (
    r"(?:skip|drop|discard|forget(?: about)?|never ?mind(?: about)?|leave (?:out|off)|ignore"
    r"|lose|omit"
    r"|exclude|exempt|spare(?: me| us)?|delete|remove|cut|strip(?: off)?"
    r"|(?:ditch|chuck|scrap|axe|bin|dump)(?: out)?|take (?:out|off))"
)
_LEFT = (
    r"(?:left (?:out|off|alone|aside)|skipped|omitted|excluded|ignored|forgotten|dropped|spared"
    r"|removed|missing|out|off|gone|irrelevant|unwanted|deferred|exempt(?:ed)?|unnecessary"
    r"|of no (?:use|interest)|finished|pending|dealt with|on hold|redundant|not (?:req|needed"
    r"|wanted|required|included|assessed|interesting"
    r"|relevant|necessary|asked for|of (?:any )?(?:interest|use)|worth it|to be had))"
)
_WORTH = (
    r"(?:needed|wanted|required|included|assessed|interesting|relevant|necessary|asked for"
    r"|of (?:any )?(?:interest|use)|worth it|in it)"
)
OUT_BEFORE = (
    rf"(?:{_LEAVE}|no|not|nor|without|minus|less|excluding|except(?:ing)?(?: for)?|bar(?:ring)?"
    rf"|sans"
    r"|save for|(?:nothing|none) (?:of|on|from)|no (?:need|use|interest|call) (?:of|for|in)"
    r"|apart from"
    r"|aside from|other than|(?:(?:i|we) )?(?:(?:do|does) not|don't|won't|needn't) (?:need|want"
    r"|require|show|mark|do|include|plot|bother (?:with|about)|care (?:about|for))"
    r"|(?:i )?couldn't care less about|(?:i )?c(?:an|ould) do without|(?:not|isn't|aren't) (?:a"
    r" single|one)|not interested in|only not)"
)
OUT_BEHIND = (
    rf"(?:(?:(?:is|are|was|were|can|may|could|should|must|will|to|has|have|be|being|'s) ){{0,3}}"
    rf"{_LEFT}|(?:is|are) done|(?:isn't|aren't|needn't be|need not be|don't need to be) {_WORTH}"
    r"|(?:doesn't|don't|do not|does not) (?:interest (?:me|us)|matter|count)"
    r"|(?:isn't|aren't) it|not among (?:them|those)|need(?:n't| not) be (?:there|in it|shown)"
    r"|(?:can|may) (?:go|wait|stay out)|you(?:'d)? (?:can|may|could|better) (?:forget|skip|lose"
    rf"|drop|ignore|omit|leave out)|i (?:don't need|don't want|can do without)|not)"
)
_IN = r"(?:in|there|on|put)"
BACK_BEFORE = (
    r"(?:with|(?:do )?(?:keep|retain|leave in|put back(?: in)?|bring back|hold on to|restore))"
)
BACK_BEHIND = (
    r"(?:(?:do|does|can|may|should|must|will|still|however|though|nevertheless|is|are|to|be|has"
    rf"|have|you) ){{0,4}}(?:stays?(?: {_IN})?|remains?(?: {_IN})?|kept|left in|keep|leave in"
    rf"|nevertheless|nonetheless|yes"
    r"|(?:back )?(?:in|on)(?: again)?|welcome|fine|needed|wanted|i (?:do )?(?:need|want))"
)
_SLIP = r"(?:is|was)(?: a| an)? (?:slip|typo|mistake|error|wrong|nonsense)"

# The first that fits holds: what it does, and where.
TURNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "swap",
            rf"(?:replace|change|swap|exchange|turn|trade|correct) {_OLD} (?:by|with|for|to"
            rf"|into) {_NEW}",
        ),
        ("swap", rf"for {_OLD} (?:read|take|say) {_NEW}"),
        ("swap", rf"for {_OLD} ,? ?{_NEW} will do"),
        ("swap", rf"{_OLD} (?:=|-)?> {_NEW}"),
        ("swap", rf"(?:for|where i (?:said|wrote|put)) {_OLD} (?:, )?(?:put|read|say|take) {_NEW}"),
        ("swap", rf"with {_OLD} (?:swapped|exchanged|replaced) (?:for|by|with) {_NEW}"),
        ("swap", rf"(?:in place|instead) of {_OLD} (?:, )?{_NEW}"),
        ("swap", rf"{_NEW} takes? place of {_OLD}"),
        ("swap", rf"prefer {_NEW} to {_OLD}"),
        ("swap", rf"{_OLD} being (?:slip|typo|mistake) for {_NEW}"),
        ("swap", rf"i (?:confused|mixed up) {_OLD} with {_NEW}"),
        ("swap", rf"{_OLD} (?:{_SLIP} )?(?:[,.] |and )?(?:should|ought to) (?:be|read|say) {_NEW}"),
        (
            "swap",
            rf"(?:put )?{_NEW} where (?:i (?:said|wrote|put) )?{_OLD}(?: is| are| was"
            rf"| were)?{_END}",
        ),
        ("swap", rf"{_NEW} (?:instead of|in place of|in lieu of|rather than|for(?= N)) {_OLD}"),
        ("doubt", r"(?:did i (?:say|write|right)|changed my mind about) (?P<some>P\d+)"),
        (
            "out",
            rf"{SOME}(?: (?:is|are|has|have|was|were)(?: [a-z']+)+)? [,.] {OUT_BEFORE} "
            rf"(?:those|them|it|that one|that){_END}",
        ),
        (
            "more",
            rf"{SOME} (?:alone )?(?:won't (?:do|be enough)|(?:isn't|aren't|(?:is|are) not) (?:all|"
            rf"enough)){_END}",
        ),
        ("more", rf"not (?:only|just) {SOME}(?: but)?"),
        ("doubt", rf"(?P<some>P\d+|N\d) {_SLIP}{_END}"),
        ("out", rf"(?P<some>N\d) (?:(?:is|was) (?:one )?too (?:many|much)|goes|drop){_END}"),
        ("out", rf"(?P<some>S\d+) (?:, )?no{_END}"),
        ("out", rf"(?:only|just) {SOME} {OUT_BEHIND}{_END}"),
        ("clear", rf"(?:all wrong|start(?:ing)? (?:over|again|afresh)|forget all that){_END}"),
        (
            "out",
            rf"(?:leave|take|cut|let|keep|rule|count) {SOME} (?:out|off|alone|aside|be|away)"
            rf"(?: again)?(?: though)?{_END}",
        ),
        ("out", rf"{SOME} (?:again )?{OUT_BEHIND}(?: though)?{_END}"),
        ("back", rf"(?:put|bring|leave|keep|take|let) {SOME} (?:back )?in(?: again| too)?{_END}"),
        ("back", rf"{SOME} not included(?: in that)?{_END}"),
        ("back", rf"{SOME} {BACK_BEHIND}(?: though| however)?{_END}"),
        ("back", rf"{BACK_BEFORE} {SOME}"),
        (
            "more",
            rf"{SOME} (?:(?:come|comes|belong|belongs|must|should|be|there|along|to|it|with|are|is"
            rf"|needed|wanted) ){{0,4}}(?:too|also){_END}",
        ),
        ("more", rf"(?:also|too|as well as|together with|along with|plus|add) {SOME}"),
        ("out", rf"(?P<all>A\d+) but (?:not )?{SOME}"),
        (
            "out",
            rf"{OUT_BEFORE} {SOME}(?: (?:may|should|must) (?:appear|show|be (?:there|shown|seen)))?"
            r"(?: though| either)?",
        ),
        (
            "only",
            rf"(?:only|just|nothing but|merely|solely|limited to|restricted to) {SOME}(?: though)?",
        ),
        (
            "only",
            rf"{SOME} (?:only|alone|(?:will (?:do|be)|is|are)(?: (?:enough|plenty))?)"
            rf"(?: though)?{_END}",
        ),
        ("turned", rf"{SOME} (?:rather|actually|i mean|instead|(?:, )?i meant){_END}"),
        ("correct", rf"{CORRECTS}(?![a-z])"),
        ("aside", r"(?:O(?:'s| is| has) )?[a-z][a-z' ]*(?= ?(?:[,.]|$))"),
        (
            "nothing",
            rf"(?:nothing|none|not (?:a single|one) (?:one|joint|point)|no (?:joints?"
            rf"|points?)){_END}",
        ),
        ("plain", SOME),
        ("stop", r"[,.]"),
        (
            "join",
            r"(?:and|but|then|though|although|yet|however|also|as long as(?= P)|or(?= (?:rather"
            r"|better)))\b",
        ),
    )
)
