"""How apt are the key sentences, and how fast are they found? Against marks that people set, beside simple rivals.

The abstracts and their marks are in tests/data/key_sentences: one half to work with, the other to measure with.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from newsletter.rendering.sentences import split_sentences
from newsletter.rendering.summary import LONGEST, MOST_SENTENCES, key_sentences

MARKED = Path(__file__).parents[1] / "tests" / "data" / "key_sentences"
HALVES = ("development", "held_out")
CLAIM, RESULT = ">", "="
_OPENING, _RECOGNISED = 90, 40  # characters: an opening may be left out, and the last sentence cut

Summarise: TypeAlias = Callable[[str, str], str]


@dataclass(frozen=True)
class Marked:
    """An abstract whose sentences were marked by hand: with CLAIM, with RESULT, or with nothing."""

    field: str
    title: str
    language: str
    sentences: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def abstract(self) -> str:
        """The text, as a source would give it."""
        return ("" if self.language == "zh" else " ").join(self.sentences)

    @property
    def short(self) -> bool:
        """Whether it fits a card, so that there is nothing to choose."""
        return key_sentences(self.abstract, self.title) == self.abstract


def marked(half: str) -> list[Marked]:
    """Read a half of the marked abstracts."""
    entries = tomllib.loads((MARKED / f"{half}.toml").read_text(encoding="utf-8"))["abstract"]
    return [_marked(entry) for entry in entries]


def _marked(entry: dict[str, str]) -> Marked:
    lines = entry["text"].strip("\n").splitlines()
    sentences, marks = tuple(line[2:] for line in lines), tuple(line[:2].strip() for line in lines)
    return Marked(entry["field"], entry["title"], entry.get("language", "en"), sentences, marks)


def measured(half: str, summarise: Summarise) -> dict[str, float]:
    """Give how apt `summarise` is on the abstracts of a half that there is something to choose from.

    precision: of the sentences picked, how many are marked; recall: of those marked, how many are picked;
    result_told: in how many abstracts at least one sentence picked tells a result; characters: the mean length.
    """
    some = [one for one in marked(half) if not one.short]
    texts = [summarise(one.abstract, one.title) for one in some]
    picks = [picked(one, text) for one, text in zip(some, texts, strict=True)]
    pairs = list(zip(some, picks, strict=True))
    right = sum(1 for one, places in pairs for place in places if one.marks[place])
    told = sum(any(one.marks[place] == RESULT for place in places) for one, places in pairs)
    return {
        "precision": round(right / max(sum(map(len, picks)), 1), 3),
        "recall": round(right / sum(1 for one in some for mark in one.marks if mark), 3),
        "result_told": round(told / len(some), 3),
        "sentences": round(sum(map(len, picks)) / len(some), 2),
        "characters": round(sum(map(len, texts)) / len(some)),
    }


def picked(one: Marked, text: str) -> list[int]:
    """Give the places of the sentences that a summary holds."""
    return [place for place, sentence in enumerate(one.sentences) if _held(sentence, text)]


def _held(sentence: str, text: str) -> bool:
    if sentence[: _RECOGNISED + 20] in text:
        return True
    commas = [place + 2 for place, mark in enumerate(sentence[:_OPENING]) if mark == ","]
    # The first letter may have become a capital.
    return any(
        len(sentence) > start + _RECOGNISED and sentence[start + 1 : start + _RECOGNISED] in text for start in commas
    )


def boundaries(half: str) -> dict[str, float]:
    """Give how many of the sentences that `split_sentences` gives are sentences, and how many of those it gives."""
    right = given = there = 0
    for one in marked(half):
        found = split_sentences(one.abstract)
        right += (Counter(found) & Counter(one.sentences)).total()
        given, there = given + len(found), there + len(one.sentences)
    return {"precision": round(right / given, 3), "recall": round(right / there, 3)}


def lead(abstract: str, _title: str) -> str:
    """The first three sentences, as far as they fit."""
    return _fitting(split_sentences(abstract))


def tail(abstract: str, _title: str) -> str:
    """The last three sentences, as far as they fit."""
    return _fitting(split_sentences(abstract)[::-1])


def central(abstract: str, _title: str) -> str:
    """The three sentences most like all others: TextRank (Mihalcea and Tarau, 2004) with the cosine of word counts."""
    sentences = split_sentences(abstract)
    bags = [Counter(sentence.lower().split()) for sentence in sentences]
    weights = [[_cosine(one, other) if one is not other else 0.0 for other in bags] for one in bags]
    totals = [sum(row) or 1.0 for row in weights]
    ranks = [1.0] * len(sentences)
    for _ in range(30):
        flow = [
            [rank * weight / total for weight in row] for rank, total, row in zip(ranks, totals, weights, strict=True)
        ]
        ranks = [0.15 + 0.85 * sum(column) for column in zip(*flow, strict=True)]
    return _fitting([sentence for _, sentence in sorted(zip(ranks, sentences, strict=True), reverse=True)])


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    shared = sum(count * other[word] for word, count in one.items())
    return shared / math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))


def _fitting(sentences: Sequence[str]) -> str:
    """The first sentences that fit a card together, as many as key sentences may be; never none."""
    chosen: list[str] = []
    for sentence in sentences[:MOST_SENTENCES]:
        if not chosen or len(" ".join([*chosen, sentence])) <= LONGEST:
            chosen.append(sentence)
    return " ".join(chosen)


SUMMARISERS: dict[str, Summarise] = {"key_sentences": key_sentences, "lead": lead, "tail": tail, "central": central}


def per_second(summarise: Summarise, seconds: float = 1.0) -> float:
    """Give how many abstracts a second are summarised, each as if for the first time."""
    some = [one for half in HALVES for one in marked(half)]
    texts = [(one.abstract, one.title) for one in some]
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for abstract, title in texts:
            summarise(abstract, title)
        done += len(texts)
    return done / (time.perf_counter() - started)


def document() -> dict[str, Any]:
    """Give all figures of one run."""
    return {
        "benchmark": "summaries",
        "abstracts": {half: sum(not one.short for one in marked(half)) for half in HALVES},
        "apt": {half: {name: measured(half, summarise) for name, summarise in SUMMARISERS.items()} for half in HALVES},
        "sentence_boundaries": {half: boundaries(half) for half in HALVES},
        "abstracts_per_second": round(per_second(key_sentences.__wrapped__)),
    }


def shown(half: str) -> None:
    """Print every abstract of a half with its marks and with what was picked."""
    for one in marked(half):
        if not one.short:
            places = picked(one, key_sentences(one.abstract, one.title))
            print(f"\n{one.field}: {one.title}")
            for place, (mark, sentence) in enumerate(zip(one.marks, one.sentences, strict=True)):
                print(f" {mark or ' '} {'PICKED' if place in places else '      '} {sentence}")


def told(figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    for half in HALVES:
        print(f"{figures['abstracts'][half]} abstracts, {half}:")
        for name, row in figures["apt"][half].items():
            print(f"  {name:14}" + "".join(f" {what} {value:<6}" for what, value in row.items()))
        print(f"  sentence boundaries: {figures['sentence_boundaries'][half]}")
    print(f"{figures['abstracts_per_second']} abstracts a second")


def main() -> None:
    """Measure, and print one JSON document, or a few lines for people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--show", choices=HALVES, help="print the abstracts with what was marked and what was picked")
    arguments = parser.parse_args()
    if arguments.show:
        shown(arguments.show)
    elif arguments.json:
        print(json.dumps(document(), indent=1))
    else:
        told(document())


if __name__ == "__main__":
    main()
