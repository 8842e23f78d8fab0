"""`newsletter subscribers sync`: a lab keeps its readers in a file under version control."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.model import Cadence
from newsletter.store import Store
from tests.cli.desk import Desk

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
