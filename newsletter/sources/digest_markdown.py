"""Copies of a page that came as Markdown: pictures and addresses within the site are taken out of their marks.

What is left are lines as a browser's clipboard gives them, and links to papers, which stay.
"""

from __future__ import annotations

import re

from newsletter.sources.markdown import IMAGE

SITE = "https://huggingface.co"

_PICTURE_LINK = re.compile(r"\[\s*\]\([^()\s]{0,2000}\)")
_LINK = re.compile(r"\[(?P<text>[^\[\]]{1,500})\]\((?P<url>[^()\s]{1,2000})(?:\s\"[^\"]{0,300}\")?\)")
_PAPER = re.compile(r"(?:https?://(?:www\.)?huggingface\.co)?/papers/(?P<id>\d{4}\.\d{4,5})")
_OWN = re.compile(r"(?:https?://(?:www\.)?huggingface\.co)?/|#")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+")
_BETWEEN = re.compile(r"[\s|·•,/]*")


def flattened(text: str) -> str:
    """Give a copied page without Markdown's marks for what is of the site itself; other text comes back as it is."""
    if "](" not in text:
        return text
    return "\n".join(line for source in text.splitlines() for line in _lines(source))


def _lines(source: str) -> list[str]:
    line = _PICTURE_LINK.sub("", IMAGE.sub("", source))
    mark = _HEADING.match(line) or _BULLET.match(line)
    start = mark.end() if mark else 0
    links = list(_LINK.finditer(line, start))
    own = [link for link in links if _OWN.match(link["url"])]
    if line != source and not line[start:].strip():
        return []  # a picture, which would stand between "Submitted by" and the name
    if not own:
        return [line]
    if _BETWEEN.fullmatch(_LINK.sub("", line[start:])) and len(own) == len(links):
        # Menus are lists and rows of links; a heading stays one.
        head = line[:start] if _HEADING.match(line) else ""
        return [part for link in own for part in ("", f"{head}{_text(link)}")]
    return [_LINK.sub(lambda link: _text(link) if _OWN.match(link["url"]) else link[0], line).strip()]


def _text(link: re.Match[str]) -> str:
    """Give a link's words; with its address where it names a paper, and nothing where it is an arrow."""
    words = link["text"].strip()
    if paper := _PAPER.fullmatch(link["url"]):
        return f"[{words}]({SITE}/papers/{paper['id']})"
    return words if any(map(str.isalnum, words)) else ""
