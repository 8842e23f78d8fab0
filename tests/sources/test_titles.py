from __future__ import annotations

import pytest

from newsletter.sources.titles import bare, is_front_matter


@pytest.mark.parametrize(
    "title",
    [
        "Table of Contents",
        "Editorial Board",
        "Issue Information",
        "[Front Matter]",
        "Cover Image",
        "Corrigendum",
        "Correction to: The songs of dunes",
        "Correction to “The songs of dunes”",
        "Author Correction: The songs of dunes",
        "Publisher Correction: The songs of dunes",
        "Correction for Marsh et al., The songs of dunes",
        "Erratum for the Report “The songs of dunes” by A. Marsh et al.",
        "Retraction Note: The songs of dunes",
        "RETRACTED: The songs of dunes",
        "Expression of Concern: The songs of dunes",
    ],
)
def test_parts_of_the_issue_and_errata_are_no_papers(title: str) -> None:
    assert is_front_matter(title)


@pytest.mark.parametrize(
    "title",
    [
        "Corrections to scaling in singing dunes",
        "Correction of drift in dune surveys",
        "Retraction of dunes under rain",
        "Contents of a dune",
        "Cover crops and dunes",
        "The editorial board: a study of dune journals",
        "Erratum-proof surveys of dunes",
    ],
)
def test_papers_that_are_about_such_things_are_papers(title: str) -> None:
    assert not is_front_matter(title)


@pytest.mark.parametrize(
    "title",
    [
        "Why dunes sing. (arXiv:1903.00489v1 [physics.geo-ph])",
        "Why dunes sing (arXiv:1903.00489v1 [cs.SD] CROSS LISTED)",
        "[ASAP] Why dunes sing",
        "[Articles] Why dunes sing",
        "[Dune Letters] Why dunes sing",
        "Dunes, Vol. 15, Pages 3456: Why dunes sing",
        "Why dunes sing",
    ],
)
def test_a_title_loses_what_its_feed_put_to_it(title: str) -> None:
    assert bare(title, ["Dune letters"]) == "Why dunes sing"


@pytest.mark.parametrize("title", ["[Re] Why dunes sing", "[Fe/H] of dunes", "Dunes, Vol. 2: the sequel", "[ASAP]"])
def test_brackets_and_colons_that_are_the_authors_own_stay(title: str) -> None:
    assert bare(title, ["cs.LG"]) == title
