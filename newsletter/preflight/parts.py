"""Checks of the whole: size, headers, the text part, what personalisation left empty, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.preflight.letter import Letter, place
from newsletter.preflight.result import Result, failed, ok, warning
from newsletter.rendering.plaintext import columns

CLIPPED = 102_000  # bytes; what is behind them is not shown by Gmail
_CLOSE = 100_000
_STYLE = 16_000
_WIDEST = 76
_LONGEST_SUBJECT = 100
_LONGEST_LINE = 998
_NEEDED = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version")
_OF_LISTS = ("List-Id", "List-Unsubscribe", "List-Help", "Archived-At")
# Jinja that was not filled, and what programs write where they know nothing.
_UNFILLED = re.compile(r"\{\{|\{%|%\(\w+\)s|\bNone\b(?=[,.!]|$)|\bundefined\b|\[\[[a-z_.]+\]\]", re.MULTILINE)
_GREETING = re.compile(r"\b(?:Dear|Hello|Hi|Hallo|Liebe[r]?)\s*[,!]|„“|“”|‘’|\(\)")


def size(letter: Letter) -> Iterator[Result]:
    """Is it so large that it is cut off, or its style so long that it is not read?"""
    decoded = len(letter.html.encode())
    largest = max(decoded, letter.encoded)
    told = f"HTML of {decoded:,} bytes, {letter.encoded:,} as sent"
    cure = "fewer papers, or shorter key sentences"
    if largest > CLIPPED:
        yield failed("size", f"{told}: Gmail cuts it off at about {CLIPPED:,}", "the HTML part", cure)
    elif largest > _CLOSE:
        yield warning("size", f"{told}: close to where Gmail cuts it off", "the HTML part", cure)
    else:
        yield ok("size", told)
    for style in letter.page.iter("style") if letter.page is not None else ():
        length = len((style.text or "").encode())
        if length > _STYLE:
            yield failed("size", f"a style of {length:,} bytes is not read by Gmail", "<style>", "split it in two")


def headers(letter: Letter) -> Iterator[Result]:
    """Is there every header that readers and mail servers want, in a form that they understand?"""
    faults = list(_faults_of_headers(letter))
    yield from faults or [ok("headers", f"{len(letter.message.keys())} headers, every one needed among them")]


def _faults_of_headers(letter: Letter) -> Iterator[Result]:
    for name in _NEEDED:
        if not letter.header(name):
            yield failed("headers", f"there is no {name}", "the head of the message", "a mail without it is refused")
    of_list = bool(letter.header("List-Id"))
    for name in _OF_LISTS if of_list else ():
        value = letter.raw_header(name)
        if not value:
            yield failed("headers", f"there is no {name}", "the head of the message", "issues need it: RFC 2369, 8058")
        elif name != "List-Id" and not re.fullmatch(r"<https?://[!-~]+>", value):
            yield failed("headers", f"{name} is no web address", name, "set site.url to where the pages are")
    if of_list and letter.raw_header("List-Unsubscribe").startswith("<http://"):
        yield warning("headers", "no one-click unsubscribe", "List-Unsubscribe", "site.url must begin with https://")
    subject = letter.header("Subject")
    if len(subject) > _LONGEST_SUBJECT:
        what = f"the subject has {len(subject)} characters, of which phones show some 40"
        yield warning("headers", what, "Subject", f"at most {_LONGEST_SUBJECT}")
    if any(len(line) > _LONGEST_LINE for line in letter.data.split(b"\r\n")):
        yield failed("headers", f"a line has more than {_LONGEST_LINE} bytes", "the message", "RFC 5322, 2.1.1")


def text_part(letter: Letter) -> Iterator[Result]:
    """Is there a text part, does it carry every link of the HTML, and does it fit a terminal?"""
    if not letter.text.strip():
        yield failed("text", "there is no text part", "the message", "write body.txt of this mail")
        return
    faults = list(_faults_of_text(letter))
    lines = letter.text.count("\n")
    yield from faults or [ok("text", f"{lines} lines of text, with every link of the HTML")]


def _faults_of_text(letter: Letter) -> Iterator[Result]:
    for number, line in enumerate(letter.text.splitlines(), start=1):
        if columns(line) > _WIDEST and "://" not in line:
            what = f"a line takes {columns(line)} columns of {_WIDEST}"
            yield warning("text", what, f"line {number}: {line.strip()[:40]}", "put it through `| fill` in body.txt")
    if letter.page is None:
        return
    missing = {a.get("href") for a in letter.page.iter("a") if a.get("href") and a.get("href") not in letter.text}
    for href in sorted(missing):
        yield warning("text", "a link of the HTML is not in the text", href[:80], "add it to body.txt")


def personal(letter: Letter) -> Iterator[Result]:
    """Was everything filled in that is for one reader?"""
    visible = letter.page.text_content() if letter.page is not None else ""
    faults = []
    for name, text in (("Subject", letter.header("Subject")), ("text", letter.text), ("HTML", visible)):
        if found := _UNFILLED.search(text) or _GREETING.search(text):
            around = " ".join(text[max(found.start() - 20, 0) : found.end() + 20].split())
            what = f"{found[0]!r} looks like something that was not filled in"
            faults.append(
                warning("personal", what, f"{name}: {around}", "a paper may say so; if not, mend the template")
            )
    if not letter.header("To"):
        faults.append(failed("personal", "it is for nobody", "To", "give the reader an address"))
    yield from faults or [ok("personal", "nothing was left empty")]


def images(letter: Letter) -> Iterator[Result]:
    """Has every picture a text to stand for it, and a size before it is there?"""
    faults, count = [], 0
    for image in letter.page.iter("img") if letter.page is not None else ():
        count += 1
        where = (image.get("src") or "")[:80]
        if image.get("alt") is None:
            faults.append(failed("images", "a picture without alt", where, 'say what it shows, or alt="" for ornament'))
        if not (image.get("width") and image.get("height")):
            faults.append(warning("images", "a picture of no fixed size", where, "give it width and height"))
        if not where.startswith(("https://", "cid:")):
            faults.append(failed("images", "a picture that cannot be fetched", where, "an address with https://"))
    blank = [a for a in (letter.page.iter("a") if letter.page is not None else ()) if _says_nothing(a)]
    faults += [
        failed("images", "a link without words", place(a), "give it a text, or its picture an alt") for a in blank
    ]
    yield from faults or [ok("images", f"{count} pictures, every one with alt and size" if count else "no pictures")]


def _says_nothing(link: object) -> bool:
    words = link.text_content().strip() or link.get("aria-label")  # type: ignore[attr-defined]
    return not words and not any(image.get("alt") for image in link.iter("img"))  # type: ignore[attr-defined]
