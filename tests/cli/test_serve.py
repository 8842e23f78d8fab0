"""`newsletter serve` as a process, and the links of real mails."""

from __future__ import annotations

import re
import signal
import socket
import subprocess

import httpx

from tests.cli.desk import MONDAY, Desk, parsed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().decode()


def test_every_link_of_a_mail_leads_to_a_page_and_its_one_click_works(desk: Desk) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    desk.settings = {"site__url": url, "web__port": str(port)}
    desk.subscribe("ada@lab.example", "--topic", "speech-recognition")
    desk("send")
    mail = parsed(desk.mails()[0])
    part = mail.get_body(("plain",))
    assert part is not None
    links = set(re.findall(rf"{url}\S*", part.get_content()))
    assert {link.split("/")[3] for link in links} == {"feedback", "preferences", "unsubscribe", "issues", "view"}
    with desk.start("serve") as process:
        assert url in first_line(process)
        for link in links:
            assert httpx.get(link, timeout=20).status_code == 200, link
        click = {"List-Unsubscribe": "One-Click"}
        answer = httpx.post(mail["List-Unsubscribe"].strip("<>"), data=click, timeout=20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert answer.status_code == 200
    assert (process.returncode, said) == (0, b"")
    assert desk("subscribers", "show", "ada@lab.example", "--json").json["status"] == "unsubscribed"


def test_an_address_that_is_taken_is_told_with_what_to_do(bare: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = bare.process("serve", status=1, web__port=taken.getsockname()[1])
    assert "cannot listen on 127.0.0.1" in done.err
    assert "set web.host and web.port" in done.err


def test_mails_of_other_cadences_lead_to_their_own_issue(desk: Desk) -> None:
    desk("subscribers", "add", "ada@lab.example", "--topic", "robotics", "--cadence", "weekly", "--confirmed")
    desk("send", now=MONDAY)
    [mail] = desk.mails()
    assert parsed(mail)["Archived-At"] == "<https://newsletter.example.org/issues/2026-08-24?cadence=weekly>"
