"""What an editor wants to know of a mail before it is sent: `inspect(message)`.

Checks look at the finished message and at nothing else, so whatever made it, they say what readers will get.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from newsletter.model import Message
from newsletter.preflight.contrast import legible
from newsletter.preflight.letter import Letter
from newsletter.preflight.links import Asked, links
from newsletter.preflight.parts import headers, images, personal, size, text_part
from newsletter.preflight.result import Level, Result
from newsletter.preflight.spam import program, spam
from newsletter.preflight.support import supported

__all__ = ["Asked", "Letter", "Level", "Result", "inspect", "program"]


def inspect(message: Message, *, ask: Asked | None = None, spamassassin: str | None = None) -> list[Result]:
    """Give what every check says. `ask` looks whether links are alive.

    `spamassassin` is the path of that program, '' where it is missed (see `program`), None where it is not wanted.
    """
    letter = Letter(message.data)
    results = [one for check in (size, headers, text_part, personal, images) for one in check(letter)]
    results += [*links(letter, ask), *supported(letter), *legible(letter)]
    return _gathered([*results, *(() if spamassassin is None else spam(letter, spamassassin))])


def _gathered(results: Iterable[Result]) -> list[Result]:
    """Give what is said several times once, and in how many places it is so."""
    found: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        found.setdefault((one.check, one.what), []).append(one)
    return [
        replace(some[0], where=f"{some[0].where}, and {len(some) - 1} more") if len(some) > 1 else some[0]
        for some in found.values()
    ]
