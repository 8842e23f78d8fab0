from __future__ import annotations

import time
from datetime import date

import pytest

from newsletter.config import SourceKind
from newsletter.errors import NotADigestError
from newsletter.model import Digest
from newsletter.sources.formats import FORMATS, parse

DIGEST = (
    b"On Ripples\n\nSand ripples move with the wind and against it. We film a dune for forty days and find that the "
    b"smallest ripples travel upwind.\n"
)
JSON = b'\n [{"paper": {"id": "2508.10001", "title": "Dunes", "summary": "They sing."}}]'
RSS = b"""\xef\xbb\xbf<?xml version="1.0"?><!-- made by hand --><?xml-stylesheet href="x.xsl"?>
<rss version="2.0"><channel><title>t</title><item><title>Dunes</title></item></channel></rss>"""
MARKDOWN = b"[On Ripples](https://arxiv.org/abs/2508.10001)\n\n" + DIGEST.split(b"\n\n")[1]


def auto(data: bytes, where: str = "some-source") -> Digest:
    return parse(data, kind=SourceKind.AUTO, where=where, today=date(2026, 11, 23))


def test_every_kind_that_is_a_document_of_papers_has_a_format() -> None:
    assert set(FORMATS) == set(SourceKind) - {SourceKind.AUTO, SourceKind.OPML, SourceKind.ARXIV_API}


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (DIGEST, "On Ripples"),
        (JSON, "Dunes"),
        (RSS, "Dunes"),
        (RSS.decode("utf-8-sig").encode("utf-16"), "Dunes"),
        (MARKDOWN, "On Ripples"),
    ],
)
def test_the_format_is_known_from_the_bytes(data: bytes, title: str) -> None:
    assert [record.title for record in auto(data).records] == [title]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"<html><title>Log in</title></html>", 'an HTML page, titled "Log in"'),
        (b"%PDF-1.7", "a PDF document"),
        (b'{"x": 1}', "JSON of another form"),
        (b"x = 1\nprint(x)\n", "program source"),
        (b"<rss><channel>", "broken feed"),
    ],
)
def test_a_document_in_no_format_is_refused_with_what_was_looked_for(data: bytes, what: str) -> None:
    with pytest.raises(NotADigestError) as caught:
        auto(data)
    assert caught.value.message.startswith("some-source ")
    assert what in caught.value.message
    assert all(each.name in caught.value.message for each in FORMATS.values())
    assert caught.value.hint


def test_a_list_of_feeds_is_known_as_one() -> None:
    with pytest.raises(NotADigestError, match="a list of feeds") as caught:
        auto(b"<opml version='2.0'><body/></opml>")
    assert "opml" in caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype " + b" " * 20_000 + b"x",
        b"<!doctype x [" + b"[" * 20_000,
        b"<!--" * 5_000,
        b"<?x?>" * 5_000,
        b"aa bb\n" * 3_000_000,
        b"aa bb\r" * 3_000_000,
        b"[" * 20_000_000,
        b"[" + b"{}," * 6_000_000 + b"{}]",
    ],
    ids=["blanks", "brackets", "comments", "instructions", "lines", "old lines", "deep", "objects"],
)
def test_no_document_is_long_to_tell(data: bytes) -> None:
    began = time.process_time()
    with pytest.raises(NotADigestError):
        auto(data)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"@article{a, title = {Dunes}, author = {Mar", "end of file"),
        (b'<rss version="2.0"><channel><title>t', "broken feed"),
        (b'{"results": [{"title": "Dunes", "abstract": "They s', "JSON that is broken"),
        (b'[{"a": 1}]', "needed is one JSON object a line"),
        (b"\x1f\x8b" + bytes(30), "unpack it"),
        (b"<html><head><title>503</title></head></html>", "the address of its feed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(NotADigestError) as refused:
        auto(data)
    assert said in f"{refused.value} {refused.value.hint}"
    assert refused.value.hint
