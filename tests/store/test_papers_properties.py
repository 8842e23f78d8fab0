"""Whatever is announced, in whatever order and however often."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import PaperRecord
from newsletter.store import Store
from tests.store.rows import EVER, NOW, clear, digest, dump

TITLES = ("Introduction", "Ripples on the dunes of Mars move", "Waves", "…")
# Few of everything, so that names meet in every way; also some that a sane source would never give.
RECORDS = st.builds(
    PaperRecord,
    title=st.sampled_from(TITLES),
    abstract=st.sampled_from(["", "—", "Sand moves in the wind.", "Waves of water are not waves of sand at all."]),
    authors=st.lists(st.sampled_from(["Ada", "Kurt", "Emmy", "—"]), max_size=3, unique=True).map(tuple),
    url=st.sampled_from(["", "https://a.example", "https://b.example"]),
    arxiv_id=st.sampled_from(["", "", "2508.00001", "2508.00002"]),
    doi=st.sampled_from(["", "", "10.1000/x", "10.1000/y", "10.48550/arxiv.2508.00001"]),
    categories=st.lists(st.sampled_from(["cs.CL", "cs.LG"]), max_size=2, unique=True).map(tuple),
    upvotes=st.none() | st.integers(0, 3),
)
WORKS = tuple(
    PaperRecord(f"Work {n} on the dunes of Mars", authors=(author,), arxiv_id=f"2508.0000{n}", doi=f"10.1000/{n}")
    for n, author in enumerate(("Ada", "Kurt", "Emmy"))
)
# What a source may leave out: each record still carries the title, and so can be told from other works.
PARTIAL = st.builds(
    lambda work, author, number, doi: PaperRecord(
        work.title,
        authors=work.authors if author else (),
        arxiv_id=work.arxiv_id if number else "",
        doi=work.doi if doi else "",
    ),
    st.sampled_from(WORKS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
over_one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def add(store: Store, *records: PaperRecord) -> int:
    return store.papers.add(digest(*records), source="inbox", now=NOW)


@over_one_store
@given(records=st.lists(RECORDS, max_size=12))
def test_the_same_records_again_change_nothing(store: Store, records: list[PaperRecord]) -> None:
    clear(store)
    add(store, *records)
    before = dump(store)
    assert add(store, *records) == 0
    for record in reversed(records):
        assert add(store, record) == 0
    assert dump(store) == before


@over_one_store
@given(records=st.lists(RECORDS, max_size=12), cut=st.integers(0, 12))
def test_every_arxiv_id_is_one_paper_and_every_name_leads_somewhere(
    store: Store, records: list[PaperRecord], cut: int
) -> None:
    clear(store)
    new = add(store, *records[:cut]) + add(store, *records[cut:])
    papers = store.papers.in_window(EVER)
    numbers = [paper.arxiv_id for paper in papers if paper.arxiv_id]
    assert sorted(numbers) == sorted({record.arxiv_id for record in records if record.arxiv_id})
    assert new >= len(papers) == len({paper.id for paper in papers})  # more, where two turned out to be one
    assert store.papers.keys(paper.id for paper in papers) == {paper.id: paper.key for paper in papers}


@over_one_store
@given(records=st.lists(PARTIAL, max_size=12), cut=st.integers(0, 12))
def test_records_that_can_be_told_apart_give_one_paper_a_work_in_any_order(
    store: Store, records: list[PaperRecord], cut: int
) -> None:
    clear(store)
    add(store, *records[:cut])
    add(store, *records[cut:], *records[:cut])
    papers = store.papers.in_window(EVER)
    assert sorted(paper.title for paper in papers) == sorted({record.title for record in records})
    for paper in papers:
        mine = [record for record in records if record.title == paper.title]
        assert paper.arxiv_id == max(record.arxiv_id for record in mine)
        assert paper.doi == max(record.doi for record in mine)
        assert paper.authors == max(record.authors for record in mine)


@over_one_store
@given(records=st.lists(RECORDS, max_size=12))
def test_looking_tells_as_many_as_keeping_keeps(store: Store, records: list[PaperRecord]) -> None:
    clear(store)
    looked = store.papers.add(digest(*records), source="inbox", now=NOW, keep=False)
    assert store.papers.count() == 0
    assert looked == add(store, *records)
