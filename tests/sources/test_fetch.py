"""Fetching: what servers send must arrive whole, and what they do wrong must be told in time and in words."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from newsletter import __version__
from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources.fetch import fetch
from newsletter.sources.politeness import Validators
from tests.sources.servers import Answer, Site, endless, plainly, raw, serving

LIMITS = Fetching(timeout=10, max_bytes=10_000, allow_private=True, per_host_interval=0, tries=1)
QUICK = LIMITS.model_copy(update={"timeout": 0.3})
MODIFIED = "Wed, 20 Aug 2025 06:00:00 GMT"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        yield running


def refused(url: str, limits: Fetching = LIMITS) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, limits=limits)
    assert url in caught.value.message
    return caught.value


def nested(times: int, size: int) -> bytes:
    data = b"\0" * size
    for _ in range(times):
        data = gzip.compress(data, mtime=0)
    return data


class TestWhatComesBack:
    def test_the_bytes_and_their_validators(self, site: Site) -> None:
        site.answers["/feed"] = plainly(b"<rss/>", Content_Type="text/xml", ETag='"1"', Last_Modified=MODIFIED)
        found = fetch(site.url("/feed"), limits=LIMITS)
        assert found.data == b"<rss/>"
        assert (found.url, found.content_type) == (site.url("/feed"), "text/xml")
        assert found.validators == Validators('"1"', MODIFIED, site.url("/feed"))
        assert not found.not_modified

    @pytest.mark.parametrize(
        ("contact", "told"),
        [
            ("https://news.example.org", " (+https://news.example.org)"),
            ("", ""),
            ("Ægir\r\nX: y <a@b.example>", " (+gir X: y <a@b.example>)"),
        ],
    )
    def test_the_server_is_told_who_asks(self, site: Site, contact: str, told: str) -> None:
        site.answers["/feed"] = plainly(b"x")
        fetch(site.url("/feed"), limits=LIMITS.model_copy(update={"contact": contact}))
        assert site.seen[0]["User-Agent"] == f"newsletter/{__version__}{told}"
        assert "X" not in site.seen[0]

    def test_compressed_bytes_come_back_whole(self, site: Site) -> None:
        site.answers["/z"] = plainly(gzip.compress(b"x" * 9000, mtime=0), Content_Encoding="gzip")
        assert fetch(site.url("/z"), limits=LIMITS).data == b"x" * 9000

    def test_bytes_compressed_in_several_parts_come_back_whole(self, site: Site) -> None:
        parts = b"".join(gzip.compress(text, mtime=0) for text in (b"one", b"", b"two")) + bytes(512)
        site.answers["/z"] = plainly(parts, Content_Encoding="x-gzip")
        assert fetch(site.url("/z"), limits=LIMITS).data == b"onetwo"

    def test_a_body_in_chunks_comes_back_whole(self, site: Site) -> None:
        site.answers["/c"] = raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"1\r\nc\r\n0\r\n\r\n")
        assert fetch(site.url("/c"), limits=LIMITS).data == b"abc"

    def test_a_body_that_ends_with_the_connection_comes_back_whole(self, site: Site) -> None:
        site.answers["/c"] = raw(b"HTTP/1.0 200 OK\r\n\r\nabc", b"def")
        assert fetch(site.url("/c"), limits=LIMITS).data == b"abcdef"

    def test_an_error_page_with_status_200_is_left_to_the_parser(self, site: Site) -> None:
        site.answers["/e"] = plainly(b"<html>Sorry", Content_Type="text/html")
        assert fetch(site.url("/e"), limits=LIMITS).data == b"<html>Sorry"

    def test_neither_proxies_nor_passwords_are_taken_from_the_environment(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
        for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1/")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        site.answers["/"] = plainly(b"x")
        assert fetch(site.url("/"), limits=LIMITS).data == b"x"
        assert "Authorization" not in site.seen[0]


class TestAskingOnlyForNews:
    KNOWN = Validators('W/"7"', MODIFIED)

    def test_the_server_may_say_that_there_is_none(self, site: Site) -> None:
        site.answers["/feed"] = raw(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6000\r\n\r\n")
        found = fetch(site.url("/feed"), limits=LIMITS, known=self.KNOWN)
        assert (found.data, found.not_modified) == (b"", True)
        assert found.validators == Validators('W/"7"', MODIFIED, site.url("/feed"))
        assert site.seen[0]["If-None-Match"] == 'W/"7"'
        assert site.seen[0]["If-Modified-Since"] == MODIFIED

    def test_validators_that_come_with_it_replace_the_known_ones(self, site: Site) -> None:
        site.answers["/feed"] = raw(b'HTTP/1.1 304 Not Modified\r\nETag: "8"\r\n\r\n')
        assert fetch(site.url("/feed"), limits=LIMITS, known=self.KNOWN).validators.etag == '"8"'

    def test_an_answer_with_news_forgets_the_known_ones(self, site: Site) -> None:
        site.answers["/feed"] = plainly(b"news")
        found = fetch(site.url("/feed"), limits=LIMITS, known=self.KNOWN)
        assert (found.data, found.not_modified) == (b"news", False)
        assert not found.validators

    def test_nothing_is_asked_of_an_address_that_did_not_give_them(self, site: Site) -> None:
        site.answers["/old"] = plainly(b"", status=302, Location="/new")
        site.answers["/new"] = plainly(b"x")
        fetch(site.url("/old"), limits=LIMITS, known=Validators('"7"', url=site.url("/new")))
        assert ["If-None-Match" in headers for headers in site.seen] == [False, True]
        fetch(site.url("/old"), limits=LIMITS, known=Validators('"7"'))
        assert ["If-None-Match" in headers for headers in site.seen[2:]] == [True, False]

    def test_not_modified_without_having_been_asked_is_a_temporary_error(self, site: Site) -> None:
        site.answers["/feed"] = raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        assert not refused(site.url("/feed")).permanent

    @pytest.mark.parametrize("value", ['"1"\r\nX: y', '"é"', "x" * 1001, " "])
    def test_validators_that_cannot_be_sent_are_not_sent(self, site: Site, value: str) -> None:
        site.answers["/feed"] = plainly(b"x")
        fetch(site.url("/feed"), limits=LIMITS, known=Validators(value, value))
        assert not {"If-None-Match", "If-Modified-Since", "X"} & set(site.seen[0])

    def test_validators_that_cannot_be_sent_are_not_kept(self, site: Site) -> None:
        site.answers["/feed"] = raw(OK + b'ETag: "\xe9"\r\nLast-Modified: ' + b"x" * 1001 + b"\r\n\r\nabc")
        assert not fetch(site.url("/feed"), limits=LIMITS).validators


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "permanent"),
        [
            *((status, True) for status in (206, 300, 401, 403, 404, 410)),
            *((status, False) for status in (204, 408, 425, 429, 500, 503)),
        ],
    )
    def test_one_says_whether_to_try_again(self, site: Site, status: int, permanent: bool) -> None:
        site.answers["/s"] = plainly(b"", status=status)
        error = refused(site.url("/s"))
        assert str(status) in error.message
        assert error.permanent is permanent
        assert error.hint
        assert error.retry_at is None

    @pytest.mark.parametrize("body", [b"", b" \r\n"])
    def test_200_with_nothing_is_a_temporary_error(self, site: Site, body: bytes) -> None:
        site.answers["/s"] = plainly(body)
        error = refused(site.url("/s"))
        assert "answered with nothing" in error.message
        assert not error.permanent

    def test_a_reason_that_would_play_with_the_terminal_is_made_plain(self, site: Site) -> None:
        site.answers["/s"] = raw(b"HTTP/1.1 404 \x1b[2J" + b"x" * 5000 + b"\r\n\r\n")
        message = refused(site.url("/s")).message
        assert "\x1b" not in message
        assert len(message) < 300


class TestRedirects:
    def test_they_are_followed_to_where_they_lead(self, site: Site) -> None:
        site.answers["/a"] = plainly(b"", status=301, Location="/b")
        site.answers["/b"] = plainly(b"", status=307, Location=site.url("/c#top"))
        site.answers["/c"] = plainly(b"here")
        found = fetch(site.url("/a"), limits=LIMITS)
        assert (found.data, found.url) == (b"here", site.url("/c"))

    def test_cookies_go_with_them_and_no_further(self, site: Site) -> None:
        site.answers["/a"] = plainly(b"", status=302, Location="/b", Set_Cookie="seen=1")
        site.answers["/b"] = plainly(b"x")
        for _ in range(2):
            fetch(site.url("/a"), limits=LIMITS)
        assert [headers.get("Cookie") for headers in site.seen] == [None, "seen=1", None, "seen=1"]

    def test_headers_of_ours_go_nowhere_else(self, site: Site) -> None:
        with serving(Site()) as elsewhere:
            site.answers["/a"] = plainly(b"", status=302, Location="/b")
            site.answers["/b"] = plainly(b"", status=302, Location=elsewhere.url("/c"))
            elsewhere.answers["/c"] = plainly(b"", status=302, Location=site.url("/d"))
            site.answers["/d"] = plainly(b"x")
            assert fetch(site.url("/a"), limits=LIMITS, headers={"X-Key": "sesame"}).data == b"x"
            assert [headers.get("X-Key") for headers in site.seen] == ["sesame"] * 3
            assert [headers.get("X-Key") for headers in elsewhere.seen] == [None]

    def test_one_without_end_is_refused(self, site: Site) -> None:
        site.answers["/loop"] = plainly(b"", status=302, Location="/loop")
        assert "redirects more than 5 times" in refused(site.url("/loop")).message
        assert len(site.seen) == 6

    @pytest.mark.parametrize(
        "target", ["file:///etc/passwd", "javascript:alert(1)", "ftp://example.org/", "http://[::1", "http://a b/"]
    )
    def test_one_to_what_is_no_web_address_is_refused(self, site: Site, target: str) -> None:
        site.answers["/r"] = plainly(b"", status=302, Location=target)
        error = refused(site.url("/r"))
        assert "not an http or https address" in error.message
        assert error.permanent

    def test_one_to_nowhere_is_refused(self, site: Site) -> None:
        site.answers["/r"] = plainly(b"", status=302)
        assert "without saying where" in refused(site.url("/r")).message

    def test_one_with_a_password_is_refused_and_the_password_not_repeated(self, site: Site) -> None:
        site.answers["/r"] = plainly(b"", status=302, Location="http://me:hunter2@127.0.0.1/")
        error = refused(site.url("/r"))
        assert "user name or password" in error.message
        assert "hunter2" not in str(error)


class TestTimeAndSize:
    def test_a_server_that_never_answers_is_left_in_time(self, site: Site) -> None:
        site.answers["/wait"] = site.never
        error = refused(site.url("/wait"), QUICK)
        assert "within 0.3 seconds" in error.message
        assert not error.permanent

    def test_a_server_that_falls_silent_is_left_before_the_time_is_up(self, site: Site) -> None:
        site.answers["/wait"] = site.never
        error = refused(site.url("/wait"), LIMITS.model_copy(update={"read_timeout": 0.2}))
        assert "was silent for 0.2 seconds" in error.message
        assert not error.permanent

    @pytest.mark.parametrize(
        "start",
        [b"HTTP/1.0 200 OK\r\nX: ", b"HTTP/1.0 200 OK\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n"],
        ids=["headers", "body", "chunk"],
    )
    def test_a_server_that_dribbles_is_left_in_time(self, site: Site, start: bytes) -> None:
        site.answers["/slow"] = site.dribble(start)
        began = time.monotonic()
        assert "within 0.3 seconds" in refused(site.url("/slow"), QUICK).message
        assert time.monotonic() - began < 2

    @pytest.mark.parametrize(
        "body",
        [b"x" * 10_001, nested(1, 50_000_000), nested(2, 50_000_000) + nested(1, 50_000_000)],
        ids=["plain", "gzip", "gzip in parts"],
    )
    def test_too_many_bytes_are_refused_compressed_or_not(self, site: Site, body: bytes) -> None:
        site.answers["/big"] = plainly(body, Content_Encoding="gzip" if body[:2] == b"\x1f\x8b" else "identity")
        error = refused(site.url("/big"), LIMITS)
        assert "larger than 10,000 bytes" in error.message
        assert error.permanent

    def test_a_bomb_takes_little_memory(self, site: Site) -> None:
        site.answers["/big"] = plainly(nested(1, 50_000_000), Content_Encoding="gzip")
        limits = LIMITS.model_copy(update={"max_bytes": 1_000_000})
        refused(site.url("/big"), limits)  # what is imported and cached at first does not count
        tracemalloc.start()
        try:
            assert "larger than 1,000,000 bytes" in refused(site.url("/big"), limits).message
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        ("start", "piece", "said"),
        [
            (OK + b"\r\n", b"x" * 60_000, "larger than"),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"fff\r\n" + b"x" * 4095 + b"\r\n", "larger than"),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 9000 + b"\r\nx\r\n", ""),
            (OK, b"X: y\r\n" * 5000, ""),
            (OK + b"X: ", b"y" * 60_000, ""),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000, "more bytes came"),
        ],
        ids=["body", "chunks", "chunk extensions", "headers", "one header", "early hints"],
    )
    def test_what_has_no_end_is_refused(self, site: Site, start: bytes, piece: bytes, said: str) -> None:
        site.answers["/endless"] = endless(start, piece)
        began = time.monotonic()
        assert said in refused(site.url("/endless")).message
        assert time.monotonic() - began < 5

    def test_a_bomb_of_very_many_compressed_parts_is_refused(self, site: Site) -> None:
        site.answers["/parts"] = plainly(gzip.compress(b"", mtime=0) * 100_000, Content_Encoding="gzip")
        error = refused(site.url("/parts"), LIMITS.model_copy(update={"max_bytes": 20_000_000}))
        assert "more than 2,000 parts" in error.message


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "body", [b"no gzip", gzip.compress(b"x" * 5000, mtime=0)[:-20], gzip.compress(b"x", mtime=0) + b"more"]
    )
    def test_broken_compression_is_a_temporary_error(self, site: Site, body: bytes) -> None:
        site.answers["/z"] = plainly(body, Content_Encoding="gzip")
        assert not refused(site.url("/z")).permanent

    @pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "gzip, identity", "zstd" * 500])
    def test_a_compression_we_did_not_ask_for_is_refused(self, site: Site, coding: str) -> None:
        site.answers["/br"] = plainly(nested(2, 100), Content_Encoding=coding)
        error = refused(site.url("/br"))
        assert "which we did not ask for" in error.message
        assert repr(coding[:100]) in error.message
        assert len(error.message) < 300
        assert error.permanent

    @pytest.mark.parametrize(
        "answer",
        [
            raw(OK + b"Content-Length: 9\r\n\r\nabc"),
            raw(OK + b"Content-Length: 3\r\n\r\nabcdef"),
            raw(OK + b"Content-Length: 3\r\n\r\nabc", b"def"),
            raw(OK + b"Content-Length: -3\r\n\r\nabc"),
            raw(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"),
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"),
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n"),
            raw(b"HTTP/1.1 2000 OK\r\n\r\nabc"),
            raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
            raw(b"<rss/>"),
            raw(OK + b"no colon\r\n\r\nabc"),
            raw(b""),
        ],
        ids=lambda _: "",
    )
    def test_what_is_not_as_http_says_is_a_temporary_error(self, site: Site, answer: Answer) -> None:
        site.answers["/broken"] = answer
        assert not refused(site.url("/broken")).permanent

    def test_line_ends_behind_the_announced_length_do_no_harm(self, site: Site) -> None:
        site.answers["/crlf"] = raw(OK + b"Content-Length: 3\r\n\r\nabc\r\n")
        assert fetch(site.url("/crlf"), limits=LIMITS).data == b"abc"

    def test_a_server_that_keeps_the_connection_open_is_left_all_the_same(self, site: Site) -> None:
        def stay(request: object) -> None:
            raw(OK + b"Content-Length: 3\r\n\r\nabc")(request)  # type: ignore[arg-type]
            site.over.wait(20)

        site.answers["/stay"] = stay
        assert fetch(site.url("/stay"), limits=LIMITS).data == b"abc"


class TestConnections:
    def test_a_refused_one_is_a_temporary_error(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            error = refused(f"http://127.0.0.1:{unused.getsockname()[1]}/")
        assert "refuses the connection" in error.message
        assert not error.permanent

    def test_a_name_that_does_not_resolve_is_a_temporary_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        error = refused("http://no-such-host.invalid/")
        assert "no-such-host.invalid does not resolve" in error.message
        assert not error.permanent

    def test_a_name_too_long_for_dns_is_a_permanent_error(self) -> None:
        assert refused(f"http://{'x' * 64}.example/").permanent

    def test_a_certificate_that_does_not_verify_is_a_permanent_error(self) -> None:
        with serving(secured(Site(), trustme.CA(), "localhost")) as site:
            error = refused(site.url("/", "https", "localhost"))
        assert "certificate" in error.message
        assert error.permanent

    def test_plain_http_where_tls_is_expected_is_a_permanent_error(self, site: Site) -> None:
        assert "TLS with 127.0.0.1 failed" in refused(site.url("/", "https")).message


def secured(site: Site, authority: trustme.CA, name: str) -> Site:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    return site
