"""`delivery.transport = "ses"`, from the settings to the mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.desk import Desk
from tests.delivery.amazon import KEY, SECRET, Amazon


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    with Amazon().running() as server:
        yield server


def test_an_issue_is_sent_and_the_check_knows_the_account(amazon: Amazon, desk: Desk) -> None:
    desk.settings.update(
        delivery__transport="ses",
        ses__endpoint=amazon.url,
        ses__region="eu-west-1",
        ses__access_key_id=KEY,
        ses__secret_access_key=SECRET,
        site__sender="Papers <papers@papers.example>",
    )
    desk.subscribe("ada@lab.example", "--topic", "speech-recognition", "--keyword", "CTC")
    assert desk("send", "--json").json["sent"] == 1
    assert amazon.received[0].recipient == "ada@lab.example"
    assert "Amazon SES in eu-west-1 knows the account" in desk.process("check").out


def test_a_key_is_needed(desk: Desk) -> None:
    assert "ses.access_key_id" in desk("send", delivery__transport="ses", status=1).err
