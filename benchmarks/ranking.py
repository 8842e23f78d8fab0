"""How fast is ranking? Subscribers a second, where the time goes, and texts encoded a second.

Needs nothing but the installed package: papers and profiles are made up from the topic catalogue, the same each time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the commands have it

import numpy as np
import sqlalchemy as sa
from pydantic import SecretStr

from newsletter import assets, bootstrap, catalogue
from newsletter.config import Database, Ranking, Settings, Site
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    NewSubscriber,
    Paper,
    PaperRecord,
    SubscriberStatus,
    Topic,
)
from newsletter.picking import Picking
from newsletter.pipeline import Editions, Newsletter
from newsletter.ranking.blend import scores
from newsletter.ranking.candidates import Candidates, paper_text
from newsletter.ranking.encoder import CachedEncoder, Encoder, Vectors
from newsletter.ranking.interests import Interests, topic_text, understand_each
from newsletter.ranking.listing import Asked, compose
from newsletter.ranking.minilm import MiniLM
from newsletter.ranking.ranker import Ranker, Wanted
from newsletter.ranking.wordllama import WordLlama
from newsletter.store import Store
from newsletter.store.schema import ratings, subscribers
from newsletter.store.subscribers import columns

CANDIDATES, BACKGROUND, ENCODED = 200, 500, 64
NOW = datetime(2025, 8, 21, tzinfo=UTC)
CARDS, ALSO = 10, 10
TOGETHER = 500  # readers, as `send` takes them
LARGE_CANDIDATES, LARGE_BACKGROUND, LARGE_LIKED = 1000, 5000, 30


def main() -> None:
    """Measure, and print one JSON document, or a few lines for people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--subscribers", type=int, nargs="+", default=[100, 1000], metavar="N", help="profiles to rank")
    parser.add_argument(
        "--large",
        type=int,
        nargs="+",
        default=[],
        metavar="N",
        help=f"also rank {LARGE_CANDIDATES} papers against {LARGE_BACKGROUND} for N readers who liked {LARGE_LIKED}",
    )
    arguments = parser.parse_args()
    document = measured(arguments.subscribers)
    document["large"] = [
        large(count, known=known, pickers=pickers)
        for count in arguments.large
        for known in (True, False)
        for pickers in (0, None)  # alone, and as it is by itself
    ]
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        told(document)


@dataclass(frozen=True)
class World:
    """What is ranked for whom."""

    topics: dict[str, Topic]
    candidates: list[Paper]
    background: list[Paper]
    profiles: list[InterestProfile]


def measured(counts: Sequence[int]) -> dict[str, Any]:
    """Give all figures of one run."""
    topics = catalogue.load(assets.CONFIG / "topics.toml")
    papers = made_up_papers(list(topics.values()), CANDIDATES + BACKGROUND)
    candidates, background = papers[:CANDIDATES], papers[CANDIDATES:]
    world = World(topics, candidates, background, made_up_profiles(topics, background, max(counts)))
    library = {paper.id: paper for paper in background}
    with Store("sqlite://") as store:
        encoder = CachedEncoder(MiniLM(), store.vectors)
        cold, _ = timed(lambda: Ranker(encoder, topics).prepare(candidates, background))
        warm, _ = timed(lambda: Ranker(encoder, topics).prepare(candidates, background))
        understand_each(world.profiles, topics, library, encoder)  # from here on all vectors are in the database
        ranking = [ranked(count, store, world) for count in counts]
    return {
        "benchmark": "ranking",
        "candidates": CANDIDATES,
        "background": BACKGROUND,
        "prepare_seconds": {"nothing_known": round(cold, 3), "vectors_known": round(warm, 3)},
        "ranking": ranking,
        "encoding": [encoded(MiniLM(), papers[:ENCODED]), encoded(WordLlama(), papers[:ENCODED])],
    }


def ranked(count: int, store: Store, world: World) -> dict[str, Any]:
    """Rank for so many subscribers, as a run that starts with a full database and an empty memory does."""
    encoder = CachedEncoder(MiniLM(), store.vectors)
    ranker = Ranker(encoder, world.topics)
    some = world.profiles[:count]
    library = {paper.id: paper for paper in world.background}
    candidates = ranker.prepare(world.candidates, world.background)
    profiles = [some[start : start + TOGETHER] for start in range(0, count, TOGETHER)]
    understanding, interests = timed(
        lambda: [understand_each(part, world.topics, library, encoder) for part in profiles]
    )
    scoring, found = timed(lambda: [scores(candidates, part) for part in interests])
    listing, _ = timed(lambda: [listed(candidates, *each) for each in zip(interests, found, strict=True)])
    wanted = [[Wanted(profile, CARDS) for profile in part] for part in profiles]
    again, _ = timed(lambda: [ranker.pick_each(candidates, part, library, also=ALSO, now=NOW) for part in wanted])
    total = understanding + scoring + listing
    steps = {"understand": understanding, "score": scoring, "list": listing, "pick_again": again}
    return {
        "subscribers": count,
        "subscribers_per_second": round(count / total, 1),
        "milliseconds_per_subscriber": {
            "all": round(1000 * total / count, 3),
            **{step: round(1000 * seconds / count, 3) for step, seconds in steps.items()},
        },
    }


class MadeUp:
    """Vectors made up from the topics that papers are of, kept as MiniLM's: how fast they are ranked does not depend on
    what they mean.
    """

    name, dimensions = MiniLM().name, MiniLM.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, the same for the same text; those of papers of one topic have a cosine of about 0.5."""
        rows = [2 * self._noise("papers") + 3 * self._noise(_subject(text)) + 3 * self._noise(text) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimensions)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _noise(self, text: str) -> Any:
        return np.random.default_rng(zlib.crc32(text.encode())).normal(size=self.dimensions)


def _subject(text: str) -> str:
    return text.split(". ", 2)[1] if ". " in text else text  # made-up abstracts begin with their topic's description


def large(count: int, *, known: bool, pickers: int | None) -> dict[str, Any]:
    """Make the editions of an issue for many readers who liked much, as `send` does: profiles from a database, picks
    into it. They liked papers of the background (`known`), or as many older ones. Other processes pick, too, as
    `pickers` says.
    """
    with TemporaryDirectory() as folder:
        settings = Settings(
            site=Site(secret=SecretStr("of no worth")),
            database=Database(url=f"sqlite:///{folder}/newsletter.db"),
            ranking=Ranking(background=LARGE_BACKGROUND, also_today=ALSO, pickers=pickers),
        )
        # A process of its own, so that what it takes is not counted.
        filling = get_context("spawn").Process(target=fill, args=(settings, count, known))
        filling.start()
        filling.join()
        helpers: list[int] = []
        with bootstrap.open_store(settings) as store:
            encoder = CachedEncoder(MadeUp(), store.vectors)
            ranker = Ranker(encoder, catalogue.load(assets.CONFIG / "topics.toml"))
            newsletter = watched(replace(bootstrap.newsletter(settings, store), ranker=lambda: ranker), helpers)
            [issue] = [one for one in newsletter.open_issues(NOW.date(), now=NOW) if one.cadence is Cadence.DAILY]
            preparing, prepared = timed(lambda: newsletter.picking(issue).since(issue.window.start))
            if prepared is None or len(prepared) != LARGE_CANDIDATES:
                raise SystemExit("the issue is not of the day's papers")
            worked = sum(os.times()[:4])  # of pickers, too, which have ended by then
            ranking, ranked = timed(lambda: newsletter.rank(issue, now=NOW))
            worked = sum(os.times()[:4]) - worked
            if (ranked, encoder.encoded, store.deliveries.counts([issue.key])) != (
                count,
                0,
                {DeliveryState.QUEUED: count},
            ):
                raise SystemExit("not every reader got an edition, or not all vectors were known")
    return {
        "subscribers": count,
        "candidates": LARGE_CANDIDATES,
        "background": LARGE_BACKGROUND,
        "liked": LARGE_LIKED,
        "liked_in_background": known,
        "pickers": len(helpers),
        "seconds": {
            "of_which_prepare": round(preparing, 2),
            "all": round(ranking, 2),
            "of_the_processors": round(worked, 2),
        },
        "milliseconds_per_subscriber": round(1000 * (ranking - preparing) / count, 3),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "peak_megabytes_of_pickers": helpers,
    }


def watched(newsletter: Newsletter, peaks: list[int]) -> Newsletter:
    """Have noted, in megabytes, the most memory that each process that picks, too, has had."""
    if (shared := newsletter.pickers) is None:
        return newsletter

    @contextmanager
    def seen(picking: Picking) -> Iterator[Editions]:
        with shared(picking) as pickers:
            yield pickers
            for one in getattr(pickers, "started", ()):
                status = dict(line.split(":", 1) for line in Path(f"/proc/{one.pid}/status").read_text().splitlines())
                peaks.append(int(status["VmHWM"].split()[0]) // 1024)

    return replace(newsletter, pickers=seen)


def fill(settings: Settings, count: int, known: bool) -> None:
    """Put papers, their vectors and readers into the database."""
    topics = catalogue.load(assets.CONFIG / "topics.toml")
    papers = made_up_papers(list(topics.values()), LARGE_CANDIDATES + 2 * LARGE_BACKGROUND)
    recent = LARGE_BACKGROUND - LARGE_CANDIDATES  # the day's own papers are the background's newest
    shelves = papers[recent + LARGE_CANDIDATES :], papers[:recent]
    with bootstrap.open_store(settings) as store:
        for days, some in ((9, shelves[0]), (5, shelves[1]), (0, papers[recent : recent + LARGE_CANDIDATES])):
            records = tuple(
                PaperRecord(one.title, one.abstract, one.authors, categories=one.categories) for one in some
            )
            store.papers.add(Digest("Made up", records), source="made up", now=NOW - timedelta(days=days, hours=1))
        encoder = CachedEncoder(MadeUp(), store.vectors)
        encoder.encode([paper_text(one) for some in store.papers.every() for one in some])
        encoder.encode([topic_text(topic) for topic in topics.values()])
        before = NOW - timedelta(days=1)  # without an issue before it, the first one would be of all papers there are
        bootstrap.newsletter(settings, store).open_issues(before.date(), now=before, cadences=[Cadence.DAILY])
        titles = {one.title: one.key for some in store.papers.every() for one in some}
    shelf = [(titles[one.title], _subject(paper_text(one))) for one in shelves[known]]
    _subscribe(settings.database.url, count, shelf)


def _subscribe(url: str, count: int, shelf: Sequence[tuple[int, str]]) -> None:
    """Write readers of two subjects each: straight into the tables, as 100,000 sign-ups would take an hour."""
    chance = random.Random(20250822)
    of_subject: dict[str, list[int]] = {}
    for key, subject in shelf:
        of_subject.setdefault(subject, []).append(key)
    people = [
        NewSubscriber(f"reader{number}@example.test", InterestProfile(), papers=CARDS, status=SubscriberStatus.ACTIVE)
        for number in range(count)
    ]
    rows = [
        {**columns(one), "key": key, "public_id": f"reader{key}", "created_at": NOW}
        for key, one in enumerate(people, 1)
    ]
    liked = []
    for key in range(1, count + 1):
        mine = [paper for subject in chance.sample(sorted(of_subject), 2) for paper in of_subject[subject]]
        some = chance.sample(mine, min(LARGE_LIKED, len(mine)))
        liked += [
            {"subscriber_key": key, "paper_key": one, "liked": True, "rated_at": NOW, "answer": False} for one in some
        ]
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(subscribers.insert(), rows)
        for start in range(0, len(liked), 100_000):
            connection.execute(ratings.insert(), liked[start : start + 100_000])
    engine.dispose()


def listed(candidates: Candidates, readers: Sequence[Interests], found: Any) -> Any:
    """Make the lists of some readers from their scores, with reasons."""
    everything = np.ones(len(candidates), bool)
    asked = [Asked(one, column, everything, CARDS) for one, column in zip(readers, found, strict=True)]
    return compose(candidates, asked, also=ALSO, exploring=True)


def encoded(encoder: Encoder, papers: Sequence[Paper]) -> dict[str, Any]:
    """Encode abstracts, after a few to warm up."""
    texts = [paper_text(paper) for paper in papers]
    encoder.encode(texts[:8])
    seconds, _ = timed(lambda: encoder.encode(texts))
    return {"encoder": encoder.name, "texts": len(texts), "texts_per_second": round(len(texts) / seconds, 1)}


def made_up_papers(topics: Sequence[Topic], count: int) -> list[Paper]:
    """Make papers up: each of one topic, with a title of two of its keywords and an abstract of some 120 words."""
    chance = random.Random(20250820)
    words = " ".join(topic.description for topic in topics).replace(",", "").replace(".", "").split()
    papers = []
    for number in range(count):
        topic = chance.choice(topics)
        title = f"{' and '.join(chance.sample(topic.keywords, 2))}: a study ({number})"
        sentences = [topic.description, *(" ".join(chance.choices(words, k=15)) + "." for _ in range(6))]
        papers.append(_paper(number, title, " ".join(sentences), topic.categories[:1]))
    return papers


def made_up_profiles(topics: dict[str, Topic], library: Sequence[Paper], count: int) -> list[InterestProfile]:
    """Make profiles up: up to four topics, up to six keywords, and for half of them up to thirty liked papers."""
    chance = random.Random(20250821)
    keywords = sorted({keyword for topic in topics.values() for keyword in topic.keywords})
    return [
        InterestProfile(
            topics=tuple((slug, 1.0) for slug in chance.sample(sorted(topics), chance.randint(0, 4))),
            keywords=tuple(chance.sample(keywords, chance.randint(0, 6))),
            liked=tuple(paper.id for paper in chance.sample(library, chance.choice([0, 0, 0, 1, 5, 30]))),
        )
        for _ in range(count)
    ]


def _paper(number: int, title: str, abstract: str, categories: tuple[str, ...]) -> Paper:
    return Paper(
        key=number,
        id=f"title:{number}",
        title=title,
        abstract=abstract,
        authors=(f"Author {number % 97}",),
        categories=categories,
        url="",
        arxiv_id="",
        doi="",
        published_at=None,
        first_seen_at=datetime(2025, 8, 20, tzinfo=UTC),
        upvotes=number % 50,
        repository="",
        project_page="",
        thumbnail="",
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Give the seconds that work took, and what it gave."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def told(document: dict[str, Any]) -> None:
    """Print the figures for people."""
    for step, seconds in document["prepare_seconds"].items():
        print(f"preparing {CANDIDATES} papers against {BACKGROUND}, {step.replace('_', ' ')}: {seconds:.2f} s")
    for one in document["ranking"]:
        parts = ", ".join(f"{name} {value:.2f}" for name, value in one["milliseconds_per_subscriber"].items())
        print(f"{one['subscribers']} subscribers: {one['subscribers_per_second']:.0f} a second; ms each: {parts}")
    for one in document["large"]:
        where, seconds = "of" if one["liked_in_background"] else "outside", one["seconds"]
        print(
            f"{one['subscribers']} readers who liked {LARGE_LIKED} papers {where} the background, "
            f"{LARGE_CANDIDATES} papers against {LARGE_BACKGROUND}: editions made in {seconds['all']} s "
            f"with {one['pickers']} pickers ({seconds['of_the_processors']} of the processors), "
            f"{one['milliseconds_per_subscriber']} ms each, {one['peak_megabytes']} MB at most"
        )
    for one in document["encoding"]:
        print(f"{one['encoder']}: {one['texts_per_second']:.0f} abstracts a second")


if __name__ == "__main__":
    main()
