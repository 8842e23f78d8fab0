"""The process in which editions are picked; `pickers` starts it. It ends with its input, hence with its program.

It is told the settings and the issue, then list after list of readers. It answers each list with what it picked and
since when, reader by reader, or with None where that cannot be done.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from newsletter import bootstrap, children, memory
from newsletter.errors import NewsletterError
from newsletter.model import Subscriber
from newsletter.pickers import Picked
from newsletter.picking import Picking


def main() -> None:
    """Pick until there is nobody to pick for."""
    with children.conversation() as (requests, answers):
        settings, issue = pickle.load(requests)  # noqa: S301  from our own program
        with bootstrap.open_store(settings) as store:
            picking = bootstrap.newsletter(settings, store).picking(issue)
            picking.since(issue.window.start)
            told: object = "ready"
            with memory.uncollected():
                while True:
                    pickle.dump(told, answers)
                    answers.flush()
                    memory.collect_new()
                    told = _picked(picking, pickle.load(requests))  # noqa: S301


def _picked(picking: Picking, readers: Sequence[Subscriber]) -> Picked:
    try:
        return [(one.picks, one.since) for one in picking.editions(readers)]
    except NewsletterError:  # who asked will meet it too, and tell of it
        return None


if __name__ == "__main__":
    main()
