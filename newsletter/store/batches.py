"""Cutting long lists to what one SQL statement takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

SIZE = 500  # SQLite takes 999 variables a statement in its oldest builds


def batches(items: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """Give `items` in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
