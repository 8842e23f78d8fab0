"""Random digests, written down in random shapes, are read back as they were."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import NotADigestError
from newsletter.sources import digest

TODAY = date(2026, 11, 23)
BANNER = (
    "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\nbyAK and the research community\n"
)
NOUNS = ["Dunes", "Glaciers", "Proofs", "Sparse Graphs", "Pollen Records", "Tidal Flats", "Slow Neurons", "Old Maps"]
VERBS = ["Measuring", "Rethinking", "Sorting", "Learning", "Bounding", "A Survey of", "Towards", "On the Limits of"]
TAILS = ["with Few Samples", "under Drift", "at Scale", "in the Field", "without Labels", "via Self-Supervision"]
ODD = [
    "2 OLMo 2 Furious",
    "1.58-bit FLUX",
    "s1: Simple test-time scaling",
    "DINOv3",
    "Do Dunes Sing?",
    "GPT-4 vs. Bees",
]
STARTS = [
    "We show that",
    "Earlier work assumed that",
    "In three experiments,",
    "This paper asks why",
    "It is known that",
]
MIDDLES = ["the rate of change", "a small set of samples", "every second instance", "the error of the estimate"]
ENDS = [
    "depends on the season",
    "is larger than was thought",
    "falls by 12.5% on average",
    "cannot be learned (at all)",
]

titles = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(VERBS), st.sampled_from(NOUNS), st.sampled_from(TAILS)),
    st.builds("{}: {} {}".format, st.sampled_from(NOUNS), st.sampled_from(VERBS), st.sampled_from(NOUNS)),
    st.sampled_from(ODD),
)
sentences = st.builds("{} {} {}.".format, st.sampled_from(STARTS), st.sampled_from(MIDDLES), st.sampled_from(ENDS))
paragraphs = st.lists(sentences, min_size=4, max_size=14).map(" ".join)


@dataclass(frozen=True)
class Paper:
    title: str
    paragraphs: list[str]
    votes: int


@dataclass(frozen=True)
class Shape:
    banners: int
    votes: str
    facts: bool
    comments: bool
    submitter: bool
    link: bool
    title_width: int
    width: int
    newline: str
    encoding: str


papers = st.lists(
    st.builds(Paper, titles, st.lists(paragraphs, min_size=1, max_size=3), st.integers(0, 4000)), min_size=1, max_size=7
)
shapes = st.builds(
    Shape,
    banners=st.integers(0, 2),
    votes=st.sampled_from(["", "{}", "▲ {}", "Upvote {}", "Upvote\n\n{}"]),
    facts=st.booleans(),
    comments=st.booleans(),
    submitter=st.booleans(),
    link=st.booleans(),
    title_width=st.sampled_from([0, 30, 72]),
    width=st.sampled_from([0, 72, 80]),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
)


def wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width) if width else text


def written(papers: list[Paper], shape: Shape) -> bytes:
    blocks = [BANNER] * shape.banners + ["Aug 20"]
    for number, paper in enumerate(papers):
        blocks += [f"Submitted by\n\nreader{number}"] if shape.submitter else []
        blocks += [shape.votes.format(paper.votes)] if shape.votes else []
        blocks += [wrapped(paper.title, shape.title_width)]
        blocks += [f"https://arxiv.org/abs/2508.{10000 + number}"] if shape.link else []
        blocks += [wrapped(paragraph, shape.width) for paragraph in paper.paragraphs]
        blocks += ["·\n12 authors\n· May 30"] if shape.facts else []
        blocks += ["4"] if shape.facts and shape.comments and shape.votes else []
    return "\n\n".join(blocks).replace("\n", shape.newline).encode(shape.encoding)


@settings(max_examples=150, deadline=None)
@given(papers, shapes)
def test_a_digest_is_read_back_whatever_its_shape(papers: list[Paper], shape: Shape) -> None:
    found = digest.parse(written(papers, shape), where="page.txt", today=TODAY)
    expected = [(paper.title, " ".join(paper.paragraphs)) for paper in papers]
    assert [(record.title, record.abstract) for record in found.records] == expected
    assert [record.upvotes for record in found.records] == [paper.votes if shape.votes else None for paper in papers]
    numbers = [f"2508.{10000 + number}" if shape.link else "" for number in range(len(papers))]
    assert [record.arxiv_id for record in found.records] == numbers
    assert found.day == date(2026, 8, 20)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_the_bytes_there_is_a_digest_or_an_error_that_names_the_file(data: bytes) -> None:
    try:
        found = digest.parse(data, where="page.txt", today=TODAY)
    except NotADigestError as error:
        assert error.message.startswith("page.txt")  # noqa: PT017
    else:
        assert all(record.title for record in found.records)
