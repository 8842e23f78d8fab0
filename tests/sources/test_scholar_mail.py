from __future__ import annotations

import base64
import time
from datetime import UTC, date, datetime
from email.message import EmailMessage
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import SourceKind
from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest
from newsletter.sources import formats, scholar_mail
from tests.sources.described import DATA, described, expected, mutated

ALERTS = DATA.parent / "alerts"
ALERT = (ALERTS / "scholar.eml").read_bytes()
LINE = "A Lovelace, K Gödel\xa0- Journal of Dunes, 2026"


def parse(data: bytes) -> Digest:
    return scholar_mail.parse(data, where="the mail")


def page(
    title: str = "Dunes", link: str = "https://example.org/dunes", line: str = LINE, text: str = "They sing&nbsp;…"
) -> str:
    around = f"https://scholar.google.com/scholar_url?url={quote(link, safe=':/')}&hl=en&oi=scholaralrt"
    return (
        f'<h3 style="margin:0"><a href="{escape(around)}" class="gse_alrt_title">{title}</a></h3>'
        f'<div style="color:#006621;line-height:18px">{line}</div><div class="gse_alrt_sni">{text}</div><br>'
    )


def mail(*pages: str, sent: str = "Wed, 19 Aug 2026 05:00:00 +0000") -> bytes:
    made = EmailMessage()
    made["From"] = "Google Scholar Alerts <scholaralerts-noreply@google.com>"
    made["Date"] = sent
    made.set_content(f"<html><body>{''.join(pages)}</body></html>", subtype="html", cte="base64")
    return made.as_bytes()


def test_an_alert_gives_all_that_it_says() -> None:
    assert scholar_mail.recognises(ALERT)
    assert described(parse(ALERT)) == expected("../alerts/scholar.eml")


def test_an_alert_is_known_from_its_bytes_however_it_was_saved() -> None:
    html = f"<!doctype html><html><body>{page()}</body></html>".encode()
    outer = b"Subject: Fwd: alert\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\n"
    forwarded = outer + b"Content-Type: message/rfc822\n\n" + mail(page()) + b"\n--b--\n"
    for data in (html, mail(page()), mail(page()).replace(b"\n", b"\r\n"), forwarded, b"From a@b Wed\n" + mail(page())):
        found = formats.parse(data, kind=SourceKind.AUTO, where="the mail", today=date(2026, 8, 20))
        assert [(each.title, each.url) for each in found.records] == [("Dunes", "https://example.org/dunes")]


def test_an_mbox_gives_the_papers_of_all_its_mails_and_the_day_of_the_latest() -> None:
    first = mail(page("Dunes", line="A Lovelace - 2026"), sent="Tue, 18 Aug 2026 05:00:00 +0000")
    second = mail(page("Tides", line="A Lovelace - 2026"), sent="Wed, 19 Aug 2026 05:00:00 +0000")
    other = b"Subject: lunch\n\nFrom noon on?\n\nFrom Ann:\nYes.\n"
    found = parse(
        b"".join(b"From MAILER-DAEMON Wed Aug 19 05:00:00 2026\n" + one + b"\n" for one in (first, other, second))
    )
    assert [(each.title, each.published_at) for each in found.records] == [
        ("Dunes", datetime(2026, 8, 18, 5, tzinfo=UTC)),
        ("Tides", datetime(2026, 8, 19, 5, tzinfo=UTC)),
    ]
    assert found.day == date(2026, 8, 19)


def test_a_title_leads_to_the_paper_and_not_to_google() -> None:
    link = "https://books.example.org/books?id=a&pg=1"
    wrapped = "https://scholar.google.co.uk/scholar_url?url=" + quote(link, safe="") + "&hl=en"
    safe = "https://eur03.safelinks.protection.outlook.com/?url=" + quote(wrapped, safe="") + "&data=05%7C02"
    for outer in (wrapped, safe, wrapped.replace("url=", "q=", 1)):
        data = mail(f'<h3><a href="{escape(outer)}">Dunes</a></h3>')
        assert [each.url for each in parse(data).records] == [link]


@pytest.mark.parametrize(
    ("link", "line", "arxiv_id", "doi"),
    [
        ("https://arxiv.org/pdf/2608.10001v2", LINE, "2608.10001", ""),
        ("https://repository.example.org/1", "A Bee - arXiv preprint arXiv:2608.10001, 2026", "2608.10001", ""),
        ("https://journal.example.org/doi/pdf/10.5555/dunes.17", LINE, "", "10.5555/dunes.17"),
        ("https://journal.example.org/2608.10001", LINE, "", ""),
    ],
)
def test_the_identity_is_that_in_the_link_or_the_venue(link: str, line: str, arxiv_id: str, doi: str) -> None:
    (found,) = parse(mail(page(link=link, line=line))).records
    assert (found.arxiv_id, found.doi) == (arxiv_id, doi)


@pytest.mark.parametrize(
    ("text", "abstract"),
    [
        ("Sands sing. We <br>listen to&nbsp;…", "Sands sing. We listen to …"),
        ("Sands sing. We listen", "Sands sing. We listen …"),
        ("of the sands ... they sing...", "… of the sands ... they sing …"),
        ("… of the sands", "… of the sands …"),
        ("Abstract Sands sing", "Sands sing …"),
        ("", ""),
        (" … ", ""),
    ],
)
def test_a_piece_of_text_says_that_it_is_cut(text: str, abstract: str) -> None:
    (found,) = parse(mail(page(text=text))).records
    assert found.abstract == abstract


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("A Lovelace, K Gödel\xa0- Journal of Dunes, 2026", ("A Lovelace", "K Gödel")),
        ("AB Al-Bee, C van der Berg…\xa0- Dunes\xa0…, 2026", ("AB Al-Bee", "C van der Berg")),
        ("A Lovelace&nbsp;- 2026", ("A Lovelace",)),
        ("2026", ()),
        ("", ()),
    ],
)
def test_the_green_line_begins_with_the_authors(line: str, authors: tuple[str, ...]) -> None:
    assert parse(mail(page(line=line))).records[0].authors == authors


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("A Bee - Dunes, 2026", datetime(2026, 8, 19, 5, tzinfo=UTC)),
        ("A Bee - Dunes, 2027", datetime(2026, 8, 19, 5, tzinfo=UTC)),
        ("A Bee - Dunes", datetime(2026, 8, 19, 5, tzinfo=UTC)),
        ("A Bee - Dunes, 2019", datetime(2019, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_paper_is_as_old_as_its_year_and_else_as_its_mail(line: str, published: datetime) -> None:
    assert parse(mail(page(line=line))).records[0].published_at == published


def test_patents_and_other_headings_are_no_papers() -> None:
    patent = page("A sieve", line="N Nobody - US Patent App. 17/123,456, 2026")
    heading = (
        '<h3>Alerts</h3><h3><a href="https://scholar.google.com/scholar_alerts">List alerts</a></h3><h3><a>x</a></h3>'
    )
    assert [each.title for each in parse(mail(heading, patent, page(), heading)).records] == ["Dunes"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n", "PNG"),
        (b"<html><title>Log in</title></html>", 'titled "Log in"'),
        (b"Subject: lunch\nDate: now\n\nAt noon?", "another mail"),
        (b"On Ripples\n\nSand ripples move.", "other text"),
        (mail('<h3><a href="https://example.org/">An advertisement</a></h3>'), "another mail"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: bytes, what: str) -> None:
    assert not scholar_mail.recognises(data)
    with pytest.raises(NotADigestError, match="the mail") as caught:
        parse(data)
    assert what in caught.value.message
    assert ".eml" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        "<h3>" * 1_000_000,
        "<h3><a " + "x" * 4_000_000,
        "<h3>" + "<a " * 1_000_000 + "</h3>",
        "<h3><a href='" * 300_000,
        page() + "<div " * 1_000_000,
        page() + "<div>" * 1_000_000,
        page() * 20_000,
        page(text="…" * 1_000_000),
        page(text=" … x" * 5_000) * 100,
        page(link="https://example.org/?" + "&a=" * 1000) * 500,
    ],
    ids=range(10),
)
def test_a_hostile_mail_takes_seconds_not_hours(body: str) -> None:
    plain = b"From: a\nContent-Type: text/html; charset=utf-8\n\n" + body.encode()
    began = time.process_time()
    for data in (plain, b"From a@b Wed\n" + (plain[:3000] + b"\n\nFrom a@b Wed\n") * 1000):
        try:
            parse(data)
        except SourceError:
            scholar_mail.recognises(data)
    assert time.process_time() - began < 20


def test_a_damaged_alert_gives_papers_or_an_error_and_the_same_twice() -> None:
    for seed in range(150):
        again = [outcome(mutated(ALERT, seed)) for _ in range(2)]
        assert again[0] == again[1]


@given(st.binary(max_size=300), st.text(max_size=200), st.integers(0, 2000))
def test_any_bytes_give_papers_or_an_error(data: bytes, text: str, at: int) -> None:
    outcome(data)
    html = page(title=text, line=text, text=text, link=f"https://example.org/{text}")
    outcome(mail(html[:at] + data.decode("latin-1") + html[at:]))
    outcome(b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(html.encode()) + data)


def outcome(data: bytes) -> Digest | str:
    scholar_mail.recognises(data)
    try:
        found = parse(data)
    except SourceError as error:
        return error.message
    for each in found.records:
        assert each.title
        assert not each.url or each.url.startswith(("http://", "https://"))
        assert not each.abstract or each.abstract.endswith("…")
    return found
