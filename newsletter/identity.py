"""Which work is it? arXiv ids, DOIs, title fingerprints, and when two records are the same paper.

Pure functions. arXiv ids come without version and without the subject class that old ids may carry
(`math.GT/0309136v2` is `math/0309136`), so that versions and cross-lists are one paper. The form of arXiv ids is
described at https://info.arxiv.org/help/arxiv_identifier.html, that of DOIs in ISO 26324.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from base64 import b32encode
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import unquote, urlsplit

from newsletter import abstracts

_NEW_STYLE = r"[0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5}"
_OLD_STYLE = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,})?/[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3}"
_ARXIV_ID = re.compile(rf"(?P<id>{_NEW_STYLE}|{_OLD_STYLE})(?:v[0-9]+)?")
# An id counts only where something says that it is one: the prefix, the host, the DOI registrant, an OAI name.
_ARXIV_CONTEXT = re.compile(
    r"(?:arxiv(?:\.org)?[:/.]\s*(?:(?:abs|pdf|html|format|ps)/)?|(?:huggingface\.co|hf\.co|alphaxiv\.org)/(?:papers|abs)/)"
    rf"(?P<id>{_NEW_STYLE}|{_OLD_STYLE})(?:v[0-9]+)?(?![0-9])",
    re.IGNORECASE,
)
_RESOLVERS = ("doi.org", "dx.doi.org", "www.doi.org")
_LINK = re.compile(r"\s*https?://[a-z0-9.-]+/", re.IGNORECASE)
_DOI = re.compile(r"\b10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"<>]{1,300}", re.IGNORECASE)
_AFTER_A_DOI = ".,;:'’”"
# What addresses of publishers add to a DOI: the form of the article, and on bioRxiv and medRxiv its version.
_FORM_OF_ARTICLE = re.compile(
    r"(?:/(?:full(?:text)?|abstract|e?pdf|html|meta)|\.(?:full|full-text|pdf)|(?<=[0-9])v[0-9]+)+$", re.IGNORECASE
)
_OPENING = {")": "(", "]": "[", "}": "{"}
_LATEX_MARKUP = re.compile(r"\\[a-zA-Z]+\*?|[{}$~^_\\]")
# Of 6,216 pairs of different abstracts of one field none shared more than 0.18 of its words.
_SHORT_TITLE_WORDS = 4
_SAME_ABSTRACT = 0.25


class Described(Protocol):
    """What is needed of a record or a stored paper to tell whether it is the same work as another."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def abstract(self) -> str: ...  # noqa: D102
    @property
    def authors(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def arxiv_id(self) -> str: ...  # noqa: D102
    @property
    def doi(self) -> str: ...  # noqa: D102


def arxiv_id(text: str) -> str:
    """Give the arXiv id, without version, that `text` is or names in a link, a DOI or an OAI name; else ''."""
    text = text.strip()
    found = _ARXIV_ID.fullmatch(text) or _ARXIV_CONTEXT.search(text)
    if found is None:
        return ""
    name = found["id"]
    if "/" not in name:
        return name
    archive, number = name.split("/")
    return f"{archive.split('.')[0].lower()}/{number}"


def doi(text: str) -> str:
    """Give the DOI that `text` is or contains, in lower case, without what a sentence puts behind it; else ''.

    Of an address only the path counts; a publisher's puts the form of the article behind it (`/full`).
    """
    link = urlsplit(text.strip()) if _LINK.match(text) else None
    found = _DOI.search(unquote(link.path) if link else text)
    if found is None:
        return ""
    name = found[0].lower().rstrip(_AFTER_A_DOI)
    if link and link.hostname not in _RESOLVERS:
        name = _FORM_OF_ARTICLE.sub("", name)
    while (opening := _OPENING.get(name[-1])) and name.count(opening) < name.count(name[-1]):
        name = name[:-1].rstrip(_AFTER_A_DOI)
    return name if name.partition("/")[2] else ""


def folded(text: str) -> str:
    """Give `text` for comparison: compatibility forms and marks removed, case folded ("Müller" is "muller")."""
    if text.isascii():  # as most are; the rest takes 200 times as long
        return text.lower()
    # Compatibility forms first: "𝒪" has no small letter, but the "O" that it stands for has.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def title_fingerprint(title: str) -> str:
    """Give 20 characters that are the same for the same title, whatever its case, accents, markup and spaces.

    Empty where the title holds no letter or digit.
    """
    kept = "".join(c for c in folded(_LATEX_MARKUP.sub(" ", title)) if c.isalnum())
    return b32encode(hashlib.sha256(kept.encode()).digest()).decode().lower()[:20] if kept else ""


def surname(author: str) -> str:
    """Give the folded family name of "Ada B. Lovelace" or "Lovelace, A. B.": of "van der Waals" the last word."""
    family = author.split(",", maxsplit=1)[0].split()
    return folded(family[-1]).strip(" .") if family else ""


def names(record: Described) -> tuple[str, ...]:
    """Give every name a record goes by, strongest first: `arxiv:…`, `doi:…`, `title:…`."""
    number = record.arxiv_id
    digital = "" if arxiv_id(record.doi) else record.doi
    fingerprint = title_fingerprint(record.title)
    return tuple(
        f"{scheme}:{value}" for scheme, value in (("arxiv", number), ("doi", digital), ("title", fingerprint)) if value
    )


def same_work(one: Described, other: Described) -> bool:
    """Tell whether two records with the same title fingerprint are one work: nothing they both say may contradict it.

    Two arXiv ids or two DOIs that differ are two works; so are author lists with no family name in common. A short
    title ("Introduction", up to three words) with no authors to compare needs abstracts that share a quarter of words.
    """
    if one.arxiv_id and other.arxiv_id:
        return one.arxiv_id == other.arxiv_id
    if one.doi and other.doi and not (arxiv_id(one.doi) or arxiv_id(other.doi)) and one.doi != other.doi:
        return False
    ones, others = _surnames(one.authors), _surnames(other.authors)
    if ones and others:
        return bool(ones & others)
    if len(one.title.split()) >= _SHORT_TITLE_WORDS or not (abstracts.usable(one) and abstracts.usable(other)):
        return True
    return _overlap(one.abstract, other.abstract) >= _SAME_ABSTRACT


def linked(one: Described, other: Described) -> bool:
    """Tell whether two papers may be one that a record with the id of each says are one (preprint and article).

    The DOI of a whole volume stands with many papers: the ids alone do not do. Titles or first authors must agree.
    """
    if one.arxiv_id and other.arxiv_id and one.arxiv_id != other.arxiv_id:
        return False
    if title_fingerprint(one.title) == title_fingerprint(other.title):
        return True
    return bool(one.authors and other.authors) and surname(one.authors[0]) == surname(other.authors[0])


def _surnames(authors: Iterable[str]) -> set[str]:
    return {name for name in map(surname, authors) if any(map(str.isalnum, name))}


def _overlap(one: str, other: str) -> float:
    a, b = (set(re.findall(r"\w{3,}", folded(text))) for text in (one, other))
    return len(a & b) / len(a | b) if a and b else 0.0
