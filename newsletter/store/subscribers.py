"""Subscribers, their ratings of papers, and the addresses that must never be mailed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.errors import NotFoundError, StoreError
from newsletter.model import (
    EVERYBODY,
    Cadence,
    InterestProfile,
    Issue,
    NewSubscriber,
    Shard,
    Subscriber,
    SubscriberStatus,
)
from newsletter.store.batches import SIZE, batches
from newsletter.store.bulk import among, insert_new
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.outbox import drop_for
from newsletter.store.papers import keys_of
from newsletter.store.readers import many
from newsletter.store.schema import (
    IS_ACTIVE,
    OF_FILE,
    deliveries,
    issues,
    papers,
    ratings,
    subscribers,
    suppressions,
    within,
)


class Subscribers:
    """Who is mailed what. An address is compared case-folded, and never subscribed twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewSubscriber, *, now: datetime) -> Subscriber:
        """Write a subscriber. Raises StoreError where the address is subscribed already, NotFoundError where a liked or
        disliked paper is not known.
        """
        with self._database.writing() as connection:
            key = _insert(connection, new, now)
            if key is None:
                raise StoreError(
                    f"{new.email} is subscribed already", hint="`newsletter subscribers show` tells with what"
                )
            _rate(connection, key, _named(new.profile), now)
            return _one(connection, subscribers.c.key == key)

    def replace(self, everyone: Iterable[NewSubscriber], *, now: datetime, overrule: bool = False) -> None:
        """Write subscribers, in place of those with the same addresses (their past stays): all of them, or none.

        Who chose the cadence by themselves keeps it (`set_by_operator`), unless it is to `overrule` them. Raises
        NotFoundError where a liked or disliked paper is not known.
        """
        with self._database.writing() as connection:
            for some in batches(everyone):
                _replace(connection, {new.email.strip().casefold(): new for new in some}, now, overrule=overrule)

    def of_file(self) -> list[Subscriber]:
        """Give those who are kept in step with the operator's file, by address."""
        with self._database.reading() as connection:
            query = sa.select(subscribers).where(subscribers.c.origin == OF_FILE).order_by(subscribers.c.address)
            return many(connection, connection.execute(query).all())

    def keep_in_step(
        self, listed: Iterable[NewSubscriber], paused: Iterable[str], *, now: datetime, overrule: bool = False
    ) -> None:
        """Write those whom the operator's file lists, and pause others by their addresses: all of it, or nothing.

        Who came otherwise stays as they are; who left, or must not be mailed, does not come back by a file. Who chose
        the cadence by themselves keeps it (`set_by_operator`), unless it is to `overrule` them. Raises NotFoundError
        where a liked or disliked paper is not known.
        """
        pending = subscribers.c.status == SubscriberStatus.PENDING.value
        with self._database.writing() as connection:
            for new in listed:
                key = _insert(connection, new, now, origin=OF_FILE)
                if key is None:
                    key = _key_of(connection, new.email)
                    values = {**columns(new), **set_by_operator(new.cadence, overrule=overrule)}
                    values["status"] = sa.case((pending, values["status"]), else_=subscribers.c.status)
                    theirs = subscribers.c.key == key, subscribers.c.origin == OF_FILE
                    if not connection.execute(subscribers.update().where(*theirs).values(values)).rowcount:
                        continue
                    named = ratings.c.subscriber_key == key, ~ratings.c.answer
                    connection.execute(ratings.delete().where(*named))
                _rate(connection, key, _named(new.profile), now)
            for email in paused:
                theirs = subscribers.c.address == email.casefold(), subscribers.c.origin == OF_FILE
                connection.execute(subscribers.update().where(*theirs).values(set_by_operator(Cadence.PAUSED)))

    def like(self, email: str, names: Iterable[str], *, now: datetime) -> int:
        """Remember papers of a subscriber's library as liked, and tell how many that adds.

        What they said of a paper before gives way. Raises NotFoundError where the subscriber or a paper is not known.
        """
        with self._database.writing() as connection:
            key = _key_of(connection, email)
            before = _liked_count(connection, key)
            _rate(connection, key, dict.fromkeys(names, True), now)
            return _liked_count(connection, key) - before

    def answer(self, email: str, said: Mapping[str, bool], *, now: datetime) -> None:
        """Remember what a subscriber answered to papers they were shown: more like this (True), or not for me.

        The last answer to a paper stands. Raises NotFoundError where the subscriber or a paper is not known.
        """
        with self._database.writing() as connection:
            _rate(connection, _key_of(connection, email), said, now, answer=True)

    def get(self, email: str) -> Subscriber:
        """Give the subscriber of an address. Raises NotFoundError."""
        with self._database.reading() as connection:
            return _one(connection, subscribers.c.key == _key_of(connection, email))

    def find(self, email: str) -> Subscriber | None:
        """Give the subscriber of an address, None where nobody is subscribed with it."""
        with self._database.reading() as connection:
            return next(iter(many(connection, connection.execute(_row_of(email)).all())), None)

    def all(self) -> list[Subscriber]:
        """Give every subscriber, by address."""
        with self._database.reading() as connection:
            return many(connection, connection.execute(sa.select(subscribers).order_by(subscribers.c.address)).all())

    def page(self, limit: int, *, above: int, status: SubscriberStatus | None = None) -> list[Subscriber]:
        """Give subscribers whose keys are above one, in the order they came, of one status or of any."""
        query = sa.select(subscribers).where(subscribers.c.key > above).order_by(subscribers.c.key).limit(limit)
        if status:
            query = query.where(subscribers.c.status == status.value)
        with self._database.reading() as connection:
            return many(connection, connection.execute(query).all())

    def counts(self) -> dict[SubscriberStatus, int]:
        """Tell how many subscribers there are of each status; those without any are left out."""
        query = sa.select(subscribers.c.status, sa.func.count()).group_by(subscribers.c.status)
        with self._database.reading() as connection:
            return {SubscriberStatus(status): count for status, count in connection.execute(query)}

    def any_active(self, cadence: Cadence) -> bool:
        """Tell whether anybody gets issues of a cadence."""
        query = sa.select(subscribers.c.key).where(IS_ACTIVE, subscribers.c.cadence == cadence.value).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def without_edition(self, issue: Issue, shard: Shard = EVERYBODY, *, limit: int = SIZE) -> list[Subscriber]:
        """Give the first `limit` of a shard, by key, who get issues of this cadence and have no edition of that day.

        Without those whose pause lasts beyond the issue.
        """
        until = subscribers.c.paused_until
        awake = sa.or_(until.is_(None), until <= issue.window.end)
        with self._database.reading() as connection:
            of_day = list(connection.scalars(sa.select(issues.c.key).where(issues.c.day == issue.day)))
            # By the delivery, which stays where an edition was taken back: its papers come in a later one.
            theirs = deliveries.c.issue_key.in_(of_day), deliveries.c.subscriber_key == subscribers.c.key
            wanted = IS_ACTIVE, subscribers.c.cadence == issue.cadence.value, awake, ~sa.exists().where(*theirs)
            query = sa.select(subscribers).where(*wanted, *within(subscribers.c.key, shard))
            return many(connection, connection.execute(query.order_by(subscribers.c.key).limit(limit)).all())

    def shards(self, cadence: Cadence, size: int) -> list[Shard]:
        """Cut those who get issues of a cadence into shards of `size`, by key; whoever subscribes later is in the last.

        Nothing but keys is read, from an index.
        """
        wanted = sa.select(
            subscribers.c.key, sa.func.row_number().over(order_by=subscribers.c.key).label("number")
        ).where(IS_ACTIVE, subscribers.c.cadence == cadence.value)
        counted = wanted.subquery()
        query = sa.select(counted.c.key).where(counted.c.number % size == 0).order_by(counted.c.key)
        with self._database.reading() as connection:
            ends = list(connection.scalars(query))
        return [Shard(after, upto) for after, upto in zip([0, *ends], [*ends, None], strict=True)]

    def hours(self) -> list[tuple[Cadence, str, int]]:
        """Give the cadences, time zones and hours that those who are mailed have chosen, each once."""
        query = sa.select(subscribers.c.cadence, subscribers.c.timezone, subscribers.c.hour).where(IS_ACTIVE)
        with self._database.reading() as connection:
            return [(Cadence(row[0]), row[1], row[2]) for row in connection.execute(query.distinct())]

    def profiles(self) -> Iterator[list[InterestProfile]]:
        """Give the interest profiles of those who are mailed or will be again, some at a time."""
        above: sa.ColumnElement[bool] = sa.true()
        while True:
            with self._database.reading() as connection:
                query = sa.select(subscribers).where(IS_ACTIVE, above).order_by(subscribers.c.key).limit(SIZE)
                some = many(connection, connection.execute(query).all())
            if not some:
                return
            yield [one.profile for one in some]
            above = subscribers.c.key > some[-1].key

    def count_active(self) -> int:
        """Tell how many subscribers are mailed or will be again."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(subscribers).where(IS_ACTIVE)).scalar_one()

    def by_key(self, keys: Iterable[int], *, ratings: bool = True) -> dict[int, Subscriber]:
        """Give subscribers by key; without `ratings` their profiles lack what they said of papers."""
        found: dict[int, Subscriber] = {}
        with self._database.reading() as connection:
            for some in batches(sorted(set(keys))):
                rows = connection.execute(sa.select(subscribers).where(among(subscribers.c.key, some))).all()
                found.update((subscriber.key, subscriber) for subscriber in many(connection, rows, ratings=ratings))
        return found

    def forget(self, email: str, *, address_hash: str, now: datetime) -> None:
        """Erase all that is kept of an address but a keyed hash that keeps it from being mailed again.

        Papers that only they had in their library go too: what somebody reads says who they are.
        """
        with self._database.writing() as connection:
            key = _key_of(connection, email)
            theirs = list(connection.scalars(sa.select(ratings.c.paper_key).where(ratings.c.subscriber_key == key)))
            # Ratings, editions and deliveries go with the row (ON DELETE CASCADE).
            connection.execute(subscribers.delete().where(subscribers.c.key == key))
            drop_for(connection, email)
            drop_nobodys(connection, theirs)
            entry = {"address_hash": address_hash, "reason": "forgotten", "added_at": now}
            connection.execute(insert_ignore(connection, suppressions), entry)

    def suppressed(self, address_hashes: Iterable[str]) -> dict[str, str]:
        """Give those of the keyed hashes that are suppressed, with the reason."""
        found: dict[str, str] = {}
        with self._database.reading() as connection:
            for some in batches(address_hashes):
                rows = connection.execute(sa.select(suppressions).where(among(suppressions.c.address_hash, some)))
                found.update((row.address_hash, row.reason) for row in rows)
        return found


def drop_nobodys(connection: Connection, paper_keys: Iterable[int]) -> None:
    """Delete those of some papers that no source announced and nobody has in their library any more."""
    for some in batches(paper_keys):
        nobodys = ~papers.c.announced, ~sa.exists().where(ratings.c.paper_key == papers.c.key)
        connection.execute(papers.delete().where(among(papers.c.key, some), *nobodys))


def _by_email(email: str) -> sa.Select[tuple[int]]:
    return sa.select(subscribers.c.key).where(subscribers.c.address == email.strip().casefold())


def _row_of(email: str) -> sa.Select[Any]:
    return sa.select(subscribers).where(subscribers.c.address == email.strip().casefold())


def _key_of(connection: Connection, email: str) -> int:
    row = connection.execute(_by_email(email)).first()
    if row is None:
        raise NotFoundError(f"nobody is subscribed as {email}", hint="see `newsletter subscribers list`")
    key: int = row.key
    return key


def _liked_count(connection: Connection, key: int) -> int:
    query = sa.select(sa.func.count()).select_from(ratings).where(ratings.c.subscriber_key == key, ratings.c.liked)
    return connection.execute(query).scalar_one()


def columns(new: NewSubscriber) -> dict[str, Any]:
    """Give a subscriber as a row."""
    profile = new.profile
    return {
        "email": new.email.strip(),
        "address": new.email.strip().casefold(),
        "name": new.name,
        "status": new.status.value,
        "cadence": new.cadence.value,
        "timezone": new.timezone,
        "hour": new.hour,
        "papers": new.papers,
        "language": new.language,
        "quiet": new.quiet.value,
        "profile": {
            "topics": [[slug, weight] for slug, weight in profile.topics],
            "keywords": list(profile.keywords),
            "muted": list(profile.muted),
            "authors": list(profile.authors),
            "interests": profile.interests,
        },
    }


def set_by_reader(cadence: Cadence | str, now: datetime) -> dict[str, Any]:
    """Give the columns by which a reader changes the cadence, so that it is known to be their own choice."""
    chosen_at = subscribers.c.cadence_chosen_at
    chosen = sa.case((subscribers.c.cadence == str(cadence), chosen_at), else_=sa.literal(now, chosen_at.type))
    return {"cadence": str(cadence), "cadence_chosen_at": chosen}


def set_by_operator(cadence: Cadence, *, overrule: bool = False) -> dict[str, Any]:
    """Give the columns by which the operator, or a file of theirs, changes the cadence.

    Who chose it by themselves keeps it: somebody who wanted fewer mails, or none, is not mailed because a file does not
    know of it. To `overrule` them undoes that. A pause is always done: nobody has a right to be mailed.
    """
    same = subscribers.c.cadence == cadence.value
    theirs = same if overrule or cadence is Cadence.PAUSED else sa.true()
    kept = sa.and_(subscribers.c.cadence_chosen_at.is_not(None), theirs)
    return {
        "cadence": sa.case((kept, subscribers.c.cadence), else_=cadence.value),
        "cadence_chosen_at": sa.case((kept, subscribers.c.cadence_chosen_at)),
    }


def _insert(connection: Connection, new: NewSubscriber, now: datetime, *, origin: str = "person") -> int | None:
    """Give the new row's key; None where the address is there already (also just now, by another process)."""
    values = {**columns(new), "public_id": secrets.token_urlsafe(12), "created_at": now, "origin": origin}
    statement = insert_ignore(connection, subscribers).values(values).returning(subscribers.c.key)
    key: int | None = connection.execute(statement).scalar_one_or_none()
    return key


def _replace(connection: Connection, by_address: Mapping[str, NewSubscriber], now: datetime, *, overrule: bool) -> None:
    """Write some subscribers; those whose addresses are there already have their rows changed."""
    names = {address: _named(new.profile) for address, new in by_address.items()}
    known = _known(connection, {name for said in names.values() for name in said})
    before = _keys_of(connection, by_address)
    insert_new(
        connection,
        subscribers,
        [
            {**columns(new), "public_id": secrets.token_urlsafe(12), "created_at": now}
            for address, new in by_address.items()
            if address not in before
        ],
    )
    keys = _keys_of(connection, by_address)
    for address, key in before.items():
        new = by_address[address]
        values = {**columns(new), **set_by_operator(new.cadence, overrule=overrule)}
        connection.execute(subscribers.update().where(subscribers.c.key == key).values(values))
        connection.execute(ratings.delete().where(ratings.c.subscriber_key == key, ~ratings.c.answer))
        _rate(connection, key, names[address], now)
    rows = [
        {"subscriber_key": keys[address], "paper_key": paper, "liked": liked, "rated_at": now, "answer": False}
        for address in by_address.keys() - before.keys()
        for paper, liked in {known[name]: liked for name, liked in names[address].items()}.items()
    ]
    for some in batches(rows):
        insert_new(connection, ratings, some)


def _keys_of(connection: Connection, addresses: Iterable[str]) -> dict[str, int]:
    query = sa.select(subscribers.c.address, subscribers.c.key).where(among(subscribers.c.address, list(addresses)))
    return {row.address: row.key for row in connection.execute(query)}


def _named(profile: InterestProfile) -> dict[str, bool]:
    liked = dict.fromkeys(profile.liked, True)
    return liked | {name: False for name in profile.disliked if name not in liked}


def _rate(connection: Connection, key: int, said: Mapping[str, bool], now: datetime, *, answer: bool = False) -> None:
    """Write what is said of papers; what is known already in the same words keeps its date."""
    known = _known(connection, said)
    meant = {known[name]: liked for name, liked in said.items()}  # one paper may have been named twice
    for some in batches(meant.items()):
        rows = [
            {"subscriber_key": key, "paper_key": paper, "liked": liked, "rated_at": now, "answer": answer}
            for paper, liked in some
        ]
        new = insert_ignore(connection, ratings)
        connection.execute(new, rows)
        for liked in (True, False):
            papers_so = [paper for paper, one in some if one is liked]
            other = (ratings.c.liked != liked) | (ratings.c.answer != answer)
            mine = ratings.c.subscriber_key == key, among(ratings.c.paper_key, papers_so), other
            connection.execute(ratings.update().where(*mine).values(liked=liked, rated_at=now, answer=answer))


def _known(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    names = list(names)
    known = keys_of(connection, names)
    if unknown := [name for name in names if name not in known]:
        raise NotFoundError(
            f"unknown papers: {', '.join(unknown)}",
            hint="`newsletter ingest` a file that has them, or put them into a `--library`, which looks them up",
        )
    return known


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> Subscriber:
    return many(connection, connection.execute(sa.select(subscribers).where(condition)).all())[0]
