"""Messages as files in a Maildir, readable by mutt, Thunderbird, Dovecot and the standard library.

A message is written to `tmp/`, flushed to the disk and then renamed into `new/`, so that a reader, or whoever looks
after a crash, sees whole messages only (https://cr.yp.to/proto/maildir.html). The standard library's
`mailbox.Maildir` does nearly that; it does not flush the directory, so that a message reported as sent could vanish
in a power cut.
"""

from __future__ import annotations

import errno
import itertools
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from newsletter.delivery.transport import one_line
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome

# What mends itself when somebody makes room; everything else is wrong with the folder itself.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_COUNTER = itertools.count(1)


class MaildirSession:
    """An existing Maildir, open for delivery."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, message: Message) -> Outcome:
        """Write `message.data`, byte for byte, as one file in `new/`; the response names the file."""
        name = _unique_name()
        written, delivered = self._folder / "tmp" / name, self._folder / "new" / name
        try:
            _write(written, message.data)
            written.rename(delivered)
        except OSError as error:
            with suppress(OSError):
                written.unlink(missing_ok=True)
            if error.errno in _NO_ROOM:
                return Outcome(DeliveryState.DEFERRED, one_line(f"no room in {self._folder}: {error.strerror}"))
            raise _unusable(self._folder, error) from error
        try:
            _flush_directory(delivered.parent)
        except OSError as error:
            # The message can be read now, but may be gone after a crash: the Maildir's own kind of uncertainty.
            return Outcome(DeliveryState.UNCERTAIN, one_line(f"{name} may not last: {error.strerror}"))
        return Outcome(DeliveryState.SENT, one_line(f"written as new/{name}"))


class MaildirTransport:
    """Every message becomes a file; the folder is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def session(self) -> Iterator[MaildirSession]:
        """Open the Maildir; raises TransportError where it cannot be made or is not a folder."""
        try:
            for part in ("tmp", "new", "cur"):
                (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        yield MaildirSession(self._folder)


def _write(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet and see it to the disk. Mail is nobody else's business: mode 600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unique_name() -> str:
    """Give a name that no other delivery on any machine uses, in the form the Maildir page asks for."""
    host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    middle = f"M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_COUNTER)}R{secrets.token_hex(4)}"
    return f"{seconds}.{middle}.{host}"


def _unusable(folder: Path, error: OSError) -> TransportError:
    return TransportError(
        f"cannot write mail to the Maildir {folder}: {error.strerror} ({error.filename})",
        hint="delivery.maildir must name a folder that this user may write to, or one that can be made",
    )
