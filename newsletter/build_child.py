"""The process in which messages are made; `builders` starts it. It ends with its input, hence with its program.

It is told the settings, the issues and the time, then list after list of deliveries. It answers to each in its order:
a message without what only previews show, what became of it, or None for what it cannot make.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace

from newsletter import bootstrap, children, memory
from newsletter.builders import Built
from newsletter.errors import NewsletterError
from newsletter.letters import StoredLetters
from newsletter.model import Delivery, Outcome


def main() -> None:
    """Make messages until there is nobody to tell more."""
    with children.conversation() as (requests, answers):
        settings, issue_keys, now = pickle.load(requests)  # noqa: S301  from our own program
        with bootstrap.open_store(settings) as store:
            letterhead = bootstrap.letterhead(settings, store)
            letterhead.renderer.keep()
            letters = StoredLetters(store, letterhead, list(store.issues.by_key(issue_keys).values()), now=now)
            pickle.dump("ready", answers)
            answers.flush()
            with memory.uncollected():  # its looks at all that is remembered took a twelfth of the time
                while True:
                    for built in _built(letters, pickle.load(requests)):  # noqa: S301
                        pickle.dump(built, answers)
                    answers.flush()
                    memory.collect_new()


def _built(letters: StoredLetters, claimed: Sequence[Delivery]) -> Iterator[Built]:
    try:
        found = letters(claimed)
    except NewsletterError:
        yield from (None for _ in claimed)
        return
    for delivery in claimed:
        letter = found[delivery.key]
        try:
            yield letter if isinstance(letter, Outcome) else replace(letter(), html="", text="")
        except NewsletterError:  # who sends will meet it too, and tell of it
            yield None


if __name__ == "__main__":
    main()
