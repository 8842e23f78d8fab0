"""Columns of scores over the candidates, a row each for many readers: centring, scaling, weighing, joining.

What is summed is summed row by row, never by a matrix product, so that a reader's numbers do not depend on who else is
in the matrix.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.encoder import Vectors

Scores: TypeAlias = NDArray[np.float32]
Part: TypeAlias = tuple[float | Vectors, Scores]  # a weight, or one for each row, and columns (r × n)

_SHARPNESS = 2.0
_RIDGE_FLOOR = 0.002  # at a strictness of 1; the columns widen with its root


def strictness_of(count: float) -> float:
    """Tell how many times as much the ridge is to smooth where few papers are liked."""
    return next((strictness for fewer, strictness in ((5, 16.0), (15, 4.0)) if count < fewer), 1.0)


def standard(columns: Scores, floor: float) -> Scores:
    """Centre columns (… × n) over the candidates and give them a standard deviation of 1, or less where it was below
    `floor`.
    """
    spreads = np.maximum(columns.std(axis=-1, keepdims=True), np.float32(floor))
    found: Scores = (columns - columns.mean(axis=-1, keepdims=True)) / spreads
    return found


def scaled(columns: Scores, strictness: float | Vectors, telling: NDArray[np.bool_] | None = None) -> Scores:
    """Give the ridge's columns (r × n) in standard deviations of the papers that are `telling` (r × n): of all, unless
    one is the liked itself.

    That one would stand so far out that all others looked alike.
    """
    spreads = columns.std(axis=1)
    if telling is not None:
        for row in np.flatnonzero(telling.any(axis=1) & ~telling.all(axis=1)):
            spreads[row] = columns[row][telling[row]].std()
    floors = (_RIDGE_FLOOR * np.sqrt(strictness)).astype(np.float32)
    found: Scores = columns / np.maximum(spreads, floors)[:, None]
    return found


def weighted(*parts: Part) -> Scores:
    """Give the weighted mean (r × n) of columns."""
    total, whole = np.zeros_like(parts[0][1]), np.zeros((len(parts[0][1]), 1), np.float32)
    for weight, columns in parts:
        each = np.broadcast_to(np.asarray(weight, np.float32), len(columns))[:, None]
        total += each * columns
        whole += each
    total /= whole
    return total


def softmax_join(columns: Scores, weights: Vectors, counts: NDArray[np.intp]) -> Scores:
    """Join each reader's columns to one (r × n): `columns` (m × n) and `weights` (m) stand reader by reader, of each
    reader as many as `counts` (r) says. Who has none gets zeros.
    """
    joined = np.zeros((len(counts), columns.shape[1]), np.float32)
    sharp = columns * np.float32(_SHARPNESS)
    sharp += np.log(np.maximum(weights, 1e-3))[:, None].astype(np.float32)
    starts = np.cumsum(counts) - counts
    for count in set(counts.tolist()) - {0}:
        theirs = np.flatnonzero(counts == count)
        stacked = sharp[starts[theirs][:, None] + np.arange(count)]
        top = stacked.max(axis=1, keepdims=True)
        joined[theirs] = top[:, 0] + np.log(np.exp(stacked - top).sum(axis=1))
    joined /= np.float32(_SHARPNESS)
    return joined
