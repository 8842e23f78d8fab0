"""JSON lists of papers: which kind a document is, told by the keys in its beginning, and its entries.

Each kind is a `JsonFormat`; `csl_json` and `json_records` hold them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import entries, sniff
from newsletter.sources.text import decode, plain

_HEAD = 65_536
_DEEPEST = 6
# An empty object takes 64 bytes and one with a key 184: a document of a few megabytes could fill the memory.
_MOST_CONTAINERS = 1_000_000
_MOST_VALUES = 4_000_000
_LONGEST_NUMBER = 20
# A string always matches, if need be up to the end: so the scan is linear, and text in strings is never taken for keys.
_TOKEN = re.compile(
    r"\"(?P<text>[^\"\\]*(?:\\.[^\"\\]*)*)(?:\"(?P<key>\s*:)?|\\?\Z)|(?P<open>[\[{])|(?P<close>[\]}])", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """One kind of JSON.

    `places` are the keys behind which its list may be, `object_at` those of a single entry; the document itself may be
    either. `marks` are sets of keys of which one must be in an entry, `without` keys that must not; `record` makes a
    paper of an entry or raises ValueError. `sent_at` are the keys of the number of entries, where an answer without
    papers has no list.
    """

    name: str
    title: str
    needs: str
    places: tuple[tuple[str, ...], ...]
    marks: tuple[frozenset[str], ...]
    without: frozenset[str]
    record: Callable[[Mapping[str, Any]], PaperRecord]
    object_at: tuple[str, ...] = ()
    sent_at: tuple[str, ...] = ()

    def recognises(self, data: bytes) -> bool:
        """Tell by the keys in the beginning of `data` whether it is of this kind."""
        if not sniff.is_json(data):
            return False
        paths = shape(data)
        for place in ((), self.object_at, *self.places):
            for prefix in ("".join(f".{key}" for key in place), "".join(f".{key}" for key in place) + "[]"):
                keys = {path[len(prefix) + 1 :] for path in paths if path.startswith(f"{prefix}.")}
                if any(mark <= keys for mark in self.marks) and not self.without & keys:
                    return True
        return False

    def parse(self, data: bytes, *, where: str) -> Digest:
        """Read the papers; an empty list is a digest without papers.

        Entries that are no papers are left out with a warning in the log. Raises NotADigestError when `data` is not
        JSON, is JSON of another form, is too large to be safe, or holds entries of which none is a paper.
        """
        document = load(data, where=where, name=self.name, needs=self.needs)
        found = self._entries(document, where)
        return entries.digest(found, self._record, where=where, title=self.title, needs=self.needs)

    def _record(self, entry: Any) -> PaperRecord:
        if not isinstance(entry, dict):
            raise ValueError("no JSON object")  # noqa: TRY004  one kind of error for all that is wrong with an entry
        return self.record(entry)

    def _entries(self, document: Any, where: str) -> list[Any]:
        if isinstance(document, list):
            return document
        for place in self.places:
            if isinstance(found := _at(document, place), list):
                return found
        if self.sent_at and _at(document, self.sent_at) in ("0", 0):
            return []
        single = _at(document, self.object_at)
        for entry in (single, document):
            if isinstance(entry, dict) and self._single(entry):
                return [entry]
        said = document.get("error") or document.get("message") if isinstance(document, dict) else None
        what = f"an answer that says: {plain(str(said)[:1000])[:200]}" if said else "JSON of another form"
        raise NotADigestError(f"{where} is not {self.name} but {what}", hint=f"needed is {self.needs}")

    def _single(self, entry: Mapping[str, Any]) -> bool:
        return any({key.partition(".")[0].removesuffix("[]") for key in mark} <= entry.keys() for mark in self.marks)


def _at(document: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def load(data: bytes, *, where: str, name: str, needs: str) -> Any:
    """Read JSON that a stranger wrote. Raises NotADigestError: no JSON, nested too deeply, or too many values."""
    text = decode(data)
    if too_many(text):
        reason = f"it holds more than {_MOST_CONTAINERS:,} lists and objects or {_MOST_VALUES:,} values"
        raise NotADigestError(f"{where} is too large for {name}: {reason}", hint="split it into several files")
    try:
        return loads(text)
    except RecursionError:
        reason = "JSON that is nested too deeply"
    except ValueError as error:
        reason = f"JSON that is broken: {error}" if sniff.is_json(data) else sniff.looks_like(data) or "other text"
    raise NotADigestError(f"{where} is not {name} but {reason}", hint=f"needed is {needs}")


def too_many(text: str) -> bool:
    """Tell whether JSON holds more lists, objects or values than fit into memory; quotes count what is in strings."""
    return text.count("{") + text.count("[") > _MOST_CONTAINERS or text.count(",") > _MOST_VALUES


def loads(text: str) -> Any:
    """Read one JSON value; a number of absurd length is None. Raises ValueError and RecursionError."""
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | None:
    # int() refuses 4,301 digits, and the error would cost the whole document.
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def shape(data: bytes) -> frozenset[str]:
    """Give the paths of all keys and lists in the first 64 KB, as `.message.items[].title[]`; never raises."""
    paths: set[str] = set()
    stack: list[str] = []
    at = ""
    for token in _TOKEN.finditer(decode(data[:_HEAD])):
        if token["key"] and stack:
            at = f"{stack[-1]}.{token['text'][:50]}" if len(stack) < _DEEPEST else stack[-1]
            paths.add(at)
        elif token["open"]:
            at += "[]" if token["open"] == "[" and len(stack) < _DEEPEST else ""
            paths.add(at)
            stack.append(at)
        elif token["close"] and stack:
            stack.pop()
            at = stack[-1] if stack else ""
    return frozenset(paths)
