"""Lists of ids: what is one, and the papers behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Fetching, Lookup
from newsletter.errors import FetchError, SourceError
from newsletter.sources.lookup import LookupSource, listed
from tests.sources.replies import Clock, Reply, answering

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LIMITS = Fetching(allow_private=True, per_host_interval=0, tries=1)
EMPTY = '<feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title></feed>'


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2508.10433\n", ("arxiv:2508.10433",)),
        ("# mine\n\narXiv:2508.10433v2,\r\nhttps://arxiv.org/pdf/2508.10433\n", ("arxiv:2508.10433",)),
        ("math.GT/0309136 \n10.1000/A.b\ndoi: 10.1000/c\n", ("arxiv:math/0309136", "doi:10.1000/a.b", "doi:10.1000/c")),
        ("https://doi.org/10.1000/x\n", ("doi:10.1000/x",)),
        ("", ()),
        ("# only a remark\n", ()),
        ("2508.10433\nDunes move against the wind\n", ()),
        ("@article{one, doi = {10.1000/x}}", ()),
        ("Dunes, see arXiv:2508.10433", ()),
    ],
)
def test_a_list_holds_nothing_but_ids(text: str, names: tuple[str, ...]) -> None:
    assert listed(text.encode()) == names


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_a_list_or_none(data: bytes) -> None:
    assert all(name.startswith(("arxiv:", "doi:")) for name in listed(data))


def test_long_lists_are_asked_for_in_parts() -> None:
    ids = [f"arxiv:2508.{number:05d}" for number in range(1, 121)]
    clock = Clock()
    entry = "<entry><id>http://arxiv.org/abs/2508.00007v1</id><title>Dunes</title></entry></feed>"
    with answering(Reply(EMPTY.replace("</feed>", entry))) as server:
        at = Lookup(arxiv=server.url, crossref=server.url)
        source = LookupSource("ids", ids, at=at, limits=LIMITS, sleep=clock.sleep, clock=clock)
        assert {record.arxiv_id for record in source.pull(NOW).records} == {"2508.00007"}
        assert [query["id_list"].count(",") + 1 for query in server.queries] == [50, 50, 20]


def test_ids_of_which_none_is_known_are_an_error_that_names_them() -> None:
    with answering(Reply(EMPTY)) as server:
        source = LookupSource("ids", ["arxiv:2508.99999"], at=Lookup(arxiv=server.url), limits=LIMITS)
        with pytest.raises(FetchError, match=r"1 of 1 papers were not found \(arxiv:2508\.99999\)"):
            source.pull(NOW)


def test_a_service_that_is_down_is_a_source_error() -> None:
    with answering(Reply(status=500)) as server:
        source = LookupSource("ids", ["doi:10.1000/x"], at=Lookup(crossref=server.url), limits=LIMITS)
        with pytest.raises(SourceError):
            source.pull(NOW)
