"""Papers that stand in a reader's library: known, ranked by, and nobody's news until a source announces them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from newsletter.errors import NotFoundError
from newsletter.model import Answer, PaperRecord
from newsletter.store import Store
from newsletter.store.engine import open_engine
from tests.store.rows import EVER, NOW, digest, edition, new_subscriber, sketch
from tests.store.test_migrations import MIGRATIONS

MINE = PaperRecord("Ripples on the dunes of Mars move", arxiv_id="2508.10433", authors=("Ada Lovelace",))
OTHER = PaperRecord("Waves of the sea do not", doi="10.1000/waves", authors=("Kurt Gödel",))
LATER = NOW + timedelta(days=3)


def announce(store: Store, *records: PaperRecord) -> int:
    return store.papers.add(digest(*records), source="inbox", now=LATER)


def test_a_library_is_kept_and_is_no_news(store: Store) -> None:
    assert store.papers.keep([MINE, OTHER, MINE], now=NOW) == ["arxiv:2508.10433", "doi:10.1000/waves"]
    assert store.papers.in_window(EVER) == store.papers.recent(9, before=LATER) == []
    assert (store.papers.count(), store.papers.count(EVER)) == (0, 0)
    [paper] = store.papers.by_key(store.papers.keys(["arxiv:2508.10433"]).values()).values()
    assert (paper.title, paper.announced, paper.announcements) == (MINE.title, False, ())


def test_every_paper_is_given_newest_first_with_those_of_libraries_and_each_work_once(store: Store) -> None:
    assert (list(store.papers.every()), store.papers.count_every()) == ([], 0)
    many = [PaperRecord(f"Dune {number}", arxiv_id=f"2508.{number:05}", authors=("A. L.",)) for number in range(1100)]
    announce(store, *many)
    store.papers.keep([OTHER, PaperRecord("A dune", doi="10.1000/dune", authors=("A. L.",))], now=NOW)
    announce(store, PaperRecord("Dune 7", arxiv_id="2508.00007", doi="10.1000/dune"))  # so the two are one work
    parts = list(store.papers.every())
    papers = [paper for some in parts for paper in some]
    assert store.papers.count_every() == len(papers) == len({paper.key for paper in papers}) == 1101
    assert max(map(len, parts)) <= 500
    assert [paper.key for paper in papers] == sorted((paper.key for paper in papers), reverse=True)
    assert papers[0].title == OTHER.title


def test_what_is_announced_later_is_news_then_and_the_same_paper(store: Store) -> None:
    store.papers.keep([MINE], now=NOW)
    before = store.papers.keys(["arxiv:2508.10433"])
    assert announce(store, MINE) == 1
    assert announce(store, MINE) == 0
    [paper] = store.papers.in_window(EVER)
    assert (paper.key, paper.first_seen_at, paper.announced) == (before["arxiv:2508.10433"], LATER, True)


def test_a_library_says_more_about_a_paper_that_was_announced_and_does_not_make_it_news_again(store: Store) -> None:
    announce(store, MINE)
    assert store.papers.keep([PaperRecord(MINE.title, arxiv_id=MINE.arxiv_id, abstract="They move.")], now=LATER)
    [paper] = store.papers.in_window(EVER)
    assert (paper.abstract, paper.first_seen_at, paper.announced) == ("They move.", LATER, True)


def test_liking_adds_to_what_was_rated_and_changes_a_mind(store: Store) -> None:
    names = store.papers.keep([MINE, OTHER], now=NOW)
    store.subscribers.add(new_subscriber(), now=NOW)
    assert store.subscribers.like("ADA@example.test", names[:1], now=NOW) == 1
    assert store.subscribers.like("ada@example.test", names, now=LATER) == 1
    assert store.subscribers.like("ada@example.test", names, now=LATER) == 0
    assert store.subscribers.get("ada@example.test").profile.liked == tuple(names)


def test_only_known_readers_like_only_known_papers(store: Store) -> None:
    store.subscribers.add(new_subscriber(), now=NOW)
    with pytest.raises(NotFoundError, match=r"unknown papers: arxiv:2508\.99999"):
        store.subscribers.like("ada@example.test", ["arxiv:2508.99999"], now=NOW)
    with pytest.raises(NotFoundError, match="nobody is subscribed as kurt"):
        store.subscribers.like("kurt@example.test", [], now=NOW)


def test_who_is_forgotten_takes_along_what_only_they_read(store: Store) -> None:
    names = store.papers.keep([MINE, OTHER], now=NOW)
    for email in ("ada@example.test", "kurt@example.test"):
        store.subscribers.add(new_subscriber(email), now=NOW)
    store.subscribers.like("ada@example.test", names, now=NOW)
    store.subscribers.like("kurt@example.test", names[1:], now=NOW)
    store.subscribers.forget("ada@example.test", address_hash="x", now=LATER)
    assert store.papers.keys(names).keys() == {"doi:10.1000/waves"}
    announce(store, OTHER)
    store.subscribers.forget("kurt@example.test", address_hash="y", now=LATER)
    assert store.papers.keys(names).keys() == {"doi:10.1000/waves"}


PREPRINT = PaperRecord("Dunes move", arxiv_id="2508.00001", authors=("Ada Lovelace", "Kurt Gödel"), abstract="Short.")
ARTICLE = PaperRecord("On the motion of dunes", doi="10.1000/dunes", authors=("Lovelace, A.",), upvotes=4)
BOTH = PaperRecord("Dunes move", arxiv_id="2508.00001", doi="10.1000/dunes", authors=("Ada Lovelace",))


def test_two_papers_that_a_record_shows_to_be_one_become_one(store: Store) -> None:
    store.papers.add(digest(PREPRINT), source="arxiv", now=NOW)
    store.papers.add(digest(ARTICLE), source="journal", now=NOW)
    assert store.papers.count() == 2
    assert announce(store, BOTH) == 0
    [paper] = store.papers.in_window(EVER)
    assert (paper.arxiv_id, paper.doi, paper.upvotes, paper.abstract) == ("2508.00001", "10.1000/dunes", 4, "Short.")
    assert [each.source for each in paper.announcements] == ["arxiv", "journal", "inbox"]
    assert set(store.papers.keys(["arxiv:2508.00001", "doi:10.1000/dunes"]).values()) == {paper.key}
    assert announce(store, PREPRINT, ARTICLE, BOTH) == 0
    assert len(store.papers.in_window(EVER)) == 1


def test_ratings_and_editions_follow_a_paper_that_turned_out_to_be_another(store: Store) -> None:
    announce(store, PREPRINT)
    announce(store, ARTICLE)
    keys = store.papers.keys(["arxiv:2508.00001", "doi:10.1000/dunes"])
    ada = store.subscribers.add(new_subscriber(), now=NOW)
    store.subscribers.like(ada.email, ["doi:10.1000/dunes"], now=NOW)
    issue = store.issues.open(sketch(), now=NOW)
    given = edition(issue, ada, keys["doi:10.1000/dunes"])
    store.issues.publish([given], {ada.key: "<1@example.test>"}, now=NOW)
    announce(store, BOTH)
    [paper] = store.papers.in_window(EVER)
    assert store.subscribers.get(ada.email).profile.liked == (paper.id,)
    assert store.issues.already_picked([ada.key], EVER) == {ada.key: {paper.key}}
    assert store.papers.by_key([keys["doi:10.1000/dunes"]]) == {keys["doi:10.1000/dunes"]: paper}


def test_a_library_paper_that_turns_out_to_be_news_of_the_past_stays_news_of_the_past(store: Store) -> None:
    store.papers.keep([ARTICLE], now=NOW)
    store.papers.add(digest(PREPRINT), source="arxiv", now=NOW)
    assert announce(store, BOTH) == 0
    [paper] = store.papers.in_window(EVER)
    assert paper.first_seen_at == NOW


def test_papers_of_one_volume_stay_apart(store: Store) -> None:
    volume = "10.1000/volume"
    announce(store, PaperRecord("Preface", doi=volume, authors=("Emmy Noether",)), PREPRINT)
    numbered = PaperRecord(PREPRINT.title, arxiv_id=PREPRINT.arxiv_id, doi=volume, authors=PREPRINT.authors)
    announce(store, numbered)
    assert {paper.title for paper in store.papers.in_window(EVER)} == {"Preface", PREPRINT.title}


def test_a_database_of_the_first_version_keeps_all_it_has(url: str) -> None:
    engine = open_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        empty = ", ".join(["''"] * 6)
        connection.exec_driver_sql(
            "INSERT INTO papers (key, id, title, abstract, url, arxiv_id, doi, repository, project_page, thumbnail,"
            " authors, categories, first_seen_at)"
            f" VALUES (7, 'title:x', 'Dunes', '', {empty}, '[]', '[]', '2026-11-23 06:00:00')"
        )
        connection.execute(sa.text("INSERT INTO paper_names (name, paper_key) VALUES ('title:x', 7)"))
    engine.dispose()
    Store.migrate(url)
    with Store(url) as store:
        [paper] = store.papers.in_window(EVER)
        assert (paper.key, paper.title, paper.announced) == (7, "Dunes", True)
        assert store.papers.keys(["title:x"]) == {"title:x": 7}


def test_an_answer_stands_beside_what_was_named_and_the_last_one_counts(store: Store) -> None:
    names = store.papers.keep([MINE, OTHER], now=NOW)
    store.subscribers.add(new_subscriber(), now=NOW)
    store.subscribers.like("ada@example.test", names[:1], now=NOW)
    store.subscribers.answer("ada@example.test", {names[1]: True}, now=NOW)
    store.subscribers.answer("ada@example.test", {names[1]: False}, now=LATER)
    store.subscribers.answer("ada@example.test", {names[1]: False}, now=LATER + timedelta(days=1))
    profile = store.subscribers.get("ada@example.test").profile
    assert profile.liked == tuple(names[:1])
    assert profile.answers == (Answer(names[1], False, LATER),)
    assert profile.rated == tuple(names)


def test_an_import_leaves_answers_alone(store: Store) -> None:
    names = store.papers.keep([MINE, OTHER], now=NOW)
    store.subscribers.add(new_subscriber(), now=NOW)
    store.subscribers.like("ada@example.test", names[:1], now=NOW)
    store.subscribers.answer("ada@example.test", {names[1]: True}, now=NOW)
    store.subscribers.replace([new_subscriber()], now=LATER)
    profile = store.subscribers.get("ada@example.test").profile
    assert (profile.liked, profile.answers) == ((), (Answer(names[1], True, NOW),))
