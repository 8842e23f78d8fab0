"""How good is the ranking? `newsletter evaluate DIR` on libraries of real readers, by the very ranker that sends.

DIR holds `papers.jsonl` {"id", "title", "abstract"}, `profiles.jsonl` {"user", "liked", "keywords", "relevant"} and
`candidates.txt`, the new papers, one id a line. For every user all candidates are ranked; `relevant` are those that the
user really went on to add. Neither a candidate nor another user's library informs the ranking.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from newsletter.errors import UsageError
from newsletter.model import InterestProfile, Paper
from newsletter.ranking.ranker import Ranker

Use: TypeAlias = Literal["liked", "keywords", "both"]


@dataclass(frozen=True)
class Reader:
    """One user of the data: what is known of them, and which candidates they went on to add."""

    liked: tuple[str, ...]
    keywords: tuple[str, ...]
    relevant: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A data set: papers by id, the candidates' ids in order, and the readers."""

    papers: dict[str, Paper]
    candidates: tuple[str, ...]
    readers: tuple[Reader, ...]


@dataclass(frozen=True)
class Quality:
    """Means over readers: recall@100, binary nDCG@10 (ideal cut at min(10, relevant)), MAP and P@10."""

    users: int
    recall_at_100: float
    ndcg_at_10: float
    mean_average_precision: float
    precision_at_10: float
    seconds: float


def read(folder: Path) -> Trial:
    """Read a data set. Raises UsageError naming the file and line that is missing or wrong."""
    papers: dict[str, Paper] = {}
    for number, row in enumerate(_lines(folder / "papers.jsonl"), 1):
        paper = _paper(number, row)
        papers[paper.id] = paper
    candidates = tuple(line.strip() for line in _text(folder / "candidates.txt").splitlines() if line.strip())
    if unknown := [name for name in candidates if name not in papers]:
        raise UsageError(f"{folder / 'candidates.txt'} names {unknown[0]!r}, which papers.jsonl does not have")
    readers = []
    for row in _lines(folder / "profiles.jsonl"):
        liked = tuple(name for name in row.get("liked", ()) if name in papers)
        readers.append(Reader(liked, tuple(row.get("keywords", ())), tuple(row.get("relevant", ()))))
    return Trial(papers, candidates, tuple(readers))


def evaluate(
    trial: Trial, ranker: Ranker, *, use: Use, shots: int | None, progress: Callable[[int], None] | None = None
) -> Quality:
    """Rank all candidates for every reader. `shots` takes the first so many liked papers and skips who has fewer."""
    started = time.perf_counter()
    new = set(trial.candidates)
    background = [paper for name, paper in trial.papers.items() if name not in new]
    candidates = ranker.prepare([trial.papers[name] for name in trial.candidates], background)
    place = {name: row for row, name in enumerate(trial.candidates)}
    measures = []
    for reader in trial.readers:
        profile = _profile(reader, use, shots)
        relevant = [place[name] for name in reader.relevant if name in place]
        if profile is not None and relevant:
            library = {name: trial.papers[name] for name in profile.liked}
            measures.append(_measure(ranker.order(candidates, profile, library), relevant))
        if progress:
            progress(1)
    if not measures:
        raise UsageError("no reader of the data fits", hint="check --use and --shots")
    recall, gain, average_precision, precision = (float(mean) for mean in np.mean(measures, axis=0))
    return Quality(len(measures), recall, gain, average_precision, precision, time.perf_counter() - started)


def _profile(reader: Reader, use: Use, shots: int | None) -> InterestProfile | None:
    liked = reader.liked if shots is None else reader.liked[:shots]
    if use != "keywords" and (not liked or (shots is not None and len(liked) < shots)):
        return None
    if use != "liked" and not reader.keywords:
        return None
    return InterestProfile(liked=liked if use != "keywords" else (), keywords=reader.keywords if use != "liked" else ())


def _measure(order: list[int], relevant: list[int]) -> tuple[float, float, float, float]:
    rank = np.empty(len(order), int)
    rank[order] = np.arange(1, len(order) + 1)
    ranks = np.sort(rank[relevant])
    ideal = sum(1 / np.log2(place + 1) for place in range(1, min(10, len(ranks)) + 1))
    gain = sum(1 / np.log2(place + 1) for place in ranks if place <= 10)
    average_precision = np.mean(np.arange(1, len(ranks) + 1) / ranks)
    return float((ranks <= 100).mean()), float(gain / ideal), float(average_precision), float((ranks <= 10).sum() / 10)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read {path}: {error}", hint="DIR holds papers.jsonl, profiles.jsonl, candidates.txt"
        ) from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: no JSON ({error})") from error
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {number}: not a JSON object")
        yield row


def _paper(key: int, row: dict[str, Any]) -> Paper:
    if "id" not in row or "title" not in row:
        raise UsageError(f"papers.jsonl: paper {key} has no id or no title")
    return Paper(
        key=key,
        id=str(row["id"]),
        title=str(row["title"]),
        abstract=str(row.get("abstract") or ""),
        authors=(),
        categories=(),
        url="",
        arxiv_id="",
        doi="",
        published_at=None,
        first_seen_at=datetime(1970, 1, 1, tzinfo=UTC),
        upvotes=None,
        repository="",
        project_page="",
        thumbnail="",
    )
