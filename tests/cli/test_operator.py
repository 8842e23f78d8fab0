"""What an operator sees: why a delivery failed and what comes next, figures, and a suppression that is lifted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.desk import MONDAY, Desk
from tests.cli.test_bounces import READER, SITE, report
from tests.delivery.servers import HOST, Act, Script


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Ada has been sent an issue, and the server did not want Bob and Cy."""
    desk.settings.update(SITE)
    for name in ("ada", "bob", "cy"):
        desk.subscribe(f"{name}@lab.example", *READER)
    replies: list[str | Act] = ["250 OK", "450 4.2.0 greylisted, come again", "550 5.1.1 no such user"]
    with Script(RCPT=replies) as server:
        smtp: Any = {"smtp__host": HOST, "smtp__port": server.port, "smtp__connections": 1}
        desk("send", "--json", delivery__transport="smtp", delivery__pause_at=0, status=1, **smtp)
    return desk


def test_an_issue_tells_why_and_what_comes_next(sent: Desk) -> None:
    [issue] = [one for one in sent("issue", "show", "2026-08-20", "--json").json if one["cadence"] == "daily"]
    assert issue["deliveries"] == {"sent": 1, "deferred": 1, "bounced": 1}
    told = {row["email"]: row for row in issue["explained"]}
    assert told.keys() == {"bob@lab.example", "cy@lab.example"}
    assert told["bob@lab.example"]["said"] == "450 4.2.0 greylisted, come again"
    assert told["bob@lab.example"]["next_try"].startswith("2026-08-20T06:0")
    assert told["bob@lab.example"]["tries"] == 1
    assert told["bob@lab.example"]["seconds"] > 0
    assert told["cy@lab.example"]["state"] == "bounced"
    assert told["cy@lab.example"]["next_try"] is None
    shown = sent("issue", "show", "2026-08-20").out
    assert "450 4.2.0 greylisted, come again" in shown
    assert "ada@lab.example" not in shown
    assert "ada@lab.example" in sent("issue", "show", "2026-08-20", "--all").out
    assert "--limit shows more" in sent("issue", "show", "2026-08-20", "--limit", "1").out


def test_the_figures(sent: Desk) -> None:
    sent("subscribers", "add", "dan@lab.example")
    document = sent("stats", "--json").json
    assert document["subscribers"] == {"active": 2, "pending": 1, "suppressed": 1}
    assert document["outcomes"] == {"sent": 1, "deferred": 1, "bounced": 1}
    assert document["issues"][0]["date"] == "2026-08-20"
    assert document["bounces"] == {"hard: user unknown": 1}
    assert document["suppressions"] == {"hard": 1}
    assert document["queue"]["waiting"] == 1
    assert document["queue"]["seconds_a_message"] > 0
    shown = sent("stats").out
    assert "suppressed  " in shown
    assert "█" in shown
    assert "queue: 1 waiting, the oldest since 2026-08-20T06:00" in shown


def test_the_figures_of_nothing(bare: Desk) -> None:
    assert bare("stats", "--json").json["outcomes"] == {}
    assert "queue: 0 waiting" in bare("stats").out


def test_a_suppression_is_lifted_for_a_reason(sent: Desk) -> None:
    sent("subscribers", "lift", "cy@lab.example", status=2)
    sent("subscribers", "lift", "cy@lab.example", "--reason", " ", status=2)
    assert "is not suppressed" in sent("subscribers", "lift", "ada@lab.example", "--reason", "x", status=1).err
    said = sent("subscribers", "lift", "cy@lab.example", "--reason", "the mailbox is back").out
    assert said == "cy@lab.example may be mailed again; it was suppressed for: hard.\n"
    assert sent("subscribers", "show", "cy@lab.example", "--json").json["status"] == "active"
    assert sent("stats", "--json").json["suppressions"] == {}
    sent("subscribers", "forget", "bob@lab.example")
    sent("subscribers", "lift", "bob@lab.example", "--reason", "asked by letter")
    sent("subscribers", "add", "bob@lab.example")


def test_soft_bounces_before_a_lift_count_no_more(sent: Desk) -> None:
    mail = sent.folder / "bounce.eml"
    message = b"From: papers@papers.example\r\nTo: ada@lab.example\r\n\r\n"
    for number in range(2):
        mail.write_bytes(report(message, status="4.2.2", said=f"452 4.2.2 full {number}"))
        sent("bounces", "bounce.eml", delivery__soft_bounce_limit=1, now=MONDAY)
    assert sent("subscribers", "show", "ada@lab.example", "--json").json["status"] == "suppressed"
    sent("subscribers", "lift", "ada@lab.example", "--reason", "room again")
    mail.write_bytes(report(message, status="4.2.2", said="452 4.2.2 full again"))
    sent("bounces", "bounce.eml", delivery__soft_bounce_limit=2, now=MONDAY)
    assert sent("subscribers", "show", "ada@lab.example", "--json").json["status"] == "active"


def test_every_change_of_state_is_a_line_without_addresses(desk: Desk) -> None:
    desk.settings.update(SITE)
    desk.subscribe("ada@lab.example", *READER)
    with Script(RCPT="450 4.2.0 <ada@lab.example>: greylisted") as server:
        smtp: Any = {"smtp__host": HOST, "smtp__port": server.port, "delivery__transport": "smtp"}
        told = desk.process("send", "--json", logging__level="info", **smtp)
        lines = [json.loads(line) for line in told.err.splitlines() if line.startswith("{")]
        [line] = [one for one in lines if one["area"] == "delivery"]
        assert line["event"] == "deferred"
        assert line["response"] == "450 4.2.0 <***@lab.example>: greylisted"
        assert line["again"].startswith("2026-08-20T06:")
        assert "ada@" not in told.err.partition("\nnewsletter:")[0]
        assert "{" not in desk.process("send", "--json", now=MONDAY, **smtp).err
