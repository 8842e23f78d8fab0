"""The child process in which feedparser runs: a feed on standard input, one JSON object on standard output.

feedparser raises on some feeds and takes minutes over others (64 KB of unbroken text as an author, 50,000 categories),
so it runs where it can be stopped. Run as `python -m newsletter.sources.feed_child SECONDS`. It prints
`{"version", "title", "published", "bozo", "entries": [{…}]}` or `{"error": "…"}`; nothing here decides anything.
"""

from __future__ import annotations

import io
import json
import math
import sys
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

if sys.platform != "win32":
    import resource

_MEMORY = 2 * 1024**3
# What of an entry is handed on as it is. Namespaced elements come as prefix_name, in lower case.
_FIELDS = ("id", "title", "link", "summary", "arxiv_announce_type", "arxiv_doi", "prism_doi", "dc_identifier")


def main() -> int:
    """Parse standard input and print what was found. Always ends with status 0 and one JSON object."""
    _limit(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    try:
        answer = extract(sys.stdin.buffer.read())
    except Exception as error:  # noqa: BLE001  feedparser raises what its parsers and codecs happen to raise
        answer = {"error": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write(json.dumps(answer))
    return 0


def extract(data: bytes) -> dict[str, Any]:
    """Give what feedparser finds in `data`, as plain lists, dicts and strings. Raises whatever feedparser raises."""
    # BytesIO, because a string may be taken for a path or a URL. Unsanitised, because sanitising deletes "$n<m$".
    result = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    feed = result.feed
    return {
        "version": result.get("version") or "",
        "title": feed.get("title", ""),
        "published": _instant(feed, "published_parsed"),
        "bozo": str(result.get("bozo_exception", "") if result.get("bozo") else "")[:300],
        "entries": [_entry(entry) for entry in result.entries],
    }


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: entry[name] for name in _FIELDS if isinstance(entry.get(name), str)}
    found["title_type"] = entry.get("title_detail", {}).get("type", "")
    found["summary_type"] = entry.get("summary_detail", {}).get("type", "")
    found["content"] = [[part.get("type", ""), part.get("value", "")] for part in entry.get("content", [])]
    found["authors"] = [author.get("name", "") for author in entry.get("authors", []) if author]
    found["categories"] = [tag.get("term") or "" for tag in entry.get("tags", [])]
    found["published"] = _instant(entry, "published_parsed") or _instant(entry, "updated_parsed")
    return found


def _instant(source: Mapping[str, Any], key: str) -> str:
    # Not by get(): feedparser answers with "published" where "updated" is asked for and missing.
    moment = dict(source).get(key)
    if not moment:
        return ""
    try:
        return datetime.fromtimestamp(timegm(moment), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _limit(seconds: float) -> None:
    """Bound memory and processor time where the system can."""
    if sys.platform == "win32":  # the parent's time limit remains
        return
    for kind, value in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, math.ceil(seconds) + 1)):
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (ceiling, hard))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS
            continue


if __name__ == "__main__":
    sys.exit(main())
