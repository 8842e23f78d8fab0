"""Foreign text made safe and plain: characters, HTML, links, author lists, encodings.

Everything here is linear in the length of its input: it reads what strangers write.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

_URL_LENGTH = 2000
_SCHEMES = ("http", "https")
_PORTS = 65536

# Characters that show nothing but change what a reader sees: controls, bidirectional marks, overrides and isolates,
# zero-width characters, soft hyphens, tags, lone surrogates. White space among the controls is folded, not dropped.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# The joiners are letters' business in Persian and in Indic scripts, and hold emoji together; in Latin they only hide.
_STRAY_JOINER = re.compile("[\u200c\u200d](?![\u0600-\U0001ffff])|(?<![\u0600-\U0001ffff])[\u200c\u200d]")


def plain(text: str) -> str:
    """Give `text` on one line, in NFC, without control, bidirectional and zero-width characters."""
    if not text.isascii():
        text = _STRAY_JOINER.sub("", _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def decode(data: bytes) -> str:
    """Give the text in `data`: by its byte order mark, else UTF-16 by its zeros, else UTF-8, else Windows-1252.

    A file that is UTF-8 but for a few broken bytes stays UTF-8, with U+FFFD for those; never raises.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if encoding := _utf16(data):
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged(data)


def _utf16(data: bytes) -> str:
    """Tell UTF-16 without a mark: in mostly Latin text every other byte is zero."""
    head = data[:4096]
    pairs = len(head) // 2
    if pairs == 0 or 0 not in head:
        return ""
    most = 0.7 * pairs
    if head[1::2].count(0) >= most and head[0::2].count(0) < 0.1 * pairs:
        return "utf-16-le"
    if head[0::2].count(0) >= most and head[1::2].count(0) < 0.1 * pairs:
        return "utf-16-be"
    return ""


def _damaged(data: bytes) -> str:
    """Text that is not quite UTF-8: damaged UTF-8 where most of its other bytes do form characters, else Windows."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    whole = sum(1 for c in text if c > "\x7f") - broken
    if whole >= broken:
        return text
    return data.decode("cp1252", errors="replace")


# HTML ---------------------------------------------------------------------------------------------------------------

_BLOCKS = """
    address article aside blockquote body br caption center dd details dialog disp-formula div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html iframe img li link main meta nav ol option p pre
    sec section select summary svg table tbody td tfoot th thead title tr ul video
"""
_INLINE = """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark math mi mn mo mrow mfrac msub msup
    msubsup msqrt mtext q s samp script semantics small span strike strong style sub sup time tt u var wbr annotation
    noscript button input textarea italic bold sc monospace inline-formula alternatives tex-math inline-graphic ext-link
    xref named-content styled-content
"""
_BLOCK_TAGS = frozenset(_BLOCKS.split())
_KNOWN_TAGS = _BLOCK_TAGS | frozenset(_INLINE.split())
_DROPPED = frozenset({"script", "style", "annotation"})
# A tag with its attributes well formed, or namespaced as in JATS and MathML. All other "<" are the author's own. Behind
# a sound attribute one that is not may follow (`height=\\"100\\"`).
_TAG = re.compile(
    r"</?(?P<name>[a-zA-Z][a-zA-Z0-9-]{0,20}(?::[a-zA-Z][\w-]{0,30})?)"
    r"(?:(?:\s+[a-zA-Z_:][\w:.-]{0,60}\s{0,5}=\s{0,5}(?:\"[^\"<]{0,3000}\"|'[^'<]{0,3000}'|[^\s\"'=<>`]{1,3000}))+"
    r"(?:\s+[a-zA-Z][\w:.-]{0,60}=[^<>]{1,300})?)?"
    r"\s*/?>"
)
_COMMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>|<!doctype[^>]{0,500}>|<\?[^>]{0,500}>", re.DOTALL | re.IGNORECASE
)


_OPEN = "\0"  # stands for the "<" of a certain tag until the others are escaped
_GAP = "\x1e"  # white space that parts paragraphs


class _Words(HTMLParser):
    """Collects the text that a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = tag.rpartition(":")[2]
        self._hidden += tag in _DROPPED
        self._space(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._space(tag.rpartition(":")[2])

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in _DROPPED and self._hidden:
            self._hidden -= 1
        self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)

    def _space(self, tag: str) -> None:
        # "H<sub>2</sub>O" is one word, "<li>one<li>two" and "</p><p>" are two.
        if tag in _BLOCK_TAGS:
            self.parts.append(_GAP)


def from_html(text: str) -> str:
    """Give the words of an HTML fragment as plain text. Never raises.

    Abstracts hold unescaped mathematics ("when $n<m$ and k<p") and tokens ("<think>"), so only what is certainly a tag
    is taken as one; script, style and comments are dropped; <p> and <br> are spaces.
    """
    return plain(_read(text))


def paragraphs(text: str) -> list[str]:
    """Give the words of an HTML fragment as `from_html` does, paragraph by paragraph; a <br> parts them, too."""
    return [words for part in _read(text).split(_GAP) if (words := plain(part))]


def _read(text: str) -> str:
    if "<" not in text:
        return unescape(text)
    kept = _TAG.sub(_certain_tag, _COMMENT.sub(" ", text.replace(_OPEN, "")))
    # Everything that is no tag is escaped, so that the parser never has to guess (and never scans ahead in vain).
    escaped = kept.replace("<", "&lt;").replace(_OPEN, "<")
    words = _Words()
    words.feed(escaped)
    words.close()
    return "".join(words.parts)


def _certain_tag(found: re.Match[str]) -> str:
    name = found["name"].lower()
    known = name in _KNOWN_TAGS or ":" in name
    return _OPEN + found[0][1:] if known else found[0]


# Links and names ----------------------------------------------------------------------------------------------------

_UNSAFE_IN_URL = str.maketrans({"<": "%3C", ">": "%3E", '"': "%22", "`": "%60", "\\": "%5C", "{": "%7B", "}": "%7D"})


def http_url(text: str) -> str:
    """Give `text` as a link that is safe to print in an attribute, if it is http or https with a host; else ''."""
    text = text.strip()
    if not text or len(text) > _URL_LENGTH or any(c.isspace() or _INVISIBLE.match(c) for c in text):
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in _SCHEMES or not parts.hostname or "@" in parts.netloc or (port or 1) >= _PORTS:
        return ""
    return text.translate(_UNSAFE_IN_URL)


_PAIR = 2
_SEVERAL = 2
_LONGEST_NAME = 200
_FEW_ALONE = 2  # authors without initials, among those that have some
_PARENTHESES = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_BYLINE = re.compile(r"^(?:by|authors?)(?::\s*|\s+)", re.IGNORECASE)
_INITIALS = re.compile(r"(?:[^\W\d_a-zß-ÿ]\.?[\s-]?){1,4}")
_SUFFIX = re.compile(r"(?:jr|sr|i{2,3}|iv|phd|md)\.?", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*,\s*(?:(?:and|&)\s+)?|\s+(?:and|&)\s+")
_SEMICOLON = re.compile(r"\s*;\s*(?:(?:and|&)\s+)?")
_OTHERS = re.compile(r"[\s,;]{0,5}(?:\bet\.?\s?al\b\.?|\band (?:\d+ )?others)$", re.IGNORECASE)
# "María P." and "David dos S.", as no author is called in full; "de Araujo".
_GIVEN = re.compile(r"\S+(?:\s+[^\W\d_A-Z]+){0,2}\s+(?:[^\W\d_a-zß-ÿ]\.[\s-]?)+")
_FAMILY = re.compile(r"(?:[a-zà-ÿ'’]+\s+){0,3}\S+")
# "Kern AB" and "van der Berg C.", as PubMed and Scopus write: every word of the family name has a small letter.
_FAMILY_FIRST = re.compile(r"(?P<family>(?:\S*[a-zß-ÿ]\S*\s+)+)(?P<initials>(?:[^\W\d_a-zß-ÿ]\.?[\s-]?){1,3})")


def split_authors(text: str) -> tuple[str, ...]:
    """Give the names in one author string, in order, each once, in the order of speech ("D. Kukla").

    Understands "A B, C D (Lab, City), E F", "A B, C D and E F", "Kukla, D., Crampton, A.", "Kukla, Dora; Wood, D."
    "Kukla, Dora and Wood, D." and "Kukla D, Wood DA". Affiliations in parentheses and "et al." are left out.
    """
    text = _OTHERS.sub("", _BYLINE.sub("", _without_affiliations(plain(text))))
    people = text.split(" and ")
    if ";" in text:
        names = [_spoken(name) for name in _SEMICOLON.split(text)]
    elif len(people) > 1 and all(name.count(",") == 1 for name in people):
        names = [_spoken(name) for name in people]
    else:
        names = _from_list([part for part in _BETWEEN.split(text) if part])
    names = _given_first([name.strip(" ,;") for name in names])
    return tuple(dict.fromkeys(name for name in names if any(c.isalpha() for c in name)))


def _without_affiliations(text: str) -> str:
    for _ in range(4):  # they may hold parentheses of their own
        text, found = _PARENTHESES.subn("", text)
        if not found:
            break
    return text


def _given_first(names: list[str]) -> list[str]:
    """Turn "Kukla D" and "Wood DA" round, where all are written so; one alone may be a whole name ("Deepak P")."""
    if len(names) < _SEVERAL or max(map(len, names)) > _LONGEST_NAME:
        return names
    found = [_FAMILY_FIRST.fullmatch(name) for name in names]
    if not all(found):
        return names
    return [f"{one['initials'].strip()} {one['family'].strip()}" for one in found if one]


def _from_list(parts: list[str]) -> list[str]:
    if len(parts) == _PAIR and max(map(len, parts)) <= _LONGEST_NAME and _is_one_person(*parts):
        return [f"{parts[1]} {parts[0]}"]
    return _by_initials(parts) or _with_suffixes(parts)


def _is_one_person(family: str, given: str) -> bool:
    """Tell whether "Kukla, Dora" and "de Araujo, Mayara R." are one person, and "Dora Kukla, Ann Wood" two."""
    return bool(_FAMILY.fullmatch(family)) and (
        (" " not in family and " " not in given) or bool(_GIVEN.fullmatch(given))
    )


def _by_initials(parts: list[str]) -> list[str]:
    """Join "Kukla", "D.", "Wood", "A. B." where initials follow most names; a consortium among them has none."""
    initials = [bool(_INITIALS.fullmatch(part)) and not _SUFFIX.fullmatch(part) for part in parts]
    if not any(initials) or 2 * sum(initials) < len(parts) - _FEW_ALONE * (sum(initials) > 1):
        return []
    names: list[str] = []
    for i, part in enumerate(parts):
        if not initials[i]:
            names.append(part)
        elif i == 0 or initials[i - 1]:
            return []
        else:
            names[-1] = f"{part} {names[-1]}"
    return names


def _with_suffixes(parts: list[str]) -> list[str]:
    names: list[str] = []
    for part in parts:
        if names and _SUFFIX.fullmatch(part):
            names[-1] = f"{names[-1]} {part}"
        else:
            names.append(part)
    return names


def _spoken(name: str) -> str:
    family, comma, given = (part.strip() for part in name.partition(","))
    return f"{given} {family}" if comma and given and not _SUFFIX.fullmatch(given) else name
