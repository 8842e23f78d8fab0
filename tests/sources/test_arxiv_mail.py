from __future__ import annotations

import base64
import re
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Announce, Digest
from newsletter.sources import arxiv_mail
from tests.sources.described import DATA, described, expected, mutated

INPUTS = ["listing.txt", "latin_1_without_headers.txt", "whole_mail.eml"]
RULE = "-" * 40
LISTING = (DATA / "listing.txt").read_bytes()


def parse(data: bytes) -> Digest:
    return arxiv_mail.parse(data, where="the mail")


@pytest.mark.parametrize("name", INPUTS)
def test_a_listing_gives_all_that_it_says(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert arxiv_mail.recognises(data)
    assert described(parse(data)) == expected(name)


@pytest.mark.parametrize("name", INPUTS[1:])
def test_the_way_a_listing_was_saved_does_not_matter(name: str) -> None:
    assert expected(name)["papers"] == expected("listing.txt")["papers"]


@pytest.mark.shared_data
def test_real_listings_are_read_whole(shared: Path) -> None:
    for path in sorted((shared / "data" / "arxiv" / "listing").iterdir()):
        data = path.read_bytes()
        text = data.decode("latin-1").replace("\xa0", " ")
        found = parse(data)
        assert arxiv_mail.recognises(data), path.name
        # Counted by other marks than those the parser goes by.
        assert len(found.records) == len(re.findall(r"^\\\\ \( https", text, re.MULTILINE)), path.name
        replaced = [record for record in found.records if record.announce.startswith("replace")]
        assert len(replaced) == text.count("replaced with revised version"), path.name
        crossed = [record for record in found.records if record.announce.endswith("cross")]
        assert len(crossed) == text.count("(*cross-listing*)"), path.name
        assert {record.arxiv_id for record in found.records} == set(re.findall(r"arxiv\.org/abs/([\d.]+) ,", text))
        assert sum(bool(record.doi) for record in found.records) == len(re.findall(r"^DOI:", text, re.MULTILINE))
        assert all(record.abstract for record in found.records if record not in replaced)
        assert all(record.authors and record.categories for record in found.records)
        assert found.day is not None


def record(title: str = "Dunes", number: str = "2608.10001", abstract: str = "They sing.") -> str:
    date = "Date: Tue, 18 Aug 2026 18:34:08 GMT"
    return f"\\\\\narXiv:{number}\n{date}\n\nTitle: {title}\nAuthors: A. Bee\n\\\\\n  {abstract}\n"


def test_an_abstract_keeps_every_line_whatever_it_begins_with() -> None:
    words = "arXiv:2401.00001\nis wrong.\n\nDate: never\n\\\\[2pt] Authors: none\n---\n\\\\ (see below)"
    (found,) = parse(f"{record(abstract=words)}\\\\ ( https://arxiv.org/abs/2608.10001 , 2kb)\n".encode()).records
    assert found.abstract.split() == f"{words}".split()


def test_an_abstract_that_begins_with_another_papers_id_is_no_record_of_its_own() -> None:
    found = parse(
        f"{record(abstract='')}arXiv:2401.00001\n  is wrong.\n\\\\ ( https://arxiv.org/abs/x , 2kb)\n".encode()
    )
    assert [(each.arxiv_id, each.abstract) for each in found.records] == [("2608.10001", "arXiv:2401.00001 is wrong.")]


def test_the_day_is_that_of_the_mail_and_else_the_one_on_which_the_listing_closed() -> None:
    closed = "received from  Tue 18 Aug 26 18:00:00 GMT  to  Wed 19 Aug 26 18:00:00 GMT\n"
    assert parse(f"Date: Thu, 20 Aug 2026 02:00:00 +0200\n\n{closed}{record()}".encode()).day == date(2026, 8, 20)
    assert parse(f"Date: soon\n\n{closed}{record()}".encode()).day == date(2026, 8, 19)
    assert parse(record().encode()).day is None


def test_a_mail_in_base64_or_inside_another_mail_is_read() -> None:
    inner = b"Subject: cs.CL daily\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(record().encode())
    outer = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\nContent-Type: message/rfc822\n\n"
    for data in (inner, outer + inner + b"\n--b--\n"):
        assert arxiv_mail.recognises(data)
        assert [each.title for each in parse(data).records] == ["Dunes"]


def test_a_record_without_a_title_does_not_cost_the_others() -> None:
    assert [each.title for each in parse(f"{record(title='')}{RULE}\n{record('Tides')}".encode()).records] == ["Tides"]


def test_papers_are_new_unless_the_listing_says_otherwise() -> None:
    assert parse(record().encode()).records[0].announce is Announce.NEW


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\\\\\narXiv:2608.10001", "PNG"),
        (b"<html><title>Log in</title></html>", 'titled "Log in"'),
        (b"On Ripples\n\nSee\n\\\\\nand arXiv:2608.10001.", "other text"),
        (b"\\\\\narXiv:2608.10001\n", "other text"),
        (b"\\\\\narXiv:not-an-id\nTitle: Dunes\n", "other text"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: bytes, what: str) -> None:
    with pytest.raises(NotADigestError, match="the mail") as caught:
        parse(data)
    assert what in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"\\\\\n" * 2_000_000,
        record().encode() + b"x\n" * 3_000_000,
        b"\\\\\narXiv:2608.10001\nTitle: x\n" + b" x\n" * 2_000_000,
        record().encode() + b"-" * 30 + b"\n" + (b"-" * 30 + b"\n") * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 1_000_000,
        b"Content-Type: text/plain" + b";a" * 5_000_000 + b"\n\n" + record().encode(),
        b"a:" + b"\n " * 5_000_000 + b"x",
        b"a: b\n" + b"c:\n  \t \t \t" * 5_000 + b"\n!\n\n",
        b"\\\\\narXiv:" + b"9" * 10_000_000,
        (record(abstract="$\\alpha_1^{x}$ " * 200)).encode() * 500,
    ],
    ids=range(10),
)
def test_a_hostile_text_takes_seconds_not_hours(data: bytes) -> None:
    began = time.process_time()
    try:
        parse(data)
    except SourceError:
        arxiv_mail.recognises(data)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("name", INPUTS)
def test_a_damaged_listing_gives_papers_or_an_error_and_the_same_twice(name: str) -> None:
    data = (DATA / name).read_bytes()
    for seed in range(150):
        again = [outcome(mutated(data, seed)) for _ in range(2)]
        assert again[0] == again[1]


@given(st.binary(max_size=300))
def test_any_bytes_give_papers_or_an_error(data: bytes) -> None:
    outcome(data)
    outcome(LISTING[:900] + data + LISTING[900:])


def outcome(data: bytes) -> Digest | str:
    arxiv_mail.recognises(data)
    try:
        return parse(data)
    except SourceError as error:
        return error.message
