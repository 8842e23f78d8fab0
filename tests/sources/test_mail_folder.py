from __future__ import annotations

import logging
import mailbox
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.config import SourceKind
from newsletter.errors import FetchError, NotADigestError
from newsletter.sources.mail_folder import MailFolderSource, is_one, mails
from newsletter.sources.source import Source
from tests.sources.described import DATA

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
ALERT = (DATA.parent / "alerts" / "scholar.eml").read_bytes()
LISTING = (DATA / "whole_mail.eml").read_bytes()
LUNCH = b"From: ann@example.org\nSubject: Lunch\nDate: Wed, 19 Aug 2026 12:00:00 +0000\n\nShall we meet at noon?\n"


@pytest.fixture
def folder(tmp_path: Path) -> mailbox.Maildir:
    return mailbox.Maildir(str(tmp_path / ".Scholar"))


def path_of(folder: mailbox.Maildir) -> Path:
    return Path(str(folder._path))


def put(folder: mailbox.Maildir, data: bytes, *, seen: bool = False, at: datetime = NOW) -> Path:
    """Put a mail there as a mail server does, `seen` as a mail program leaves it."""
    key = folder.add(data)
    message = mailbox.MaildirMessage(folder[key])
    message.set_subdir("cur" if seen else "new")
    message.set_flags("S" if seen else "")
    folder[key] = message
    (mail,) = (each for each in mails(path_of(folder)) if each.name.startswith(key))
    mail.write_bytes(data)
    os.utime(mail, (at.timestamp(), at.timestamp()))
    return mail


def source(folder: mailbox.Maildir, *, days: int | None = None, kind: SourceKind = SourceKind.AUTO) -> Source:
    return MailFolderSource("alerts", path_of(folder), days=days, kind=kind)


def dated(data: bytes, day: str) -> bytes:
    return data.replace(b"Date: Wed, 19 Aug 2026", f"Date: {day}".encode())


def test_a_folder_gives_the_papers_of_all_its_mails_seen_or_not(folder: mailbox.Maildir) -> None:
    put(folder, ALERT)
    put(folder, LISTING, seen=True)
    put(folder, LUNCH)
    found = source(folder).pull(NOW)
    titles = {each.title for each in found.records}
    assert {"Ripples that travel upwind", "Cited and found nowhere"} < titles
    assert len(titles) > 4  # those of the listing
    assert found.title == "alerts"
    assert found.day is not None


def test_a_folder_of_one_kind_of_mail_is_called_as_the_mail(folder: mailbox.Maildir) -> None:
    put(folder, ALERT)
    found = source(folder).pull(NOW)
    assert (found.title, found.day) == ("Google Scholar", date(2026, 8, 19))


def test_an_empty_folder_has_no_papers_and_is_no_failure(folder: mailbox.Maildir) -> None:
    assert source(folder).pull(NOW).records == ()


def test_a_folder_of_other_mails_says_what_to_do(folder: mailbox.Maildir) -> None:
    put(folder, LUNCH)
    with pytest.raises(NotADigestError, match="none of its mails can be read") as caught:
        source(folder).pull(NOW)
    assert str(path_of(folder)) in caught.value.message
    assert "folder of their own" in caught.value.hint


def test_a_mail_that_is_no_alert_is_told_and_costs_no_other(
    folder: mailbox.Maildir, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, ALERT)
    put(folder, LUNCH)
    put(folder, b"")
    with caplog.at_level(logging.INFO):
        assert source(folder).pull(NOW).records
    assert any("2 of 3 mails were left out" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("days", "put_at", "sent", "read"),
    [
        (3, NOW, "Wed, 19 Aug 2026", True),
        (3, NOW - timedelta(days=4), "Wed, 19 Aug 2026", False),
        (3, NOW, "Wed, 12 Aug 2026", False),  # copied lately
        (3, NOW, "sometime", True),
        (10, NOW, "Wed, 12 Aug 2026", True),
        (None, NOW - timedelta(days=400), "Wed, 12 Aug 2020", True),
    ],
)
def test_only_the_last_days_are_read(
    folder: mailbox.Maildir, days: int | None, put_at: datetime, sent: str, read: bool
) -> None:
    put(folder, dated(ALERT, sent), at=put_at)
    assert bool(source(folder, days=days).pull(NOW).records) is read


def test_a_named_format_is_the_only_one_tried(folder: mailbox.Maildir) -> None:
    put(folder, ALERT)
    with pytest.raises(NotADigestError, match="not arXiv's listing"):
        source(folder, kind=SourceKind.ARXIV_MAIL).pull(NOW)


def test_a_maildir_is_told_from_other_folders(folder: mailbox.Maildir, tmp_path: Path) -> None:
    assert is_one(path_of(folder))
    assert not is_one(tmp_path)
    assert not is_one(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_says_so(folder: mailbox.Maildir) -> None:
    put(folder, ALERT, seen=True)
    closed = path_of(folder) / "cur"
    closed.chmod(0)
    try:
        with pytest.raises(FetchError, match="cannot be read"):
            source(folder).pull(NOW)
    finally:
        closed.chmod(0o700)
