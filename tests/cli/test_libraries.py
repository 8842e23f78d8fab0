"""What readers have collected, as what they want more of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.desk import FRIDAY, Desk
from tests.sources.replies import Reply, answering
from tests.sources.zotero import KEY, Zotero, item

ADA = "ada@lab.example"
BIB = """
@article{one, title = {Streaming speech recognition with connectionist temporal classification},
  author = {Nobody, Ada}, abstract = {We align speech and text with CTC.}, doi = {10.1000/ctc}}
@article{two, title = {Phonemes of rare languages}, author = {Nobody, Ada}, year = {2001}}
"""
OPEN: dict[str, Any] = {"fetching__allow_private": "true", "fetching__per_host_interval": 0, "fetching__tries": 1}
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>
<entry><id>http://arxiv.org/abs/1706.99999v5</id><title>Attending to everything</title>
<summary>We attend to everything at once, and find that it is enough.</summary>
<published>2017-06-12T17:57:34Z</published><author><name>Ada Nobody</name></author></entry></feed>"""
WORK = {"status": "ok", "message-type": "work-list", "message": {"items": [
    {"DOI": "10.1000/Sand", "title": ["On the Motion of Sand"], "author": [{"family": "Nobody", "given": "Ada"}]}
]}}  # fmt: skip


@pytest.fixture
def mine(desk: Desk) -> Desk:
    """A folder with papers and one subscriber, who has told us nothing."""
    desk.subscribe(ADA)
    return desk


def liked(desk: Desk) -> list[str]:
    names: list[str] = desk("subscribers", "show", ADA, "--json").json["profile"]["liked"]
    return names


def test_a_bibliography_becomes_papers_they_like_and_nobodys_news(mine: Desk) -> None:
    (mine.folder / "refs.bib").write_text(BIB)
    before = mine("issue", "open", "--json").json
    assert mine("subscribers", "library", ADA, "refs.bib", "--json").json == {
        "email": ADA, "read": 2, "added": 2, "liked": 2,
    }  # fmt: skip
    assert liked(mine)[0] == "doi:10.1000/ctc"
    again = mine("subscribers", "library", ADA, "refs.bib").out
    assert again == f"2 papers read, 0 of them new to the profile of {ADA}, who now likes 2.\n"
    assert mine("issue", "open", "--json").json == before


def test_a_library_changes_what_its_reader_is_sent(desk: Desk) -> None:
    (desk.folder / "refs.bib").write_text(BIB)
    desk.subscribe(ADA, "--library", "refs.bib")
    desk("preview", "--subscriber", ADA)
    picks = json.loads((desk.folder / "preview" / "picks.json").read_text())["picks"]
    assert any("Streaming speech recognition" in each["matched"] for each in picks[0]["reasons"])


def test_a_profile_names_bibliographies_beside_it_and_a_preview_keeps_none_of_them(desk: Desk) -> None:
    folder = desk.folder / "profiles"
    folder.mkdir()
    (folder / "refs.bib").write_text(BIB)
    (folder / "me.toml").write_text('library = ["refs.bib"]\npapers = 3\n')
    papers = [line for line in desk.dump() if 'INTO "papers"' in line]
    desk("preview", "--profile", "profiles/me.toml")
    picks = json.loads((desk.folder / "preview" / "picks.json").read_text())["picks"]
    assert any("Streaming speech recognition" in each["matched"] for each in picks[0]["reasons"])
    assert [line for line in desk.dump() if 'INTO "papers"' in line] == papers


def test_a_library_that_cannot_be_read_changes_nothing(desk: Desk) -> None:
    (desk.folder / "refs.bib").write_text(BIB)
    (desk.folder / "page.html").write_text("<!doctype html><html><body>Log in</body></html>")
    told = desk("subscribers", "add", ADA, "--library", "refs.bib", "--library", "page.html", status=1).err
    assert "page.html is an HTML page" in told
    assert "no file missing.bib" in desk("subscribers", "add", ADA, "--library", "missing.bib", status=1).err
    assert desk("subscribers", "list", "--json").json == []
    assert not any("10.1000/ctc" in line for line in desk.dump())
    assert "nobody is subscribed" in desk("subscribers", "library", ADA, "refs.bib", status=1).err


def test_ids_that_are_not_known_are_looked_up(mine: Desk, caplog: pytest.LogCaptureFixture) -> None:
    listed = "# mine\n\nhttps://arxiv.org/abs/1706.99999v2\ndoi:10.1000/sand\narXiv:2508.00000\n"
    (mine.folder / "ids.txt").write_text(listed)
    with answering(Reply(ATOM)) as arxiv, answering(Reply(json.dumps(WORK))) as crossref:
        mine("subscribers", "library", ADA, "ids.txt", lookup__arxiv=arxiv.url, lookup__crossref=crossref.url, **OPEN)
        assert arxiv.queries == [{"id_list": "1706.99999,2508.00000", "max_results": "50"}]
        assert crossref.queries == [{"filter": "doi:10.1000/sand", "rows": "50"}]
        assert "1 of 3 papers were not found (arxiv:2508.00000)" in caplog.text
        assert liked(mine) == ["arxiv:1706.99999", "doi:10.1000/sand"]
        mine("subscribers", "library", ADA, "ids.txt", now=FRIDAY, status=1, lookup__arxiv=arxiv.url, **OPEN)
        assert arxiv.queries[1:] == [{"id_list": "2508.00000", "max_results": "50"}]


def test_a_list_of_known_papers_asks_nobody(mine: Desk) -> None:
    (mine.folder / "refs.bib").write_text(BIB)
    mine("subscribers", "library", ADA, "refs.bib")
    (mine.folder / "ids.txt").write_text("https://doi.org/10.1000/CTC")
    assert mine("subscribers", "library", ADA, "ids.txt", "--json").json["added"] == 0


def test_answers_are_kept_apart_from_the_library(mine: Desk) -> None:
    (mine.folder / "refs.bib").write_text(BIB)
    mine("subscribers", "library", ADA, "refs.bib")
    assert "minds 1 answer." in mine("subscribers", "answer", ADA, "--less", "10.1000/CTC").out
    profile = mine("subscribers", "show", ADA, "--json").json["profile"]
    assert profile["answers"] == [{"paper": "doi:10.1000/ctc", "liked": False, "at": "2026-08-20T06:00:00+00:00"}]
    assert len(profile["liked"]) == 1
    assert "none like doi:10.1000/ctc" in mine("subscribers", "show", ADA).out
    assert "no paper is named" in mine("subscribers", "answer", ADA, status=2).err
    assert "unknown papers: arxiv:2508.99999" in mine(
        "subscribers", "answer", ADA, "--more", "2508.99999", status=1
    ).err  # fmt: skip


def test_a_bibliography_at_an_address_is_read_as_a_file_is(mine: Desk) -> None:
    with answering(Reply(BIB, headers={"Content-Type": "text/plain"})) as forge:
        found = mine("subscribers", "library", ADA, forge.url, "--json", **OPEN).json
        assert found == {"email": ADA, "read": 2, "added": 2, "liked": 2}
    with answering(Reply("10.1000/CTC\n")) as forge:
        assert mine("subscribers", "library", ADA, forge.url, "--json", **OPEN).json["added"] == 0


def test_an_address_of_ones_own_network_is_not_read_unasked(desk: Desk) -> None:
    with answering(Reply(BIB)) as forge:
        told = desk("subscribers", "add", ADA, "--library", forge.url, status=1).err
        assert forge.queries == []
    assert "fetching.allow_private" in told
    assert desk("subscribers", "list", "--json").json == []


def test_a_page_around_a_file_is_told_from_the_file(mine: Desk) -> None:
    with answering(Reply("<!doctype html><html><body><table>@article{one,</table></body></html>")) as forge:
        told = mine("subscribers", "library", ADA, forge.url, status=1, **OPEN).err
        assert "is an HTML page" in told
        assert "raw file" in told


def test_a_library_of_zotero_is_read_with_the_key_of_its_owner(desk: Desk) -> None:
    shelf = [item("Phonemes of rare languages", 1), item("On the Motion of Sand", 2, DOI="10.1000/Sand")]
    with Zotero({"/users/7": shelf}, private={"/users/7": KEY}).running() as zotero:
        given = {"zotero__url": zotero.url, "zotero__key": "of-somebody-else", **OPEN}
        address = "https://api.zotero.org/users/7"
        refused = desk("subscribers", "add", ADA, "--library", address, status=1, **given).err
        assert f"{address} answered 403 Forbidden" in refused
        desk("subscribers", "add", ADA, "--library", address, zotero__keys=json.dumps({"7": KEY}), **given)
        (desk.folder / "key").write_text(f"{KEY}\n")
        again = desk("subscribers", "library", ADA, address, zotero__keys__7_file="key", **given).out
        assert "2 papers read, 0 of them new" in again
    assert "doi:10.1000/sand" in liked(desk)


def test_a_profile_names_addresses_too(desk: Desk) -> None:
    (desk.folder / "me.toml").write_text('library = ["https://www.zotero.org/groups/5/speech"]\npapers = 3\n')
    shelf = [item("Streaming speech recognition with connectionist temporal classification", 1, DOI="10.1000/ctc")]
    papers = [line for line in desk.dump() if 'INTO "papers"' in line]
    with Zotero({"/groups/5": shelf}).running() as zotero:
        desk("preview", "--profile", "me.toml", zotero__url=zotero.url, **OPEN)
    picks = json.loads((desk.folder / "preview" / "picks.json").read_text())["picks"]
    assert any("Streaming speech recognition" in each["matched"] for each in picks[0]["reasons"])
    assert [line for line in desk.dump() if 'INTO "papers"' in line] == papers


def test_a_page_of_zotero_without_a_number_says_where_the_number_is(mine: Desk) -> None:
    told = mine("subscribers", "library", ADA, "https://www.zotero.org/ada/library", status=1).err
    assert "https://www.zotero.org/settings/keys tells the number" in told
