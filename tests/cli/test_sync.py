"""`newsletter subscribers sync`: a lab keeps its readers in a file under version control."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.model import Cadence
from newsletter.store import Store
from tests.cli.desk import Desk
from tests.sources.replies import Reply
from tests.sources.zotero import KEY, Zotero, item

LAB = """
[[subscriber]]
email = "ada@lab.example"
name = "Ada"
topics = ["robotics", "speech-recognition:0.5"]
keywords = ["CTC"]
timezone = "Europe/Berlin"
hour = 6

[[subscriber]]
email = "Ben@lab.example"
cadence = "weekly"
"""


def sync(desk: Desk, text: str, *words: str, status: int = 0) -> list[tuple[str, str, str]]:
    (desk.folder / "lab.toml").write_text(text, "utf-8")
    found = desk("subscribers", "sync", "lab.toml", "--json", *words, status=status).json
    return [(one["act"], one["email"], one["said"]) for one in found["changes"]]


def profile(desk: Desk, email: str = "ada@lab.example") -> dict[str, object]:
    shown: dict[str, object] = desk("subscribers", "show", email, "--json").json
    return shown


def test_it_adds_changes_and_pauses_and_says_so_before(desk: Desk) -> None:
    added = [
        ("add", "ada@lab.example", "daily at 6:00 Europe/Berlin; active"),
        ("add", "Ben@lab.example", "weekly at 7:00 UTC; active"),
    ]
    assert sync(desk, LAB, "--dry-run", "--confirmed") == added
    assert desk("subscribers", "list", "--json").json == []
    assert sync(desk, LAB, "--yes", "--confirmed") == added
    assert profile(desk)["status"] == "active"
    assert sync(desk, LAB, "--yes") == []  # in step

    changed = LAB.replace('"CTC"', '"grasping"').replace("hour = 6", "hour = 8").replace("robotics", "image-generation")
    [(act, email, said)] = sync(desk, changed, "--yes")
    assert (act, email) == ("change", "ada@lab.example")
    assert "hour: 6 → 8" in said
    assert "keywords: +grasping -CTC" in said
    assert profile(desk)["hour"] == 8

    assert sync(desk, LAB.split("[[subscriber]]")[2].join(["[[subscriber]]", ""]), "--yes") == [
        ("pause", "ada@lab.example", "the file does not list them any more")
    ]
    assert profile(desk)["cadence"] == "paused"
    [(_, _, said)] = sync(desk, changed, "--yes")
    assert said == "cadence: paused → daily"


def test_who_came_otherwise_and_who_left_are_left_alone(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", "--keyword", "her own")
    alone = ("leave alone", "ada@lab.example", "they did not come by this file")
    assert alone in sync(desk, LAB, "--yes", "--confirmed")
    assert profile(desk)["profile"]["keywords"] == ["her own"]  # type: ignore[index]
    assert sync(desk, "", "--yes") == [("pause", "Ben@lab.example", "the file does not list them any more")]
    assert profile(desk)["cadence"] == "daily"


def choose(desk: Desk, email: str, cadence: str, *, day: str = "2026-08-19") -> None:
    """What the button of the unsubscribe page does."""
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        reader = store.subscribers.get(email)
        store.choices.keep_to(reader.public_id, Cadence(cadence), now=datetime.fromisoformat(f"{day}T06:00+00:00"))


def test_who_paused_by_themselves_is_not_mailed_again_by_a_sync(desk: Desk) -> None:
    sync(desk, LAB, "--yes", "--confirmed")
    choose(desk, "ada@lab.example", "paused")
    left = ("leave alone", "ada@lab.example", "they paused by themselves on 2026-08-19")
    assert sync(desk, LAB, "--yes") == [left]
    later = LAB.replace("hour = 6", "hour = 8")
    [(act, _, said)] = sync(desk, later, "--yes")  # all else is as the file says
    assert (act, said) == (
        "change",
        "hour: 6 → 8; cadence stays paused: they paused by themselves on 2026-08-19",
    )
    shown = profile(desk)
    assert (shown["cadence"], shown["hour"]) == ("paused", 8)
    assert shown["cadence_chosen_at"] == "2026-08-19T06:00:00+00:00"
    assert sync(desk, later, "--yes") == [left]

    assert sync(desk, "", "--yes") == [("pause", "Ben@lab.example", "the file does not list them any more")]
    assert sync(desk, later, "--yes") == [left, ("change", "Ben@lab.example", "cadence: paused → weekly")]

    said = desk("subscribers", "sync", "lab.toml", "--dry-run").out
    assert "--overrule mails them as often as the file says" in said
    assert sync(desk, later, "--yes", "--overrule") == [("change", "ada@lab.example", "cadence: paused → daily")]
    assert sync(desk, later, "--yes") == []


def test_who_wanted_fewer_mails_keeps_them_but_the_file_can_still_stop_all(desk: Desk) -> None:
    sync(desk, LAB, "--yes", "--confirmed")
    choose(desk, "ada@lab.example", "weekly")
    own = "they chose weekly by themselves on 2026-08-19"
    assert sync(desk, LAB, "--yes") == [("leave alone", "ada@lab.example", own)]
    assert profile(desk)["cadence"] == "weekly"
    stopped = LAB.replace("hour = 6", 'hour = 6\ncadence = "paused"')
    assert sync(desk, stopped, "--yes") == [("change", "ada@lab.example", "cadence: weekly → paused")]
    assert profile(desk)["cadence"] == "paused"


def test_a_pause_that_ends_by_itself_goes_on_through_a_sync(desk: Desk) -> None:
    sync(desk, LAB, "--yes", "--confirmed")
    until = datetime(2026, 9, 19, 6, tzinfo=UTC)
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        store.choices.pause(store.subscribers.get("ada@lab.example").public_id, until)
    sync(desk, LAB.replace("hour = 6", "hour = 8"), "--yes")
    assert profile(desk)["paused_until"] == until.isoformat()


def test_what_readers_answered_stays(desk: Desk) -> None:
    sync(desk, LAB, "--yes", "--confirmed")
    [paper] = [one["id"] for one in desk("ingest", "--file", desk.seed(), "--dry-run", "--json").json["papers"][:1]]
    desk("subscribers", "answer", "ada@lab.example", "--more", paper)
    sync(desk, LAB.replace("hour = 6", f'hour = 6\nliked = ["{paper}"]').replace('"CTC"', '"x"'), "--yes")
    assert profile(desk)["profile"]["keywords"] == ["x"]  # type: ignore[index]
    assert sync(desk, LAB.replace("hour = 6", f'hour = 6\nliked = ["{paper}"]').replace('"CTC"', '"x"'), "--yes") == []


def test_who_was_added_before_they_agreed_begins_when_the_operator_vouches(desk: Desk) -> None:
    sync(desk, LAB, "--yes")
    assert profile(desk)["status"] == "pending"
    assert ("change", "ada@lab.example", "status: pending → active") in sync(desk, LAB, "--yes", "--confirmed")
    assert profile(desk)["status"] == "active"


DUNES = """@article{one, title={Singing dunes and the grains in them}, author={A. Sand}, year={2026}}
@article{two, title={A map of every dune}, author={B. Sand}, doi={10.5555/dune}, year={2026}}
"""


def test_bibliographies_beside_the_file_are_papers_that_somebody_likes(desk: Desk) -> None:
    (desk.folder / "ada.bib").write_text(DUNES, "utf-8")
    text = LAB.replace("hour = 6", 'hour = 6\nlibrary = ["ada.bib"]')
    sync(desk, text, "--dry-run", "--confirmed")
    assert desk("subscribers", "list", "--json").json == []
    sync(desk, text, "--yes", "--confirmed")
    liked = profile(desk)["profile"]["liked"]  # type: ignore[index]
    assert len(liked) == 2
    assert "doi:10.5555/dune" in liked
    assert sync(desk, text, "--yes") == []  # read again, it says the same
    (desk.folder / "ada.bib").write_text(DUNES.splitlines()[1], "utf-8")
    [(_, _, said)] = sync(desk, text, "--yes")
    assert said.startswith("liked: -title:")


SHELF = [item("Singing dunes and the grains in them", 1), item("A map of every dune", 2, DOI="10.5555/dune")]
GROUP = LAB.replace("hour = 6", 'hour = 6\nlibrary = ["https://www.zotero.org/groups/5/sand"]')


@pytest.fixture
def zotero(desk: Desk) -> Iterator[Zotero]:
    """Zotero, with a group's library, which Ada of the lab names as hers."""
    with Zotero({"/groups/5": SHELF}).running() as running:
        desk.settings |= {
            "zotero__url": running.url,
            "fetching__allow_private": "true",
            "fetching__per_host_interval": "0",
            "fetching__tries": "1",
        }
        yield running


def liked(desk: Desk, email: str = "ada@lab.example") -> list[str]:
    found: dict[str, Any] = desk("subscribers", "show", email, "--json").json
    return list(found["profile"]["liked"])


def test_it_keeps_up_with_a_library_of_zotero(desk: Desk, zotero: Zotero) -> None:
    sync(desk, GROUP, "--yes", "--confirmed")
    assert len(liked(desk)) == 2
    assert sync(desk, GROUP, "--yes") == []
    zotero.libraries["/groups/5"] = [item("Dunes at night", 3, DOI="10.5555/night"), SHELF[1]]
    [(_, _, said)] = sync(desk, GROUP, "--yes")
    assert said.startswith("liked: +doi:10.5555/night -title:")
    assert set(liked(desk)) == {"doi:10.5555/night", "doi:10.5555/dune"}


def test_a_library_of_many_is_read_once(desk: Desk, zotero: Zotero) -> None:
    both = GROUP.replace('"weekly"', '"weekly"\nlibrary = ["https://www.zotero.org/groups/5/sand"]')
    sync(desk, both, "--yes", "--confirmed")
    assert liked(desk) == liked(desk, "ben@lab.example")
    assert len(liked(desk)) == 2
    assert len(zotero.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reply("Forbidden", 403), "set zotero.key or zotero.keys"),
        (Reply("Not found", 404), "no such library or collection"),
        (Reply("slow down", 429, {"Retry-After": "7200"}), "asks us to come back at"),
        (Reply("broken", 500), "answered 500"),
        (Reply("<html>Log in</html>"), "is not Zotero's JSON"),
        (Reply("[]", 302, {"Location": "http://127.0.0.1:9/"}), "refuses the connection"),
    ],
)
def test_a_library_that_cannot_be_read_changes_nobody_and_says_whose_it_is(
    desk: Desk, zotero: Zotero, answer: Reply, said: str
) -> None:
    sync(desk, GROUP, "--yes", "--confirmed")
    before = desk.dump()
    zotero.answers.append(answer)
    (desk.folder / "lab.toml").write_text(GROUP.replace("hour = 6", "hour = 9"), "utf-8")
    told = desk("subscribers", "sync", "lab.toml", "--yes", status=1, zotero__key=KEY if "key" not in said else "").err
    assert "the library of ada@lab.example cannot be read, and nobody was changed" in told
    assert said in told
    assert KEY not in told
    assert desk.dump() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[subscriber]]\nname = 'x'\n", "subscriber 1 (without an email)"),
        ("[[subscriber]]\nemail = 'a@lab.example'\nhuor = 3\n", "unknown: huor"),
        ("[[subscriber]]\nemail = 'a@lab.example'\n" * 2, "lists somebody twice: a@lab.example"),
        ("[[subscriber]]\nemail = 'a@lab.example'\nlibrary = ['x.bib']\n", "x.bib"),
        ("subscriber = 3\n", "something else than [[subscriber]]"),
        ("[[sub", "cannot read lab.toml"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(desk: Desk, text: str, said: str) -> None:
    (desk.folder / "lab.toml").write_text(text, "utf-8")
    assert said in desk("subscribers", "sync", "lab.toml", "--yes", status=1).err


def test_where_nobody_can_be_asked_it_wants_to_be_told(desk: Desk) -> None:
    (desk.folder / "lab.toml").write_text(LAB, "utf-8")
    assert "give --yes" in desk.process("subscribers", "sync", "lab.toml", status=2).err
    assert desk("subscribers", "list", "--json").json == []
