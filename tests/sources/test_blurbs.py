from __future__ import annotations

import pytest

from newsletter.sources import blurbs
from newsletter.sources.text import paragraphs

TEXT = "Dunes sing when the wind turns. We say why, and for how long."

ROUND_AN_ABSTRACT = {
    "a label alone": f"<h2>Abstract</h2><p>{TEXT}</p>",
    "a label and a colon": f"<p>Abstract: {TEXT}</p>",
    "a label in capitals": f"<div>ABSTRACT</div>{TEXT}",
    "a citation with a doi": f"<p>Dune Lett. 2025 Aug 17:101. doi: 10.5555/d.1. Online ahead of print.</p>{TEXT}",
    "a volume": f'<a href="/toc/1">Dune Letters, Volume 6, Issue 4</a>, December 2025, Page 2-9. <br/>{TEXT}',
    "a volume without a name": f"Volume 6, Issue 4, December 2025, Page 28-29<br/>{TEXT}",
    "a state": f"DUNE, EarlyView. <br/>{TEXT}",
    "a day online": f"<p>Dunes, Published online: 28 July 2025; <a href='h'>doi:10.5555/d.1</a></p>{TEXT}",
    "authors before and a reference behind": (
        f"<p>Author(s): Ann Marsh and Bo Lin</p><p>{TEXT}</p><br/><p>[Dune 13, 17] Published Fri May 01, 2025</p>"
    ),
    "buttons behind": f"<p>Dunes 10: 135-188</p><p>{TEXT}</p><p><a href='h'>HTML</a></p><p><a href='p'>PDF</a></p>",
    "the ids behind": f"<p>{TEXT}</p><p>PMID:<a href='p'>34929</a> | DOI:<a href='d'>10.5555/d.1</a></p>",
    "a licence": (
        "<div><i>Dune Sci.</i>, 2025, <b>14</b>,12-19<br/><b>DOI</b>: 10.5555/D1, Article</div><div>Open Access</div>"
        f"<div>This article is licensed under a Licence.</div><div>Ann Marsh, Bo Lin</div><div>{TEXT}<br/>"
        "To cite this article before page numbers are assigned, use the DOI.<br/>(c) The Dune Society</div>"
    ),
    "lines of names and values": (
        "<b>Authors:</b> Ann Marsh; Bo Lin<br><b>Journal:</b> Dunes<br><b>Feed source:</b> Dunes[Author]<br>"
        f"<b>guid:</b> dune:1<br><b>Summary / Abstract:</b><br>{TEXT}"
    ),
    "what a collector adds": f"DOI: 10.5555/d.1<br/>{TEXT}<p>Publication date: unknown</p><p>Seen: 2025-08</p>",
}


@pytest.mark.parametrize("html", ROUND_AN_ABSTRACT.values(), ids=ROUND_AN_ABSTRACT)
def test_what_stands_around_an_abstract_is_no_part_of_it(html: str) -> None:
    assert blurbs.read(paragraphs(html)).abstract == TEXT


@pytest.mark.parametrize(
    "html",
    [
        "<p>Publication date: May 2025</p><p><b>Source:</b> Dunes, Volume 7</p><p>Author(s): Ann Marsh, Bo Lin</p>",
        "<p>Dunes 10: 1-5</p><p>Authors: Ann Marsh, Bo Lin</p><p>Abstract: </p><p><a href='h'>HTML</a></p>",
        "<p>Dune Lett. 2025;102(12). doi: 10.5555/d.1.</p><p><b>NO ABSTRACT</b></p><p>PMID:1 | DOI:10.5555/d.1</p>",
        "No abstract available.",
        "",
    ],
)
def test_a_page_about_a_paper_without_an_abstract_gives_none(html: str) -> None:
    assert blurbs.read(paragraphs(html)).abstract == ""


@pytest.mark.parametrize(
    "html",
    [
        "<p>Author(s): Ann Marsh and Bo Lin</p><p>Dunes sing.</p>",
        "Ann MARSH;Bo LIN;</br>Dunes sing when the wind turns...",
        "<h1>On Dunes</h1><b>Marsh, Ann; Lin, Bo</b><br/>Dunes, (2025), p. 281 - 290<h2>Abstract</h2><p>They sing.</p>",
    ],
)
def test_authors_are_found_beside_the_abstract(html: str) -> None:
    found = blurbs.read(paragraphs(html), known=["On dunes"]).authors
    assert [name.casefold() for name in found] == ["ann marsh", "bo lin"]


def test_the_doi_and_the_day_are_found_beside_the_abstract() -> None:
    page = (
        "<p>Publication date: Available online 3 March 2025</p><p>DOI: 10.5555/Dune.7</p><p>See doi 10.5555/other.</p>"
    )
    found = blurbs.read(paragraphs(page))
    assert (found.doi, found.published) == ("10.5555/dune.7", "3 March 2025")


@pytest.mark.parametrize(
    "html",
    [
        "<p>Background: dunes sing.</p><p>Objective: to say why.</p><p>Summary: it is the wind.</p>",
        "<p>Dunes sing, Volume after volume says so. doi: none.</p><p>Data are at doi:10.5555/data.1, for all.</p>",
        "<p>Dunes, deserts and drifts: three words for sand.</p><p>We count them.</p>",
        "<p>In 2025, 14 dunes sang.</p>",
    ],
)
def test_an_abstract_that_only_looks_like_furniture_stays_whole(html: str) -> None:
    assert blurbs.read(paragraphs(html)).abstract == " ".join(paragraphs(html))


def test_the_title_and_the_journal_before_an_abstract_are_left_out() -> None:
    page = f"<cite>The Dune Letters</cite><h1>Why <i>dunes</i> sing</h1><p>{TEXT}</p>"
    assert blurbs.read(paragraphs(page), known=["Why dunes sing", "The Dune Letters"]).abstract == TEXT


def test_headings_glued_to_their_sections_are_parted() -> None:
    assert (
        blurbs.read(["MotivationDunes sing.ResultsWe say why."]).abstract
        == "Motivation: Dunes sing.Results: We say why."
    )
