"""What a subscriber gets by mail but issues: a welcome with a first small issue at once, their link, a new address's
question, a goodbye.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.delivery.policy import Policy
from newsletter.model import Cadence, Issue, IssueState, Shard, Subscriber, SubscriberStatus
from newsletter.outbox import Outbox
from newsletter.picking import Picking
from newsletter.pipeline import Newsletter
from newsletter.rendering.mails import AddressView, GoodbyeView, Notice, PreferencesView, WelcomeView
from newsletter.subscriptions.signup import address_hash
from newsletter.subscriptions.tokens import DAYS_OPEN
from newsletter.timetable import next_day

FIRST_CARDS = 5
LINKS_A_DAY = 3  # to one address: nobody's inbox is to be filled by strangers
GOODBYES_A_DAY = 1
_STALE = timedelta(days=8)  # what came out before is no news to begin with


@dataclass
class Correspondence:
    """Writes to single subscribers, at once. `masked` hides the most of an address that another mail names."""

    newsletter: Newsletter
    outbox: Outbox
    policy: Policy
    _picking: Picking | None = None

    def welcome(self, reader: Subscriber, *, today: date, now: datetime) -> None:
        """Greet somebody who has just confirmed, and send them a few papers of the latest issue."""
        head, edited = self.newsletter.letterhead, self.newsletter.edited
        issue = self._latest(reader, now)
        cadence = Cadence.DAILY if reader.cadence is Cadence.PAUSED else reader.cadence
        view = WelcomeView(
            site=head.site,
            language=reader.language,
            cadence=reader.cadence,
            hour=reader.hour,
            timezone=reader.timezone,
            papers=reader.papers,
            first_issue=next_day(
                cadence, now.astimezone(ZoneInfo(reader.timezone)).date(), weekly_on=edited.timetable.weekly_on
            ),
            preferences_url=f"{head.site.url}/preferences/{head.tokens.preferences(reader.public_id, today)}",
            unsubscribe_url=f"{head.site.url}/unsubscribe/{head.tokens.unsubscribe(reader.public_id)}",
            archive_url=f"{head.site.url}/issues",
            taste=issue is not None,
        )
        self._send(view, reader.email, now)
        if issue:
            self._first(reader, issue, now)

    def link(self, email: str, *, today: date, now: datetime) -> None:
        """Mail somebody who is subscribed, or was, the link to their preferences; do nothing for all others."""
        reader = self._known(email, "link", LINKS_A_DAY, now)
        if reader and reader.status in {SubscriberStatus.ACTIVE, SubscriberStatus.UNSUBSCRIBED}:
            head = self.newsletter.letterhead
            url = f"{head.site.url}/preferences/{head.tokens.preferences(reader.public_id, today)}"
            days = DAYS_OPEN["preferences"]
            self._send(PreferencesView(site=head.site, language=reader.language, url=url, days=days), reader.email, now)

    def new_address(
        self, reader: Subscriber, email: str, number: int, masked: Mapping[str, str], *, today: date, now: datetime
    ) -> None:
        """Ask the old and the new address whether a change is meant; who must not be mailed is not asked.

        `masked` gives either address so that its owner knows it.
        """
        head = self.newsletter.letterhead
        for recipient, other, new in ((reader.email, email, False), (email, reader.email, True)):
            hashed = address_hash(recipient, head.secret)
            if new and (self._suppressed(hashed) or not self._allow(f"address {hashed}"[:64], LINKS_A_DAY, now)):
                continue
            token = head.tokens.address(reader.public_id, number, new=new, day=today)
            view = AddressView(
                site=head.site,
                language=reader.language,
                new=new,
                other=masked[other],
                url=f"{head.site.url}/address/{token}",
                days=DAYS_OPEN["address"],
            )
            self._send(view, recipient, now)

    def goodbye(self, reader: Subscriber, *, erased: bool, now: datetime) -> None:
        """Tell somebody that no more mail comes, and how to come back; once a day at the most.

        Who is erased is erased once, and not even that they were told is kept.
        """
        head = self.newsletter.letterhead
        if erased or self._allow(f"goodbye {reader.key}", GOODBYES_A_DAY, now):
            way = "subscribe" if erased else f"unsubscribe/{head.tokens.unsubscribe(reader.public_id)}"
            view = GoodbyeView(site=head.site, language=reader.language, url=f"{head.site.url}/{way}", erased=erased)
            self._send(view, reader.email, now)

    def _first(self, reader: Subscriber, issue: Issue, now: datetime) -> None:
        store, head = self.newsletter.store, self.newsletter.letterhead
        few = replace(reader, papers=min(FIRST_CARDS, reader.papers))
        if self._picking is None or self._picking.issue.key != issue.key:
            self._picking = self.newsletter.picking(issue)
        [edition] = self._picking.editions([few])
        if edition.picks:
            whole = replace(edition, subscriber=reader)
            store.issues.publish([whole], {reader.key: head.message_id(issue, reader)}, now=now)
            alone = Shard(reader.key - 1, reader.key)
            self.newsletter.deliver([issue], self.outbox.transport, self.policy, now=now, connections=1, shard=alone)

    def _latest(self, reader: Subscriber, now: datetime) -> Issue | None:
        """Give the newest issue of a reader's cadence, or else the newest daily one, that they have not got."""
        for cadence in dict.fromkeys((reader.cadence, Cadence.DAILY)):
            issue = self.newsletter.last_with_papers(cadence)
            if issue and issue.state is IssueState.OPEN and issue.window.end > now - _STALE:
                had = self.newsletter.store.issues.picks(issue.key, [reader.key])
                return None if had else issue
        return None

    def _known(self, email: str, what: str, most: int, now: datetime) -> Subscriber | None:
        hashed = address_hash(email, self.newsletter.letterhead.secret)
        found = self.newsletter.store.subscribers.find(email)
        allowed = found and not self._suppressed(hashed) and self._allow(f"{what} {hashed}"[:64], most, now)
        return found if allowed else None

    def _allow(self, bucket: str, most: int, now: datetime) -> bool:
        return self.newsletter.store.attempts.allow(bucket, most=most, within=timedelta(days=1), now=now)

    def _suppressed(self, hashed: str) -> bool:
        return bool(self.newsletter.store.subscribers.suppressed([hashed]))

    def _send(self, view: Notice, recipient: str, now: datetime) -> None:
        self.outbox.post(self.newsletter.letterhead.notice(view, recipient=recipient, now=now), now=now)
