"""What do answers bring? Simulated readers answer what they are shown, over twenty issues.

DIR holds a data set as `newsletter evaluate` reads it. A reader's true taste is their whole library there. They begin
with a few of its papers; the rest comes in the issues, which all readers share: the papers of all their libraries, in
any order. Of the ten papers of an issue, a reader answers some that are theirs with "more like this", and a few others
with "not for me". The same reader is also ranked without answers, and with "more like this" alone. What is measured is
nDCG@10 of each issue's list.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from newsletter import assets, catalogue
from newsletter.model import Answer, InterestProfile, Paper
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.evaluate import Trial, read
from newsletter.ranking.minilm import MiniLM
from newsletter.ranking.ranker import Ranker
from newsletter.store import Store

ISSUES, CARDS, BACKGROUND = 20, 10, 1000
STARTS_WITH, LEAST, MOST = 3, 43, 150  # papers of the library
ANSWERS_MORE, ANSWERS_LESS = 0.6, 0.2  # how often a shown paper is answered, that is theirs, or is not
FIRST = datetime(2026, 1, 1, 6, tzinfo=UTC)
WAYS = ("no answers", "more", "more and less")


def main() -> None:
    """Measure, and print one JSON document, or a line an issue; draw the plot where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="papers.jsonl, profiles.jsonl and candidates.txt")
    parser.add_argument("--readers", type=int, default=40, metavar="N", help="how many readers are simulated")
    parser.add_argument("--database", default="sqlite://", metavar="URL", help="keeps the vectors between runs")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the figures")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    document = measured(read(arguments.folder), arguments.readers, arguments.database)
    if arguments.plot:
        arguments.plot.write_text(plotted(document), encoding="utf-8")
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        told(document)


@dataclass(frozen=True)
class Life:
    """One simulated reader: what they begin with, and what else is theirs."""

    begins: tuple[str, ...]
    theirs: frozenset[str]


def measured(trial: Trial, count: int, database: str) -> dict[str, Any]:
    """Give the mean nDCG@10 of every issue, for each way of minding answers."""
    with Store(database) as store:
        ranker = Ranker(CachedEncoder(MiniLM(), store.vectors), catalogue.load(assets.CONFIG / "topics.toml"))
        readers = lives(trial, count)
        background = list(trial.papers.values())[:BACKGROUND]
        issues = [ranker.prepare([trial.papers[name] for name in names], background) for names in spread(readers)]
        gains = np.array([lived(trial, life, issues, ranker) for life in readers])
    late = gains[:, :, ISSUES // 2 :].mean(axis=2)
    return {
        "benchmark": "feedback",
        "readers": len(gains),
        "ndcg@10": {way: [round(float(mean), 4) for mean in gains[:, number].mean(axis=0)]
                    for number, way in enumerate(WAYS)},
        "second_half": {way: round(float(late[:, number].mean()), 4) for number, way in enumerate(WAYS)},
        "standard_error_of_gain": {
            way: round(float((late[:, number] - late[:, 0]).std() / np.sqrt(len(late))), 4)
            for number, way in enumerate(WAYS) if number
        },
    }  # fmt: skip


def lives(trial: Trial, count: int) -> list[Life]:
    """Take readers with large libraries, the same ones each time."""
    chance = random.Random(20260101)
    found: list[Life] = []
    for reader in chance.sample(trial.readers, len(trial.readers)):
        library = sorted({*reader.liked, *reader.relevant})
        if len(found) < count and LEAST <= len(library) <= MOST:
            chance.shuffle(library)
            found.append(Life(tuple(library[:STARTS_WITH]), frozenset(library[STARTS_WITH:])))
    return found


def spread(readers: Sequence[Life]) -> list[list[str]]:
    """Spread all papers over the issues."""
    names = sorted({name for life in readers for name in life.theirs})
    random.Random(20260102).shuffle(names)
    return [names[issue::ISSUES] for issue in range(ISSUES)]


def lived(trial: Trial, life: Life, issues: Sequence[Candidates], ranker: Ranker) -> list[list[float]]:
    """Give a reader's nDCG@10 by way and issue. Every way sees the same issues and throws the same dice."""
    gains = []
    for way in WAYS:
        chance = random.Random(life.begins[0])
        profile = InterestProfile(liked=life.begins)
        row = []
        for number, candidates in enumerate(issues):
            now = FIRST + timedelta(days=number)
            shown = listed(ranker, candidates, profile, trial.papers, now)
            row.append(gain(shown, life.theirs & {paper.id for paper in candidates.papers}))
            profile = replace(profile, answers=(*profile.answers, *answers(shown, life.theirs, way, chance, now)))
        gains.append(row)
    return gains


def listed(
    ranker: Ranker, candidates: Candidates, profile: InterestProfile, library: dict[str, Paper], now: datetime
) -> list[str]:
    """Give the ids of what a reader is shown."""
    names = {paper.key: paper.id for paper in candidates.papers}
    picks = ranker.pick(candidates, profile, library, cards=CARDS, also=CARDS, now=now)
    return [names[pick.paper_key] for pick in picks][:CARDS]


def answers(
    shown: Sequence[str], theirs: frozenset[str], way: str, chance: random.Random, now: datetime
) -> tuple[Answer, ...]:
    """Give what a reader answers to what they were shown."""
    dice = [chance.random() for _ in range(CARDS)]
    more = [name for name, die in zip(shown, dice, strict=False) if name in theirs and die < ANSWERS_MORE]
    less = [name for name, die in zip(shown, dice, strict=False) if name not in theirs and die < ANSWERS_LESS]
    said = [Answer(name, liked=True, at=now) for name in more] if way != WAYS[0] else []
    return (*said, *(Answer(name, liked=False, at=now) for name in less if way == WAYS[2]))


def gain(shown: Sequence[str], theirs: frozenset[str]) -> float:
    """Give the binary nDCG@10 of a list; 1 for an issue in which nothing is theirs."""
    ideal = sum(1 / np.log2(place + 1) for place in range(1, min(CARDS, len(theirs)) + 1))
    got = sum(1 / np.log2(place + 1) for place, name in enumerate(shown, 1) if name in theirs)
    return float(got / ideal) if ideal else 1.0


def plotted(document: dict[str, Any]) -> str:
    """Draw the curves, each a mean of three issues."""
    width, height, left, right, foot, head = 640, 320, 56, 120, 40, 24
    curves = {way: np.convolve(values, np.ones(3) / 3, "valid") for way, values in document["ndcg@10"].items()}
    low, high = (extreme(np.concatenate(list(curves.values()))) for extreme in (np.min, np.max))
    low, high = float(np.floor(low * 20) / 20), float(np.ceil(high * 20) / 20)
    across = (width - left - right) / (ISSUES - 3)

    def down(value: float) -> float:
        return round(height - foot - (value - low) / (high - low) * (height - foot - head), 1)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="12"><title>nDCG@10 over {ISSUES} issues, with and without answers</title>'
        ),
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for value in map(float, np.arange(low, high + 1e-9, 0.05)):
        parts.append(f'<path d="M{left},{down(value)}H{width - right}" stroke="#ddd"/>')
        parts.append(f'<text x="8" y="{down(value) + 4}">{value:.2f}</text>')
    for (way, values), colour in zip(curves.items(), ("#6b7175", "#a85f14", "#0b5d63"), strict=True):
        points = " ".join(f"{left + number * across:.1f},{down(float(value))}" for number, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        end = down(float(values[-1])) + 4
        parts.append(f'<text x="{width - right + 6}" y="{end}" fill="{colour}">{way}</text>')
    parts.append(f'<text x="{left}" y="{height - 12}">issues 2 to {ISSUES - 1}, each a mean of three</text></svg>')
    return "\n".join(parts) + "\n"


def told(document: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"{document['readers']} readers; nDCG@10 by issue")
    for way, values in document["ndcg@10"].items():
        print(f"{way:14} " + " ".join(f"{value:.2f}" for value in values))
    print("second half:", ", ".join(f"{way} {value:.3f}" for way, value in document["second_half"].items()))


if __name__ == "__main__":
    main()
