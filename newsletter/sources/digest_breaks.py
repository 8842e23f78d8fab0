"""Line breaks: which a machine made to fit a window, and which the author meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

UNWRAPPED = 160  # a line longer than this was not broken to fit a window
_WIDTH_SHARES = (0.4, 0.3)  # of the breaks, for the first width and the second
_FEW_BREAKS = 3
_HYPHEN = re.compile(r"(?<=\w)-{1,2}$")
_SUSPENDED = re.compile(r"(?:and|or|to|nor|und|oder)\s")


def joined(lines: Sequence[str]) -> str:
    """Join wrapped lines: "Multi-" and "Agent" without a space, "pre-" and "and post-training" with one."""
    parts = [lines[0]]
    for above, below in pairwise(lines):
        tight = _HYPHEN.search(above[-4:]) and below[:1].isalnum() and not _SUSPENDED.match(below)
        parts += (below,) if tight else (" ", below)
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Break:
    """What speaks for a machine, and what for the author, having ended a line of text before the next.

    `unwrapped`: a line here is longer than any window. `full`: the next word had no room in the page's width;
    `maybe_full`: none in that of these few lines. `runs_on`: the sentence goes on; `stops`: it has ended.
    """

    unwrapped: bool
    full: bool
    maybe_full: bool
    runs_on: bool
    stops: bool

    def join(self, *, spaced: bool) -> float:
        """Cost of reading the two lines as one text. `spaced`: the page parts its texts by blank lines."""
        if self.unwrapped:
            return 4.0
        if self.full or self.maybe_full:
            return 0.0
        if spaced:  # blank lines part what is to be parted; a line for each sentence is a paragraph, too
            return 0.3 if self.runs_on else 0.5 if self.stops else 1.5
        return 0.3 if self.runs_on else 3.0 if self.stops else 2.6

    def split(self, *, spaced: bool) -> float:
        """Cost of parting the two lines."""
        if self.full:
            return 3.0 if self.runs_on else 1.4 if self.stops else 2.5
        if self.maybe_full:
            return 2.0 if self.runs_on else 0.3 if self.stops else 0.8
        return 1.5 if self.runs_on and not self.unwrapped else 0.5 if spaced else 0.0


def wrap_widths(breaks: Sequence[tuple[str, str]]) -> list[int]:
    """Find the columns, two at most, at which a page was wrapped, from the line above and below each line break.

    A wrapped line fits its column, and with the next word it would not: each break speaks for a few widths, and the
    true one is that for which most speak. Titles may have been wrapped at another width than abstracts.
    """
    spans = [_span(above, below) for above, below in breaks if max(len(above), len(below)) <= UNWRAPPED]
    widths: list[int] = []
    for share in _WIDTH_SHARES:
        votes = Counter(width for low, high in spans for width in range(low, high))
        count, width = max(((count, width) for width, count in votes.items()), default=(0, 0))
        if count < max(_FEW_BREAKS, share * len(spans)):
            break
        widths.append(width)
        spans = [(low, high) for low, high in spans if not low <= width < high]
    return widths


def _span(above: str, below: str) -> tuple[int, int]:
    return len(above), len(above) + 1 + len(below.split(" ", 1)[0])


def full(above: str, below: str, widths: Sequence[int]) -> bool:
    """Tell whether the next word had no room on the line above: the mark of a line broken by a machine."""
    low, high = _span(above, below)
    return any(low <= width < high and len(below) <= width for width in widths)
