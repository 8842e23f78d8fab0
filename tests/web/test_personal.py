"""Taking one's data along, and having it erased."""

from __future__ import annotations

import json
import re

from newsletter.model import InterestProfile, PaperRecord, Subscriber
from newsletter.subscriptions.signup import address_hash
from tests.store.rows import dump, edition, message_ids, sketch
from tests.web.house import House, words


def my_data(house: House, reader: Subscriber) -> str:
    """The link as the page of the preferences has it."""
    page = house.get(house.preferences(reader))
    return re.findall(r'href="(/my-data/[^"]+)"', page.text)[0]  # type: ignore[no-any-return]


def test_the_file_holds_profile_answers_issues_and_deliveries(house: House) -> None:
    reader = house.subscriber(profile=InterestProfile(keywords=("Dünen",)))
    house.post(house.feedback(reader, "dunes", liked=True))
    issue = house.store.issues.open(sketch(), now=house.clock())
    one = edition(issue, reader, house.papers["dunes"], house.papers["hostile"])
    house.store.issues.publish([one], message_ids([one]), now=house.clock())
    before = dump(house.store)
    answer = house.get(my_data(house, reader))
    assert dump(house.store) == before
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    data = json.loads(answer.content)
    assert data["email"] == reader.email
    assert data["profile"]["keywords"] == ["Dünen"]
    assert data["profile"]["answers"][0]["paper"] == "arxiv:2508.00001"
    [sent] = data["issues"]
    assert sent["delivery"]["state"] == "queued"
    assert [pick["paper"] for pick in sent["picks"]] == ["arxiv:2508.00001", "doi:10.1000/harm(1)<2>"]
    assert sent["picks"][0]["reasons"][0] == {"kind": "keyword", "matched": "dunes"}


def test_nothing_of_others_is_in_the_file(house: House) -> None:
    reader, other = house.subscriber(), house.subscriber("grace@lab.example", name="Grace")
    house.post(house.feedback(other, "dunes", liked=True))
    text = house.get(my_data(house, reader)).text
    assert "race" not in text
    assert json.loads(text)["profile"]["answers"] == []


def test_erasing_asks_for_the_box_first(house: House) -> None:
    reader = house.subscriber()
    path, before = my_data(house, reader), dump(house.store)
    page = house.post(path)
    assert page.status_code == 422
    assert "Nothing is erased yet" in words(page)
    assert dump(house.store) == before


def test_erasing_leaves_a_keyed_hash_and_nothing_else(house: House) -> None:
    house.store.papers.keep([PaperRecord("A paper that nobody announced", doi="10.1000/mine")], now=house.clock())
    [key] = house.store.papers.keys(["doi:10.1000/mine"]).values()
    nobody = dump(house.store)
    reader = house.subscriber("ada@lab.example", name="Ada", profile=InterestProfile(liked=("doi:10.1000/mine",)))
    house.post(house.feedback(reader, "dunes", liked=True))
    page = house.post(my_data(house, reader), {"sure": "yes"})
    assert page.status_code == 200
    assert "Everything is erased" in words(page)
    after = dump(house.store)
    hashed = address_hash(reader.email, house.parts.secret)
    assert [row[:2] for row in after.pop("suppressions")] == [(hashed, "forgotten")]
    nobody.pop("suppressions")
    nobody["papers"] = [row for row in nobody["papers"] if "doi:10.1000/mine" not in row]
    nobody["paper_names"] = [row for row in nobody["paper_names"] if row[1] != key]
    assert after == nobody
    assert "ada" not in repr(after).lower().replace("ada lovelace", "")


def test_links_of_who_was_erased_say_so(house: House) -> None:
    reader = house.subscriber()
    path, preferences = my_data(house, reader), house.preferences(reader)
    house.post(path, {"sure": "yes"})
    for answer in (house.get(path), house.post(path, {"sure": "yes"}), house.get(preferences)):
        assert answer.status_code == 410


def test_the_link_serves_a_week_and_no_other_purpose(house: House) -> None:
    reader = house.subscriber()
    path = my_data(house, reader)
    token = path.rpartition("/")[2]
    for other in ("preferences", "unsubscribe", "feedback"):
        assert house.get(f"/{other}/{token}").status_code == 404
    house.clock.pass_(days=8)
    assert house.get(path).status_code == house.post(path, {"sure": "yes"}).status_code == 410
    assert house.again(reader) == reader
