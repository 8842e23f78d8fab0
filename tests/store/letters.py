"""Letters for tests: plain ones, made of nothing but the rows (`delivery.dispatch.Letters`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from newsletter.errors import MessageError
from newsletter.model import Delivery, DeliveryState, Message, Outcome, Subscriber, SubscriberStatus
from newsletter.store import Store


class PlainLetters:
    """One line to each subscriber; nothing to those who left, and an error for those called `broken`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        subscribers = self._store.subscribers.by_key(row.subscriber_key for row in claimed)
        return {row.key: self._letter(row, subscribers[row.subscriber_key]) for row in claimed}

    def _letter(self, row: Delivery, subscriber: Subscriber) -> Callable[[], Message] | Outcome:
        if subscriber.status is not SubscriberStatus.ACTIVE:
            return Outcome(DeliveryState.SKIPPED, "the subscriber left")
        return lambda: _message(row, subscriber)


def _message(row: Delivery, subscriber: Subscriber) -> Message:
    if subscriber.name == "broken":
        raise MessageError(f"no message can be made for {subscriber.email}")
    data = f"Message-ID: {row.message_id}\r\nTo: {subscriber.email}\r\n\r\nDunes.\r\n"
    return Message(
        subscriber.email, "bounces@example.test", row.message_id, "Dunes", html="", text="", data=data.encode()
    )
