"""Keywords as people type them, found in titles and abstracts as people write them.

"in-context learning" finds "In context learning", "diffusion model" finds "diffusion models", "CTC" finds "CTC-based",
"KV cache" finds "key-value (KV) cache"; an acronym of up to five capitals finds only capitals ("RAG" is not "rag").
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from newsletter import identity

_ACRONYM = re.compile(r"[A-Z0-9]{2,5}")


@lru_cache(maxsize=4096)
def pattern(phrase: str) -> re.Pattern[str] | None:
    """Give the pattern that finds a phrase in folded text (in unfolded text for acronyms); None for an empty one."""
    phrase = phrase.strip()
    words = re.findall(r"[^\s\-‐-–]+|[\s\-‐-–]+", phrase if is_acronym(phrase) else identity.folded(phrase))
    if not any(c.isalnum() for c in phrase):
        return None
    parts = [_gap(word) if _is_gap(word) else re.escape(word) for word in words]
    parts[-1] = _either_number(words[-1])
    body = "".join(parts)
    # What no word may stand before comes first, for `re` looks for letters at the beginning many times as fast.
    head = "" if _is_gap(words[0]) else re.escape(words[0] if len(words) > 1 else words[0][: max(1, len(words[0]) - 3)])
    return re.compile(rf"{head}(?<!\w{head}){body.removeprefix(head)}(?!\w)" if head else rf"(?<!\w){body}(?!\w)")


def _either_number(word: str) -> str:
    """Give a pattern for a noun that finds its singular and its plural."""
    for ending, stem in (("ies", word[:-3]), ("y", word[:-1])):
        if word.endswith(ending) and len(stem) > 2:
            return re.escape(stem) + "(?:y|ies)"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return re.escape(word[:-1]) + "(?:s|es)?"
    return re.escape(word) + ("(?:s|es)?" if word[-1].isalnum() else "")


def is_acronym(phrase: str) -> bool:
    """Tell whether a phrase is to be found in capitals only."""
    return _ACRONYM.fullmatch(phrase) is not None


def core(phrase: str) -> str:
    """Give the longest run of letters and digits of a phrase, without an end that `pattern` lets vary."""
    if is_acronym(phrase.strip()):
        return phrase.strip()
    longest = max(re.findall(r"\w+", identity.folded(phrase)), key=len, default="")
    return longest[: max(3, len(longest) - 3)]


def _is_gap(word: str) -> bool:
    return re.match(r"[\s\-‐-–]", word) is not None


def _gap(separator: str) -> str:
    # A hyphen may be a space or nothing ("fine-tuning", "finetuning"); a space may be a hyphen, but is never nothing. A
    # bracket may close before it: "KV cache" is found in "key-value (KV) cache".
    return r"\)?[\s\-‐-–]+" if separator.isspace() else r"[\s\-‐-–]*"


@lru_cache(maxsize=16_384)  # one day's readers ask the same of the same abstracts
def spans(text: str, phrase: str) -> tuple[tuple[int, int], ...]:
    """Give where in `text` a phrase stands, as (start, end)."""
    phrase = phrase.strip()
    wanted = pattern(phrase)
    if wanted is None:
        return ()
    if is_acronym(phrase):
        return tuple(found.span() for found in wanted.finditer(text))
    folded, places = _folded(text)
    return tuple((places[match.start()], places[match.end() - 1] + 1) for match in wanted.finditer(folded))


@lru_cache(maxsize=1024)
def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Give a text folded, and where each of its characters comes from: of one there may come several ("ß"), or none."""
    if text.isascii():
        return identity.folded(text), range(len(text))
    folded = [identity.folded(character) for character in text]
    return "".join(folded), [place for place, character in enumerate(folded) for _ in character]
