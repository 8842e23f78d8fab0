"""Cutting long lists to what is read, or written, at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

SIZE = 500  # more at a time save nothing, and take more memory and more locks


def batches(items: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """Give `items` in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
