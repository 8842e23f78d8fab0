"""From papers to mailboxes, day after day."""

from __future__ import annotations

import pytest

from tests.cli.desk import FRIDAY, HUGGING, MONDAY, PHYSICS, SATURDAY, Desk, parsed

SPEECH = ("--topic", "speech-recognition", "--keyword", "CTC", "--papers", "4")
SKY = ("--topic", "high-energy-astrophysics", "--papers", "4")


def test_the_papers_of_a_reader_come_first(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk("send")
    [mail] = desk.mails_of("ada@lab.example")
    assert "CTC" in parsed(mail)["Subject"]
    text = parsed(mail).get_body(("plain",))
    assert text is not None
    assert text.get_content().count("Why:") == 3  # of four that she asked for: nothing speaks for a fourth
    assert "https://newsletter.example.org/unsubscribe/" in text.get_content()


def test_sending_again_sends_nothing(desk: Desk) -> None:
    for name in ("ada", "bob", "cid"):
        desk.subscribe(f"{name}@lab.example", *SPEECH)
    assert "3 sent" in desk("send").out
    before = desk.mails()
    said = desk("send").out
    assert "nothing to send" in said
    assert "3 sent" in said
    assert desk.mails() == before
    assert len(before) == 3


def test_nobody_gets_a_paper_twice(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk.subscribe("bob@lab.example", *SKY, "--cadence", "weekdays")
    desk("send")
    assert "no new papers for 2026-08-21" in desk("send", now=FRIDAY).out
    assert len(desk.mails()) == 2
    desk("ingest", "--file", HUGGING, now=FRIDAY)
    desk("send", now=FRIDAY)
    desk("ingest", "--file", PHYSICS, now=MONDAY)
    desk("send", now=MONDAY)
    assert len(desk.mails()) == 6
    for name in ("ada", "bob"):
        editions = desk.picked(f"{name}@lab.example")
        assert len(editions) == 3
        papers = [paper for edition in editions for paper in edition]
        assert len(set(papers)) == len(papers)


def test_a_day_without_papers_waits_for_them(desk: Desk) -> None:
    """A send before the day's ingest must not close the day."""
    desk.subscribe("ada@lab.example", *SPEECH)
    desk("send")
    assert desk("issue", "open", "--json", now=FRIDAY).json == []
    assert "no new papers" in desk("issue", "open", now=FRIDAY).out
    assert desk("send", "--json", now=FRIDAY).json["sent"] == 0
    desk("ingest", "--file", HUGGING, now="2026-08-21T09:00:00Z")
    assert desk("send", "--json", now="2026-08-21T10:00:00Z").json["sent"] == 1


def test_papers_that_come_after_the_issue_are_in_the_next(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk("send")
    desk("ingest", "--file", HUGGING, now="2026-08-20T09:00:00Z")
    assert desk("send", "--json", now="2026-08-20T10:00:00Z").json["sent"] == 0
    assert desk("send", "--json", now=FRIDAY).json["sent"] == 1


def test_muted_words_exclude(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk.subscribe("bob@lab.example", *SPEECH, "--mute", "ctc", "--mute", "speech", "--papers", "50")
    desk("send")
    [ada], [bob] = desk.mails_of("ada@lab.example"), desk.mails_of("bob@lab.example")
    assert b"CTC" in ada
    shown = desk("preview", "--subscriber", "bob@lab.example", "--json").json["picks"]
    assert shown
    assert not [pick["title"] for pick in shown if "ctc" in pick["title"].lower() or "speech" in pick["title"].lower()]
    assert b"\nSubject:" in bob


def test_who_mutes_everything_gets_no_mail(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk.subscribe(
        "bob@lab.example", *(word for letter in ("a", "the", "of", "we", "and", "to") for word in ("--mute", letter))
    )
    report = desk("send", "--json").json
    assert (report["sent"], report["skipped"]) == (1, 1)
    assert desk("send", "--json").json["skipped"] == 0
    assert desk.mails_of("bob@lab.example") == []


def test_each_cadence_has_its_days(desk: Desk) -> None:
    for cadence in ("daily", "weekdays", "weekly", "paused"):
        desk.subscribe(f"{cadence}@lab.example", *SKY, "--cadence", cadence)
    said = desk("send").out
    assert "next weekly issue is due on 2026-08-24" in said
    assert _got(desk) == {"daily": 1, "weekdays": 1, "weekly": 0, "paused": 0}
    desk("ingest", "--file", HUGGING, now=SATURDAY)
    said = desk("send", now=SATURDAY).out
    assert "next weekdays issue is due on 2026-08-24" in said
    assert _got(desk) == {"daily": 2, "weekdays": 1, "weekly": 0, "paused": 0}
    desk("ingest", "--file", PHYSICS, now=MONDAY)
    desk("send", now=MONDAY)
    assert _got(desk) == {"daily": 3, "weekdays": 2, "weekly": 1, "paused": 0}


def _got(desk: Desk) -> dict[str, int]:
    return {name: len(desk.mails_of(f"{name}@lab.example")) for name in ("daily", "weekdays", "weekly", "paused")}


def test_the_day_of_weekly_issues_is_a_setting(desk: Desk) -> None:
    desk.subscribe("weekly@lab.example", *SKY, "--cadence", "weekly")
    assert desk("send", "--json", schedule__weekly_on="thursday").json["sent"] == 1


def test_who_comes_after_the_send_gets_the_same_issue(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk("send")
    desk.subscribe("bob@lab.example", *SPEECH)
    assert desk("send", "--json", now="2026-08-20T20:00:00Z").json["sent"] == 1
    assert desk.picked("ada@lab.example") == desk.picked("bob@lab.example")


def test_who_is_pending_is_mailed_nothing(desk: Desk) -> None:
    desk("subscribers", "add", "ada@lab.example", *SPEECH)
    said = desk("send").out
    assert "nobody to send it to" in said
    assert "--confirmed" in said
    assert desk.mails() == []


def test_who_is_forgotten_between_ranking_and_sending_is_mailed_nothing(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk.subscribe("bob@lab.example", *SPEECH)
    desk("send", "--limit", 1)
    desk("subscribers", "forget", "bob@lab.example")
    assert desk("send", "--json").json["sent"] == 0
    assert len(desk.mails()) == 1


def test_a_limit_leaves_the_rest_for_the_next_run(desk: Desk) -> None:
    for number in range(5):
        desk.subscribe(f"reader{number}@lab.example", *SPEECH)
    first = desk("send", "--limit", 2, "--json").json
    assert (first["sent"], first["queued"]) == (2, 3)
    assert "2 messages" not in desk("send", "--dry-run").out
    assert "3 messages would be sent" in desk("send", "--dry-run").out
    second = desk("send", "--workers", 3, "--json").json
    assert (second["sent"], second["queued"]) == (3, 0)
    assert sorted(parsed(mail)["To"] for mail in desk.mails()) == [f"reader{n}@lab.example" for n in range(5)]


def test_what_an_earlier_issue_left_is_named(desk: Desk) -> None:
    for name in ("ada", "bob"):
        desk.subscribe(f"{name}@lab.example", *SPEECH)
    desk("send", "--limit", 1)
    desk("ingest", "--file", HUGGING, now=FRIDAY)
    said = desk("send", now=FRIDAY).out
    assert "newsletter send --issue 2026-08-20" in said
    assert desk("send", "--issue", "2026-08-20", "--json", now=FRIDAY).json["sent"] == 1
    assert len(desk.mails()) == 4


def test_a_draft_waits_for_approval(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk.settings["schedule__approval"] = "true"
    assert "0 messages would be sent" in desk("send", "--dry-run").out
    said = desk("send").out
    assert "newsletter issue approve 2026-08-20" in said
    assert desk.mails() == []
    assert "approved" in desk("issue", "approve", "2026-08-20").out
    assert desk("send", "--json").json["sent"] == 1


def test_what_waited_in_a_backup_is_not_sent_again_by_itself(desk: Desk) -> None:
    for name in ("ada", "bob"):
        desk.subscribe(f"{name}@lab.example", *SPEECH)
    desk("send", "--limit", 1)
    desk("backup", "copy")
    assert desk("send", "--json").json["sent"] == 1
    assert "newsletter issue resume 2026-08-20" in desk("restore", "copy", "--overwrite").out
    assert desk("send", "--json").json["sent"] == 0
    desk("issue", "resume", "2026-08-20")
    assert desk("send", "--json").json["sent"] == 1


def test_a_paused_issue_goes_on_where_it_stopped(desk: Desk) -> None:
    for name in ("ada", "bob"):
        desk.subscribe(f"{name}@lab.example", *SPEECH)
    desk("send", "--limit", 1)
    assert "paused" in desk("issue", "pause").out
    assert "newsletter issue resume 2026-08-20" in desk("send").out
    assert len(desk.mails()) == 1
    assert "nothing changed" in desk("issue", "approve").out
    assert "resumed" in desk("issue", "resume", "2026-08-20").out
    assert desk("send", "--json").json["sent"] == 1


def test_issues_are_opened_in_order_and_of_days_that_began(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    desk("send")
    desk("ingest", "--file", HUGGING, now=FRIDAY)
    desk("send", now=FRIDAY)
    said = desk("send", "--issue", "2026-08-19", now=FRIDAY, status=2).err
    assert "2026-08-19" in said
    assert "issue list" in said
    assert "still to come" in desk("send", "--issue", "2026-08-22", now=FRIDAY, status=2).err
    assert "no issue of 2026-08-19" in desk("issue", "show", "2026-08-19", now=FRIDAY, status=1).err


def test_a_first_send_without_papers_says_what_to_do(bare: Desk) -> None:
    bare.subscribe("ada@lab.example")
    assert "newsletter ingest" in bare("send").out
    assert "newsletter ingest" in bare("preview", "--subscriber", "ada@lab.example", status=1).err


def test_the_null_transport_sends_nowhere(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *SPEECH)
    assert desk("send", "--json", delivery__transport="null").json["sent"] == 1
    assert not (desk.folder / "mail").exists()


@pytest.mark.parametrize("mode", ["weekly@lab.example", "paused@lab.example", "pending@lab.example"])
def test_a_preview_says_where_send_would_not_send(desk: Desk, mode: str) -> None:
    cadence = mode.partition("@")[0]
    if cadence == "pending":
        desk("subscribers", "add", mode, *SPEECH)
    else:
        desk.subscribe(mode, *SPEECH, "--cadence", cadence)
    said = desk("preview", "--subscriber", mode).out
    assert ("due on 2026-08-24" if cadence == "weekly" else cadence) in said
