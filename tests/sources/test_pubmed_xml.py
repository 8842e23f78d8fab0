from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest
from newsletter.sources import pubmed_xml
from tests.sources.bibliographies import FOLDER

WHOLE = (FOLDER / "answer.pubmed.xml").read_text(encoding="utf-8")
DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
)


def parse(text: str) -> Digest:
    return pubmed_xml.parse(text.encode(), where="the file")


def article(inside: str = "", *, title: str = "Dunes.", more: str = "", doctype: str = DOCTYPE) -> str:
    return (
        f'<?xml version="1.0"?>{doctype}<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle>{inside}</Article></MedlineCitation>{more}</PubmedArticle>"
        "</PubmedArticleSet>"
    )


def test_a_document_type_that_names_a_file_is_passed_over_and_nothing_is_lost_for_it() -> None:
    for doctype in (DOCTYPE, DOCTYPE.replace("PUBLIC", "\n PUBLIC").replace("//EN", "//EN\n"), ""):
        (found,) = parse(article(title="Caf&eacute; &amp; dunes", doctype=doctype)).records
        assert found.title == "Café & dunes"


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY a "dunes">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY b "dunes"><!ENTITY a "' + "&b;" * 1000 + '">]>',
        f'{DOCTYPE}<!DOCTYPE a [<!ENTITY a "dunes">]>',
        f'<!--{" " * 5000}--><!DOCTYPE a SYSTEM "file:///etc/passwd">',
    ],
)
def test_a_document_type_that_may_define_something_is_refused(doctype: str) -> None:
    with pytest.raises(NotADigestError, match="the file") as caught:
        parse(article(title="&a;", doctype=doctype))
    assert caught.value.hint


def test_an_error_of_pubmed_is_said() -> None:
    answer = "<eFetchResult><ERROR>Cannot process ID list</ERROR></eFetchResult>"
    assert pubmed_xml.recognises(answer.encode())
    with pytest.raises(SourceError, match="the file: PubMed reports: Cannot process ID list"):
        parse(answer)


def test_an_answer_without_articles_is_a_digest_without_papers() -> None:
    assert parse(f"{DOCTYPE}<PubmedArticleSet></PubmedArticleSet>").records == ()


def test_other_xml_is_refused_by_its_name() -> None:
    with pytest.raises(NotADigestError, match="<records>") as caught:
        parse("<records><record/></records>")
    assert "PubmedArticleSet" in caught.value.hint


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Dunes.", "Dunes"),
        ("[Of dunes].", "Of dunes"),
        ("[Of dunes.]", "Of dunes"),
        ("Of dunes [sic].", "Of dunes [sic]"),
    ],
)
def test_a_title_has_neither_its_stop_nor_the_brackets_of_a_translation(title: str, bare: str) -> None:
    assert parse(article(title=title)).records[0].title == bare


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ("<PubDate><Year>2026</Year><Month>Sep</Month><Day>3</Day></PubDate>", datetime(2026, 9, 3, tzinfo=UTC)),
        ("<PubDate><MedlineDate>1998 Dec-1999 Jan</MedlineDate></PubDate>", datetime(1998, 12, 1, tzinfo=UTC)),
        ("<PubDate><MedlineDate>Winter 1998</MedlineDate></PubDate>", None),
        ("<PubDate/>", None),
        ("", None),
    ],
)
def test_the_date_is_that_of_the_issue_where_there_is_no_other(dates: str, published: datetime | None) -> None:
    inside = f"<Journal><JournalIssue>{dates}</JournalIssue></Journal>"
    assert parse(article(inside)).records[0].published_at == published


def test_the_doi_is_the_papers_own_and_of_none_that_it_cites() -> None:
    cited = (
        '<ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.5555/other</ArticleId></ArticleIdList>'
        "</Reference></ReferenceList>"
    )
    own = '<ArticleIdList><ArticleId IdType="doi">10.5555/OWN</ArticleId></ArticleIdList>'
    assert parse(article(more=f"<PubmedData>{cited}</PubmedData>")).records[0].doi == ""
    assert parse(article(more=f"<PubmedData>{own}{cited}</PubmedData>")).records[0].doi == "10.5555/own"


@pytest.mark.parametrize(
    "data",
    [
        "<PubmedArticleSet>" + "<a>" * 1_000_000,
        "<PubmedArticleSet>" + "<a/>" * 2_000_000,
        "<!DOCTYPE " + " " * 2_000_000 + "<PubmedArticleSet>",
        '<!DOCTYPE PubmedArticleSet PUBLIC "' * 50_000,
        article(title="$x$ " * 200_000),
    ],
    ids=range(5),
)
def test_a_hostile_document_takes_seconds_not_hours(data: str) -> None:
    began = time.process_time()
    with pytest.raises(NotADigestError):
        parse(data)
    assert time.process_time() - began < 10
