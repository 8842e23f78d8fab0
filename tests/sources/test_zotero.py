"""Libraries of Zotero: what an address means, all pages of it, whom the key is told, and what errors say."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.config import Fetching
from newsletter.errors import FetchError, NotADigestError
from newsletter.sources import zotero
from newsletter.sources.politeness import HostPacer
from newsletter.sources.zotero import Library, ZoteroSource
from tests.sources.replies import Clock, Reply
from tests.sources.zotero import KEY, Item, Zotero, item

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LIMITS = Fetching(allow_private=True, per_host_interval=0, tries=1)
GROUP = Library("groups/5")
DUNES = [item(f"Dunes, part {number}", number, DOI=f"10.5555/{number}") for number in range(250)]


@pytest.fixture
def api() -> Iterator[Zotero]:
    with Zotero(libraries={"/groups/5": DUNES}).running() as running:
        yield running


def source(api: Zotero, of: Library = GROUP, clock: Clock | None = None, **given: Any) -> ZoteroSource:
    clock = clock or Clock()
    pacer = HostPacer(0, clock=clock, sleep=clock.sleep)
    settings = {"most": 20_000, "limits": LIMITS, "url": api.url, "pacer": pacer, **given}
    return ZoteroSource("https://www.zotero.org/groups/5/sand", of, sleep=clock.sleep, clock=clock, **settings)


def titles(of: ZoteroSource) -> list[str]:
    return [record.title for record in of.pull(NOW).records]


def refused(of: ZoteroSource) -> FetchError:
    with pytest.raises(FetchError) as caught:
        of.pull(NOW)
    assert caught.value.message.startswith("https://www.zotero.org/groups/5/sand")
    return caught.value


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "means"),
        [
            ("https://www.zotero.org/groups/5", Library("groups/5")),
            ("https://zotero.org/groups/5/sand_and_dunes", Library("groups/5")),
            ("https://www.zotero.org/groups/5/sand/library", Library("groups/5")),
            ("https://www.zotero.org/groups/5/sand/items/ABCD2345/library", Library("groups/5")),
            ("https://www.zotero.org/groups/5/sand/collections/ABCD2345", Library("groups/5", "ABCD2345")),
            (
                "https://www.zotero.org/groups/5/sand/collections/ABCD2345/items/EFGH6789/collection",
                Library("groups/5", "ABCD2345"),
            ),
            ("http://zotero.org/groups/5/collections/ABCD2345", Library("groups/5", "ABCD2345")),
            ("https://api.zotero.org/users/475425", Library("users/475425")),
            ("https://api.zotero.org/users/475425/items/top?limit=5&format=bib", Library("users/475425")),
            ("https://API.zotero.org/users/475425/collections/abcd2345/items", Library("users/475425", "ABCD2345")),
            (
                "https://api.zotero.org/users/475425/items?tag=to%20read&itemType=preprint",
                Library("users/475425", narrowed=(("tag", "to read"), ("itemType", "preprint"))),
            ),
        ],
    )
    def test_what_people_copy_is_a_library_or_a_collection(self, address: str, means: Library) -> None:
        assert zotero.is_address(address)
        assert zotero.library(address) == means

    @pytest.mark.parametrize(
        "address",
        [
            "https://www.zotero.org/ada/library",
            "https://www.zotero.org/ada/collections/ABCD2345",
            "https://www.zotero.org/groups/sand_and_dunes",
            "https://www.zotero.org",
            "https://api.zotero.org/users/475425/publications/items",
            "https://api.zotero.org/users/475425/collections/ABC/items",
            "https://api.zotero.org/keys/current",
        ],
    )
    def test_what_has_no_number_is_told_where_the_number_is(self, address: str) -> None:
        assert zotero.is_address(address)
        with pytest.raises(FetchError, match="no library or collection") as caught:
            zotero.library(address)
        assert "https://www.zotero.org/settings/keys" in caught.value.hint

    def test_a_key_in_an_address_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(FetchError) as caught:
            zotero.library(f"https://api.zotero.org/users/475425/items?key={KEY}")
        assert "zotero.key" in caught.value.hint
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        "address",
        ["https://zotero.org.evil.example/groups/5", "https://evil.example/zotero.org/groups/5",
         "https://api.zotero.org@evil.example/users/5", "https://api.zotero.org:80@evil.example/users/5", "zotero.org"],
    )  # fmt: skip
    def test_other_hosts_are_not_zoteros(self, address: str) -> None:
        assert not zotero.is_address(address)


class TestReading:
    def test_all_pages_are_read(self, api: Zotero) -> None:
        assert titles(source(api)) == [one["data"]["title"] for one in DUNES]
        assert [one.query["start"] for one in api.asked] == ["0", "100", "200"]
        assert {one.path for one in api.asked} == {"/groups/5/items/top"}

    def test_a_collection_is_read_alone_and_by_what_narrows(self, api: Zotero) -> None:
        api.libraries["/users/7/collections/ABCD2345"] = DUNES[:1]
        assert titles(source(api, Library("users/7", "ABCD2345", (("tag", "to read"),)))) == ["Dunes, part 0"]
        assert api.asked[0].query["tag"] == "to read"

    def test_what_is_no_paper_is_left_out_and_an_empty_library_is_no_error(self, api: Zotero) -> None:
        others: list[Item] = [
            item("a.pdf", itemType="attachment"),
            item("", itemType="note", note="<p>Read this</p>"),
            item("Thrown away", deleted=1),
            item(""),
        ]
        api.libraries["/groups/5"] = others
        assert titles(source(api)) == []
        api.libraries["/groups/5"] = [*others, DUNES[3]]
        assert titles(source(api)) == ["Dunes, part 3"]
        api.libraries["/groups/5"] = []
        assert titles(source(api)) == []

    def test_no_more_is_read_than_is_wanted_and_that_is_said(
        self, api: Zotero, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert len(titles(source(api, most=200))) == 200
        assert len(api.asked) == 2
        assert "only the newest 200 items were read, of 250" in caplog.text
        assert (api.asked[0].query["sort"], api.asked[0].query["direction"]) == ("dateAdded", "desc")

    def test_a_library_that_changes_meanwhile_is_read_again(self, api: Zotero) -> None:
        moved = Reply(json.dumps(DUNES[101:201]), headers={"Total-Results": "249", "Last-Modified-Version": "101"})
        api.answers = deque([None, moved])
        assert titles(source(api)) == [one["data"]["title"] for one in DUNES]
        assert [one.query["start"] for one in api.asked] == ["0", "100", "200", "0", "100", "200"]

    def test_one_that_never_rests_is_taken_as_it_is(self, api: Zotero) -> None:
        def page(version: int) -> Reply:
            return Reply(json.dumps(DUNES[:1]), headers={"Total-Results": "101", "Last-Modified-Version": str(version)})

        api.answers = deque(page(version) for version in range(6))
        assert titles(source(api)) == ["Dunes, part 0"]
        assert len(api.asked) == 6


class TestTheKey:
    def test_it_opens_a_private_library(self, api: Zotero) -> None:
        api.private["/groups/5"] = KEY
        assert len(titles(source(api, key=KEY))) == 250
        assert {one.headers["Zotero-API-Key"] for one in api.asked} == {KEY}

    def test_without_one_none_is_sent(self, api: Zotero) -> None:
        titles(source(api))
        assert not any("Zotero-API-Key" in one.headers for one in api.asked)

    def test_a_redirect_elsewhere_does_not_get_it(self, api: Zotero) -> None:
        with Zotero(libraries={"/groups/5": DUNES[:1]}).running() as elsewhere:
            api.answers.append(Reply(status=302, headers={"Location": f"{elsewhere.url}/groups/5/items/top?start=0"}))
            assert refused(source(api, key=KEY)).status == 400  # it was not even told the version
            assert len(elsewhere.asked) == 1
            assert not [name for name in elsewhere.asked[0].headers if name.startswith("Zotero")]
            assert KEY not in str(elsewhere.asked[0])

    def test_a_redirect_within_the_api_does(self, api: Zotero) -> None:
        api.private["/groups/5"] = KEY
        api.answers.append(Reply(status=301, headers={"Location": "/groups/5/items/top?start=249&limit=100"}))
        assert titles(source(api, key=KEY))[0] == "Dunes, part 249"

    def test_it_is_in_no_message(self, api: Zotero, caplog: pytest.LogCaptureFixture) -> None:
        api.private["/groups/5"] = "another"
        error = refused(source(api, key=KEY))
        assert KEY not in f"{error} {caplog.text}"


class TestErrors:
    def test_a_private_library_asks_for_a_key(self, api: Zotero) -> None:
        api.private["/groups/5"] = KEY
        error = refused(source(api))
        assert (error.status, error.permanent) == (403, True)
        assert "set zotero.key" in error.hint
        assert "the key may not read it" in refused(source(api, key="another")).hint

    def test_one_that_is_not_there_says_so(self, api: Zotero) -> None:
        assert "no such library or collection" in refused(source(api, Library("groups/5", "ABCD2345"))).hint

    def test_a_server_that_asks_for_patience_gets_it(self, api: Zotero) -> None:
        clock = Clock()
        api.answers = deque([None, Reply("slow down", 429, {"Retry-After": "120"})])
        assert len(titles(source(api, clock=clock))) == 250
        assert sum(clock.waits) == pytest.approx(120)

    def test_a_server_that_asks_for_too_much_is_left_for_another_day(self, api: Zotero) -> None:
        api.answers.append(Reply("slow down", 429, {"Retry-After": "7200"}))
        error = refused(source(api))
        assert (error.permanent, error.status, error.retry_after) == (False, 429, 7200)
        assert "come back at 2026-11-23 08:00" in error.message

    def test_backoff_is_minded_between_pages_and_by_the_next_library(self, api: Zotero) -> None:
        api.backoff = "10"
        clock = Clock()
        pacer = HostPacer(0, clock=clock, sleep=clock.sleep)
        titles(source(api, clock=clock, pacer=pacer))
        assert sum(clock.waits) == pytest.approx(20)
        titles(source(api, clock=clock, pacer=pacer))
        assert sum(clock.waits) == pytest.approx(50)

    @pytest.mark.parametrize("body", ["<!doctype html><title>Log in to the network</title>", "[{", '{"no": "list"}'])
    def test_garbage_is_named(self, api: Zotero, body: str) -> None:
        api.answers.append(Reply(body, headers={"Total-Results": "1"}))
        with pytest.raises(NotADigestError, match="groups/5/sand is not Zotero's JSON"):
            source(api).pull(NOW)

    def test_an_answer_of_something_else_than_the_api_is_named(self, api: Zotero) -> None:
        api.answers.append(Reply(json.dumps(DUNES[:1])))
        with pytest.raises(NotADigestError, match=r"127\.0\.0\.1 does not say how many items"):
            source(api).pull(NOW)

    def test_a_page_that_fails_gives_no_half_library(self, api: Zotero) -> None:
        api.answers = deque([None, Reply("broken", 500)])
        error = refused(source(api))
        assert (error.status, error.permanent) == (500, False)

    def test_no_network_is_said(self, api: Zotero) -> None:
        assert not refused(source(api, url="http://127.0.0.1:9")).permanent
