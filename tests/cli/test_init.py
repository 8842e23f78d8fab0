"""`newsletter init`: by options, by questions on a terminal, and what is refused."""

from __future__ import annotations

import os
import pty
import subprocess
import tomllib
from typing import Any

import pytest

from tests.cli.desk import Desk, parsed


def written(desk: Desk) -> dict[str, Any]:
    return tomllib.loads((desk.folder / "newsletter.toml").read_text("utf-8"))


def test_what_options_say_is_in_force_and_a_test_mail_is_there(bare: Desk) -> None:
    said = bare(
        "init", "--name", 'Dünen "täglich"', "--sender", "papers@lab.example", "--operator", "me@lab.example",
        "--url", "https://papers.lab.example", "--postal-address", "1 Sand Lane", "--timezone", "Europe/Berlin",
        "--arxiv", "cs.cl", "--arxiv", "math", "--hugging-face",
    ).out  # fmt: skip
    settings = written(bare)
    assert settings["site"] | {"secret": ""} == {
        "name": 'Dünen "täglich"',
        "sender": '"Dünen \\"täglich\\"" <papers@lab.example>',
        "operator": "me@lab.example",
        "url": "https://papers.lab.example",
        "postal_address": "1 Sand Lane",
        "timezone": "Europe/Berlin",
        "secret": "",
    }
    assert [source["url"] for source in settings["source"]] == [
        "https://rss.arxiv.org/rss/cs.CL+math",
        "https://huggingface.co/api/daily_papers",
    ]
    [mail] = bare.mails()
    assert parsed(mail)["To"] == "me@lab.example"
    assert parsed(mail)["From"].addresses[0].display_name == 'Dünen "täglich"'
    assert "newsletter run" in said
    found = {one["name"]: one["status"] for one in bare("check", "--json").json["checks"]}
    assert {found[name] for name in found if name.startswith("site.")} == {"ok"}


def test_a_mail_server_is_taken_with_the_encryption_that_goes_with_it(bare: Desk) -> None:
    bare("init", "--smtp", "mail.lab.example", "--smtp-username", "papers")
    assert written(bare)["delivery"] == {"transport": "smtp"}
    assert written(bare)["smtp"] == {
        "host": "mail.lab.example",
        "port": 587,
        "security": "starttls",
        "username": "papers",
    }


def test_a_test_mail_that_cannot_leave_is_told_and_fails_nothing(bare: Desk) -> None:
    said = bare("init", "--smtp", "127.0.0.1:1", "--operator", "me@lab.example")
    assert "the test mail could not be sent" in said.err
    assert written(bare)["smtp"]["security"] == "none"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--arxiv", "cs.XX"), 2, "arXiv has no category cs.XX"),
        (("--timezone", "Mars"), 1, "no such time zone"),
        (("--sender", "nobody"), 1, "site.sender"),
        (("--smtp", "mail:smtp"), 2, "is no HOST:PORT"),
    ],
)
def test_what_is_no_setting_leaves_no_file(bare: Desk, words: tuple[str, ...], status: int, said: str) -> None:
    assert said in bare("init", *words, status=status).err
    assert list(bare.folder.iterdir()) == []


def test_on_a_terminal_it_asks(bare: Desk) -> None:
    ours, theirs = pty.openpty()
    answers = ["Dunes", "", "papers@lab.example", "", "me@lab.example", "", "", "cs.RO", "y"]
    process = subprocess.Popen(
        [*bare.command(), "init"], cwd=bare.folder, env=bare.environment(None, {}), stdin=theirs, stdout=theirs,
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    said = b""
    while b"newsletter run " not in said:
        said += os.read(ours, 10_000)
    assert process.wait(timeout=60) == 0
    os.close(ours)
    settings = written(bare)
    assert (settings["site"]["name"], settings["site"]["sender"]) == ("Dunes", "Dunes <papers@lab.example>")
    assert [source["name"] for source in settings["source"]] == ["arxiv", "hugging-face"]
    assert len(bare.mails()) == 1


@pytest.mark.parametrize(
    ("zone", "cutoff"), [("UTC", "05:30"), ("Europe/Berlin", "06:30"), ("Asia/Tokyo", None), ("America/Denver", None)]
)
def test_who_reads_arxiv_gets_a_cutoff_at_which_its_papers_are_there(bare: Desk, zone: str, cutoff: str | None) -> None:
    bare("init", "--yes", "--timezone", zone, "--arxiv", "cs.CL")
    assert written(bare).get("schedule", {}).get("cutoff") == cutoff
    assert "schedule.cutoff" not in {one["name"] for one in bare("check", "--json").json["checks"]}


def test_who_does_not_keeps_the_usual_one(bare: Desk) -> None:
    bare("init", "--yes", "--hugging-face")
    assert "cutoff" not in written(bare).get("schedule", {})
