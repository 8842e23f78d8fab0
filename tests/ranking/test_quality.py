"""Do readers get what they would choose? On real digests, with the product's own sources, store and ranker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter import assets
from newsletter.model import InterestProfile, Paper, ReasonKind
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.ranker import Ranker
from newsletter.sources.source import FileSource
from newsletter.store import Store

NOW = datetime(2025, 8, 20, 6, tzinfo=UTC)
IN_CONTEXT = {
    "In-Context Language Learning: Architectures and Algorithms",
    "Understanding In-Context Learning in Transformers and LLMs by Learning to Learn Discrete Functions",
    "What learning algorithm is in-context learning? Investigations with linear models",
    "Data Distributional Properties Drive Emergent In-Context Learning in Transformers",
    "In-Context Learning through the Bayesian Prism",
}
CTC = {
    "SVTRv2: CTC Beats Encoder-Decoder Models in Scene Text Recognition",
    "Align With Purpose: Optimize Desired Properties in CTC Models with a General Plug-and-Play Framework",
    "A CTC Alignment-based Non-autoregressive Transformer for End-to-end Automatic Speech Recognition",
}
SKY = {
    "An Observationally-Derived Kick Distribution for Neutron Stars in Binary Systems",
    "Nucleosynthesis in outflows of compact objects and detection prospects of associated kilonovae",
    "Black hole mergers as tracers of spinning massive black hole and galaxy populations in the OJ 287 neighborhood",
    "Synchrotron Radiation Dominates the Extremely Bright GRB 221009A",
    "Radio detections of two unusual cataclysmic variables in the VLA Sky Survey",
    'A flash of polarized optical light points to an aspherical "cow"',
}


@dataclass(frozen=True)
class Day:
    """A day's papers, as the store gives them, ready to be ranked."""

    ranker: Ranker
    candidates: Candidates
    library: Mapping[str, Paper]

    def top(self, count: int, **fields: object) -> list[str]:
        """Give the titles that a reader with such a profile gets first."""
        titles = {one.key: one.title for one in self.candidates.papers}
        profile = InterestProfile(**fields)  # type: ignore[arg-type]
        picks = self.ranker.pick(self.candidates, profile, self.library, cards=count, also=0, now=NOW)
        assert all(pick.reasons for pick in picks)
        return [titles[pick.paper_key] for pick in picks]

    def id(self, start: str) -> str:
        (found,) = [one.id for one in self.candidates.papers if one.title.startswith(start)]
        return found


def day_of(files: Iterable[Path], ranker: Ranker) -> Day:
    with Store("sqlite://") as store:
        for path in files:
            store.papers.add(FileSource(path.name, path).pull(NOW), source=path.name, now=NOW)
        newest = store.papers.recent(10_000, before=NOW + timedelta(1))
    return Day(ranker, ranker.prepare(sorted(newest, key=lambda one: one.key), newest), {one.id: one for one in newest})


@pytest.fixture(scope="module")
def seeds(ranker: Ranker) -> Day:
    return day_of(sorted(path for path in assets.SEEDS.iterdir() if path.suffix in {".txt", ".json", ".xml"}), ranker)


@pytest.fixture(scope="module")
def digest(shared: Path, ranker: Ranker) -> Day:
    return day_of([shared / "seeds" / "daily-papers-aug-20.txt"], ranker)


@pytest.fixture(scope="module")
def two_days(shared: Path, ranker: Ranker) -> Day:
    return day_of([shared / "data" / "hf_daily" / f"2025-08-{day}.json" for day in (26, 27)], ranker)


def test_who_asks_for_speech_recognition_and_ctc_gets_the_ctc_papers_first(seeds: Day) -> None:
    assert set(seeds.top(3, keywords=("speech recognition", "CTC"))) == CTC


@pytest.mark.parametrize(
    "asked", [{"keywords": ("in-context learning theory",)}, {"interests": "in-context learning theory"}]
)
def test_who_asks_for_in_context_learning_gets_all_of_it_first(asked: dict[str, object], seeds: Day) -> None:
    assert set(seeds.top(5, **asked)) == IN_CONTEXT


@pytest.mark.shared_data
def test_the_original_digest_gives_the_ctc_papers_first(digest: Day) -> None:
    assert set(digest.top(3, keywords=("speech recognition", "CTC"))) == CTC


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "asked", [{"keywords": ("in-context learning theory",)}, {"interests": "in-context learning theory"}]
)
def test_the_original_digest_gives_in_context_learning_first(asked: dict[str, object], digest: Day) -> None:
    assert set(digest.top(5, **asked)) == IN_CONTEXT


@pytest.mark.parametrize(
    "asked",
    [
        {"keywords": ("neutron star", "in-context learning")},
        {"interests": "I am a student. Black holes and neutron stars. In-context learning in transformers."},
        {"topics": (("high-energy-astrophysics", 1.0), ("in-context-learning", 1.0))},
        {"topics": (("high-energy-astrophysics", 1.0),), "keywords": ("in-context learning",)},
    ],
    ids=["keywords", "free text", "topics", "topic and keyword"],
)
def test_a_reader_with_two_unrelated_interests_gets_both(asked: dict[str, object], seeds: Day) -> None:
    top = set(seeds.top(8, **asked))
    assert len(top & IN_CONTEXT) >= 3
    assert len([title for title in top if any(title.startswith(known[:30]) for known in SKY)]) >= 2


def test_a_liked_paper_brings_those_like_it(seeds: Day) -> None:
    liked = (seeds.id("What learning algorithm is in-context learning?"),)
    assert len(set(seeds.top(4, liked=liked)) & IN_CONTEXT) >= 3
    both = (*liked, seeds.id("An Observationally-Derived Kick Distribution"))
    top = seeds.top(4, liked=both)
    assert len(set(top) & IN_CONTEXT) >= 2
    assert any(title.startswith("Nucleosynthesis in outflows") for title in top)


def test_a_liked_paper_and_an_unrelated_keyword_both_count(seeds: Day) -> None:
    liked = (seeds.id("SVTRv2"), seeds.id("Align With Purpose"))
    top = seeds.top(3, liked=liked, keywords=("neutron star",))
    assert any("Neutron Stars" in title for title in top)
    assert any(title.startswith("A CTC Alignment-based") for title in top)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("algebraic-geometry", "Explicit Estimates for the Number of Rational Points"),
        ("llm-agents", "Chain-of-Agents"),
        ("3d-vision", "LongSplat"),
        ("state-space-models", "Understanding the differences in Foundation Models: Attention, State Space"),
        ("genomics", "MEGAHIT"),
    ],
)
def test_a_topic_brings_its_paper_first(topic: str, expected: str, seeds: Day) -> None:
    (first,) = seeds.top(1, topics=((topic, 1.0),))
    assert first.startswith(expected)


def test_a_followed_author_comes_first_whatever_the_subject(seeds: Day) -> None:
    written = next(one for one in seeds.candidates.papers if len(one.authors) > 1 and one.categories)
    profile = InterestProfile(keywords=("in-context learning",), authors=(written.authors[1],))
    picks = seeds.ranker.pick(seeds.candidates, profile, {}, cards=6, also=0, now=NOW)
    (found,) = [pick for pick in picks if pick.paper_key == written.key]
    assert found.reasons[0].kind is ReasonKind.AUTHOR


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"topics": (("video-generation", 1.0),)}, {"CineScale", "Wan-S2V", "ObjFiller-3D"}),
        ({"topics": (("audio-and-speech-synthesis", 1.0),)}, {"TaDiCodec", "VibeVoice", "Wan-S2V"}),
        ({"topics": (("llm-agents", 1.0), ("drug-discovery", 1.0))}, {"Spacer", "PosterGen", "ReportBench"}),
        ({"keywords": ("reinforcement learning",)}, {"Breaking the Exploration", "Visual-CoG", "TreePO"}),
        ({"interests": "Benchmarks. Making meshes and editing of 3D objects."}, {"FastMesh", "VoxHammer"}),
    ],
    ids=["video", "speech", "agents and drugs", "reinforcement learning", "free text"],
)
def test_two_days_of_hugging_face_bring_what_a_reader_would_choose(
    asked: dict[str, object], expected: set[str], two_days: Day
) -> None:
    top = two_days.top(len(expected) + 1, **asked)
    assert {start for start in expected if any(title.startswith(start) for title in top)} == expected
