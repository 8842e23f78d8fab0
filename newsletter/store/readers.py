"""Subscribers as they are read: rows, and what they said of papers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from newsletter.model import Answer, Cadence, InterestProfile, QuietDay, Subscriber, SubscriberStatus
from newsletter.store.batches import batches
from newsletter.store.bulk import among
from newsletter.store.schema import OF_FILE, papers, ratings


def many(connection: Connection, rows: Sequence[Row[Any]], *, ratings: bool = True) -> list[Subscriber]:
    """Give the subscribers of some rows, with what they said of papers if that is wanted."""
    said = _said(connection, [row.key for row in rows]) if ratings else {}
    return [_subscriber(row, said.get(row.key, ())) for row in rows]


def _said(connection: Connection, subscriber_keys: Sequence[int]) -> dict[int, list[_Said]]:
    said: dict[int, list[_Said]] = {key: [] for key in subscriber_keys}
    # When something was said matters of answers alone: of the many papers in libraries it is not read.
    at = sa.case((ratings.c.answer, ratings.c.rated_at))
    for some in batches(said):
        query = sa.select(ratings.c.subscriber_key, papers.c.id, ratings.c.liked, at).join_from(ratings, papers)
        query = query.where(among(ratings.c.subscriber_key, some)).order_by(ratings.c.rated_at, ratings.c.paper_key)
        for key, *rest in connection.execute(query):
            said[key].append(_Said(*rest))
    return said


class _Said(NamedTuple):
    """That a paper is liked, or not; where it is an answer to a paper that was shown, when it was given."""

    paper: str
    liked: bool
    answered_at: datetime | None


def _subscriber(row: Row[Any], said: Sequence[_Said]) -> Subscriber:
    stored = row.profile
    named = [one for one in said if one.answered_at is None]
    profile = InterestProfile(
        topics=tuple((slug, float(weight)) for slug, weight in stored["topics"]),
        keywords=tuple(stored["keywords"]),
        muted=tuple(stored["muted"]),
        authors=tuple(stored["authors"]),
        liked=tuple(paper for paper, liked, _ in named if liked),
        disliked=tuple(paper for paper, liked, _ in named if not liked),
        interests=stored["interests"],
        answers=tuple(Answer(paper, liked, at) for paper, liked, at in said if at is not None),
    )
    return Subscriber(
        key=row.key,
        public_id=row.public_id,
        email=row.email,
        name=row.name,
        status=SubscriberStatus(row.status),
        profile=profile,
        cadence=Cadence(row.cadence),
        timezone=row.timezone,
        hour=row.hour,
        papers=row.papers,
        language=row.language,
        quiet=QuietDay(row.quiet),
        created_at=row.created_at,
        paused_until=row.paused_until,
        cadence_chosen_at=row.cadence_chosen_at,
        of_file=row.origin == OF_FILE,
    )
