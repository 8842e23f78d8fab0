"""From an edition, or a notice, to the message that carries it: its signed links, its rendering, its addresses.

The one place where rendering, subscriptions and delivery meet; `send` and `preview` both go through it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parseaddr
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter.delivery import envelope
from newsletter.delivery.addresses import ascii_domain
from newsletter.model import (
    Cadence,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    Message,
    Outcome,
    Paper,
    Section,
    Subscriber,
    SubscriberStatus,
    Window,
)
from newsletter.rendering import (
    EditionView,
    Language,
    Links,
    Notice,
    Rendered,
    Renderer,
    SiteView,
    Writer,
    Written,
    compose,
    compose_notice,
    edition_view,
)
from newsletter.store import Store
from newsletter.subscriptions.signup import address_hash
from newsletter.subscriptions.tokens import Tokens

if TYPE_CHECKING:
    from newsletter.delivery.dkim import Signer  # lazy: few need cryptography


@dataclass(frozen=True)
class Letterhead:
    """Who writes: the site, the sender, where bounces go, what signs links and ids, and what signs the whole mail.

    `operator_language` is that of mail to whoever runs it. `pictures`: see `edition_view`.
    """

    site: SiteView
    sender: str
    bounce_address: str
    secret: str
    tokens: Tokens
    renderer: Renderer
    writer: Writer | None = None
    signer: Signer | None = None
    operator_language: str = "en"
    pictures: bool = False

    @cached_property
    def domain(self) -> str:
        """The domain that mail comes from."""
        return parseaddr(self.sender)[1].rpartition("@")[2]

    def message_id(self, issue: Issue, subscriber: Subscriber) -> str:
        """Give the Message-ID of an edition: the same whenever it is asked for, also before the issue is opened."""
        number = int(f"{issue.day:%Y%m%d}{list(Cadence).index(issue.cadence)}")
        return envelope.message_id(number, subscriber.public_id, 1, self.secret.encode(), self.domain)

    def _feedback_id(self, issue: Issue) -> str:
        """Say which issue it is and who sends it, and nothing of whom it is for."""
        return f"{issue.day.isoformat().replace('-', '')}:{issue.cadence}:newsletter:{self._feedback_sender}"

    @cached_property
    def _feedback_sender(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", ascii_domain(self.domain).lower())[:15]  # 5 to 15 letters, asks Gmail

    def links(self, edition: Edition) -> Links:
        """Give a subscriber's own links for one issue."""
        url, tokens = self.site.url, self.tokens
        public_id, day = edition.subscriber.public_id, edition.issue.day

        answer, begin = tokens.answers(public_id, day), f"{url}/feedback/"
        return Links(
            preferences=f"{url}/preferences/{tokens.preferences(public_id, day)}",
            unsubscribe=f"{url}/unsubscribe/{tokens.unsubscribe(public_id)}",
            archive=f"{url}/issues/{day.isoformat()}{_which(edition.issue)}",
            browser=f"{url}/view/{tokens.view(public_id, day, edition.issue.cadence)}",
            feedback={
                pick.paper_key: (begin + answer(pick.paper_key, True), begin + answer(pick.paper_key, False))
                for pick in edition.picks
                if pick.section is Section.FOR_YOU
            },
        )

    def write(
        self,
        edition: Edition,
        papers: Mapping[int, Paper],
        *,
        considered: int,
        delivery_key: int,
        now: datetime,
        written: Written | None = None,
        message_id: str = "",
    ) -> Message:
        """Give the message of an edition. `papers` holds the picked ones by key; `considered` counts the issue's.

        `message_id` is the one that was kept when the edition was made, where it was.
        """
        links = self.links(edition)
        message = compose(
            self.renderer.render(self.view(edition, papers, links, considered=considered, written=written)),
            site=self.site,
            sender=self.sender,
            recipient=edition.subscriber.email,
            recipient_name=edition.subscriber.name,
            envelope_sender=envelope.envelope_sender(self.bounce_address, delivery_key, self.secret.encode()),
            message_id=message_id or self.message_id(edition.issue, edition.subscriber),
            date=now,
            links=links,
            feedback_id=self._feedback_id(edition.issue),
        )
        return self._signed(message, now)

    def view(
        self,
        edition: Edition,
        papers: Mapping[int, Paper],
        links: Links,
        *,
        considered: int,
        written: Written | None = None,
    ) -> EditionView:
        """Give what the templates see of an edition, in its reader's language."""
        return edition_view(
            edition,
            papers,
            self.site,
            links,
            say=self.renderer.language(edition.subscriber.language),
            considered=considered,
            written=written,
            pictures=self.pictures,
        )

    @property
    def operators(self) -> Language:
        """The language of mail to whoever runs the newsletter."""
        return self.renderer.language(self.operator_language)

    def notice(self, view: Notice, *, recipient: str, now: datetime) -> Message:
        """Give the message of a mail that is no issue, to somebody who may not be on the list.

        It has a Message-ID of its own each time it is asked for. Raises TemplateError, MessageError.
        """
        return self._notice(self.renderer.fill(view), recipient, now)

    def test(
        self,
        edition: Edition,
        papers: Mapping[int, Paper],
        *,
        considered: int,
        recipient: str,
        now: datetime,
        written: Written | None = None,
    ) -> Message:
        """Give an edition as its reader would get it, for somebody else: it says so, and has none of their links."""
        front = self.site.url
        links = replace(self.links(edition), preferences=front, unsubscribe=front, browser="", feedback={})
        view = self.view(edition, papers, links, considered=considered, written=written)
        return self._notice(self.renderer.render(replace(view, mail="test")), recipient, now)

    def _notice(self, rendered: Rendered, recipient: str, now: datetime) -> Message:
        message = compose_notice(
            rendered,
            sender=self.sender,
            recipient=recipient,
            envelope_sender=self.bounce_address,
            message_id=f"<{secrets.token_urlsafe(18)}@{ascii_domain(self.domain)}>",
            date=now,
        )
        return self._signed(message, now)

    def _signed(self, message: Message, now: datetime) -> Message:
        return self.signer.sign(message, now=now) if self.signer else message


def _which(issue: Issue) -> str:
    """Say in an address which of a day's issues is meant; the daily one goes without saying."""
    return "" if issue.cadence is Cadence.DAILY else f"?cadence={issue.cadence}"


def written(store: Store, writer: Writer | None, papers: Mapping[int, Paper]) -> Written | None:
    """Give what a model has written about papers so far; nobody is asked."""
    if writer is None:
        return None
    hashes = {key: writer.text_hash(paper) for key, paper in papers.items() if writer.wants(paper)}
    known = store.summaries.load(writer.model, hashes.values())
    return Written(writer.model, {key: known.get(name, "") for key, name in hashes.items()})


@dataclass(frozen=True)
class Common:
    """What the mails of some issues have in common: picked papers by key, and how many papers a window holds.

    What was read once stays as it is: an issue says the same to all.
    """

    papers: dict[int, Paper] = field(default_factory=dict)
    counts: dict[Window, int] = field(default_factory=dict)


class StoredLetters:
    """Makes the messages of claimed deliveries from what the store holds (`delivery.dispatch.Letters`).

    `common` is what has been read already, where somebody keeps it.
    """

    def __init__(
        self,
        store: Store,
        letterhead: Letterhead,
        issues: Sequence[Issue],
        *,
        now: datetime,
        common: Common | None = None,
    ) -> None:
        self._store = store
        self._letterhead = letterhead
        self._issues = {issue.key: issue for issue in issues}
        self._common = common or Common()
        self._now = now

    def __call__(self, claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        """Give, by delivery key, what makes its message, or what became of it where none is to be sent."""
        subscribers = self._store.subscribers.by_key((one.subscriber_key for one in claimed), ratings=False)
        editions = {}
        for issue_key in {delivery.issue_key for delivery in claimed}:
            keys = (delivery.subscriber_key for delivery in claimed if delivery.issue_key == issue_key)
            # Who was forgotten a moment ago has no row any more.
            of_issue = [subscribers[key] for key in keys if key in subscribers]
            for key, edition in self._store.issues.editions(self._issues[issue_key], of_issue).items():
                editions[issue_key, key] = edition
        suppressed = self._suppressed(subscribers.values())
        papers = self._picked(editions.values())
        lines = written(self._store, self._letterhead.writer, papers)
        return {
            delivery.key: Outcome(DeliveryState.SKIPPED, suppressed[delivery.subscriber_key])
            if delivery.subscriber_key in suppressed
            else self._letter(delivery, editions.get((delivery.issue_key, delivery.subscriber_key)), papers, lines)
            for delivery in claimed
        }

    def _picked(self, editions: Iterable[Edition]) -> Mapping[int, Paper]:
        """Give the papers that are picked, by key."""
        known = self._common.papers
        wanted = {pick.paper_key for edition in editions for pick in edition.picks}
        if unread := [key for key in wanted if key not in known]:
            known.update(self._store.papers.by_key(unread))
        return {key: known[key] for key in wanted if key in known}

    def _considered(self, window: Window) -> int:
        counts = self._common.counts
        if window not in counts:
            counts[window] = self._store.papers.count(window)
        return counts[window]

    def _suppressed(self, subscribers: Iterable[Subscriber]) -> dict[int, str]:
        """Tell, by key, why some of them must not be mailed: that may be known only since they were ranked."""
        hashes = {one.key: address_hash(one.email, self._letterhead.secret) for one in subscribers}
        reasons = self._store.subscribers.suppressed(hashes.values())
        return {key: f"the address is suppressed: {reasons[name]}" for key, name in hashes.items() if name in reasons}

    def _letter(
        self, delivery: Delivery, edition: Edition | None, papers: Mapping[int, Paper], lines: Written | None
    ) -> Callable[[], Message] | Outcome:
        if edition is None:
            return Outcome(DeliveryState.SKIPPED, "the subscriber was forgotten")
        if edition.subscriber.status is not SubscriberStatus.ACTIVE:
            return Outcome(DeliveryState.SKIPPED, f"the subscriber is {edition.subscriber.status} by now")
        until = edition.subscriber.paused_until
        if edition.subscriber.cadence is Cadence.PAUSED or (until and until > self._now):
            return Outcome(DeliveryState.SKIPPED, "the subscriber has paused by now")
        considered = self._considered(edition.window)
        return lambda: self._letterhead.write(
            edition,
            papers,
            considered=considered,
            delivery_key=delivery.key,
            now=self._now,
            written=lines,
            message_id=delivery.message_id,
        )
