"""Mails that lie in files, Maildirs and mbox files, one at a time; each can be deleted when it has been dealt with."""

from __future__ import annotations

import mailbox
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import MailboxError

MOST_BYTES = 2_000_000  # of one mail: what is behind them belongs to the message that it returns
STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail: where it lies, its first bytes, and how to delete it (an mbox is written anew at the end).

    `leave` marks one that stays as read, where its mailbox has marks of ours.
    """

    name: str
    data: bytes
    delete: Callable[[], object]
    leave: Callable[[], object] = lambda: None


@contextmanager
def opened(path: Path, *, deleting: bool = False) -> Iterator[Iterator[Letter]]:
    """Give the mails of a file, a Maildir, an mbox or (`-`) standard input. An mbox is locked while deleting.

    Raises MailboxError, also in the middle.
    """
    try:
        if path == STANDARD_INPUT:
            yield iter([Letter("-", sys.stdin.buffer.read(MOST_BYTES), lambda: None)])
        elif path.is_dir():
            yield _maildir(path)
        elif path.is_file() and _is_mbox(path):  # a pipe can be read only once
            with _mbox(path, deleting=deleting) as letters:
                yield letters
        else:
            yield iter([Letter(str(path), _read(path), path.unlink)])
    except OSError as error:
        raise MailboxError(f"cannot read {path}: {error.strerror or error}") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _maildir(path: Path) -> Iterator[Letter]:
    folders = [folder for name in ("new", "cur") if (folder := path / name).is_dir()]
    if not folders:
        raise MailboxError(f"{path} is a folder, but no Maildir", hint="name its files, or a folder with new/ and cur/")
    for file in sorted(file for folder in folders for file in folder.iterdir() if _is_mail(file)):
        with suppress(FileNotFoundError):  # a mail program has just moved or deleted it
            yield Letter(str(file), _read(file), file.unlink)


def _is_mail(file: Path) -> bool:
    return not file.name.startswith(".") and file.is_file()


@contextmanager
def _mbox(path: Path, *, deleting: bool) -> Iterator[Iterator[Letter]]:
    box = mailbox.mbox(path, create=False)
    try:
        if deleting:
            box.lock()
        yield (Letter(str(path), _message(box, key), _removal(box, key)) for key in box.keys())  # noqa: SIM118
        box.flush()
    except mailbox.Error as error:
        raise MailboxError(f"cannot use the mbox {path}: {error}", hint="another program has it locked?") from error
    finally:
        box.close()


def _message(box: mailbox.mbox, key: str) -> bytes:
    with box.get_file(key) as file:
        return file.read(MOST_BYTES)


def _removal(box: mailbox.mbox, key: str) -> Callable[[], None]:
    return lambda: box.remove(key)
