"""A line about each paper from a language model, where the settings name one: written between issues, never for one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.errors import SummaryError
from newsletter.rendering import Writer
from newsletter.store import Store

_NEWEST = 500  # papers: about as many as a day has
_PATIENCE = 3


@dataclass(frozen=True)
class Summarised:
    """What came of asking a model for summaries: how many it wrote, and why others are missing."""

    made: int = 0
    problems: tuple[str, ...] = ()


def summarise(
    store: Store, writer: Writer | None, *, now: datetime, progress: Callable[[int], None] | None = None
) -> Summarised | None:
    """Have the model that is set write a line about the newest papers that have none; None where none is set.

    Nothing raises and nothing waits for ever: `Writer.seconds` is for all of them, and a server that failed three
    times in a row is left alone. Whatever is missing is asked for the next time.
    """
    made, problems = 0, []
    if writer is None:
        return None
    newest = store.papers.recent(_NEWEST, before=now + timedelta(microseconds=1))
    hashes = {writer.text_hash(paper): paper for paper in newest if writer.wants(paper)}
    known = store.summaries.load(writer.model, hashes)
    ends, failed = time.monotonic() + writer.seconds, 0
    for name in (name for name in hashes if name not in known):
        left = ends - time.monotonic()
        if left <= 0 or failed == _PATIENCE:
            problems.append("not all summaries were written; the rest is asked for the next time")
            break
        try:
            store.summaries.save(writer.model, name, writer.write(hashes[name], timeout=left))
        except SummaryError as error:
            problems.append(str(error))
            failed += 1
        else:
            made, failed = made + 1, 0
        if progress:
            progress(1)
    return Summarised(made, tuple(dict.fromkeys(problems)))
