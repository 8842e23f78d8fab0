"""`newsletter ingest` against a real server that does everything wrong, with good sources in between."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.config import Fetching, SourceKind
from newsletter.errors import NotADigestError
from newsletter.sources import fetch
from newsletter.sources.politeness import Validators
from newsletter.sources.source import FileSource, UrlSource, Visit, visit
from tests.cli.desk import AUGUST, HUGGING, Desk, Finished
from tests.sources.servers import PUBLIC, Answer, Network, Site, endless, in_turn, plainly, raw, serving

OK = b"HTTP/1.1 200 OK\r\n"
NAME = "papers.example"
HERE = f"http://{NAME}:8080"
BOMB = gzip.compress(gzip.compress(bytes(50_000_000), mtime=0) + bytes(3_000_000), mtime=0)
NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)


def bad(site: Site) -> dict[str, tuple[Answer, str]]:
    """Every way to misbehave, and what the operator is told of it."""
    return {
        "silent": (site.never, "was silent for 0.3 seconds"),
        "dribble": (site.dribble(OK + b"\r\n"), "did not answer in full within 1.5 seconds"),
        "headers": (site.dribble(OK + b"X: "), "did not answer in full within 1.5 seconds"),
        "bomb": (plainly(BOMB, Content_Encoding="gzip"), "larger than 500,000 bytes"),
        "double": (plainly(BOMB, Content_Encoding="gzip, gzip"), "'gzip, gzip', which we did not ask for"),
        "endless": (endless(OK + b"\r\n", b"x" * 65536), "larger than 500,000 bytes"),
        "hints": (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000), HERE),
        "flood": (endless(OK, b"X: y\r\n" * 5000), HERE),
        "short": (raw(OK + b"Content-Length: 9\r\n\r\nabc"), HERE),
        "long": (raw(OK + b"Content-Length: 3\r\n\r\nabcdef"), "more bytes came than the Content-Length says"),
        "chunks": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab"), HERE),
        "broken": (plainly(b"no gzip", Content_Encoding="gzip"), "came broken"),
        "garbage": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), HERE),
        "hung-up": (raw(b""), HERE),
        "empty": (plainly(b""), "answered with nothing"),
        "nothing": (plainly(b"", 204), "answered 204"),
        "same": (raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "answered 304"),
        "gone": (plainly(b"", 410), "remove the source"),
        "down": (plainly(b"", 500), "answered 500"),
        "html": (plainly(b"<html><title>Sign in</title>", Content_Type="text/html"), "HTML page"),
        "loop": (plainly(b"", 302, Location="/loop"), "redirects more than 5 times"),
        "file": (plainly(b"", 302, Location="file:///etc/passwd"), "not an http or https address"),
        "inside": (plainly(b"", 302, Location="http://169.254.169.254/latest/"), "not on the public internet"),
        "here": (plainly(b"", 302, Location=site.url("/secret")), f"port {site.port}, where no web pages are"),
        "rebound": (plainly(b"", 302, Location="http://inside.example/secret"), "inside.example (127.0.0.1)"),
        "mail": (plainly(b"", 302, Location=f"http://{NAME}:25/"), "port 25, where no web pages are"),
    }


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        running.answers["/hugging"] = plainly(HUGGING.read_bytes(), Content_Type="application/json")
        running.answers["/august"] = in_turn(plainly(b"", 503, Retry_After="1"), plainly(AUGUST.read_bytes()))
        running.answers["/moved"] = plainly(b"", 301, Location="/hugging")
        running.answers["/secret"] = plainly(b"secret")
        yield running


@pytest.fixture
def slept(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets the invented names lead to the server, and gives the pauses, which take no time."""
    pauses: list[float] = []
    network = Network(site, papers_example=[PUBLIC], inside_example=["127.0.0.1"])
    around = replace(network.around(), clock=time.monotonic, sleep=pauses.append)
    monkeypatch.setattr(fetch, "REAL", around)
    return pauses


@pytest.fixture
def bare(tmp_path: Path) -> Desk:
    """An empty folder."""
    return Desk(tmp_path)


def ingest(desk: Desk, names: Sequence[str], *words: str, status: int) -> Finished:
    sources = [{"name": name, "url": f"{HERE}/{name}"} for name in names]
    limits = {"timeout": 1.5, "read_timeout": 0.3, "max_bytes": 500_000, "tries": 2, "per_host_interval": 0}
    settings: dict[str, Any] = {f"fetching__{name}": value for name, value in limits.items()}
    return desk("ingest", *words, status=status, source=json.dumps(sources), **settings)


def test_good_sources_beside_bad_ones_are_kept_and_every_error_is_told(
    bare: Desk, site: Site, slept: list[float]
) -> None:
    wrong = bad(site)
    site.answers.update({f"/{name}": answer for name, (answer, _) in wrong.items()})
    half = len(wrong) // 2
    names = ["hugging", *list(wrong)[:half], "august", *list(wrong)[half:], "moved"]
    began = time.monotonic()
    told = {one["source"]: one for one in ingest(bare, names, "--json", status=1).json["sources"]}
    assert time.monotonic() - began < 20

    assert list(told) == names
    for name, (_, reason) in wrong.items():
        assert told[name]["status"] == "failed", name
        assert f"{HERE}/{name}" in told[name]["error"]
        assert reason in told[name]["error"]
        assert told[name]["papers"] == 0
    for name in ("hugging", "august", "moved"):
        assert told[name]["status"] == "ok"
        assert told[name]["papers"] > 0
    assert told["moved"]["new"] == 0  # the same papers by another way
    with sqlite3.connect(bare.folder / "newsletter.db") as database:
        (kept,) = database.execute("SELECT count(*) FROM papers").fetchone()
    database.close()
    assert kept == told["hugging"]["new"] + told["august"]["new"]
    assert "/secret" not in site.paths
    # A retry waits for half a second to one; who finds the host asking for rest, for what is left of it.
    assert all(0 < pause <= 1 for pause in slept)
    assert any(pause >= 0.5 for pause in slept)


def test_a_person_is_told_when_the_server_wants_us_back(bare: Desk, site: Site, slept: list[float]) -> None:
    site.answers["/busy"] = plainly(b"", 429, Retry_After="3600")
    finished = ingest(bare, ["busy"], status=1)
    assert f"{HERE}/busy answered 429 Too Many Requests and asks us to come back at 2026-08-20 07:00:0" in finished.err
    assert slept == []


def test_without_a_resolver_of_our_own_this_machine_is_not_asked(bare: Desk, site: Site) -> None:
    sources = json.dumps([{"name": "local", "url": site.url("/hugging")}])
    refused = bare("ingest", "--json", status=1, source=sources).json["sources"][0]["error"]
    assert "fetching.allow_private = true" in refused
    assert site.paths == []
    allowed = bare("ingest", "--json", source=sources, fetching__allow_private="true")
    assert allowed.json["sources"][0]["papers"] > 0


class TestVisits:
    LIMITS = Fetching(allow_private=True, per_host_interval=0)

    def test_a_source_tells_by_which_validators_to_ask_next_time(self, site: Site) -> None:
        site.answers["/a"] = plainly(AUGUST.read_bytes(), ETag='"1"')
        found = UrlSource("a", site.url("/a"), limits=self.LIMITS).visit(NOW)
        assert found.digest.records
        assert not found.digest.unchanged
        assert found.validators == Validators('"1"', url=site.url("/a"))

    def test_a_source_without_news_is_unchanged_and_keeps_its_validators(self, site: Site) -> None:
        known = Validators('"1"', url=site.url("/a"))
        site.answers["/a"] = raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        source = UrlSource("a", site.url("/a"), limits=self.LIMITS, known=known)
        assert visit(source, NOW) == Visit(source.pull(NOW), known)
        assert source.pull(NOW).unchanged
        assert source.pull(NOW).records == ()

    def test_an_answer_that_cannot_be_parsed_gives_no_validators(self, site: Site) -> None:
        site.answers["/a"] = plainly(b"<html>", ETag='"1"')
        with pytest.raises(NotADigestError):
            UrlSource("a", site.url("/a"), kind=SourceKind.HUGGINGFACE, limits=self.LIMITS).visit(NOW)

    def test_a_file_is_visited_like_any_source(self) -> None:
        found = visit(FileSource("august", AUGUST), NOW)
        assert found.digest.records
        assert not found.validators
