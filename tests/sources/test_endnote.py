from __future__ import annotations

import time
from contextlib import suppress

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import PaperRecord
from newsletter.sources import endnote, endnote_xml


def tagged(*lines: str) -> PaperRecord:
    (found,) = endnote.parse("\n".join(("%0 Journal Article", *lines)).encode(), where="refs.enw").records
    return found


def xml(inside: str) -> bytes:
    return f"<xml><records><record><titles><title>Dunes</title></titles>{inside}</record></records></xml>".encode()


def test_authors_stand_one_a_line_or_together() -> None:
    assert tagged("%T Dunes", "%A Bee, Anna", "%A Wood, D.").authors == ("Anna Bee", "D. Wood")
    assert tagged("%T Dunes", "%A 张明远;李四").authors == ("张明远", "李四")


def test_a_line_without_a_tag_goes_on_with_the_one_above() -> None:
    found = tagged("%T Dunes", "that sing", "%X They sing.", "", "100% of them do.", "%Y ignored")
    assert (found.title, found.abstract) == ("Dunes that sing", "They sing. 100% of them do.")


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["%D 2026", "%8 May 3"], "2026-05-03"),
        (["%D 2026", "%8 2026/05/03"], "2026-05-03"),
        (["%D 2026", "%8 spring"], "2026-01-01"),
        (["%D 2026"], "2026-01-01"),
        (["%8 May 3"], ""),
    ],
)
def test_the_date_is_made_of_year_and_day(lines: list[str], day: str) -> None:
    published = tagged("%T Dunes", *lines).published_at
    assert (published.date().isoformat() if published else "") == day


def test_a_number_is_an_arxiv_id_only_where_it_says_so() -> None:
    assert tagged("%T Dunes", "%N 2508.10001", "%M 2508.10001").arxiv_id == ""
    assert tagged("%T Dunes", "%J arXiv preprint arXiv:2508.10001").arxiv_id == "2508.10001"
    assert endnote_xml.parse(xml("<number>2508.10001</number>"), where="x").records[0].arxiv_id == ""
    full = xml("<periodical><full-title>arXiv preprint arXiv:2508.10001</full-title></periodical>")
    assert endnote_xml.parse(full, where="x").records[0].arxiv_id == "2508.10001"


def test_files_on_the_readers_own_machine_are_no_links() -> None:
    urls = "<urls><pdf-urls><url>internal-pdf://1/a.pdf</url></pdf-urls><related-urls><url>file:///home/ada</url></related-urls></urls>"
    assert endnote_xml.parse(xml(urls), where="x").records[0].url == ""


def test_an_entity_of_ones_own_is_refused() -> None:
    bomb = b'<!DOCTYPE xml [<!ENTITY a "dunes"><!ENTITY b "&a;&a;">]>' + xml("<abstract>&b;</abstract>")
    with pytest.raises(NotADigestError, match=r"refs\.xml is XML that is refused"):
        endnote_xml.parse(bomb, where="refs.xml")


def test_other_xml_is_refused_by_its_name() -> None:
    with pytest.raises(NotADigestError, match="<html>") as caught:
        endnote_xml.parse(b"<html><body/></html>", where="x")
    assert "<record>" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "%0 Book\n" * 300_000,
        "%0 Book\n%T " + "x\n" * 900_000,
        "%0 Book\n" + "%A a\n" * 900_000,
        "%0 Book\n" + "x\n" * 2_000_000,
        "%0" + " " * 3_000_000 + "\n",
        "%0 B\n%A " + "a;" * 2_000_000,
    ],
    ids=range(6),
)
def test_a_hostile_text_takes_seconds_not_hours(text: str) -> None:
    began = time.process_time()
    endnote.recognises(text.encode())
    with suppress(NotADigestError):
        endnote.parse(text.encode(), where="refs.enw")
    assert time.process_time() - began < 20
