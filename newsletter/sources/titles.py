"""Titles as feeds give them: what publishers add to them, and which are no paper's (tables of contents, errata)."""

from __future__ import annotations

import re
from collections.abc import Collection

# arXiv's feeds until 2024: "A title. (arXiv:1903.00489v1 [cs.RO] CROSS LISTED)".
ARXIV_MARK = re.compile(r"\.?\s*\(arXiv:\S{4,40}(?:\s\[(?P<category>[\w.-]+)\])?(?:\s(?P<kind>[A-Z ]{5,20}))?\)$")
_VOLUME = re.compile(r"[^:]{2,100}, Vol\. \d+, Pages? [\w-]+: (?=\S)")  # MDPI
_SECTION = re.compile(r"\[(?P<name>[^\[\]]{2,60})\]\s+(?=\S)")
_SECTIONS = re.compile(
    r"asap|(?:research |original )?(?:articles?|reports?|papers?)|reviews?|letters?|correspondence|comments?|news"
    r"|editorials?|perspectives?|viewpoints?|brief communications?|case reports?|accepted manuscript|early view"
    r"|open access",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"(?:table of )?contents|editorial board|editor(?:s|ial) (?:and publication )?information|issue information"
    r"|(?:inside )?(?:front|back|inside) (?:cover|matter)s?|cover(?: (?:image|picture|feature|story))?|masthead"
    r"|title page|copyright page|front ?matter|back ?matter|(?:subject|author) index|list of reviewers"
    r"|(?:instructions?|information) (?:to|for) (?:the )?authors|publication information|aims and scope"
    r"|publisher'?s? (?:note|information)|call for papers|in this issue|in other journals|society information"
    r"|announcements?|advertisements?|feed discontinued|acknowledge?ments? (?:to|of) reviewers"
    r"|corrections?|corrigend(?:um|a)|errat(?:um|a)|retractions?",
    re.IGNORECASE,
)
# "Correction to: …", "Author Correction: …", "Erratum for the Report …"; not "Corrections to scaling in …".
_MENDING = (
    r"(?:(?:author|publisher(?:'s)?|editorial) )?(?:correction|corrigendum|erratum|retraction|addendum)s?"
    r"(?: not(?:e|ice))?"
)
_BEGINNING = re.compile(
    rf"{_MENDING}(?:(?: (?:to|for|of|on))?\s*:| (?:to|for|of) [\"“‘'«„]| (?:for|to) the (?:report|article|paper)\b)"
    rf"|{_MENDING} for \w[^,]+ et al|retracted(?: article)?\s*:|withdrawn\s*:|(?:editorial )?expression of concern\b",
    re.IGNORECASE,
)


def is_front_matter(title: str) -> bool:
    """Tell by its title whether an entry of a journal's feed is no paper but part of the issue, or mends a paper."""
    return bool(_WHOLE.fullmatch(title.strip(" .[]")) or _BEGINNING.match(title))


def bare(title: str, labels: Collection[str] = ()) -> str:
    """Give a title without arXiv's mark behind it, and without volume or section before it ("[ASAP] …").

    A section is one that journals have, or one of `labels`: what the entry's categories or its feed are called.
    """
    title = _VOLUME.sub("", ARXIV_MARK.sub("", title), count=1)
    section = _SECTION.match(title)
    if section and (_SECTIONS.fullmatch(section["name"]) or section["name"].casefold() in map(str.casefold, labels)):
        return title[section.end() :]
    return title
