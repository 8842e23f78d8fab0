"""The two or three sentences of an abstract that carry it, in the authors' own words.

Extractive on purpose: nothing is written that the paper does not say. `cues` weighs what each sentence tells of claim
and results; the best that fit together are given in their order, without openings that point at what is not shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise

from newsletter.rendering.cues import Weight, weigh
from newsletter.rendering.openings import without_opening
from newsletter.rendering.sentences import split_sentences

ELLIPSIS = "…"
LONGEST = 480  # characters, on a card
MOST_SENTENCES = 3
_WORTH_TELLING = 1.5  # of a weight; what has less is background or thanks
_ONE_CLAIM = 1.5  # what a claim is worth less when another was chosen
_NO_RESULT_YET = 0.7  # what a result is worth more when none was chosen
_CONSIDERED = 6  # sentences, the best; more would only cost time
_ALONE = 1.2  # what a sentence that leans on the one before it is worth less without that one


@lru_cache(maxsize=4096)  # one paper stands in many editions of a day
def key_sentences(abstract: str, title: str = "", *, limit: int = LONGEST) -> str:
    """Give the sentences of `abstract` that carry it, verbatim and in order, in at most `limit` characters.

    Where sentences between two given ones were left out stands " … "; what follows a gap is given without an opening
    like "To address this,". A sentence that alone is longer than `limit` is cut at a word. An abstract that fits is
    given whole. Of scripts whose characters are as wide as two, as Chinese,
    half as many characters are given: each tells more.
    """
    abstract = " ".join(abstract.split())
    if _is_wide(abstract):
        limit = max(limit // 2, 1)
    if len(abstract) <= limit:
        return abstract
    sentences = split_sentences(abstract)
    alone = [without_opening(sentence) for sentence in sentences]
    chosen = _choose(sentences, alone, weigh(sentences, title), limit)
    text = alone[chosen[0]]
    for before, here in pairwise(chosen):
        text += f" {sentences[here]}" if here == before + 1 else f" {ELLIPSIS} {alone[here]}"
    return shorten(text, limit)


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


def _is_wide(text: str) -> bool:
    return not text.isascii() and 2 * sum(unicodedata.east_asian_width(one) in "WF" for one in text[:200]) > len(
        text[:200]
    )


def _choose(sentences: Sequence[str], alone: Sequence[str], weights: Sequence[Weight], limit: int) -> tuple[int, ...]:
    """The places of the sentences that tell most together and fit; the best one alone where none fits.

    `alone` are the sentences as they stand where the one before is left out.
    """
    best = sorted(range(len(sentences)), key=lambda place: (-max(weights[place].claim, weights[place].result), place))
    places = sorted(best[:_CONSIDERED])
    some = [group for size in range(1, MOST_SENTENCES + 1) for group in combinations(places, size)]
    lengths = [(len(sentence) + 1, len(freed) + 3) for sentence, freed in zip(sentences, alone, strict=True)]
    fitting = [group for group in some if sum(lengths[place][place - 1 not in group] for place in group) <= limit + 3]
    return max(fitting, key=lambda group: _worth(group, weights), default=(best[0],))


def _worth(group: Sequence[int], weights: Sequence[Weight]) -> float:
    """What sentences tell together: claims and results, of which one each is worth more than two of a kind."""
    worth, claims, results = 0.0, 0, 0
    for place in group:
        weight = weights[place]
        if weight.claim > weight.result:
            claims += 1
            worth += weight.claim
        else:
            results += 1
            worth += weight.result
        worth -= _ALONE if weight.leans and place - 1 not in group else 0.0
    worth -= _ONE_CLAIM * max(claims - 1, 0) + _WORTH_TELLING * max(len(group) - 2, 0)
    return worth + (_NO_RESULT_YET if results else 0.0)
