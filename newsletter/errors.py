"""One error tree: every failure a person can do something about.

The message says what happened and names the thing it happened to; `hint` says what to do. The command line prints
both and ends with status 1 (2 for `UsageError`). Anything outside this tree is a defect of the program.
"""

from __future__ import annotations

from datetime import datetime


class NewsletterError(Exception):
    """Anything that went wrong and that a person can mend."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(NewsletterError):
    """A command was called with words that do not fit together."""


class ConfigError(NewsletterError):
    """The settings file or an environment variable is wrong."""


class StoreError(NewsletterError):
    """The database cannot be reached, is not up to date, or refuses what was asked."""


class EmptyDatabaseError(StoreError):
    """The database has no tables yet, and was to be left as it is."""


class NotFoundError(NewsletterError):
    """A subscriber, paper, issue or topic that was named does not exist."""


class ExpiredError(NotFoundError):
    """What was named was there once, and is over: a link that has expired, the data of who was forgotten."""


class ProfileError(NewsletterError):
    """An interest profile names something that does not exist, or has a field of the wrong form."""


class SourceError(NewsletterError):
    """A source could not be read. `permanent` is False where trying again later may help."""

    def __init__(self, message: str, *, hint: str = "", permanent: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.permanent = permanent


class FetchError(SourceError):
    """A URL or file gave no bytes: network, status, size or time.

    Where the server said when to come back, `retry_at` (aware) is that moment and `retry_after` the seconds from the
    failure until then: do not ask it before. `status` is the HTTP status, where there was an answer.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        permanent: bool = True,
        retry_at: datetime | None = None,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, permanent=permanent)
        self.retry_at = retry_at
        self.retry_after = retry_after
        self.status = status


class NotADigestError(SourceError):
    """The bytes came, but they are not of the format that was looked for."""


class EncoderError(NewsletterError):
    """The text encoder cannot work: its files are missing or changed, or its endpoint does not answer as it should."""


class SummaryError(NewsletterError):
    """The model that writes summaries gave none: no connection, no time, a refusal, or an answer of another form."""


class TemplateError(NewsletterError):
    """A template does not compile, or asks for something that the edition does not have."""


class MessageError(NewsletterError):
    """A message cannot be built: a header value that is not allowed, an address that is no address."""


class MailboxError(NewsletterError):
    """A file, Maildir or mbox of mail that came back cannot be read, or not be locked to delete from it."""


class TransportError(NewsletterError):
    """The transport itself cannot work (no connection, bad login), whatever the message.

    What becomes of one message is a value, `Outcome`, not an exception.
    """


def in_words(error: Exception) -> str:
    """Say why a file cannot be read, without what only programmers know: its number, its name again, its codec."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8, from byte {error.start} on"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
