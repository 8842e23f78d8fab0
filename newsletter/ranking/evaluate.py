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

from newsletter.errors import UsageError, in_words
from newsletter.model import InterestProfile, Paper
from newsletter.ranking.ranker import Ranker

_AT_ONCE = 100  # readers

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
    papers = {
        paper.id: paper
        for key, (where, row) in enumerate(_objects(folder / "papers.jsonl"), 1)
        for paper in (_paper(key, row, where),)
    }
    candidates = dict.fromkeys(name for _, line in _lines(folder / "candidates.txt") if (name := line.strip()))
    for where, line in _lines(folder / "candidates.txt"):
        if line.strip() not in papers:
            raise UsageError(f"{where}: papers.jsonl does not have {line.strip()!r}")
    readers = []
    for where, row in _objects(folder / "profiles.jsonl"):
        liked, keywords, relevant = (_texts(row, field, where) for field in ("liked", "keywords", "relevant"))
        readers.append(Reader(tuple(name for name in liked if name in papers), keywords, relevant))
    return Trial(papers, tuple(candidates), tuple(readers))


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
    for start in range(0, len(trial.readers), _AT_ONCE):
        some = trial.readers[start : start + _AT_ONCE]
        asked = [
            (profile, relevant)
            for reader in some
            if (profile := _profile(reader, use, shots)) is not None
            and (relevant := [place[name] for name in reader.relevant if name in place])
        ]
        orders = ranker.order_each(candidates, [profile for profile, _ in asked], trial.papers)
        measures += [_measure(order, relevant) for order, (_, relevant) in zip(orders, asked, strict=True)]
        if progress:
            progress(len(some))
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


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Give the lines that are not empty, and where each stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read {path}: {in_words(error)}", hint="DIR holds papers.jsonl, profiles.jsonl, candidates.txt"
        ) from error
    # Not splitlines(): a title may hold one of the other characters that Unicode counts as line ends.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}, line {number}", line


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, line in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: no JSON ({error})") from error
        if not isinstance(row, dict):
            raise UsageError(f"{where}: not a JSON object")
        yield where, row


def _texts(row: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    values = row.get(field) or []
    if not isinstance(values, list) or not all(isinstance(value, str | int) for value in values):
        raise UsageError(f"{where}: {field} is not a list of texts")
    return tuple(dict.fromkeys(map(str, values)))


def _paper(key: int, row: dict[str, Any], where: str) -> Paper:
    if "id" not in row or not isinstance(row.get("title"), str):
        raise UsageError(f"{where}: a paper has an id and a title")
    return Paper(
        key=key,
        id=str(row["id"]),
        title=row["title"],
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
