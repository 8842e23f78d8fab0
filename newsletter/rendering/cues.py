"""What the sentences of an abstract are for: to say what is done, or what came out, or neither.

Sets of words rather than patterns: an abstract is weighed in a fraction of the time. The weights were set by hand with
the abstracts of tests/data/key_sentences/development.toml and with real ones; `benchmarks/summaries.py` measures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.rendering.sentences import label


@dataclass(frozen=True, slots=True)
class Weight:
    """How much a sentence tells of what is claimed, and of what came out. `leans`: not to be understood alone."""

    claim: float
    result: float
    leans: bool


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    lower: str
    ordered: list[str]
    words: frozenset[str]
    own: bool  # says "we" or "this paper"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _forms(text: str) -> frozenset[str]:
    """The forms of regular verbs: propose, proposes, proposed, proposing."""
    stems = ((verb, verb.removesuffix("e")) for verb in text.split())
    return frozenset(form for verb, stem in stems for form in (verb, f"{verb}s", f"{stem}ed", f"{stem}ing"))


_AUTHORS = _words("we our i my here herein wir 本文 本研究 我们")
_TURN = _words("we i here herein wir 本文 本研究 我们")  # "our" is said of everybody's understanding too
_OWN_PAPER = re.compile(
    r"\b(?:this|present|our|vorliegenden) (?:\w+ )?"
    r"(?:paper|work|article|study|survey|review|note|report|trial|studie)\b"
)
_PROPOSES = _forms(
    "propose present introduce develop design formulate contribute devise argue construct advocate describe unify "
    "generalize generalise revisit reformulate"
) | _words("build builds built unifies brings gives 提出")
_EVIDENCE = _words(
    "results result experiments evaluation evaluations analysis findings simulations ergebnisse 结果 实验"
)
_FINDS = _forms("prove demonstrate reveal observe confirm indicate discover conclude obtain derive") | _words(
    "show shows showed shown find finds found proven identify identifies identified report reports disproves "
    "determined exhibit suggest suggests zeigen zeigt zeigte ergab ergaben schließen 表明 显示 发现"
)
_SETS_UP = _forms(
    "compare evaluate measure use collect follow search analyse analyze conduct assess investigate examine explore "
    "survey employ perform interview review record test ask exploit discuss consider recruit randomise randomize enrol "
    "sequence sample apply cover include comprise simulate annotate map define train aim leverage validate"
) | _words("study studied studies undertook ran wurden wurde")
_CHANGES = _forms(
    "improve reduce increase decrease lower raise cut boost outperform surpass exceed accelerate gain shrink narrow "
    "double triple halve lose restore abolish remove prevent recover save match retain achieve reach attain predict "
    "fall drop yield deliver lift rank eliminate enhance suppress decline benefit persist fail"
) | _words(
    "cuts cutting fell dropped dropping rose rises rising grew grows lost led won beats beat undid speedup improvement "
    "improvements reduction gains costs suffice suffices worse vanish vanishes disappear disappears "
    "senkt senken steigt stieg sank verschwand verbessert erhöht 提高 降低 减少 增加 优于"
)
_COMPARES = _words(
    "than compared against versus vs better best fewer faster slower higher lower larger smaller more less sota "
    "state-of-the-art instead whereas unlike first comparable competitive only"
)
_QUANTITY = re.compile(
    r"\d(?:\s?\\?%|\s?(?:×|x\b|\\times|times\b|-?fold\b|points?\b|percent)|\.\d)|\bp\s?[<=>]\s?0?\.\d|百分|倍"
)
_SHARES = _words("half third thirds quarter quarters twice")
_SHARES_OF = ("factor of ", " of magnitude")
_PURPOSE = re.compile(r"(?:in order )?to (?!our )[^,]{3,120}, ")  # what is to be shown is not shown yet
_NUMBER = re.compile(r"\d")
_NOTHING_CAME_OUT = re.compile(
    r"\b(?:no|not|without|neither) (?:\w+ ){0,3}(?:effect|differ|change|evidence|loss|correlat)"
)
_EXACT = _words("sharp tight optimal")
_SHARP = (
    "lower bound", "upper bound", "best possible", "polynomial time", "counterexample",
    "if and only if", "there is ", "there are ", "there exist", " o(", "$o(", "\\omega", "\\theta",
)  # fmt: skip
_CONCLUDES = re.compile(
    r"(?:thus|therefore|hence|consequently|overall|together|taken together|altogether|in summary|in conclusion"
    r"|surprisingly|strikingly|remarkably|notably|crucially|contrary to)\b"
    r"|.*(?:we conclude|our results|our findings|these results|these findings|these data|in other words|结果)"
)

_THINGS = _words("code codes data dataset datasets model models weights demo page video videos website traces tools")
_GIVEN_AWAY = _words("available open-source open-sourced released release releasing publicly")
_THANKS = _words("thank thanks acknowledge funded funding supported registered registration danken 感谢 资助")
_LATER = re.compile(
    r"\b(?:future|upcoming|forthcoming|we (?:hope|plan|outline|discuss|close|call on)"
    r"|open (?:problem|question|challenge)s?"
    r"|remains? open|independent interest|opens? (?:up )?(?:the|new)|paves?|implications for|could (?:serve|be used)"
    r"|supplement\w*|appendix|(?:aim|goal|objective|purpose)s? (?:of|is|was))\b|未来|将把"
)
_WISHES = re.compile(r"\bwe (?:hope|wish|anticipate|envision)\b|\bhopefully\b")
# What goes on with a list of which it does not hold the beginning: "…; (ii) we show".
_LATER_POINT, _FIRST_POINT = re.compile(r"\((?:ii|2|b)\)|\((?:iii|3|c)\)|\((?:iv|4|d)\)"), re.compile(r"\((?:i|1|a)\)")
_BACKGROUND = _words(
    "however previous previously prior existing traditionally traditional recent recently current currently often "
    "usually typically widely commonly known unknown unclear believed assumed thought expected challenging despite "
    "although essential important crucial vital remarkable unprecedented attention popularity ubiquitous attracted "
    "little scarce remains 近年来"
)
_SAYS_MORE = _FINDS | _PROPOSES | _CHANGES
_HOW = _words(
    "proof proofs argument technique techniques construction tool ingredient idea ideas based relies via simulator "
    "architecture module modules implementation annotators protocol algorithm classifier specifically"
)
_ASIDE = _words("moreover furthermore additionally also limitations ablation ablations")
_STEPS = _words("first firstly second secondly third thirdly fourth then next finally")
_BEFORE_LEANING = (["together"], ["overall"], ["collectively"], ["altogether"], ["with"], ["by"], ["through"])
_LEANING = _words("it its they their them this these those such both neither another he she former latter others")
_SECTIONS = {
    **dict.fromkeys(("results", "result", "findings", "outcomes"), 1.5),
    **dict.fromkeys(("conclusions", "conclusion", "interpretation", "significance"), 2.0),
}
_OTHER_SECTION = -2.0
_CLAIM, _LATER_CLAIM = 3.0, 1.0  # what is proposed first is what the paper is about

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HAN = re.compile(  # a script without spaces: the words that count are looked for
    "本文|本研究|我们|提出|结果|实验|表明|显示|发现|提高|降低|减少|增加|优于|感谢|资助|近年来"
)
_VERSION = re.compile(r"[\s-]+v?\d+(?:\.\d+)*$")
_LONGEST_NAME = 5  # words
_NEAR_START = 25  # characters
_TELLING_WORD = 4  # letters; shorter words of a title say nothing about what it is on


def weigh(sentences: Sequence[str], title: str) -> list[Weight]:
    """Give what each sentence of an abstract tells of its claim and of its results. About 1.5 is worth telling."""
    name, last, claimed = _name(title), max(len(sentences) - 1, 1), False
    wanted = frozenset(word for word in _WORD.findall(title.lower()) if len(word) >= _TELLING_WORD)
    parsed = [_parsed(sentence) for sentence in sentences]
    turn = _turn(parsed, name)
    section, weights = 0.0, []
    for place, one in enumerate(parsed):
        if found := label(one.text):
            section = _SECTIONS.get(found, _OTHER_SECTION)
        common = section + 0.4 * place / last - _off_the_point(one)
        common += len(wanted & one.words) / len(wanted) if wanted else 0.0
        common += -2.0 if place < turn else 0.4 if place == turn else 0.0
        claim = _claim(one, name) - (_LATER_CLAIM if claimed else 0.0)
        claimed = claimed or claim >= _CLAIM
        weights.append(Weight(common + claim, common + _result(one), _leans(one)))
    return weights


def _parsed(sentence: str) -> _Sentence:
    lower = sentence.lower()
    if found := _PURPOSE.match(lower):
        lower = lower[found.end() :]
    ordered = _WORD.findall(lower)
    words = frozenset(ordered)
    if not lower.isascii():
        words |= frozenset(_HAN.findall(lower))
    return _Sentence(sentence, lower, ordered, words, not words.isdisjoint(_AUTHORS) or bool(_OWN_PAPER.search(lower)))


def _turn(parsed: Sequence[_Sentence], name: str) -> int:
    """Give the place of the first sentence that is about the paper itself; what stands before is background."""
    for place, one in enumerate(parsed):
        if not one.words.isdisjoint(_TURN) or _OWN_PAPER.search(one.lower) or (name and name in one.text):
            return min(place, 2 * len(parsed) // 3)
    return len(parsed) // 3


def _name(title: str) -> str:
    """Give what a paper calls its own contribution: "SVTRv2" of "SVTRv2: CTC Beats …", or ''."""
    name, colon, _ = title.partition(":")
    name = _VERSION.sub("", name.strip())  # abstracts call "AgentScope 1.0" just AgentScope
    return name if colon and len(name.split()) <= _LONGEST_NAME else ""


def _claim(one: _Sentence, name: str) -> float:
    score = _CLAIM if one.own and not one.words.isdisjoint(_PROPOSES) else 0.0
    return score + (1.5 if name and name in one.text[: len(name) + _NEAR_START] else 0.0)


def _result(one: _Sentence) -> float:
    words, lower, score = one.words, one.lower, 0.0
    if not words.isdisjoint(_FINDS):
        score += 2.0 if one.own or not words.isdisjoint(_EVIDENCE) else 0.8
    score += _amount(one)
    score += 1.0 if not words.isdisjoint(_CHANGES) else 0.0
    score += 0.5 if not words.isdisjoint(_COMPARES) else 0.0
    score += 0.8 if _NOTHING_CAME_OUT.search(lower) else 0.0
    score += 0.7 if not words.isdisjoint(_EXACT) or any(sign in lower for sign in _SHARP) else 0.0
    score += 1.0 if _CONCLUDES.match(lower) else 0.0
    return score


def _amount(one: _Sentence) -> float:
    if not one.words.isdisjoint(_SHARES) or any(share in one.lower for share in _SHARES_OF):
        return 1.2
    numbers = bool(_NUMBER.search(one.lower))
    if (numbers or not one.lower.isascii()) and _QUANTITY.search(one.lower):
        return 1.2
    return 0.5 if numbers else 0.0


def _off_the_point(one: _Sentence) -> float:
    """Give how much speaks against a sentence: where the code is, thanks, plans, wishes, background, how it is done,
    and the midst of a list.
    """
    words, start = one.words, one.ordered[:4]
    less = min(1.2, 0.6 * len(words & _BACKGROUND))
    given_away = not words.isdisjoint(_GIVEN_AWAY) and not words.isdisjoint(_THINGS)
    less += 4.0 if "http" in one.lower or given_away or not words.isdisjoint(_THANKS) else 0.0
    less += 2.0 if _LATER.search(one.lower) else 0.0
    less += 2.0 if _WISHES.search(one.lower) else 0.0
    less += 2.0 if _LATER_POINT.search(one.lower) and not _FIRST_POINT.search(one.lower) else 0.0
    less += 1.5 if one.text.endswith(("?", "？")) else 0.0
    less += 1.0 if not words.isdisjoint(_SETS_UP) and words.isdisjoint(_SAYS_MORE) else 0.0
    less += 1.0 if not _HOW.isdisjoint(start) else 0.0
    less += 0.8 if not _ASIDE.isdisjoint(start) else 0.0
    less += 0.8 if not _STEPS.isdisjoint(start[:1]) else 0.0
    less += 0.8 if len(one.text) < 40 and one.text.isascii() else 0.0
    return less


def _leans(one: _Sentence) -> bool:
    """Tell whether a sentence begins with what only the one before it can tell: "It", "This" and the like."""
    words = one.ordered[1:] if one.ordered[:1] in _BEFORE_LEANING else one.ordered
    return bool(words) and words[0] in _LEANING and not one.own and _EVIDENCE.isdisjoint(words[1:3])
