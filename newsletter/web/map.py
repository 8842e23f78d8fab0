"""A day's papers as a map: t-SNE (van der Maaten and Hinton 2008) of their vectors, each paper a point and a link."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter import children, logs
from newsletter.meanings import Meanings
from newsletter.model import Paper, Topic
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.interests import topic_text
from newsletter.rendering import ENGLISH, paper_title

WIDTH, HEIGHT, _EDGE = 640, 480, 24
_FEWEST = 5  # papers worth a map
_GROUPS = 7  # topics that are named; as many marks as people can tell apart
_SMALLEST_GROUP = 2
_REMEMBERED = 16
_OTHER, _MOST_OTHERS = "Other subjects", 0.35
_ONE_FIELD = 0.8  # the part of the papers from which on their fields tell nothing
_PATIENCE = 3.0  # seconds that a page waits for its map
_LONGEST = 120.0  # seconds that drawing may take

_LOG = logs.of("web")


@dataclass(frozen=True, slots=True)
class Point:
    """A paper on the map, at x and y."""

    id: str
    title: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Group:
    """A topic of the map, its number and its papers from left to right."""

    number: int
    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a page shows; `missing` counts papers that have no place yet."""

    groups: tuple[Group, ...]
    missing: int
    width: int = WIDTH
    height: int = HEIGHT


class Maps:
    """Draws maps, and keeps the last. One is drawn at a time, in a thread of its own: it takes some seconds."""

    def __init__(self, meanings: Meanings, topics: Mapping[str, Topic]) -> None:
        self._meanings = meanings
        self._topics = tuple(topics.values())
        self._drawn: OrderedDict[tuple[Hashable, int], Drawing] = OrderedDict()
        self._drawing: threading.Thread | None = None
        self._lock = threading.Lock()

    def draw(self, name: Hashable, papers: Sequence[Paper]) -> Drawing | None:
        """Give the map of some papers, which `name` tells from others; None where it is still to be drawn.

        Papers without a vector have no place; of fewer than five there is no map.
        """
        keys, vectors = self._meanings.vectors([paper.key for paper in papers])
        if len(keys) < _FEWEST:
            return None
        wanted = (name, len(keys))
        with self._lock:
            busy = self._drawing is not None and self._drawing.is_alive()
            if wanted not in self._drawn and not busy:
                there = {paper.key: paper for paper in papers}
                some = [there[key] for key in keys]
                self._drawing = threading.Thread(
                    target=self._draw, args=(wanted, some, vectors, len(papers) - len(keys)), name="map", daemon=True
                )
                self._drawing.start()
        if wanted not in self._drawn and self._drawing:
            self._drawing.join(_PATIENCE)
        return self._drawn.get(wanted)

    def finish(self) -> None:
        """Wait until what is being drawn is there."""
        if self._drawing:
            self._drawing.join()

    def _draw(self, wanted: tuple[Hashable, int], papers: Sequence[Paper], vectors: Vectors, missing: int) -> None:
        named = self._meanings.encoder.encode([topic_text(topic) for topic in self._topics])
        nearest = [self._topics[row] for row in (vectors @ named.T).argmax(axis=1)]
        try:
            places = placed(vectors)
        except (OSError, subprocess.SubprocessError) as error:  # who asks again has it tried again
            logs.event(_LOG, "map is not drawn", level=logging.WARNING, error=str(error))
            return
        drawing = Drawing(_grouped(papers, apart(places), group_names(nearest)), missing)
        with self._lock:
            self._drawn[wanted] = drawing
            while len(self._drawn) > _REMEMBERED:
                self._drawn.popitem(last=False)


def group_names(nearest: Sequence[Topic]) -> list[str]:
    """Give what each paper's group is called: its topic, where a few topics have most of the papers; else its field,
    unless one field has nearly all.
    """
    topics, fields = ([getattr(topic, kind) for topic in nearest] for kind in ("title", "field"))
    few, [(_, largest)] = _few(topics), Counter(fields).most_common(1)
    if few.count(_OTHER) <= len(few) * _MOST_OTHERS or largest > len(fields) * _ONE_FIELD:
        return few
    return _few(fields)


def _few(names: Sequence[str]) -> list[str]:
    """Give names with the rare ones among them put together."""
    common = {name for name, count in Counter(names).most_common(_GROUPS) if count >= _SMALLEST_GROUP}
    return [name if name in common else _OTHER for name in names]


def _grouped(papers: Sequence[Paper], places: NDArray[np.float64], names: Sequence[str]) -> tuple[Group, ...]:
    order = [name for name, _ in Counter(name for name in names if name != _OTHER).most_common()]
    numbers = {name: number for number, name in enumerate(order, 1)} | {_OTHER: 0}
    points: dict[str, list[Point]] = {name: [] for name in (*order, _OTHER)}
    for paper, (x, y), name in zip(papers, places, names, strict=True):
        points[name].append(Point(paper.id, paper_title(ENGLISH, paper), int(x), int(y)))
    return tuple(
        Group(numbers[name], name, tuple(sorted(some, key=lambda one: one.x))) for name, some in points.items() if some
    )


def placed(vectors: Vectors) -> NDArray[np.float64]:
    """Give places (n × 2) within the map for vectors (n × d), near each other where these are alike.

    Worked out by a process of its own (`place_child`). Raises OSError, subprocess.SubprocessError: it has no room.
    """
    told = vectors.astype(np.float32).tobytes()
    flat = np.array(json.loads(children.answer("place_child", told, str(vectors.shape[1]), timeout=_LONGEST)))
    low, high = flat.min(axis=0), flat.max(axis=0)
    unit = (flat - low) / np.maximum(high - low, 1e-9)
    room = np.array([WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE])
    return np.asarray(unit * room + _EDGE, np.float64)


def apart(places: NDArray[np.float64], least: float = 15.0) -> NDArray[np.float64]:
    """Give places that are moved as little as needed so that no two points hide each other."""
    moved = places.copy()
    for _ in range(60):
        between = moved[:, None] - moved[None]
        far = np.sqrt((between**2).sum(axis=2)) + 1e-6
        close = (far < least) & ~np.eye(len(moved), dtype=bool)
        if not close.any():
            break
        push = np.where(close[..., None], between / far[..., None] * (least - far)[..., None] / 2, 0).sum(axis=1)
        moved = np.clip(moved + push, _EDGE, [WIDTH - _EDGE, HEIGHT - _EDGE])
    return moved
