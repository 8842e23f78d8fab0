"""One row a work, whatever sources announced it, under every name it goes by."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest

from newsletter.identity import title_fingerprint
from newsletter.model import Announcement, Paper, PaperRecord, Window
from newsletter.store import Store
from tests.store.rows import DAY, EVER, NOW, digest, dump, sketch

TITLE = "Ripples on the dunes of Mars move"
RECORD = PaperRecord(
    TITLE,
    abstract="Sand ripples move with the wind and against it.",
    authors=("Ada Lovelace", "Kurt Gödel"),
    url="https://arxiv.org/abs/2508.10433",
    arxiv_id="2508.10433",
    doi="10.1000/ripples",
    categories=("physics.geo-ph",),
    published_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
    upvotes=3,
    repository="https://github.example/ripples",
    project_page="https://ripples.example",
    thumbnail="https://ripples.example/1.png",
)
DAY_LONG = timedelta(days=1)
BY_TITLE = f"title:{title_fingerprint(TITLE)}"


def add(store: Store, *records: PaperRecord, source: str = "inbox", now: datetime = NOW) -> int:
    return store.papers.add(digest(*records), source=source, now=now)


def kept(store: Store) -> list[Paper]:
    return store.papers.in_window(EVER)


def test_a_paper_comes_back_as_it_was_announced(store: Store) -> None:
    assert add(store, RECORD) == 1
    [paper] = kept(store)
    for field in dataclasses.fields(PaperRecord):
        if field.name != "announce":
            assert getattr(paper, field.name) == getattr(RECORD, field.name), field.name
    assert (paper.id, paper.first_seen_at) == ("arxiv:2508.10433", NOW)
    assert paper.announcements == (Announcement("inbox", "Dunes daily", date(2026, 11, 23), NOW),)


def test_versions_and_cross_lists_are_one_paper(store: Store) -> None:
    cross_listed = dataclasses.replace(RECORD, title="Ripples, revised", categories=("physics.geo-ph", "astro-ph.EP"))
    assert add(store, RECORD, cross_listed) == 1
    assert kept(store)[0].categories == ("physics.geo-ph", "astro-ph.EP")


def test_records_of_one_doi_are_one_paper_whatever_their_titles(store: Store) -> None:
    assert add(store, PaperRecord("Ripples", doi="10.1000/x"), PaperRecord("Riffeln", doi="10.1000/x")) == 1


def test_the_doi_of_a_whole_volume_does_not_make_its_papers_one(store: Store) -> None:
    volume = "10.1000/volume"
    assert add(store, *(PaperRecord(f"Paper {n}", arxiv_id=f"2508.0000{n}", doi=volume) for n in (1, 2))) == 2


def test_records_of_one_title_are_one_paper(store: Store) -> None:
    assert add(store, PaperRecord(TITLE), PaperRecord(TITLE.upper() + "!"), PaperRecord(rf"\emph{{{TITLE}}}")) == 1


def test_one_title_under_two_arxiv_ids_is_two_papers(store: Store) -> None:
    one, other = (PaperRecord(TITLE, arxiv_id=f"2508.0000{number}") for number in (1, 2))
    assert add(store, one, other) == 2
    assert add(store, other, one, source="elsewhere") == 0
    assert {paper.id for paper in kept(store)} == {"arxiv:2508.00001", "arxiv:2508.00002"}


def test_a_short_title_of_different_authors_is_two_papers_that_both_can_be_named(store: Store) -> None:
    ada, kurt = PaperRecord("Introduction", authors=("Ada",)), PaperRecord("Introduction", authors=("Kurt",))
    assert add(store, ada, kurt) == 2
    assert add(store, kurt, ada) == 0
    papers = kept(store)
    assert store.papers.keys(paper.id for paper in papers) == {paper.id: paper.key for paper in papers}


def test_a_name_that_several_go_by_is_that_of_the_paper_whose_id_it_is(store: Store) -> None:
    add(store, PaperRecord("Another title to begin with", arxiv_id="2508.00001"))
    add(store, PaperRecord(TITLE))
    add(store, PaperRecord(TITLE, arxiv_id="2508.00001"))
    [_, by_title] = kept(store)
    assert store.papers.keys([BY_TITLE]) == {BY_TITLE: by_title.key}


def test_a_later_record_with_an_id_makes_the_id_better_and_the_old_ones_still_lead_there(store: Store) -> None:
    ids = []
    for record in (PaperRecord(TITLE), PaperRecord(TITLE, doi="10.1000/x"), PaperRecord(TITLE, arxiv_id="2508.00001")):
        add(store, record)
        [paper] = kept(store)
        ids.append(paper.id)
    assert ids == [BY_TITLE, "doi:10.1000/x", "arxiv:2508.00001"]
    assert store.papers.keys([*ids, "arxiv:2508.99999"]) == dict.fromkeys(ids, paper.key)
    assert (paper.arxiv_id, paper.doi) == ("2508.00001", "10.1000/x")


def test_each_field_is_taken_from_the_record_that_says_most(store: Store) -> None:
    poor = PaperRecord(TITLE, "Sand.", ("A. Lovelace",), "https://dunes.example/1", categories=("astro-ph.EP",),
                       published_at=datetime(2026, 11, 19, tzinfo=UTC), upvotes=9)  # fmt: skip
    add(store, poor)
    add(store, RECORD)
    [paper] = kept(store)
    assert paper.abstract == RECORD.abstract
    assert paper.authors == RECORD.authors
    assert paper.categories == ("astro-ph.EP", "physics.geo-ph")
    assert paper.url == RECORD.url  # where the id comes from, the link does
    assert (paper.published_at, paper.upvotes) == (poor.published_at, 9)
    assert (paper.repository, paper.project_page, paper.thumbnail) == (
        RECORD.repository,
        RECORD.project_page,
        RECORD.thumbnail,
    )


def test_what_a_poorer_record_says_takes_nothing_away(store: Store) -> None:
    add(store, RECORD)
    [before] = kept(store)
    add(store, PaperRecord(TITLE), PaperRecord("", arxiv_id="2508.10433"), PaperRecord("Other", doi="10.1000/ripples"))
    assert kept(store) == [before]


def test_every_source_is_remembered_with_the_day_it_was_first_seen_there(store: Store) -> None:
    later = NOW + timedelta(days=1)
    add(store, RECORD, source="feed")
    store.papers.add(digest(RECORD, title="Feed of dunes", day=None), source="a mail", now=later)
    add(store, RECORD, source="feed", now=later)
    [paper] = kept(store)
    assert paper.first_seen_at == NOW
    assert paper.announcements == (
        Announcement("feed", "Dunes daily", date(2026, 11, 23), NOW),
        Announcement("a mail", "Feed of dunes", None, later),
    )


def test_the_same_digest_again_changes_nothing(store: Store) -> None:
    records = [
        RECORD,
        PaperRecord(TITLE, "A shorter one.", ("Ada Lovelace",), arxiv_id="2508.10433", upvotes=4),
        PaperRecord("Introduction", "Of sand.", authors=("Ada",)),
        PaperRecord("Introduction", "Of wind and of nothing else.", authors=("Kurt",)),
        PaperRecord("Introduction", "Of both of them.", authors=("Ada", "Kurt")),
        PaperRecord("Without an id"),
        PaperRecord("…"),
    ]
    assert add(store, *records) == 4
    before = dump(store)
    assert add(store, *records, now=NOW + timedelta(days=1)) == 0
    assert add(store, *reversed(records), now=NOW + timedelta(days=2)) == 0
    assert dump(store) == before


@pytest.mark.parametrize("alert_first", [True, False])
def test_what_another_source_says_whole_comes_before_what_an_alert_cuts(alert_first: bool, store: Store) -> None:
    piece = "… of the ripples that we measured on the dunes of Mars in forty days and found to travel upwind …"
    alert = PaperRecord("Ripples on the dunes of …", piece, ("A Lovelace", "K Gödel"), arxiv_id="2508.10433")
    whole = dataclasses.replace(RECORD, abstract="Sand ripples move.")
    for record in (alert, whole) if alert_first else (whole, alert):
        add(store, record)
    (paper,) = kept(store)
    assert (paper.title, paper.abstract, paper.authors) == (TITLE, "Sand ripples move.", RECORD.authors)


def test_a_piece_of_an_abstract_is_better_than_none(store: Store) -> None:
    add(store, dataclasses.replace(RECORD, abstract=""))
    add(store, dataclasses.replace(RECORD, abstract="Sand ripples …"))
    assert kept(store)[0].abstract == "Sand ripples …"


def test_a_record_without_an_id_or_a_letter_is_left_out(store: Store) -> None:
    assert add(store, PaperRecord("…", abstract="Text."), PaperRecord("")) == 0
    assert kept(store) == []


def test_an_empty_digest_is_no_trouble(store: Store) -> None:
    assert add(store) == 0
    assert store.papers.add(digest(), source="inbox", now=NOW, keep=False) == 0


@pytest.mark.parametrize("count", [1, 1100])
def test_looking_tells_how_many_are_new_and_keeps_nothing(count: int, store: Store) -> None:
    records = [PaperRecord(f"Paper {n}", arxiv_id=f"2508.{n:05}") for n in range(count)] * 2
    add(store, PaperRecord("Known already", arxiv_id="2509.00001"))
    before = dump(store)
    known = PaperRecord("Known already", "now with an abstract", arxiv_id="2509.00001")
    assert store.papers.add(digest(known, *records), source="inbox", now=NOW, keep=False) == count
    assert dump(store) == before


def test_a_digest_of_any_size_is_kept_and_found(store: Store) -> None:
    assert add(store, *(PaperRecord(f"Paper {n}", arxiv_id=f"2508.{n:05}") for n in range(1100))) == 1100
    found = store.papers.keys(f"arxiv:2508.{n:05}" for n in range(2000))
    assert len(found) == 1100
    assert len(store.papers.by_key(found.values())) == 1100
    assert store.papers.count() == len(kept(store)) == 1100


def test_a_window_begins_at_its_start_and_ends_before_its_end(store: Store) -> None:
    for hour in range(4):
        add(store, PaperRecord(f"Paper of {hour} o'clock"), now=NOW + timedelta(hours=hour))
    window = Window(NOW + timedelta(hours=1), NOW + timedelta(hours=3))
    assert [paper.title for paper in store.papers.in_window(window)] == ["Paper of 1 o'clock", "Paper of 2 o'clock"]
    assert store.papers.count(window) == 2
    assert [paper.title for paper in store.papers.recent(2, before=window.end)] == [
        "Paper of 2 o'clock",
        "Paper of 1 o'clock",
    ]


def test_papers_that_are_kept_after_an_issue_was_opened_are_in_the_next_one(store: Store) -> None:
    """A sender may open the issue while an ingest, which looked at the clock before, has still to keep its papers."""
    store.issues.open(dataclasses.replace(sketch(), window=Window(NOW - DAY_LONG, NOW)), now=NOW)
    add(store, RECORD, now=NOW - timedelta(minutes=5))
    assert store.papers.in_window(Window(NOW - DAY_LONG, NOW)) == []
    (paper,) = store.papers.in_window(Window(NOW, NOW + DAY_LONG))
    assert paper.first_seen_at == NOW


def test_whoever_opens_an_issue_while_papers_are_added_loses_none(store: Store, url: str) -> None:
    together = Barrier(3, timeout=20)
    records = [dataclasses.replace(RECORD, title=f"Dune {n}", arxiv_id=f"2508.1{n:04}", doi="") for n in range(60)]

    def keep(few: list[PaperRecord]) -> None:
        with Store(url) as mine:
            together.wait()
            for number, record in enumerate(few):
                add(mine, record, now=NOW + timedelta(seconds=number))

    def open_issues() -> list[Window]:
        windows, start = [], NOW - DAY_LONG
        with Store(url) as mine:
            together.wait()
            for number in range(20):
                window = Window(start, NOW + timedelta(seconds=2 * number))
                mine.issues.open(dataclasses.replace(sketch(DAY + number * DAY_LONG), window=window), now=NOW)
                mine_now.append(len(mine.papers.in_window(window)))
                windows.append(window)
                start = window.end
        return windows

    mine_now: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        halves = [pool.submit(keep, records[::2]), pool.submit(keep, records[1::2])]
        windows = pool.submit(open_issues).result()
        for half in halves:
            half.result()
    assert [len(store.papers.in_window(window)) for window in windows] == mine_now
    rest = store.papers.in_window(Window(windows[-1].end, NOW + DAY_LONG))
    assert sum(mine_now) + len(rest) == 60


def test_threads_that_add_the_same_digest_at_once_keep_each_paper_once(store: Store) -> None:
    together = Barrier(4, timeout=20)
    records = [PaperRecord(f"Paper {n} on dunes and on sand", arxiv_id=f"2508.{n:05}") for n in range(50)]
    nameless = [PaperRecord(record.title, authors=("Ada",)) for record in records]

    def ingest(number: int) -> int:
        together.wait()
        return add(store, *(records if number % 2 else nameless), source=f"source {number}")

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(ingest, range(4)))
    assert sum(new) == 50
    assert all(len(paper.announcements) == 4 for paper in kept(store))


def test_a_name_that_no_database_takes_is_nobodys(store: Store) -> None:
    add(store, PaperRecord("Dunes", arxiv_id="2508.00001"))
    assert store.papers.keys(["arxiv:2508.00001", "arxiv:\x00"]).keys() == {"arxiv:2508.00001"}
