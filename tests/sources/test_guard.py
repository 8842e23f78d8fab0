"""No request may reach what only this machine can reach, however its address is written, resolved or redirected to."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources import guard
from newsletter.sources.fetch import Surroundings, fetch
from tests.sources.servers import PUBLIC, Network, Site, plainly, serving

LIMITS = Fetching(timeout=10, per_host_interval=0, tries=1)
PRIVATE = LIMITS.model_copy(update={"allow_private": True})
INSIDE = [
    "127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1",
    "169.254.169.254 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.255",
    "240.0.0.1 255.255.255.255 168.63.129.16",
    ":: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:a00:1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1",
    "64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:20::1 2001:db8::1 2002:7f00:1::1",
    "3fff::1 4000::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1",
]
OUTSIDE = f"{PUBLIC} 1.1.1.1 172.32.0.1 192.167.1.1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2606:2800:220:1::1 2a00:1450::1"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        running.answers["/"] = plainly(b"here")
        yield running


def refused(url: str, around: Surroundings | None = None, limits: Fetching = LIMITS) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, limits=limits, around=around)
    assert caught.value.permanent
    return caught.value


class TestAddresses:
    @pytest.mark.parametrize("address", " ".join(INSIDE).split())
    def test_one_that_is_not_of_the_public_internet_is_known(self, address: str) -> None:
        assert not guard.is_public(address)

    @pytest.mark.parametrize("address", OUTSIDE.split())
    def test_one_of_the_public_internet_is_known(self, address: str) -> None:
        assert guard.is_public(address)

    @given(st.ip_addresses(v=4))
    def test_ipv4_within_ipv6_is_judged_as_ipv4(self, address: ipaddress.IPv4Address) -> None:
        for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
            assert guard.is_public(form) == guard.is_public(str(address))

    @given(st.ip_addresses())
    def test_what_python_calls_anything_but_global_is_never_public(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> None:
        special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
        hidden = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
        if special and not hidden:
            assert not guard.is_public(str(address))


class TestUrls:
    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "example.org", "http://", ""])
    def test_only_those_of_the_web_are_fetched(self, url: str) -> None:
        assert "not an http or https address" in refused(url).message

    @pytest.mark.parametrize(
        "host",
        [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "127.0.0.01",
            "0",
            "0x",
            "127.0.0.1.",
        ],
    )
    def test_a_number_that_only_some_read_as_an_address_is_refused(self, host: str) -> None:
        for limits in (LIMITS, PRIVATE):
            assert "unusual form" in refused(f"http://{host}/", limits=limits).message

    @pytest.mark.parametrize("host", [*" ".join(INSIDE[:3]).split(), "[::1]", "[::ffff:127.0.0.1]"])
    def test_a_host_given_as_a_private_address_is_refused(self, host: str) -> None:
        error = refused(f"http://{host}/")
        assert "not on the public internet" in error.message
        assert "fetching.allow_private" in error.hint

    @pytest.mark.parametrize(
        "url",
        ["https://me:hunter2@example.org/", "https://hunter2@example.org", "http://hunter2@b@example.org?x=@"],
    )
    def test_a_password_is_refused_and_not_repeated(self, url: str) -> None:
        error = refused(url)
        assert "user name or password" in error.message
        assert "https://example.org" in error.message.replace("http://", "https://")
        assert "hunter2" not in str(error)

    def test_an_at_sign_elsewhere_is_no_password(self) -> None:
        for url in ("https://example.org/@me", "https://example.org?to=a@b", "https://example.org#@"):
            assert guard.first(url, allow_private=False) == url

    @pytest.mark.parametrize("port", [0, 22, 25, 6379, 11211, 65535])
    def test_ports_that_are_not_for_web_pages_are_refused(self, port: int) -> None:
        assert f"at port {port}" in refused(f"http://example.org:{port}/").message

    @pytest.mark.parametrize("port", [80, 443, 8080, 8443])
    def test_ports_of_web_pages_are_not(self, port: int) -> None:
        assert guard.first(f"http://example.org:{port}/", allow_private=False)

    def test_any_port_will_do_where_private_addresses_may_be_asked(self) -> None:
        assert guard.first("http://example.org:3000/", allow_private=True)


class TestNames:
    def test_the_connection_goes_to_the_address_that_was_checked(self, site: Site) -> None:
        network = Network(site, papers_example=[PUBLIC])
        assert fetch("http://papers.example:8080/", limits=LIMITS, around=network.around()).data == b"here"
        assert network.connected == [(PUBLIC, 8080)]
        assert site.seen[0]["Host"] == "papers.example:8080"

    def test_a_name_that_resolves_otherwise_the_second_time_gains_nothing(self, site: Site) -> None:
        network = Network(site)
        answers = [[PUBLIC], ["127.0.0.1"]]

        def rebinding(_host: str, _port: int) -> Sequence[str]:
            return answers.pop(0)

        fetch("http://rebind.example/", limits=LIMITS, around=replace(network.around(), resolve=rebinding))
        assert network.connected == [(PUBLIC, 80)]
        assert answers == [["127.0.0.1"]]

    @pytest.mark.parametrize("found", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC], ["::ffff:192.168.0.1"]])
    def test_one_with_a_private_address_among_its_addresses_is_refused(self, site: Site, found: list[str]) -> None:
        network = Network(site, inside_example=found)
        error = refused("http://inside.example/", network.around())
        assert "http://inside.example/ leads to inside.example (" in error.message
        assert network.connected == []

    def test_one_whose_first_address_does_not_answer_is_reached_at_the_next(self, site: Site) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            network = Network(site, two_example=["2606:2800:220:1::1", PUBLIC])
            inner = network.connect

            def connect(address: str, port: int, seconds: float) -> object:
                if ":" in address:
                    from newsletter.sources import wire  # noqa: PLC0415

                    return wire.connect("127.0.0.1", unused.getsockname()[1], seconds)
                return inner(address, port, seconds)

            around = replace(network.around(), connect=connect)  # type: ignore[arg-type]
            assert fetch("http://two.example/", limits=LIMITS, around=around).data == b"here"

    def test_one_with_very_many_addresses_is_tried_at_a_few(self) -> None:
        many = [f"93.184.{number // 256}.{number % 256}" for number in range(1000)]
        assert len(guard.addresses("many.example", 80, resolve=lambda *_: many, seconds=5)) == 8

    def test_one_without_an_address_is_a_temporary_error(self, site: Site) -> None:
        with pytest.raises(FetchError, match=r"none\.example has no address") as caught:
            fetch("http://none.example/", limits=LIMITS, around=Network(site, none_example=[]).around())
        assert not caught.value.permanent

    def test_a_resolver_that_does_not_answer_is_left_in_time(self) -> None:
        over = threading.Event()

        def slow(_host: str, _port: int) -> Sequence[str]:
            over.wait(20)
            return [PUBLIC]

        quick = LIMITS.model_copy(update={"timeout": 0.2})
        with pytest.raises(FetchError, match=r"within 0\.2 seconds") as caught:
            fetch("http://slow.example/", limits=quick, around=Surroundings(resolve=slow))
        assert not caught.value.permanent
        over.set()

    def test_those_in_letters_of_the_world_are_asked_in_the_form_of_dns(self, site: Site) -> None:
        network = Network(site, **{"xn--dnen-0ra_example": [PUBLIC]})
        fetch("http://dünen.example/", limits=LIMITS, around=network.around())
        assert network.asked == ["xn--dnen-0ra.example"]


class TestRedirects:
    def redirected(self, site: Site, target: str, limits: Fetching = LIMITS, **names: list[str]) -> FetchError:
        site.answers["/r"] = plainly(b"", status=302, Location=target)
        network = Network(site, papers_example=[PUBLIC], **names)
        error = refused("http://papers.example/r", network.around(), limits)
        assert "http://papers.example/r" in error.message
        assert all(guard.is_public(address) for address, _ in network.connected)
        return error

    @pytest.mark.parametrize("allowed", [False, True], ids=["", "even where private addresses are allowed"])
    @pytest.mark.parametrize(
        "target", ["http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "//10.0.0.1:80/"]
    )
    def test_one_from_the_public_internet_to_a_private_address_is_refused(
        self, site: Site, target: str, allowed: bool
    ) -> None:
        error = self.redirected(site, target, PRIVATE if allowed else LIMITS)
        assert "not on the public internet" in error.message

    def test_one_to_a_name_with_a_private_address_is_refused(self, site: Site) -> None:
        error = self.redirected(site, "http://inside.example/", inside_example=["10.0.0.1"])
        assert "inside.example (10.0.0.1)" in error.message

    def test_one_to_a_port_that_is_not_for_web_pages_is_refused(self, site: Site) -> None:
        error = self.redirected(site, "http://papers.example:25/")
        assert "redirects to http://papers.example:25/, which is at port 25" in error.message

    def test_one_within_the_private_network_is_followed_where_that_is_allowed(self, site: Site) -> None:
        site.answers["/r"] = plainly(b"", status=302, Location="/")
        assert fetch(site.url("/r"), limits=PRIVATE).data == b"here"

    def test_one_that_gives_up_encryption_is_refused(self) -> None:
        with pytest.raises(FetchError, match=r"redirects from https to http://b\.example/, which is not encrypted"):
            guard.next_hop("https://a.example/", "http://b.example/", source="https://a.example/", allow_private=True)

    def test_one_that_takes_up_encryption_is_followed(self) -> None:
        target = guard.next_hop("http://a.example/x", "https://a.example/x#y", source="", allow_private=False)
        assert target == "https://a.example/x"


class TestCertificates:
    @pytest.fixture
    def secure(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("papers.example").configure_cert(context)
        site = Site()
        site.answers["/"] = plainly(b"here")
        site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
        with serving(site) as running:
            yield running

    def test_one_is_checked_for_the_name_and_not_for_the_address(self, secure: Site) -> None:
        network = Network(secure, papers_example=[PUBLIC])
        assert fetch("https://papers.example/", limits=LIMITS, around=network.around()).data == b"here"
        assert network.connected == [(PUBLIC, 443)]

    def test_one_for_another_name_is_refused(self, secure: Site) -> None:
        network = Network(secure, other_example=[PUBLIC])
        error = refused("https://other.example/", network.around())
        assert "the certificate of other.example does not verify" in error.message

    def test_a_redirect_to_plain_http_is_refused(self, secure: Site) -> None:
        secure.answers["/r"] = plainly(b"", status=301, Location="http://papers.example/")
        network = Network(secure, papers_example=[PUBLIC])
        assert "not encrypted" in refused("https://papers.example/r", network.around()).message
