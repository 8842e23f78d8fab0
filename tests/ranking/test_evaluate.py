"""`evaluate`: what is measured, by hand and by the product."""

from __future__ import annotations

import json
from math import log2
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import UsageError
from newsletter.model import InterestProfile
from newsletter.ranking.evaluate import _measure, evaluate, read
from newsletter.ranking.ranker import Ranker

SUBJECTS = ["soil bacteria", "neutron stars", "labour markets", "graph colouring", "bird migration", "medieval trade"]
OLD: list[dict[str, Any]] = [
    {"id": f"old{n}", "title": f"On {subject}", "abstract": None} for n, subject in enumerate(SUBJECTS)
]
NEW: list[dict[str, Any]] = [
    {"id": f"new{n}", "title": f"More on {subject}", "abstract": ""} for n, subject in enumerate(SUBJECTS)
]
READERS: list[dict[str, Any]] = [
    {"user": "a", "liked": ["old0"], "keywords": ["soil bacteria"], "relevant": ["new0"]},
    {"user": "b", "liked": ["old1", "old2"], "keywords": [], "relevant": ["new1", "new2"]},
    {"user": "c", "liked": ["old3", "old4", "gone"], "relevant": ["new3", "new3", "gone"]},
    {"user": "d", "liked": ["old5"], "keywords": ["trade"], "relevant": []},
    {"user": "e", "liked": None, "keywords": ["graph colouring"], "relevant": ["new3"]},
]


def written(
    folder: Path, papers: str | None = None, profiles: str | None = None, candidates: str | None = None
) -> Path:
    lines = {
        "papers.jsonl": papers or "\n".join(map(json.dumps, [*OLD, *NEW])),
        "profiles.jsonl": profiles or "\n".join(map(json.dumps, READERS)),
        "candidates.txt": candidates or "\n".join(paper["id"] for paper in NEW),
    }
    for name, text in lines.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_measures_are_those_worked_out_by_hand() -> None:
    order = list(range(200))  # row r has rank r + 1
    recall, gain, precision_mean, precision = _measure(order, [0, 3, 99, 150])
    assert recall == 3 / 4
    assert gain == pytest.approx((1 / log2(2) + 1 / log2(5)) / sum(1 / log2(rank + 1) for rank in (1, 2, 3, 4)))
    assert precision_mean == pytest.approx((1 / 1 + 2 / 4 + 3 / 100 + 4 / 151) / 4)
    assert precision == 2 / 10


def test_the_ideal_is_cut_at_ten() -> None:
    assert _measure(list(range(200)), list(range(20))) == pytest.approx((1, 1, 1, 1))
    recall, gain, precision_mean, precision = _measure(list(range(200))[::-1], list(range(20)))
    assert (recall, gain, precision) == (0, 0, 0)
    assert precision_mean == pytest.approx(sum((n + 1) / (181 + n) for n in range(20)) / 20)


def test_what_is_read_is_what_is_written(tmp_path: Path) -> None:
    trial = read(written(tmp_path))
    assert list(trial.papers) == [paper["id"] for paper in [*OLD, *NEW]]
    assert trial.candidates == tuple(f"new{n}" for n in range(6))
    assert trial.readers[2].liked == ("old3", "old4")
    assert trial.readers[2].relevant == ("new3", "gone")
    assert trial.papers["old0"].abstract == ""
    assert len({paper.key for paper in trial.papers.values()}) == 12


def test_readers_of_a_small_data_set_are_measured(tmp_path: Path, ranker: Ranker) -> None:
    trial = read(written(tmp_path))
    told: list[int] = []
    quality = evaluate(trial, ranker, use="liked", shots=None, progress=told.append)
    # a, b and c count; d has nothing relevant, e likes nothing. What they like is about what is relevant.
    assert quality.users == 3
    assert quality.recall_at_100 == 1
    assert quality.precision_at_10 == pytest.approx((0.1 + 0.2 + 0.1) / 3)
    assert sum(told) == 5

    candidates = ranker.prepare([trial.papers[name] for name in trial.candidates], [trial.papers["old0"]])
    assert ranker.order_each(candidates, [InterestProfile(liked=("old0",))], trial.papers)[0][0] == 0
    # c likes two subjects and one of them is relevant: it comes first or second.
    second = (1 + 1 + 1 / log2(3)) / 3
    assert any(quality.ndcg_at_10 == pytest.approx(expected) for expected in (1, second))
    assert quality.seconds > 0


@pytest.mark.parametrize(
    ("use", "shots", "users"),
    [
        ("liked", None, 3),
        ("liked", 1, 3),
        ("liked", 2, 2),
        ("keywords", None, 2),
        ("keywords", 2, 2),
        ("both", None, 1),
        ("both", 1, 1),
    ],
)
def test_readers_with_fewer_liked_papers_than_shots_or_without_keywords_are_skipped(
    use: Any, shots: int | None, users: int, tmp_path: Path, ranker: Ranker
) -> None:
    assert evaluate(read(written(tmp_path)), ranker, use=use, shots=shots).users == users


def test_only_the_first_liked_papers_are_used(tmp_path: Path, ranker: Ranker) -> None:
    readers = [{"user": "x", "liked": ["old0", "old1"], "relevant": ["new0"]}]
    first = [{"user": "x", "liked": ["old0"], "relevant": ["new0"]}]
    one = evaluate(read(written(tmp_path, profiles=json.dumps(readers[0]))), ranker, use="liked", shots=1)
    other = evaluate(read(written(tmp_path, profiles=json.dumps(first[0]))), ranker, use="liked", shots=None)
    assert (one.ndcg_at_10, one.mean_average_precision) == (other.ndcg_at_10, other.mean_average_precision)


def test_where_no_reader_fits_the_options_are_named(tmp_path: Path, ranker: Ranker) -> None:
    with pytest.raises(UsageError, match=r"no reader of the data fits.*--shots"):
        evaluate(read(written(tmp_path)), ranker, use="both", shots=2)


def test_a_title_may_hold_what_unicode_counts_as_a_line_end(tmp_path: Path) -> None:
    odd = json.dumps({"id": "odd", "title": "One\u2028two\x85three"}, ensure_ascii=False)
    papers = "\ufeff" + "\r\n".join([*map(json.dumps, [*OLD, *NEW]), "", odd, ""])
    assert read(written(tmp_path, papers=papers)).papers["odd"].title == "One\u2028two\x85three"


def test_a_candidate_counts_once(tmp_path: Path) -> None:
    assert read(written(tmp_path, candidates="new0\r\n\nnew1\nnew0\n")).candidates == ("new0", "new1")


PAPER = json.dumps(OLD[0])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"papers": f"{PAPER}\n{{"}, r"papers\.jsonl, line 2: no JSON"),
        ({"papers": f"{PAPER}\n\n\n[1]"}, r"papers\.jsonl, line 4: not a JSON object"),
        ({"papers": f'{PAPER}\n{{"title": "x"}}'}, r"papers\.jsonl, line 2: a paper has an id and a title"),
        ({"papers": f'{PAPER}\n{{"id": "x"}}'}, r"papers\.jsonl, line 2: a paper has an id and a title"),
        ({"papers": f'{PAPER}\n{{"id": "x", "title": 3}}'}, r"papers\.jsonl, line 2: a paper has an id and a title"),
        ({"papers": "[" * 100_000}, r"papers\.jsonl, line 1: no JSON"),
        ({"profiles": '{"liked": []}\nnull'}, r"profiles\.jsonl, line 2: not a JSON object"),
        ({"profiles": '{"liked": "old0"}'}, r"profiles\.jsonl, line 1: liked is not a list of texts"),
        ({"profiles": '{"keywords": [null]}'}, r"profiles\.jsonl, line 1: keywords is not a list of texts"),
        ({"profiles": '{"relevant": {"new0": 1}}'}, r"profiles\.jsonl, line 1: relevant is not a list of texts"),
        ({"candidates": "new0\n\nold99\n"}, r"candidates\.txt, line 3: papers\.jsonl does not have 'old99'"),
    ],
)
def test_every_mistake_is_named_with_its_file_and_line(files: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(written(tmp_path, **files))
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("name", ["papers.jsonl", "profiles.jsonl", "candidates.txt"])
def test_a_file_that_is_missing_or_not_utf_8_is_named(name: str, tmp_path: Path) -> None:
    path = written(tmp_path) / name
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(UsageError, match=f"cannot read .*{name}"):
        read(tmp_path)
    path.unlink()
    with pytest.raises(UsageError, match=f"cannot read .*{name}.*DIR holds"):
        read(tmp_path)
