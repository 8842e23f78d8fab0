"""Issues, and the editions that subscribers get of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import starmap
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from newsletter.model import (
    Cadence,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Pick,
    Reason,
    ReasonKind,
    Section,
    Subscriber,
    Window,
)
from newsletter.store.absorb import absorbed
from newsletter.store.batches import batches
from newsletter.store.bulk import among, insert_new
from newsletter.store.engine import NEWS_LOCK, Database, driver, insert_ignore, take_turns
from newsletter.store.schema import deliveries, editions, issues, papers, subscribers

_SECTIONS = {section.value: section for section in Section}  # a fifth of the time of Section(value)

Then: TypeAlias = Callable[[Any, Issue], None]  # is given the driver's own connection, in its transaction


class Issues:
    """Dated editions of the newsletter: unique per (cadence, day) and per (cadence, window start)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, sketch: Issue, *, now: datetime, then: Then | None = None) -> Issue:
        """Keep an issue; where it was opened already (also just now, by another process), give that one.

        Who opens it does `then` in the same transaction: both are done, or neither.
        """
        row = {
            "cadence": sketch.cadence.value,
            "day": sketch.day,
            "window_start": sketch.window.start,
            "window_end": sketch.window.end,
            "state": sketch.state.value,
            "opened_at": now,
        }
        with self._database.writing() as connection:
            take_turns(connection, NEWS_LOCK)  # so that what is being kept is seen in its window, or after it
            statement = insert_ignore(connection, issues).values(row).returning(issues.c.key)
            opened = connection.execute(statement).first() is not None
            same = sa.or_(issues.c.day == sketch.day, issues.c.window_start == sketch.window.start)
            query = sa.select(issues).where(issues.c.cadence == sketch.cadence.value, same)
            found = connection.execute(query.order_by((issues.c.day == sketch.day).desc())).first()
            assert found is not None, "an issue that was just inserted or was there"  # noqa: S101
            if opened and then:
                then(driver(connection), _issue(found))
            return _issue(found)

    def on(self, day: date) -> list[Issue]:
        """Give the issues of a day, one a cadence at most."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).where(issues.c.day == day).order_by(issues.c.cadence))
            return [_issue(row) for row in rows]

    def latest(self, cadence: Cadence) -> Issue | None:
        """Give the newest issue of a cadence."""
        query = sa.select(issues).where(issues.c.cadence == cadence.value).order_by(issues.c.day.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            return _issue(row) if row else None

    def before(self, issue: Issue) -> Issue | None:
        """Give the last issue of the same cadence on a day before."""
        earlier = issues.c.cadence == issue.cadence.value, issues.c.day < issue.day
        query = sa.select(issues).where(*earlier).order_by(issues.c.day.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            return _issue(row) if row else None

    def newest(self) -> Issue | None:
        """Give the newest issue of all."""
        query = sa.select(issues).order_by(issues.c.day.desc(), issues.c.key.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            return _issue(row) if row else None

    def all(self) -> list[Issue]:
        """Give every issue, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).order_by(issues.c.day.desc(), issues.c.cadence))
            return [_issue(row) for row in rows]

    def page(self, limit: int, *, below: int) -> list[Issue]:
        """Give issues whose keys are below one, those that were opened last first."""
        query = sa.select(issues).where(issues.c.key < below).order_by(issues.c.key.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_issue(row) for row in connection.execute(query)]

    def by_key(self, keys: Iterable[int]) -> dict[int, Issue]:
        """Give issues by key."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).where(issues.c.key.in_(set(keys))))
            return {row.key: _issue(row) for row in rows}

    def set_state(self, issue: Issue, state: IssueState) -> None:
        """Pause an issue, or let it go on."""
        with self._database.writing() as connection:
            connection.execute(issues.update().where(issues.c.key == issue.key).values(state=state.value))

    def not_ranked(self) -> list[Issue]:
        """Give the issues that are not ranked for all their readers yet, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).where(issues.c.ranked_at.is_(None)).order_by(issues.c.key))
            return [_issue(row) for row in rows]

    def set_ranked(self, issue: Issue, *, now: datetime) -> None:
        """Remember that an issue is ranked for all its readers."""
        with self._database.writing() as connection:
            connection.execute(issues.update().where(issues.c.key == issue.key).values(ranked_at=now))

    def publish(
        self,
        made: Sequence[Edition],
        message_ids: Mapping[int, str],
        *,
        now: datetime,
        due: Mapping[int, datetime] | None = None,
    ) -> None:
        """Keep editions and queue their deliveries, in one transaction; those that are kept already stay as they are.

        An edition without picks is kept too; its delivery is `skipped`. `message_ids` go by subscriber key, as does
        `due`, when each is to leave: now, where it does not say. Who was forgotten while theirs was made has none.
        """
        due = due or {}
        with self._database.writing() as connection:
            for everyone in batches(made):
                there = _there(connection, [edition.subscriber.key for edition in everyone])
                some = [edition for edition in everyone if edition.subscriber.key in there]
                insert_new(connection, editions, [_edition_row(edition) for edition in some])
                keys = [edition.subscriber.key for edition in some]
                queued = [
                    _delivery_row(edition, message_ids[key], now, due.get(key, now))
                    for edition, key in zip(some, keys, strict=True)
                ]
                insert_new(connection, deliveries, queued)

    def last_ends(self, subscriber_keys: Iterable[int], *, before: date) -> dict[int, datetime]:
        """Give up to when each subscriber's last edition before a day reached, by subscriber key."""
        ends: dict[int, datetime] = {}
        latest: dict[int, int] = {}
        with self._database.reading() as connection:
            before_it = sa.select(issues.c.key, issues.c.window_end).where(issues.c.day < before)
            ends = {row.key: row.window_end for row in connection.execute(before_it)}
            later = sa.select(issues.c.key).where(issues.c.day >= before, issues.c.key < max(ends, default=0))
            # Issues are opened in the order of their days, so the last edition is that of the highest key: one step in
            # an index for each reader, however long their past is.
            past = (
                editions.c.issue_key <= max(ends, default=0),
                editions.c.issue_key.not_in(list(connection.scalars(later))),
            )
            mine = editions.c.subscriber_key == subscribers.c.key
            last = sa.select(sa.func.max(editions.c.issue_key)).where(mine, *past).scalar_subquery()
            for some in batches(subscriber_keys if ends else ()):
                query = sa.select(subscribers.c.key, last.label("last")).where(among(subscribers.c.key, some))
                latest.update((row.key, row.last) for row in connection.execute(query) if row.last)
        return {key: ends[last] for key, last in latest.items()}

    def picks(self, issue_key: int, subscriber_keys: Iterable[int]) -> dict[int, tuple[Pick, ...]]:
        """Give the picks of an issue by subscriber key."""
        found: dict[int, tuple[Pick, ...]] = {}
        with self._database.reading() as connection:
            for row in _editions_of(connection, issue_key, subscriber_keys):
                found[row.subscriber_key] = tuple(_pick(value) for value in row.picks)
        return found

    def editions(self, issue: Issue, subscribers: Iterable[Subscriber]) -> dict[int, Edition]:
        """Give the editions that subscribers have of an issue, by subscriber key."""
        known = {one.key: one for one in subscribers}
        with self._database.reading() as connection:
            return {
                row.subscriber_key: Edition(
                    issue, known[row.subscriber_key], tuple(_pick(value) for value in row.picks), row.since
                )
                for row in _editions_of(connection, issue.key, known)
            }

    def of_subscriber(self, subscriber_key: int) -> list[tuple[Issue, tuple[Pick, ...]]]:
        """Give the issues that a subscriber has an edition of, oldest first, with its picks."""
        query = sa.select(issues, editions.c.picks).join_from(editions, issues)
        query = query.where(editions.c.subscriber_key == subscriber_key).order_by(issues.c.day, issues.c.key)
        with self._database.reading() as connection:
            return [(_issue(row), tuple(_pick(value) for value in row.picks)) for row in connection.execute(query)]

    def already_picked(self, subscriber_keys: Iterable[int], window: Window) -> dict[int, set[int]]:
        """Give, by subscriber key, the papers that each was given before and might be given again out of a window.

        What an issue gives became news before it ended. So only those are read that ended in this window (those of
        other cadences), and those of papers that turned out to be one of this window's: never a reader's whole past.
        """
        found: dict[int, set[int]] = {}
        with self._database.reading() as connection:
            now = absorbed(connection)
            past = list(connection.scalars(_may_repeat(window)))
            for some in batches(subscriber_keys if past else ()):
                query = sa.select(editions.c.subscriber_key, editions.c.picks)
                query = query.where(editions.c.issue_key.in_(past), among(editions.c.subscriber_key, some))
                for row in connection.execute(query):
                    keys = (pick["paper"] for pick in row.picks)
                    found.setdefault(row.subscriber_key, set()).update(now.get(key, key) for key in keys)
        return found


def _may_repeat(window: Window) -> sa.Select[tuple[int]]:
    """Find the issues that may have given somebody a paper of a window."""
    other = papers.alias()
    moved = sa.exists().where(
        other.c.same_as.is_not(None),
        other.c.same_as == papers.c.key,
        papers.c.first_seen_at >= window.start,
        papers.c.first_seen_at < window.end,
        other.c.first_seen_at < issues.c.window_end,
    )
    return sa.select(issues.c.key).where(sa.or_(issues.c.window_end > window.start, moved))


def _there(connection: Connection, subscriber_keys: Sequence[int]) -> set[int]:
    """Tell which subscribers there still are, and that none of them goes before this transaction ends."""
    query = sa.select(subscribers.c.key).where(among(subscribers.c.key, subscriber_keys))
    return set(connection.scalars(query.with_for_update(read=True, key_share=True)))


def _edition_row(edition: Edition) -> dict[str, Any]:
    return {
        "issue_key": edition.issue.key,
        "subscriber_key": edition.subscriber.key,
        "since": edition.since,
        "picks": [
            {
                "paper": pick.paper_key,
                "rank": pick.rank,
                "section": pick.section,
                "score": pick.score,
                "reasons": [[reason.kind, reason.matched] for reason in pick.reasons],
            }
            for pick in edition.picks
        ],
    }


def _editions_of(connection: Connection, issue_key: int, subscriber_keys: Iterable[int]) -> Iterator[Row[Any]]:
    for some in batches(subscriber_keys):
        query = sa.select(editions).where(editions.c.issue_key == issue_key, among(editions.c.subscriber_key, some))
        yield from connection.execute(query)


def _delivery_row(edition: Edition, message_id: str, now: datetime, due: datetime) -> dict[str, Any]:
    return {
        "issue_key": edition.issue.key,
        "subscriber_key": edition.subscriber.key,
        "state": (DeliveryState.QUEUED if edition.picks else DeliveryState.SKIPPED).value,
        "attempts": 0,
        "next_attempt_at": due if edition.picks else None,
        "lease_owner": "",
        "leased_until": None,
        "message_id": message_id,
        "response": "" if edition.picks else "no papers for this subscriber",
        "queued_at": now,
        "changed_at": now,
    }


@lru_cache(maxsize=8192)  # readers of one topic are many
def _reason(kind: str, matched: str) -> Reason:
    return Reason(ReasonKind(kind), matched)


def _pick(value: Mapping[str, Any]) -> Pick:
    reasons = tuple(starmap(_reason, value["reasons"]))
    return Pick(value["paper"], value["rank"], _SECTIONS[value["section"]], value["score"], reasons)


def _issue(row: Row[Any]) -> Issue:
    return Issue(
        key=row.key,
        cadence=Cadence(row.cadence),
        day=row.day,
        window=Window(row.window_start, row.window_end),
        state=IssueState(row.state),
    )
