from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Fetching
from newsletter.errors import FetchError, NotADigestError, SourceError
from newsletter.model import Announce, Digest
from newsletter.sources import arxiv_taxonomy, oai_pages
from newsletter.sources.arxiv_oai import OaiSource
from newsletter.sources.source import Source
from tests.sources.described import DATA, described, expected, mutated
from tests.sources.replies import Clock, Reply, answering

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
LIMITS = Fetching(timeout=60, allow_private=True)
INPUTS = ["oai_dc.xml", "oai_arxiv.xml", "oai_arxiv_raw.xml", "oai_other_repository.xml"]


def parse(data: bytes | str) -> Digest:
    return oai_pages.parse(data.encode() if isinstance(data, str) else data, where="the answer")


def record(number: str, *, categories: str = "cs.CL", title: str = "Dunes") -> str:
    return f"""<record><header><identifier>oai:arXiv.org:{number}</identifier><datestamp>2026-08-19</datestamp></header>
      <metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{number}</id><created>2026-08-18</created>
      <title>{title} {number}</title><categories>{categories}</categories><abstract>Sand.</abstract></arXiv></metadata>
      </record>"""


def answer(*records: str, token: str = "") -> str:
    more = f"<resumptionToken>{token}</resumptionToken>" if token else "<resumptionToken/>"
    return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{"".join(records)}{more}</ListRecords></OAI-PMH>'


def error(code: str, text: str = "") -> str:
    return f'<OAI-PMH><responseDate>x</responseDate><error code="{code}">{text}</error></OAI-PMH>'


# One response -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
def test_a_response_gives_all_that_it_says(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert oai_pages.recognises(data)
    assert described(parse(data)) == expected(name)


def test_a_visit_tells_what_only_changed_and_a_chosen_document_is_taken_whole() -> None:
    data = (DATA / "oai_dc.xml").read_bytes()
    page = oai_pages.read(data, where="the answer")
    assert Announce.REPLACE in {each.announce for each in page.records}
    assert {each.announce for each in parse(data).records} == {Announce.NEW}


@pytest.mark.shared_data
def test_a_real_response_is_read_whole(shared: Path) -> None:
    data = (shared / "data" / "arxiv" / "oai_dc.xml").read_bytes()
    found = parse(data)
    assert len(found.records) == data.count(b"<dc:title>") == 897
    assert len({one.arxiv_id for one in found.records}) == 897
    # A name that stands twice in one list (two people called Wei Wang) is given once.
    creators = [set(re.findall(rb"<dc:creator>([^<]*)", part)) for part in data.split(b"<record>")[1:]]
    assert [len(one.authors) for one in found.records] == [len(names) for names in creators]
    assert sum(bool(one.doi) for one in found.records) == data.count(b"<dc:identifier>doi:")
    assert all(one.abstract and one.categories and one.published_at for one in found.records)
    assert not any(one.abstract.startswith("Comment:") for one in found.records)
    assert {name for one in found.records for name in one.categories} <= arxiv_taxonomy.categories()
    assert (found.title, found.day) == ("arXiv", date(2014, 12, 25))


def test_the_taxonomy_has_every_category_of_arxiv() -> None:
    assert len([name for name in arxiv_taxonomy.categories() if "." in name]) == 146
    assert len(arxiv_taxonomy.categories()) == 146 + 20
    for name, category in (
        ("Quantitative Biology - Neurons and Cognition", "q-bio.NC"),
        ("high energy physics -  Theory", "hep-th"),
        ("Computer Science - Computational Engineering, Finance, and Science", "cs.CE"),
        ("Statistics - Machine Learning", "stat.ML"),
        ("Electrical Engineering and Systems Science - Systems and Control", "eess.SY"),
        ("Condensed Matter - Other Condensed Matter", "cond-mat.other"),
        ("11N05 (Primary)", ""),
    ):
        assert arxiv_taxonomy.category(name) == category


def test_no_records_are_a_day_without_papers() -> None:
    assert parse(error("noRecordsMatch", "nothing")).records == ()
    assert parse(answer()).records == ()


@pytest.mark.parametrize(("code", "permanent"), [("badArgument", True), ("badResumptionToken", False)])
def test_an_error_of_the_repository_is_one_with_its_words(code: str, permanent: bool) -> None:
    with pytest.raises(SourceError, match=f"{code}: the from argument") as caught:
        parse(error(code, "the from\n argument"))
    assert caught.value.permanent is permanent


def test_characters_and_entities_that_xml_does_not_know_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        (found,) = parse(
            answer(record("2608.10001", title="R&D \x0c of&nbsp;caf&eacute;s &#1;&lt; \x08")).encode()
        ).records
    assert found.title == "R&D of cafés < 2608.10001"
    assert "repaired" in caplog.text


def test_one_record_in_an_unknown_format_does_not_cost_the_others() -> None:
    odd = "<record><header/><metadata><marc><title>x</title></marc></metadata></record>"
    assert len(parse(answer(record("2608.10001"), odd)).records) == 1
    with pytest.raises(NotADigestError, match="'marc'"):
        parse(answer(odd))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"plain words", "text of another kind"),
        (b"<html><title>Down for maintenance</title><br></html>", 'titled "Down for maintenance"'),
        (b"<rss><channel/></rss>", "<rss>"),
        (b"<OAI-PMH><Identify/></OAI-PMH>", "another question"),
        (answer(record("2608.10001"))[:-30].encode(), "broken"),
        (b'<?xml version="1.0" encoding="punycode"?><OAI-PMH>', "broken"),
        (b"\x00\x01\x02", "binary"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: bytes, what: str) -> None:
    with pytest.raises(NotADigestError, match="the answer") as caught:
        parse(data)
    assert what in caught.value.message
    assert caught.value.hint


# Hostile XML --------------------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(12))
_BOMBS = {
    "billion laughs": f"<!DOCTYPE OAI-PMH [{_LAUGHS}]>" + answer(record("2608.10001", title="&l11;")),
    "quadratic": f'<!DOCTYPE OAI-PMH [<!ENTITY a "{"x" * 60_000}">]>'
    + answer(record("2608.10001", title="&a;" * 60_000)),
    "external entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + answer(record("1", title="&a;")),
    "external dtd": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + answer(record("2608.10001")),
    "parameter entity": '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + answer(record("2608.10001")),
    "depth": "<OAI-PMH><ListRecords>" + "<record>" * 1_000_000,
    "elements": "<OAI-PMH><ListRecords>" + "<a/>" * 4_000_000 + "</ListRecords></OAI-PMH>",
    "prologue": "<!-- x -->" * 2_000_000 + answer(),
    "late dtd": "<!-- x -->" * 3_000 + f"<!DOCTYPE x [{_LAUGHS}]>" + answer(record("1", title="&l11;")),
}


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
from newsletter.errors import NotADigestError
from newsletter.sources import oai_pages
try:
    oai_pages.parse(sys.stdin.buffer.read(), where="the answer")
except NotADigestError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize("name", _BOMBS)
def test_a_bomb_is_refused_in_little_time_and_memory(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED], input=_BOMBS[name].encode(), capture_output=True, check=False
    )
    assert done.stdout.startswith(b"the answer is XML that is refused"), done.stderr[-500:]


@pytest.mark.parametrize(
    "data",
    [
        answer(record("2608.10001", title="x" * 15_000_000)),
        answer(record("2608.10001", title="$\\alpha_1^{x}$ " * 200_000)),
        answer(*(record(f"2608.{i:05}", title="$\\alpha_1^{x}$ " * 40) for i in range(2_000))),
        f'<OAI-PMH a="{"x" * 15_000_000}"><ListRecords/></OAI-PMH>',
        '<OAI-PMH a="' + "&" * 5_000_000,
        "<OAI-PMH>" + "&lt;" * 3_000_000,
    ],
    ids=range(6),
)
def test_a_large_document_takes_seconds_not_hours(data: str) -> None:
    began = time.process_time()
    outcome(data.encode())
    assert time.process_time() - began < 10


@pytest.mark.parametrize("name", INPUTS)
def test_a_damaged_response_gives_papers_or_an_error_and_the_same_twice(name: str) -> None:
    data = (DATA / name).read_bytes()
    for seed in range(150):
        again = [outcome(mutated(data, seed)) for _ in range(2)]
        assert again[0] == again[1]


@given(st.binary(max_size=300))
def test_any_bytes_give_papers_or_an_error(data: bytes) -> None:
    outcome(data)
    outcome(answer(record("2608.10001")).encode().replace(b"Sand.", data))


def outcome(data: bytes) -> Digest | str:
    oai_pages.recognises(data)
    try:
        return parse(data)
    except SourceError as found:
        return found.message


# A repository -------------------------------------------------------------------------------------------------------


def test_the_tokens_are_followed_to_the_end_three_seconds_apart() -> None:
    clock = Clock()
    pages = [
        answer(record("2608.10001"), record("2608.10002"), token="one & two"),
        answer(record("2608.10002"), record("2608.10003", categories="math.AG cs.CL"), token="three"),
        answer(record("2608.10004", categories="math.AG")),
    ]
    with answering(*(page.replace("one & two", "one &amp; two") for page in pages)) as server:
        source: Source = OaiSource(
            "arxiv",
            server.url,
            limits=LIMITS,
            sleep=clock.sleep,
            clock=clock,
            days=2,
            set_spec="cs",
            categories=["cs.CL"],
        )
        found = source.pull(NOW)
    assert [one.arxiv_id for one in found.records] == ["2608.10001", "2608.10002", "2608.10003"]
    assert (source.name, found.title, found.day) == ("arxiv", "arXiv", date(2026, 8, 19))
    assert clock.waits == [3, 3]
    assert server.queries == [
        {"verb": "ListRecords", "metadataPrefix": "arXiv", "set": "cs", "from": "2026-08-18"},
        {"verb": "ListRecords", "resumptionToken": "one & two"},
        {"verb": "ListRecords", "resumptionToken": "three"},
    ]


@pytest.mark.parametrize("seconds", [25, 240], ids=["within a fetch", "longer than one"])
def test_a_busy_repository_is_asked_again_when_it_says(seconds: int) -> None:
    clock = Clock()
    busy = Reply("Come back later", status=503, headers={"Retry-After": str(seconds)})
    with answering(busy, answer(record("2608.10001"), token="a"), busy, answer(record("2608.10002"))) as server:
        found = OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock).pull(NOW)
    assert len(found.records) == 2
    assert clock() == 3 + 2 * seconds


def test_a_repository_that_stays_busy_is_left_in_time() -> None:
    for seconds in ("7200", "100", "0"):
        clock = Clock()
        with (
            answering(Reply("Later", status=503, headers={"Retry-After": seconds})) as server,
            pytest.raises(FetchError) as caught,
        ):
            OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock).pull(NOW)
        assert not caught.value.permanent
        assert clock() <= 900
        assert len(server.queries) <= 9


def test_a_repository_that_leads_in_a_circle_is_an_error() -> None:
    clock = Clock()
    with (
        answering(
            answer(record("2608.10001"), token="a"),
            answer(record("2608.10002"), token="b"),
            answer(record("2608.10003"), token="a"),
        ) as server,
        pytest.raises(SourceError, match="leads back"),
    ):
        OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock).pull(NOW)
    assert len(server.queries) == 3


def test_a_repository_without_end_is_left_after_so_many_pages_and_so_much_time() -> None:
    pages = [answer(record("2608.10001"), token=f"t{i}") for i in range(30)]
    clock = Clock()
    with answering(*pages) as server, pytest.raises(SourceError, match="more than 5 pages"):
        OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock, most_pages=5).pull(NOW)
    with answering(*pages) as server, pytest.raises(FetchError, match="20 seconds") as caught:
        OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock, longest=20).pull(NOW)
    assert len(server.queries) == 8
    assert not caught.value.permanent


@pytest.mark.parametrize(
    "end",
    [
        Reply(answer(record("2608.10002"))[:-80]),
        Reply(answer(record("2608.10002")), length=100_000),
        Reply("down", status=500),
        Reply(error("badResumptionToken", "expired")),
        Reply("<html><title>Down</title></html>"),
    ],
    ids=["cut XML", "cut body", "status", "expired token", "web page"],
)
def test_a_listing_that_breaks_off_in_the_middle_gives_nothing_but_an_error(end: Reply) -> None:
    clock = Clock()
    with answering(answer(record("2608.10001"), token="a"), end) as server, pytest.raises(SourceError):
        OaiSource("arxiv", server.url, limits=LIMITS, sleep=clock.sleep, clock=clock).pull(NOW)
    assert clock() < 900


def test_an_address_with_a_query_of_its_own_keeps_it() -> None:
    clock = Clock()
    with answering(error("noRecordsMatch")) as server:
        found = OaiSource(
            "x", f"{server.url}?key=1", limits=LIMITS, sleep=clock.sleep, clock=clock, prefix="oai_dc"
        ).pull(NOW)
    assert found.records == ()
    assert server.queries == [{"key": "1", "verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-08-17"}]
