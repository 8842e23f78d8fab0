"""PubMed's XML, as efetch gives it and PubMed's FTP server keeps it: `<PubmedArticleSet>`.

Described at https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html. Books and chapters stand among articles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import safe_xml, sniff
from newsletter.sources.entries import NoPaperError, digest, news, on, paper
from newsletter.sources.text import plain

NEEDS = "PubMed's XML: <PubmedArticleSet>, as efetch gives it with retmode=xml"
_ROOT = re.compile(r"<(?:PubmedArticleSet|eFetchResult)\b")
# "2025 Jul-Aug", "2025 Jan 3-9", "1998 Dec-1999 Jan": where it begins.
_MEDLINE_DATE = re.compile(r"(\d{4})(?:\s+([A-Za-z]{3,9}))?(?:\s+(\d{1,2})(?!\d))?")
_OTHERS = frozenset({"Published Erratum", "Retraction of Publication", "Retraction Notice", "Expression of Concern"})


def parse(data: bytes, *, where: str) -> Digest:
    """Read articles and books; errata, retractions and what has no title are left out.

    Raises NotADigestError: broken or refused XML, another document, or entries of which none is a paper; SourceError:
    efetch reports an error of its own.
    """
    root = safe_xml.read(data, where=where, needs=NEEDS, doctype=True)
    if root.tag == "eFetchResult":
        said = plain(root.findtext("ERROR") or "")[:300] or "an error"
        raise SourceError(f"{where}: PubMed reports: {said}", hint="check the ids and parameters of the address")
    if root.tag != "PubmedArticleSet":
        raise NotADigestError(f"{where} is an XML document (<{root.tag[:60]}>)", hint=f"needed is {NEEDS}")
    return digest(_entries(root), _record, where=where, title="PubMed", needs=NEEDS)


def recognises(data: bytes) -> bool:
    """Tell whether the first element is that of an answer of efetch."""
    return bool(_ROOT.match(sniff.opening(data)))


def _entries(root: Element) -> Iterator[Element]:
    return (each for each in root if each.tag in ("PubmedArticle", "PubmedBookArticle"))


def _record(entry: Element) -> PaperRecord:
    cited = _found(entry, "MedlineCitation", "BookDocument")
    article = cited if cited.tag == "BookDocument" else _found(cited, "Article")
    kinds = {plain(each.text or "") for each in article.iterfind("PublicationTypeList/PublicationType")}
    if kind := next(iter(sorted(kinds & _OTHERS)), ""):
        raise NoPaperError(f"no paper but a {kind.lower()}")
    number = plain(cited.findtext("PMID") or "")
    title = _text(article, "ArticleTitle") or _text(article, "VernacularTitle") or _text(article, "Book/BookTitle")
    people = article.findall("AuthorList/Author") or article.findall("Book/AuthorList/Author")
    return news(
        paper(
            title=_bare(title),
            abstract=" ".join(filter(None, map(_part, article.iterfind("Abstract/AbstractText")))),
            authors=[_name(each) for each in people],
            links=[f"https://pubmed.ncbi.nlm.nih.gov/{number}/"] if number.isdecimal() else [],
            dois=_dois(entry, article),
            published_at=_when(article),
        )
    )


def _found(parent: Element, *names: str) -> Element:
    for name in names:
        if (child := parent.find(name)) is not None:
            return child
    raise ValueError(f"no <{names[0]}>")


def _bare(title: str) -> str:
    """Give a title without the stop behind it, and without the brackets that say it was translated."""
    title = title.removesuffix(".") if not title.endswith("..") else title
    return title[1:-1].removesuffix(".") if title.startswith("[") and title.endswith("]") else title


def _part(part: Element) -> str:
    """Give a part of an abstract, with its heading if it has one."""
    heading, words = plain(part.get("Label") or ""), _whole(part)
    return f"{heading}: {words}" if heading and heading != "UNLABELLED" and words else words


def _name(author: Element) -> str:
    given = _text(author, "ForeName") or _text(author, "Initials")
    parts = (given, _text(author, "LastName"), _text(author, "Suffix"))
    return " ".join(filter(None, parts)) or _text(author, "CollectiveName")


def _dois(entry: Element, article: Element) -> list[str]:
    # Below PubmedData stand also the ids of all that is cited.
    ids = [*entry.iterfind("PubmedData/ArticleIdList/ArticleId"), *article.iterfind("ArticleIdList/ArticleId")]
    own = [*((each.get("EIdType"), each) for each in article.iterfind("ELocationID")),
           *((each.get("IdType"), each) for each in ids)]  # fmt: skip
    return [plain(each.text or "") for kind, each in own if kind == "doi"]


def _when(article: Element) -> datetime | None:
    """Give the day on which it appeared, on the web if that is known: an issue may be dated long after."""
    places = ("ArticleDate", "Journal/JournalIssue/PubDate", "Book/PubDate")
    return next((found for path in places if (found := _date(article.find(path)))), None)


def _date(date: Element | None) -> datetime | None:
    if date is None:
        return None
    if year := _text(date, "Year"):
        return on(year, _text(date, "Month"), _text(date, "Day"))
    said = _MEDLINE_DATE.match(_text(date, "MedlineDate"))
    return on(*said.groups()) if said else None


def _text(parent: Element, path: str) -> str:
    found = parent.find(path)
    return "" if found is None else _whole(found)


def _whole(element: Element) -> str:
    return plain("".join(element.itertext()))
