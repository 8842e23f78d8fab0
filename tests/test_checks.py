"""What the parts of `newsletter check` make of what they find. (tests/cli/test_check.py has the command.)"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from newsletter.checks import Check, Status, worst
from newsletter.checks import clock as clocks
from newsletter.checks.check import failed, guarded, ok, warning
from newsletter.checks.domain import of_domain
from newsletter.checks.schedule import of_schedule
from newsletter.checks.sources import judged, of_sources
from newsletter.config import Settings
from newsletter.delivery.dkim import record
from newsletter.errors import StoreError
from newsletter.model import SourceState
from newsletter.sources.politeness import server_time
from tests.resolving import Records, resolving

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
GOOD: Records = {
    ("papers.example", "TXT"): ['"some-site-verification=x"', '"v=spf1 mx " "~all"'],
    ("one._domainkey.papers.example", "TXT"): ['"v=DKIM1; p=abc"'],
    ("_dmarc.papers.example", "TXT"): ['"v=DMARC1; p=quarantine"'],
    ("papers.example", "MX"): ["20 second.papers.example.", "10 first.papers.example."],
}


def settings(**sections: Any) -> Settings:
    return Settings(**{"site": {"sender": "Papers <me@papers.example>"}, **sections})


def looked_up(records: Records, **sections: Any) -> dict[str, Check]:
    with resolving(records) as (resolver, _):
        return {check.name: check for check in of_domain(settings(**sections), resolver)}


def changed(name: str, kind: str, *records: str) -> Records:
    return {key: value for key, value in GOOD.items() if key != (name, kind)} | (
        {(name, kind): list(records)} if records else {}
    )


ARXIV = {"name": "arXiv", "kind": "feed", "url": "https://rss.arxiv.org/rss/cs.LG"}


def scheduled(zone: str = "UTC", source: dict[str, str] = ARXIV, **schedule: Any) -> dict[str, Check]:
    given = Settings.model_validate({"site": {"timezone": zone}, "schedule": schedule, "source": [source]})
    return {check.name: check for check in of_schedule(given, now=NOW)}


class TestTheSchedule:
    @pytest.mark.parametrize(
        ("zone", "cutoff", "better"),
        [("UTC", "04:00", "05:30"), ("UTC", "00:15", "05:30"), ("America/New_York", "23:00", "00:30"),
         ("Europe/Berlin", "06:00", "06:30"), ("Asia/Kolkata", "09:30", "11:00")],
    )  # fmt: skip
    def test_a_cut_off_between_arxivs_announcement_and_its_feed(self, zone: str, cutoff: str, better: str) -> None:
        [found] = scheduled(zone, cutoff=cutoff).values()
        assert found.name == "schedule.cutoff"
        assert f"schedule.cutoff to {better}" in found.hint
        [mended] = scheduled(zone, cutoff=better).values()
        assert mended.status is Status.OK

    def test_other_sources_have_other_hours(self) -> None:
        [found] = scheduled(
            source={"name": "lab", "kind": "feed", "url": "https://arxiv.org.lab.example/feed"}
        ).values()
        assert (found.name, found.status) == ("schedule", Status.OK)
        assert "04:00 (UTC), weekly ones on monday" in found.message

    @pytest.mark.parametrize(
        ("blackout", "said"),
        [
            ("2025-12-24/2026-01-02", "is over"),
            ("2062-12-24", "more than two years"),
            ("2026-09-01/2027-01-02", "124 days"),
            ("2026-08-19/2026-08-22", "before 2026-08-23"),
        ],
    )
    def test_days_without_issues_that_were_hardly_meant(self, blackout: str, said: str) -> None:
        found = scheduled(cutoff="06:00", blackout=[blackout], weekly_on="sunday")
        assert said in found["schedule.blackout"].message

    def test_weekly_readers_who_go_without(self) -> None:
        found = scheduled(cutoff="06:00", blackout=["2026-12-24/2026-12-26"], weekly_on="friday")
        assert "2026-12-25" in found["schedule.weekly_on"].message
        assert scheduled(cutoff="06:00", blackout=["2026-12-24/2026-12-26"])["schedule"].status is Status.OK


def test_the_worst_of_all_counts() -> None:
    good, weak, bad = ok("a", "m"), warning("b", "m", "h"), failed("c", "m", "h")
    assert worst([]) is worst([good]) is Status.OK
    assert worst([good, weak, good]) is Status.WARNING
    assert worst([bad, weak, good]) is Status.FAILED


def test_a_look_that_breaks_off_is_a_finding_after_those_before_it() -> None:
    def look() -> Iterator[Check]:
        yield ok("x", "so far")
        raise StoreError("it broke")

    assert list(guarded("x", look, cure="mend it")) == [ok("x", "so far"), failed("x", "it broke", "mend it")]


def test_a_domain_with_everything_is_in_order() -> None:
    found = looked_up(GOOD)
    assert {check.status for check in found.values()} == {Status.OK}
    assert found.keys() == {"SPF", "DKIM", "DMARC", "MX"}
    assert "v=spf1 mx ~all" in found["SPF"].message
    assert "cannot be seen from here" in found["DKIM"].message
    assert "first.papers.example" in found["MX"].message


def test_the_key_that_signs_is_compared_with_the_one_that_is_published(tmp_path: Path) -> None:
    keys = {name: ed25519.Ed25519PrivateKey.generate() for name in ("ours", "another")}
    for name, key in keys.items():
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (tmp_path / name).write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    dkim = {"selector": "one", "key_file": tmp_path / "ours"}
    place = "one._domainkey.papers.example"
    texts = {name: record(key) for name, key in keys.items()}

    def found(*published: str, **changes: Any) -> Check:
        records = changed(place, "TXT", *(f'"{text}"' for text in published))
        return looked_up(records, dkim={**dkim, **changes})["DKIM"]

    good = found(texts["ours"].replace("; p=", ";p= "))
    assert (good.status, place in good.message) == (Status.OK, True)
    for wrong in ([], [texts["another"]], [texts["ours"], texts["another"]], ["v=DKIM1; p="], ["no record"]):
        bad = found(*wrong)
        assert bad.status is Status.FAILED
        assert texts["ours"] in bad.hint
        assert place in bad.hint
    assert "dkim.domain" in found(texts["ours"], domain="other.example").hint
    assert "dkim.key_file" in found(texts["ours"], key_file=tmp_path / "gone").message


def test_a_domain_with_nothing_is_told_what_to_publish() -> None:
    found = looked_up({("example", "TXT"): ['"x"']})
    assert {name: check.status.value for name, check in found.items()} == {
        "SPF": "failed",
        "DKIM": "warning",
        "DMARC": "warning",
        "MX": "failed",
    }
    assert all("papers.example" in found[name].hint for name in ("SPF", "DKIM", "DMARC"))


@pytest.mark.parametrize(
    ("records", "status", "said"),
    [
        (['"v=spf1 mx -all"'], "ok", "-all"),
        (['"V=SPF1 MX -ALL exp=why.papers.example"'], "ok", "-ALL"),
        (['"v=spf1 redirect=_spf.elsewhere.example"'], "ok", "redirect"),
        (['"v=spf1 mx ?all"'], "warning", "ends in ?all"),
        (['"v=spf1 all"'], "warning", "ends in all"),
        (['"v=spf1 mx"'], "warning", "anybody may send"),
        (['"v=spf1 include:small.example"'], "warning", "anybody may send"),
        (['"v=spf10 -all"'], "failed", "no SPF record"),
        (['"v=spf1 -all"', '"v=spf1 mx -all"'], "failed", "2 SPF records"),
    ],
)
def test_an_spf_record_counts_where_it_is_one_and_shuts_out_the_rest(
    records: list[str], status: str, said: str
) -> None:
    found = looked_up(changed("papers.example", "TXT", *records))["SPF"]
    assert found.status == status
    assert said in found.message
    assert bool(found.hint) == (status != "ok")


@pytest.mark.parametrize(
    ("records", "status", "said"),
    [
        (['"v=DMARC1; p=reject; rua=mailto:me@papers.example"'], "ok", "reject"),
        (['"v = DMARC1 ;p=Reject"'], "ok", "Reject"),
        (['"v=DMARC1; p=none"'], "warning", "forge"),
        (['"v=DMARC1; rua=mailto:x@y.example"'], "failed", "no policy"),
        (['"v=DMARC1; p=perhaps"'], "failed", "no policy"),
        (['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "failed", "2 records"),
        (['"something else"'], "warning", "no DMARC record"),
    ],
)
def test_a_dmarc_record_counts_where_it_is_one_with_a_policy(records: list[str], status: str, said: str) -> None:
    found = looked_up(changed("_dmarc.papers.example", "TXT", *records))["DMARC"]
    assert (found.status, said in found.message) == (status, True)


@pytest.mark.parametrize(("record", "status"), [("p=reject", "ok"), ("p=reject; sp=none", "warning")])
def test_a_domain_without_dmarc_goes_by_the_one_above_it(record: str, status: str) -> None:
    records = {("_dmarc.papers.example", "TXT"): [f'"v=DMARC1; {record}"']}
    found = looked_up(records, site={"sender": "a@daily.papers.example"})["DMARC"]
    assert found.status == status
    assert "papers.example" in found.message


def test_bounces_need_a_domain_that_takes_mail() -> None:
    assert looked_up(changed("papers.example", "MX", "0 ."))["MX"].status is Status.FAILED
    without = changed("papers.example", "MX")
    assert looked_up(without)["MX"].status is Status.FAILED
    itself = looked_up({**without, ("papers.example", "A"): ["127.0.0.9"]})["MX"]
    assert itself.status is Status.OK
    assert "itself" in itself.message


def test_the_domain_of_the_envelope_is_looked_at_beside_the_senders() -> None:
    with resolving(GOOD) as (resolver, _):
        chosen = settings(delivery={"bounce_address": "back@bounces.example"})
        spf = [check for check in of_domain(chosen, resolver) if check.name == "SPF"]
    assert [("bounces.example" in one.message, one.status.value) for one in spf] == [(True, "failed"), (False, "ok")]


def test_an_international_domain_is_asked_for_as_the_dns_knows_it() -> None:
    with resolving({}) as (resolver, server):
        list(of_domain(settings(site={"sender": "a@bücher.example"}), resolver))
    assert ("xn--bcher-kva.example.", "TXT") in server.asked


def test_the_name_of_a_public_servers_address_is_looked_up() -> None:
    host, reverse = "mail.papers.example", "34.216.184.93.in-addr.arpa"
    known = {**GOOD, (host, "A"): ["93.184.216.34"]}
    assert looked_up(known, smtp={"host": host})["PTR"].status is Status.WARNING
    named = {**known, (reverse, "PTR"): ["mail.papers.example."]}
    assert looked_up(named, smtp={"host": host})["PTR"].status is Status.OK
    assert looked_up(named, smtp={"host": "93.184.216.34"})["PTR"].status is Status.OK
    inside = {**GOOD, (host, "A"): ["10.0.0.7"]}
    assert "PTR" not in looked_up(inside, smtp={"host": host})


def test_a_failing_name_server_is_no_failure_of_ours() -> None:
    with resolving(rcode=dns.rcode.SERVFAIL) as (resolver, _):
        found = list(of_domain(settings(), resolver))
    assert {check.name for check in found} == {"SPF", "DKIM", "DMARC", "MX"}
    assert {check.status for check in found} == {Status.WARNING}
    assert all("could not be looked up" in check.message for check in found)


def test_a_resolver_that_does_not_answer_is_asked_no_second_question() -> None:
    with resolving(silent=True) as (resolver, server):
        found = list(of_domain(settings(), resolver))
    assert {check.status for check in found} == {Status.WARNING}
    assert all("could not be looked up" in check.message for check in found)
    assert set(server.asked) == {("papers.example.", "TXT")}


def state(**values: Any) -> SourceState:
    usual: dict[str, Any] = {
        "name": "s", "etag": "", "last_modified": "", "url": "", "failures": 0, "last_error": "",
        "last_success_at": NOW - timedelta(hours=20), "retry_at": None,
    }  # fmt: skip
    return SourceState(**{**usual, **values})


@pytest.mark.parametrize(
    ("remembered", "status", "said"),
    [
        (None, "warning", "never read"),
        (state(), "ok", "last read on 2026-08-19 at 10:00 UTC"),
        (state(last_success_at=NOW - timedelta(days=3)), "ok", "2026-08-17"),
        (state(last_success_at=NOW - timedelta(days=3, seconds=1)), "warning", "2026-08-17"),
        (state(failures=1, last_error="404\x1b[2J"), "warning", "once, last read on 2026-08-19 at 10:00 UTC: 404 [2J"),
        (state(failures=2), "warning", "2 times in a row"),
        (state(failures=3, last_success_at=None), "failed", "3 times in a row, never read"),
        (state(failures=9, retry_at=NOW + timedelta(hours=1)), "failed", "9 times"),
        (state(failures=9, retry_at=NOW - timedelta(hours=1)), "failed", "9 times"),
    ],
)
def test_a_source_is_judged_by_what_was_remembered_of_it(
    remembered: SourceState | None, status: str, said: str
) -> None:
    found = judged("s", remembered, now=NOW, again="`newsletter ingest s`", tell_after=3)
    assert found.status == status
    assert said in found.message
    assert bool(found.hint) == (status != "ok")


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({}, "ok", "08:00 in Europe/Berlin"),
        ({"recorded": NOW + timedelta(minutes=4)}, "ok", "Europe/Berlin"),
        ({"recorded": NOW + timedelta(minutes=6)}, "failed", "papers came at 2026-08-20 06:06"),
        ({"stopped": "2026-08-20"}, "warning", "NEWSLETTER_NOW"),
        ({"servers": {"a": timedelta(minutes=-4)}}, "ok", "1 of 1 servers"),
        ({"servers": {"a": timedelta(minutes=30)}}, "warning", "30 minutes behind the server of a"),
        ({"servers": {"a": timedelta(hours=-2)}}, "warning", "120 minutes ahead of the server of a"),
        ({"servers": {"a": timedelta(hours=2), "b": timedelta(), "c": timedelta()}}, "ok", "2 of 3 servers"),
    ],
)
def test_the_clock_is_compared_with_what_else_tells_the_time(given: dict[str, Any], status: str, said: str) -> None:
    usual: dict[str, Any] = {"timezone": "Europe/Berlin", "recorded": None, "stopped": "", "servers": {}}
    found = clocks.of_times(NOW, **{**usual, **given})
    assert (found.status, said in found.message) == (status, True), found


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"date": "Thu, 20 Aug 2026 06:00:00 GMT"}, NOW),
        ({"date": "Thu, 20 Aug 2026 06:00:00 GMT", "age": "0"}, NOW),
        ({"date": "Thu, 20 Aug 2026 06:00:00 GMT", "age": "3600"}, None),
        ({"date": "this morning"}, None),
        ({}, None),
    ],
)
def test_a_server_tells_its_time_unless_a_cache_answers_for_it(headers: dict[str, str], told: datetime | None) -> None:
    assert server_time(headers) == told


@contextmanager
def living_in(moment: datetime) -> Iterator[str]:
    """Run an HTTP server whose clock stands at a moment; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"title,abstract\nA title,An abstract of some length.\n")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(moment.timestamp())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_fetching_tells_how_far_the_servers_are_ahead(tmp_path: Path) -> None:
    ahead: dict[str, timedelta] = {}
    with living_in(NOW + timedelta(hours=1)) as url:
        chosen = settings(
            source=[{"name": "papers", "url": url, "kind": "csv"}, {"name": "gone", "path": str(tmp_path / "none")}],
            fetching={"allow_private": True, "per_host_interval": 0, "tries": 1},
        )
        found = list(of_sources(chosen, None, lambda: NOW, ahead, lost=False, fetch=True))
    assert [(check.name, check.status.value) for check in found] == [
        ("sources", "ok"),
        ("source papers", "ok"),
        ("source gone", "failed"),
    ]
    assert "gives 1 paper" in found[1].message
    assert ahead == {"papers": timedelta(hours=1)}
