"""Papers by their words, alike in both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from newsletter.model import PaperRecord
from newsletter.store import Store
from newsletter.store.schema import papers
from tests.store.rows import NOW, digest

DUNES = PaperRecord("Singing dunes", "Sand hums.", authors=("Émilie du Châtelet",), arxiv_id="2508.00001")
ROBOTS = PaperRecord("Robotics for in-context grasping", "On dunes, with a CTC loss.", arxiv_id="2508.00002")
MUELLER = PaperRecord("Über Gräser", "Ein Text von Müller.", authors=("Jürgen Groß",), arxiv_id="2508.00003")


@pytest.fixture(autouse=True)
def _filled(store: Store) -> None:
    store.papers.add(digest(DUNES, ROBOTS, MUELLER), source="x", now=NOW)


def titles(store: Store, *words: str) -> list[str]:
    keys = store.search.keys(words, 10)
    found = store.papers.by_key(keys)
    return [found[key].title for key in keys]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("dunes",), [DUNES, ROBOTS]),  # the title counts more
        (("robot",), [ROBOTS]),
        (("robot", "dune"), [ROBOTS]),
        (("in-context",), [ROBOTS]),
        (("context", "missing"), []),
        (("chatelet",), [DUNES]),
        (("CHÂTELET",), [DUNES]),
        (("muller",), [MUELLER]),
        (("gross",), []),
        (("Groß",), [MUELLER]),
        (("2508.00001",), []),
        (("", "—", "'\""), []),
    ],
)
def test_papers_are_found_by_how_their_words_begin(
    store: Store, words: tuple[str, ...], found: list[PaperRecord]
) -> None:
    assert titles(store, *words) == [record.title for record in found]


def test_the_index_follows_what_becomes_of_papers(store: Store) -> None:
    better = PaperRecord("Singing dunes", "Sand hums, and glaciers creep, for a long abstract.", arxiv_id="2508.00001")
    store.papers.add(digest(better), source="y", now=NOW)
    assert titles(store, "glaciers") == ["Singing dunes"]
    assert titles(store, "sand") == ["Singing dunes"]
    with store._database.writing() as connection:
        connection.execute(papers.update().where(papers.c.arxiv_id == "2508.00001").values(title="Quiet hills"))
        connection.execute(papers.delete().where(papers.c.arxiv_id == "2508.00002"))
    assert titles(store, "quiet") == ["Quiet hills"]
    assert titles(store, "singing") == titles(store, "robot") == []


def test_what_stands_only_in_a_library_is_not_found_until_it_is_news(store: Store) -> None:
    secret = PaperRecord("Secret whales", "They sing.", doi="10.1000/whales")
    store.papers.keep([secret], now=NOW)
    assert titles(store, "whales") == []
    store.papers.add(digest(secret), source="z", now=NOW)
    assert titles(store, "whales") == ["Secret whales"]


def test_of_a_word_that_stands_everywhere_the_newest_are_ranked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.store.search._MOST_RANKED", 2)
    many = [PaperRecord(f"Whales {n}", "Whales sing.", arxiv_id=f"2508.1{n:04}") for n in range(5)]
    store.papers.add(digest(*many), source="z", now=NOW)
    assert sorted(titles(store, "whales")[:2]) == ["Whales 3", "Whales 4"]


def test_papers_that_were_there_before_the_index_are_in_it(store: Store) -> None:
    """What migration 0007 fills it with is what the triggers put in."""
    with store._database.reading() as connection:
        where = "paper_key" if connection.dialect.name == "postgresql" else "rowid"
        number = connection.execute(sa.text(f"SELECT count({where}) FROM paper_index")).scalar_one()
    assert number == 3
