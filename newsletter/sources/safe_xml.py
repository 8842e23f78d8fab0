"""XML from strangers as a tree of elements, or the reason why it cannot be one.

The standard library's expat, with what makes XML dangerous refused: a document type (and so every entity but the five
of XML itself, every external file, and every bomb made of entities), elements nested too deeply, and too many of them.
A document type that only names a file elsewhere defines nothing here: where a format always has one, it is passed over.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from newsletter.errors import NotADigestError
from newsletter.sources import sniff
from newsletter.sources.text import decode

_DEEPEST = 40
# A page of 1,000 records, some of a thousand authors with three elements each, has a tenth of that.
_MOST_ELEMENTS = 400_000
_PIECE = 16 * 1024
_LONGEST_PROLOGUE = 256 * 1024

_DOCTYPE_WITHIN = 4096
# Without square brackets, so without definitions of its own.
_NAMED_DOCTYPE = re.compile(
    r"<!DOCTYPE\s+[\w:.-]{1,100}\s+(?:PUBLIC\s+\"[^\"<>\[]{0,300}\"|SYSTEM)\s+\"[^\"<>\[]{0,300}\"\s*>"
)
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BARE = re.compile(r"&(?!#?\w{1,32};)")
_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)#?\w{1,32};")

_log = logging.getLogger(__name__)


class _RefusedError(ValueError):
    """The document has something that we do not read, however well-formed it is."""


class _Builder:
    """Makes a tree of what expat finds. Names are local: "dc:title" is "title"."""

    def __init__(self) -> None:
        self.rooted = False
        self._tree = TreeBuilder()
        self._depth = self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.rooted = True
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST:
            raise _RefusedError(f"its elements are nested more than {_DEEPEST} deep")
        if self._count > _MOST_ELEMENTS:
            raise _RefusedError(f"it has more than {_MOST_ELEMENTS:,} elements")
        self._tree.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_local(name))

    def data(self, text: str) -> None:
        self._tree.data(text)

    def doctype(self, *_: object) -> None:
        raise _RefusedError("it has a document type (DTD), which may define anything")

    def close(self) -> Element:
        return self._tree.close()


def read(data: bytes, *, where: str, needs: str, doctype: bool = False) -> Element:
    """Give the root of the XML document `data`. `needs` says what was looked for.

    `doctype`: documents of this format have a document type that names a file, which is neither read nor needed.
    Characters and entities that XML does not know (old records have some) are repaired, with a warning in the log.
    Raises NotADigestError: no XML, broken XML (as when it was cut off), or XML that is refused for what it could do.
    """
    try:
        return _tree(_without_doctype(decode(data)) if doctype else data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, _RefusedError):
            raise NotADigestError(f"{where} is XML that is refused: {error}", hint=f"needed is {needs}") from error
        broken = error
    try:
        text = decode(data)
        root = _tree(_repaired(_without_doctype(text) if doctype else text))
    except (expat.ExpatError, ValueError) as error:
        found = sniff.looks_like(data)
        reason = f"XML that is broken: {error}" if found.startswith("an XML") else found or "text of another kind"
        raise NotADigestError(f"{where} is {reason}", hint=f"needed is {needs}") from error
    _log.warning("%s: the XML was broken and was repaired (%s)", where, broken)
    return root


def _without_doctype(text: str) -> str:
    """Take a named document type out: behind one, expat passes over entities that it does not know in silence."""
    text = text.lstrip("\ufeff")
    return _NAMED_DOCTYPE.sub("", text[:_DOCTYPE_WITHIN], count=1) + text[_DOCTYPE_WITHIN:]


def _tree(data: bytes | str) -> Element:
    parser, builder = expat.ParserCreate(), _Builder()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    # expat finishes a piece even after a handler has raised: a document type must not share its piece with a bomb.
    # Behind the first element there is none; and in one piece, because expat 2.5 reads a long token anew with each.
    at = 0
    while at < len(data) and not builder.rooted:
        if at > _LONGEST_PROLOGUE:
            raise _RefusedError("it does not begin with an element")
        parser.Parse(data[at : at + _PIECE], False)
        at += _PIECE
    parser.Parse(data[at:], True)
    return builder.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _repaired(text: str) -> str:
    bare = _BARE.sub("&amp;", _ILLEGAL.sub("", text.lstrip("\ufeff")))
    return _REFERENCE.sub(lambda found: _meant(found[0]), bare)


@lru_cache(maxsize=1024)
def _meant(reference: str) -> str:
    """Give what HTML means by "&eacute;" or "&#1;", as XML; what is no reference there, as text."""
    meant = unescape(reference)
    return escape(meant if meant == reference else _ILLEGAL.sub("", meant))
