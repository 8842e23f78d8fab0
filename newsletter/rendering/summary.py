"""The two or three sentences of an abstract that carry it, in the authors' own words.

Extractive on purpose: nothing is written that the paper does not say. Sentences are scored by cue phrases, position,
numbers and the words they share with the title; the best that fit are given in their order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

ELLIPSIS = "…"
_MOST_SENTENCES = 3
_WORTH_TELLING = 1.0  # of a score; what has less is background or thanks
_LEAST_PROMISING = 40  # characters; a shorter sentence ("Code is here.") says little by itself

_CANDIDATE = re.compile(r"[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9$\\])")
# Pandoc's rule for what is mathematics and what is money: no space inside the dollars, no digit after them.
_MATH = re.compile(r"(?<!\\)\$(?![\s$])[^$]{1,300}?(?<![\s\\])\$(?!\d)")
_LAST_WORD = re.compile(r"[^\s(\[“\"'~]+$")
_NEXT_WORD = re.compile(r"[A-Za-z]+(?=[\s,])")
_INITIALS = re.compile(r"(?:[A-Za-z]\.-?)+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _forms(text: str) -> frozenset[str]:
    """The forms of regular verbs: propose, proposes, proposed, proposing."""
    stems = ((verb, verb.removesuffix("e")) for verb in text.split())
    return frozenset(form for verb, stem in stems for form in (verb, f"{verb}s", f"{stem}ed", f"{stem}ing"))


# After these a sentence never ends …
_ABBREVIATIONS = _words(
    "e.g. i.e. vs. v.s. cf. fig. figs. eq. eqs. eqn. sec. sect. ref. refs. tab. thm. lem. prop. cor. def. ch. nos. "
    "dr. mr. mrs. ms. prof. st. resp. approx. ca. viz. w.r.t. s.t. a.k.a. vol. pp. ed. eds. dept. univ."
)
# … and after these only where the next word is one that begins sentences. So it is with initials ("U.S.").
_SOMETIMES_LAST = _words("al. etc. no. inc. ltd. corp. jr. sr. a.m. p.m.")
_OPENERS = _words(
    "We The This These Those That In Our It Its However Here To A An For By On At As With While When Although Despite "
    "Moreover Furthermore Additionally Finally Using Recent Recently Such They There Thus Hence Therefore Experiments "
    "Results Yet But And If Both Extensive Code First Second Existing"
)

# Sets of words instead of patterns: an abstract is scored in a fifth of the time.
_AUTHORS = _words("we our paper work article report study")
_PROPOSES = _forms(
    "propose present introduce develop design release formulate describe investigate address construct contribute "
    "explore examine devise survey"
) | _words("build builds built study studies studied")
_EVIDENCE = _words("we result results experiment experiments evaluation evaluations analysis study findings")
_FINDS = _forms("prove demonstrate reveal observe establish confirm indicate suggest discover") | _words(
    "show shows showed shown find finds found achieve achieves achieved"
)
_EXCELS = _forms("outperform surpass exceed improve reduce achieve accelerate boost") | _words(
    "sota faster beat beats improvement improvements state-of-the-art first"
)
_THINGS = _words("code codes data dataset datasets model models weights demo page video videos website")
_BACKGROUND = _words("however recent recently existing despite although while traditional current currently")
_PRAISE = _words(
    "witnessed remarkable revolutionized revolutionised unprecedented tremendous attention popularity essential"
)
_ADDING = _words("moreover furthermore additionally also")
_LEANING = _words("it this these they such those moreover furthermore additionally also then thus")
_NUMBER = re.compile(r"\d(?:\.\d|\s*\\?%|×|x\b| times\b| points\b| percent\b)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_VERSION = re.compile(r"[\s-]+v?\d+(?:\.\d+)*$")
_NAMED = 1.5  # a sentence whose subject is the paper's own contribution says what it is or does
_NEAR_START, _LONGEST_NAME = 25, 5  # characters, words
_TELLING_WORD = 4  # letters; shorter words of a title say nothing about what it is on


@lru_cache(maxsize=4096)  # one paper stands in many editions of a day
def key_sentences(abstract: str, title: str = "", *, limit: int = 480) -> str:
    """Give the sentences of `abstract` that carry it, verbatim and in order, in at most `limit` characters.

    Where sentences between two given ones were left out stands " … ". A sentence that alone is longer than `limit` is
    cut at a word. An abstract that fits is given whole.
    """
    abstract = " ".join(abstract.split())
    if len(abstract) <= limit:
        return abstract
    sentences = split_sentences(abstract)
    chosen = _choose(sentences, _scores(sentences, title), limit)
    text = sentences[chosen[0]]
    for before, here in pairwise(chosen):
        text += (" " if here == before + 1 else f" {ELLIPSIS} ") + sentences[here]
    return shorten(text, limit)


def split_sentences(text: str) -> list[str]:
    """Give the sentences of `text`; abbreviations, initials, decimals, mathematics and URLs do not end one."""
    sentences: list[str] = []
    start = 0
    mathematics = [found.span() for found in _MATH.finditer(text)] if "$" in text else []
    for found in _CANDIDATE.finditer(text):
        stop = found.end()
        inside = any(a < found.start() < b - 1 for a, b in mathematics)
        if not inside and _ends(text, start, found.start(), stop):
            sentences.append(text[start:stop].rstrip())
            start = stop
    if start < len(text):
        sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def shorten(text: str, limit: int) -> str:
    """Give `text` if it has at most `limit` characters, else its beginning up to a word's end, and "…"."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    if not text[limit - 1].isspace():
        word_end = head.rfind(" ")
        # One endless word, or a script without spaces: better cut inside it than to give almost nothing.
        head = head[:word_end] if word_end > limit // 3 else head
    return head.rstrip(" ,;:.–—-(") + ELLIPSIS


def _ends(text: str, start: int, mark: int, stop: int) -> bool:
    """Tell whether the mark at `mark` ends the sentence that began at `start`; `stop` is where the next would begin."""
    if text[mark] != ".":
        return True
    last = _LAST_WORD.search(text, max(start, mark - 24), mark + 1)
    word = last[0] if last else ""
    if word.lower() in _ABBREVIATIONS:
        return False
    if word.lower() in _SOMETIMES_LAST or _INITIALS.fullmatch(word):
        following = _NEXT_WORD.match(text, stop)
        return following is not None and following[0] in _OPENERS
    return True


def _scores(sentences: Sequence[str], title: str) -> list[float]:
    wanted = {word for word in _WORD.findall(title.lower()) if len(word) >= _TELLING_WORD}
    last = len(sentences) - 1
    named = _name(title)
    return [
        _content(sentence, wanted)
        + (_NAMED if named and named in sentence[: len(named) + _NEAR_START] else 0.0)
        + (0.8 if place == 0 else 0.4 if place == last else 0.0)
        for place, sentence in enumerate(sentences)
    ]


def _name(title: str) -> str:
    """Give what a paper calls its own contribution: "SVTRv2" of "SVTRv2: CTC Beats …", or ''."""
    name, colon, _ = title.partition(":")
    name = _VERSION.sub("", name.strip())  # abstracts call "AgentScope 1.0" just AgentScope
    return name if colon and len(name.split()) <= _LONGEST_NAME else ""


def _content(sentence: str, wanted: set[str]) -> float:
    ordered = _WORD.findall(sentence.lower())
    words, opening = set(ordered), ordered[0] if ordered else ""
    score = _cues(words)
    score += 0.8 if _NUMBER.search(sentence) else 0.0
    score -= 4.0 if _is_housekeeping(words, sentence) else 0.0
    score -= 0.8 if opening in _BACKGROUND or (words & _PRAISE and not words & _AUTHORS) else 0.0
    score -= 0.6 if opening in _LEANING and not words & _AUTHORS else 0.0
    score -= 1.2 if opening in _ADDING else 0.0
    score -= 1.0 if len(sentence) < _LEAST_PROMISING else 0.0
    score += 2.0 * len(wanted & words) / len(wanted) if wanted else 0.0
    return score


def _cues(words: set[str]) -> float:
    return (
        (3.0 if words & _AUTHORS and words & _PROPOSES else 0.0)
        + (2.0 if words & _EVIDENCE and words & _FINDS else 0.0)
        + (1.2 if words & _EXCELS else 0.0)
    )


def _is_housekeeping(words: set[str], sentence: str) -> bool:
    """Tell whether a sentence only says where code or data are; a card has links for that."""
    return "http" in sentence or bool(words & _THINGS and words & {"available", "open-source", "open-sourced"})


def _choose(sentences: Sequence[str], scores: Sequence[float], limit: int) -> list[int]:
    """The places of the best sentences that fit together; always at least the best one."""
    by_score = sorted(range(len(sentences)), key=lambda place: (-scores[place], place))
    chosen, room = [by_score[0]], limit - len(sentences[by_score[0]])
    for place in by_score[1:]:
        cost = len(sentences[place]) + len(f" {ELLIPSIS} ")
        worth = _WORTH_TELLING if len(chosen) > 1 else 0.0  # one sentence alone seldom tells enough
        if len(chosen) < _MOST_SENTENCES and cost <= room and scores[place] >= worth:
            chosen.append(place)
            room -= cost
    return sorted(chosen)
