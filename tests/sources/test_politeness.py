"""Manners: not too often, back when the server says, and never a sleep that nobody asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.patience import pause_before, retry_after
from newsletter.sources.fetch import Fetched, Surroundings, fetch
from newsletter.sources.politeness import HostPacer, rest_after
from tests.sources.servers import Clock, Site, in_turn, plainly, raw, serving

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LIMITS = Fetching(timeout=60, allow_private=True, per_host_interval=0)
GOOD = plainly(b"papers")


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("0", 0),
            (" 120 ", 120),
            ("999999999", 86400),
            ("Mon, 23 Nov 2026 06:02:00 GMT", 120),
            ("Monday, 23-Nov-26 06:02:00 GMT", 120),
            ("Mon Nov 23 06:02:00 2026", 120),
            ("Mon, 23 Nov 2026 05:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ],
    )
    def test_seconds_and_dates_in_all_three_forms_are_read(self, value: str, seconds: float) -> None:
        assert retry_after(value, now=NOW, most=86400) == seconds

    @pytest.mark.parametrize(
        "value", ["", "soon", "-1", "1.5", "١٢", "9" * 5000, "Mon, 99 Foo", "Sun, 06 Nov 99999 08:49:37"]
    )
    def test_what_makes_no_sense_is_as_if_it_were_missing(self, value: str) -> None:
        assert retry_after(value, now=NOW, most=86400) is None

    @given(st.text())
    def test_nothing_breaks_it(self, value: str) -> None:
        seconds = retry_after(value, now=NOW, most=60)
        assert seconds is None or 0 <= seconds <= 60

    def test_pauses_grow_and_are_half_chance(self) -> None:
        assert [pause_before(attempt, dice=lambda: 1.0) for attempt in (1, 2, 3, 9)] == [1, 2, 4, 30]
        assert [pause_before(attempt, dice=lambda: 0.0) for attempt in (1, 2, 3, 9)] == [0.5, 1, 2, 15]

    def test_a_source_rests_longer_the_more_often_it_failed(self) -> None:
        minutes = [rest_after(failures, dice=lambda: 1.0).total_seconds() / 60 for failures in (0, 1, 2, 3, 4, 9, 99)]
        assert minutes == [0, 0, 10, 20, 40, 720, 720]
        assert rest_after(2, dice=lambda: 0.0).total_seconds() == 300


class TestPacing:
    def test_requests_to_one_host_are_kept_apart_and_those_to_others_are_not(self) -> None:
        clock = Clock()
        pacer = HostPacer(1.0, clock=clock, sleep=clock.sleep)
        for host in ("a.example", "b.example", "A.example.", "a.example"):
            assert pacer.wait(host)
        assert clock.slept == [1.0, 1.0]
        clock.seconds += 5
        pacer.wait("a.example")
        assert clock.slept == [1.0, 1.0]

    def test_the_hosts_of_arxiv_are_one_and_get_three_seconds(self) -> None:
        clock = Clock()
        pacer = HostPacer(0.0, clock=clock, sleep=clock.sleep)
        for host in ("export.arxiv.org", "rss.arxiv.org", "arxiv.org", "notarxiv.org"):
            pacer.wait(host)
        assert clock.slept == [3.0, 3.0]

    def test_a_turn_that_comes_too_late_is_not_taken(self) -> None:
        clock = Clock()
        pacer = HostPacer(10.0, clock=clock, sleep=clock.sleep)
        assert [pacer.wait("a.example", most=5) for _ in range(3)] == [True, False, False]
        assert clock.slept == []
        assert pacer.wait("a.example", most=10)
        assert clock.slept == [10.0]

    def test_threads_get_turns_of_their_own(self) -> None:
        slept: list[float] = []
        pacer = HostPacer(1.0, clock=lambda: 0.0, sleep=slept.append)
        threads = [threading.Thread(target=pacer.wait, args=["a.example"]) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(slept) == [float(number) for number in range(1, 20)]

    def test_a_host_that_asked_to_be_left_alone_is_remembered_for_that_long(self) -> None:
        clock = Clock()
        pacer = HostPacer(1.0, clock=clock, sleep=clock.sleep)
        pacer.hold("export.arxiv.org", 90)
        pacer.hold("rss.arxiv.org", 30)
        clock.seconds += 40
        assert (pacer.held("arxiv.org"), pacer.held("b.example")) == (50, 0)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        yield running


class TestTryingAgain:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    def ask(
        self, site: Site, clock: Clock, pacer: HostPacer | None = None, path: str = "/", **limits: object
    ) -> Fetched:
        around = Surroundings(clock=clock, sleep=clock.sleep, dice=lambda: 1.0)
        return fetch(site.url(path), limits=LIMITS.model_copy(update=limits), pacer=pacer, now=NOW, around=around)

    def test_what_passes_is_tried_again_after_growing_pauses(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = in_turn(plainly(b"", 500), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), GOOD)
        assert self.ask(site, clock).data == b"papers"
        assert clock.slept == [1.0, 2.0]

    def test_what_does_not_pass_is_given_up_after_the_tries_that_are_set(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = plainly(b"", 502)
        with pytest.raises(FetchError, match="502"):
            self.ask(site, clock, tries=5)
        assert len(site.seen) == 5
        assert clock.slept == [1.0, 2.0, 4.0, 8.0]

    def test_what_is_permanent_is_not_tried_again(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = plainly(b"", 404)
        with pytest.raises(FetchError):
            self.ask(site, clock)
        assert len(site.seen) == 1

    def test_no_pause_goes_beyond_the_time_limit(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = plainly(b"", 500)
        with pytest.raises(FetchError, match="500"):
            self.ask(site, clock, tries=10, timeout=6)
        assert clock.slept == [1.0, 2.0]

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("value", ["7", "Mon, 23 Nov 2026 06:00:07 GMT"])
    def test_a_pause_that_the_server_asks_for_is_kept(self, site: Site, clock: Clock, status: int, value: str) -> None:
        site.answers["/"] = in_turn(plainly(b"", status, Retry_After=value), GOOD)
        assert self.ask(site, clock).data == b"papers"
        assert clock.slept == [7.0]

    def test_one_that_is_shorter_than_ours_is_made_ours(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = in_turn(plainly(b"", 429, Retry_After="0"), GOOD)
        self.ask(site, clock)
        assert clock.slept == [1.0]

    def test_one_longer_than_the_time_left_is_an_error_that_says_when_to_come_back(
        self, site: Site, clock: Clock
    ) -> None:
        site.answers["/"] = in_turn(plainly(b"", 500), plainly(b"", 429, Retry_After="300"))
        with pytest.raises(FetchError, match="429 Too Many Requests and asks us to come back at") as caught:
            self.ask(site, clock)
        assert caught.value.retry_at == NOW + timedelta(seconds=301)
        assert caught.value.retry_after == 300
        assert not caught.value.permanent
        assert clock.slept == [1.0]

    def test_one_is_never_longer_than_the_settings_allow(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = plainly(b"", 503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")
        east = timezone(timedelta(hours=9))
        with pytest.raises(FetchError) as caught:
            fetch(
                site.url("/"),
                limits=LIMITS.model_copy(update={"max_retry_after": 3600.0}),
                now=NOW.astimezone(east),
                around=Surroundings(clock=clock, sleep=clock.sleep),
            )
        assert caught.value.retry_at == NOW + timedelta(hours=1)

    def test_other_sources_of_the_host_are_told_without_asking(self, site: Site, clock: Clock) -> None:
        pacer = HostPacer(0, clock=clock, sleep=clock.sleep)
        site.answers["/a"] = plainly(b"", 429, Retry_After="300")
        site.answers["/b"] = GOOD
        with pytest.raises(FetchError):
            self.ask(site, clock, pacer, "/a")
        clock.seconds += 200
        with pytest.raises(FetchError, match="asked to be left alone for 100 seconds more") as caught:
            self.ask(site, clock, pacer, "/b")
        assert caught.value.retry_at == NOW + timedelta(seconds=100)
        assert site.paths == ["/a"]
        clock.seconds += 70
        assert self.ask(site, clock, pacer, "/b").data == b"papers"
        assert clock.slept == [30.0]

    def test_tries_and_redirects_wait_for_their_turn_too(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = in_turn(plainly(b"", 302, Location="/"), plainly(b"", 500), GOOD)
        assert self.ask(site, clock, per_host_interval=4.0).data == b"papers"
        assert clock.slept == [4.0, 1.0, 3.0]

    def test_turns_do_not_go_beyond_the_time_limit(self, site: Site, clock: Clock) -> None:
        site.answers["/"] = plainly(b"", 302, Location="/")
        with pytest.raises(FetchError, match="within 6 seconds"):
            self.ask(site, clock, per_host_interval=4.0, timeout=6)
        assert sum(clock.slept) < 6

    def test_the_time_limit_starts_behind_the_queue_of_our_own(self, site: Site, clock: Clock) -> None:
        pacer = HostPacer(10.0, clock=clock, sleep=clock.sleep)
        site.answers["/"] = GOOD
        for _ in range(3):
            pacer.wait("127.0.0.1", most=0)
        assert self.ask(site, clock, pacer, timeout=5).data == b"papers"
        assert clock.slept == [10.0]
