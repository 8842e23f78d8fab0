"""What an operator wants to know: who is subscribed, what became of the mail, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from newsletter.model import DeliveryState, Issue
from newsletter.store.engine import Database
from newsletter.store.schema import bounces, deliveries, issues, ratings, subscribers, suppressions

_LAST_ISSUES = 60  # those that may still have been sent within a day or so; the rows of all others are not looked at

_S = DeliveryState
_WAITING = (_S.QUEUED.value, _S.DEFERRED.value)


@dataclass(frozen=True, slots=True)
class Explained:
    """One delivery: whose, how it stands, what the server said, and when it is tried again, if it is."""

    key: int
    email: str
    state: DeliveryState
    attempts: int
    response: str
    next_attempt_at: datetime | None
    changed_at: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """How sending goes: what waits and since when, how much was sent of late, how long servers took (seconds)."""

    states: dict[DeliveryState, int]
    oldest_queued: datetime | None
    sent_last_minute: int
    timed: int
    seconds_sum: float
    seconds_most: float


class Figures:
    """Counts over all tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def explained(self, issue_keys: Iterable[int], states: Iterable[DeliveryState], limit: int) -> list[Explained]:
        """Give deliveries of some issues that are in some states, those first that changed last."""
        wanted = (
            deliveries.c.issue_key.in_(set(issue_keys)),
            deliveries.c.state.in_([state.value for state in states]),
        )
        query = sa.select(deliveries, subscribers.c.email).join_from(deliveries, subscribers).where(*wanted)
        query = query.order_by(deliveries.c.changed_at.desc(), deliveries.c.key).limit(limit)
        with self._database.reading() as connection:
            return [
                Explained(
                    row.key,
                    row.email,
                    DeliveryState(row.state),
                    row.attempts,
                    row.response,
                    row.next_attempt_at,
                    row.changed_at,
                    row.seconds,
                )
                for row in connection.execute(query)
            ]

    def outcomes(self, some: Iterable[Issue]) -> dict[int, Counter[DeliveryState]]:
        """Give, by issue key, how many deliveries stand in each state."""
        query = sa.select(deliveries.c.issue_key, deliveries.c.state, sa.func.count().label("number"))
        query = query.where(deliveries.c.issue_key.in_([issue.key for issue in some]))
        query = query.group_by(deliveries.c.issue_key, deliveries.c.state)
        found: dict[int, Counter[DeliveryState]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.issue_key, Counter())[DeliveryState(row.state)] = row.number
        return found

    def suppressions(self) -> dict[str, int]:
        """Give how many addresses are not to be mailed, by reason."""
        return self._counted(suppressions.c.reason)

    def bounces(self) -> dict[str, int]:
        """Give how many mails came back, by kind and reason."""
        kind = sa.case((bounces.c.reason == "", bounces.c.kind), else_=bounces.c.kind + ": " + bounces.c.reason)
        return self._counted(kind)

    def answers(self) -> dict[str, int]:
        """Give how many answers were given to papers, by what they say."""
        said = sa.case((ratings.c.liked, "more like this"), else_="not for me")
        return self._counted(said, ratings.c.answer)

    def _counted(self, column: sa.ColumnElement[Any], *wanted: sa.ColumnElement[bool]) -> dict[str, int]:
        number = sa.func.count().label("number")
        query = sa.select(column.label("name"), number).where(*wanted).group_by(column)
        with self._database.reading() as connection:
            return {row.name: row.number for row in connection.execute(query.order_by(number.desc()))}

    def pulse(self, now: datetime) -> Pulse:
        """Give how sending goes, in the last hour; of all but the newest issues nothing is looked at."""
        recent = sa.select(issues.c.key).order_by(issues.c.key.desc()).limit(_LAST_ISSUES)
        of_late = deliveries.c.issue_key.in_(recent)
        waiting = of_late, deliveries.c.state.in_(_WAITING), deliveries.c.next_attempt_at.is_not(None)
        minute, hour = now - timedelta(minutes=1), now - timedelta(hours=1)
        timed = of_late, deliveries.c.changed_at >= hour, deliveries.c.seconds.is_not(None)
        seconds = deliveries.c.seconds
        with self._database.reading() as connection:
            states = connection.execute(
                sa.select(deliveries.c.state, sa.func.count()).where(of_late).group_by(deliveries.c.state)
            ).all()
            oldest = connection.execute(sa.select(sa.func.min(deliveries.c.queued_at)).where(*waiting)).scalar()
            sent = sa.select(sa.func.count()).where(
                of_late, deliveries.c.state == _S.SENT.value, deliveries.c.changed_at >= minute
            )
            spent = connection.execute(
                sa.select(sa.func.count(), sa.func.sum(seconds), sa.func.max(seconds)).where(*timed)
            ).one()
            return Pulse(
                states={DeliveryState(state): number for state, number in states},
                oldest_queued=oldest,
                sent_last_minute=connection.execute(sent).scalar_one(),
                timed=spent[0],
                seconds_sum=spent[1] or 0.0,
                seconds_most=spent[2] or 0.0,
            )
