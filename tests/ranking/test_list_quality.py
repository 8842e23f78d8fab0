"""What readers see of the list: all their interests, one paper from elsewhere, what is noticed, what they answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from newsletter import assets
from newsletter.config import SourceKind
from newsletter.model import Answer, InterestProfile, Paper, Pick, Reason, ReasonKind, Section
from newsletter.ranking.blend import scores
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.interests import understand
from newsletter.ranking.ranker import Ranker
from newsletter.sources.formats import parse
from newsletter.store import Store
from tests.ranking.papers import NOW, library, paper

RNA = (
    "folding",
    "splicing",
    "editing",
    "interference",
    "velocity",
    "decay",
    "export",
    "capping",
    "sequencing",
    "velcro",
)
KNITTING = "Hand knitting with wool yarn: needles, stitches and the mechanics of knitted fabric"
DAY = [
    *(paper(100 + n, f"Messenger RNA {word} in human cells, measured by sequencing") for n, word in enumerate(RNA)),
    paper(200, "Stitch patterns of knitted textiles: a mechanical model of yarn and wool"),
    *(paper(300 + n, f"Galaxies of redshift {n}: a survey of their star formation", upvotes=n) for n in range(9)),
]
READ = library(
    *(paper(n, f"RNA {RNA[n % 10]} and gene expression in cells, study {n}") for n in range(50)), paper(50, KNITTING)
)


@pytest.fixture(scope="module")
def day(ranker: Ranker) -> Candidates:
    return ranker.prepare(DAY, [])


def picked(
    ranker: Ranker, day: Candidates, profile: InterestProfile, *, cards: int = 10, now: timedelta = timedelta(0)
) -> tuple[Pick, ...]:
    return ranker.pick(day, profile, READ | library(*DAY), cards=cards, also=4, now=NOW + now)


def cards(picks: Sequence[Pick]) -> list[int]:
    return [pick.paper_key for pick in picks if pick.section is Section.FOR_YOU]


def test_one_paper_on_knitting_among_fifty_on_rna_is_seen(ranker: Ranker, day: Candidates) -> None:
    picks = picked(ranker, day, InterestProfile(liked=tuple(READ)), cards=6)
    assert 200 in cards(picks)
    assert len([key for key in cards(picks) if key < 200]) == 5
    (knitting,) = [pick for pick in picks if pick.paper_key == 200]
    assert Reason(ReasonKind.LIKED_PAPER, KNITTING) in knitting.reasons


def test_a_long_list_ends_with_the_most_noticed_paper_from_elsewhere_and_says_so(
    ranker: Ranker, day: Candidates
) -> None:
    profile = InterestProfile(liked=tuple(READ)[:20])
    last = [pick for pick in picked(ranker, day, profile) if pick.section is Section.FOR_YOU][-1]
    assert (last.paper_key, last.reasons) == (308, (Reason(ReasonKind.ELSEWHERE, ""),))
    assert all(key < 200 for key in cards(picked(ranker, day, profile, cards=6)))


def test_nobody_is_shown_a_paper_from_elsewhere_that_nobody_minds(ranker: Ranker) -> None:
    unnoticed = ranker.prepare([dataclasses.replace(one, upvotes=None) for one in DAY], [])
    picks = picked(ranker, unnoticed, InterestProfile(liked=tuple(READ)[:20]))
    assert all(reason.kind is not ReasonKind.ELSEWHERE for pick in picks for reason in pick.reasons)


def score(ranker: Ranker, day: Candidates, profile: InterestProfile, key: int, now: timedelta = timedelta(0)) -> float:
    interests = understand(profile, ranker._topics, READ | library(*DAY), ranker._encoder, now=NOW + now)
    found = dict(zip((one.key for one in day.papers), scores(day, [interests])[0].tolist(), strict=True))
    return float(found[key])


def test_an_answer_changes_the_next_issue_and_fades(ranker: Ranker, day: Candidates) -> None:
    before = InterestProfile(liked=("title:1",))
    more = dataclasses.replace(before, answers=(Answer("title:300", liked=True, at=NOW),))
    plain, fresh, old = (
        score(ranker, day, before, 305),
        score(ranker, day, more, 305),
        score(ranker, day, more, 305, now=timedelta(days=300)),
    )
    assert fresh > old > plain
    less = dataclasses.replace(before, answers=(Answer("title:101", liked=False, at=NOW),))
    unwanted = [score(ranker, day, less, 102, now=timedelta(days=days)) for days in (0, 100, 300)]
    assert unwanted[0] < unwanted[1] < unwanted[2] <= score(ranker, day, before, 102)


def test_one_dislike_does_not_silence_an_interest(ranker: Ranker, day: Candidates) -> None:
    liked = tuple(READ)[:10]
    profile = InterestProfile(liked=liked, answers=(Answer("title:100", liked=False, at=NOW),))
    assert [key for key in cards(picked(ranker, day, profile, cards=5)) if 100 < key < 200]
    assert len(cards(picked(ranker, day, profile, cards=5))) == 5


def test_who_told_us_little_is_told_what_others_notice(ranker: Ranker) -> None:
    votes = [dataclasses.replace(one, upvotes=90 if one.key == 105 else 0) for one in DAY]
    day = ranker.prepare(votes, [])
    thin, rich = InterestProfile(keywords=("RNA",)), InterestProfile(keywords=("RNA",), liked=tuple(READ))
    (noticed_one,) = [pick for pick in picked(ranker, day, thin) if pick.paper_key == 105]
    assert Reason(ReasonKind.POPULAR, "90 upvotes") in noticed_one.reasons
    assert all(reason.kind is not ReasonKind.POPULAR for pick in picked(ranker, day, rich) for reason in pick.reasons)
    unnoticed = ranker.prepare(DAY, [])
    assert score(ranker, day, thin, 105) > score(ranker, unnoticed, thin, 105)


@pytest.fixture(scope="module")
def seeds(ranker: Ranker) -> Candidates:
    with Store("sqlite://") as store:
        for path in sorted(path for path in assets.SEEDS.iterdir() if path.suffix in {".txt", ".json", ".xml"}):
            read = parse(path.read_bytes(), kind=SourceKind.AUTO, where=path.name, today=NOW.date())
            store.papers.add(read, source=path.name, now=NOW)
        papers = sorted(store.papers.recent(1000, before=NOW + timedelta(1)), key=lambda one: one.key)
    return ranker.prepare(papers, papers)


def without(profile: InterestProfile, reason: Reason, titles: Mapping[str, str], topics: Mapping[str, str]) -> object:
    """Give the profile without what a reason names."""
    return dataclasses.replace(
        profile,
        keywords=tuple(word for word in profile.keywords if word != reason.matched),
        authors=() if reason.kind is ReasonKind.AUTHOR else profile.authors,
        liked=tuple(name for name in profile.liked if titles[name] != reason.matched),
        topics=tuple((slug, weight) for slug, weight in profile.topics if topics[slug] != reason.matched),
        interests="" if reason.kind is ReasonKind.INTERESTS else profile.interests,
    )


@pytest.mark.parametrize(
    "profile",
    [
        InterestProfile(keywords=("CTC", "speech recognition", "neutron star"), topics=(("genomics", 1.0),)),
        InterestProfile(topics=(("in-context-learning", 1.0), ("high-energy-astrophysics", 1.0))),
        InterestProfile(interests="How do transformers learn in context?", keywords=("diffusion model",)),
    ],
    ids=["words and a topic", "topics", "free text"],
)
def test_without_what_a_reason_names_the_paper_scores_less(
    profile: InterestProfile, ranker: Ranker, seeds: Candidates
) -> None:
    papers: dict[str, Paper] = {one.id: one for one in seeds.papers}
    liked = tuple(sorted(papers))[::17]
    titles = {name: one.title for name, one in papers.items()}
    topics = {slug: topic.title for slug, topic in ranker._topics.items()}
    named = {ReasonKind.KEYWORD, ReasonKind.TOPIC, ReasonKind.LIKED_PAPER, ReasonKind.INTERESTS, ReasonKind.AUTHOR}

    def found(of: InterestProfile) -> dict[int, float]:
        given = scores(seeds, [understand(of, ranker._topics, papers, ranker._encoder)])[0]
        return dict(zip((one.key for one in seeds.papers), given.tolist(), strict=True))

    for full in (profile, dataclasses.replace(profile, liked=liked)):
        now = found(full)
        for pick in ranker.pick(seeds, full, papers, cards=10, also=0, now=NOW):
            for reason in pick.reasons:
                if reason.kind in named:
                    rest = without(full, reason, titles, topics)
                    assert isinstance(rest, InterestProfile)
                    assert found(rest)[pick.paper_key] < now[pick.paper_key], (reason, titles)
