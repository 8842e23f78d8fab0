"""The signed tokens in a subscriber's links: opaque, for one purpose each, the same every time they are made.

A token carries the subscriber's random public id, never the address. Unsubscribing works for ever (RFC 8058 expects
it of old mail); the others end some time after their day, an issue's as a rule, which is part of what is signed.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from json.encoder import encode_basestring_ascii
from typing import Any

from newsletter.errors import ExpiredError, NotFoundError

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
DAYS_OPEN = {"preferences": 90, "feedback": 90, "my-data": 7, "confirm": 7, "address": 7, "view": 365}


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an answer link says: who, to which paper, and whether they want more like it."""

    public_id: str
    paper_key: int
    liked: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation link says: who, and which of their requests (see `store.consents`)."""

    public_id: str
    request: int


@dataclass(frozen=True, slots=True)
class AddressChange:
    """What a link that changes an address says: who, which of their requests, and whether it went to the new one."""

    public_id: str
    request: int
    new: bool


class Tokens:
    """Makes and reads tokens with one secret."""

    def __init__(self, secret: str) -> None:
        from itsdangerous import URLSafeSerializer  # noqa: PLC0415  lazy: only what sends or serves needs it

        self._serializers = {
            purpose: URLSafeSerializer(secret, salt=f"newsletter {purpose} 1")
            for purpose in ("unsubscribe", *DAYS_OPEN)
        }
        # What the library derives anew for each of the thirty tokens of a mail.
        self._codes = {
            purpose: hmac.new(serializer.make_signer(serializer.salt).derive_key(), digestmod=hashlib.sha1)
            for purpose, serializer in self._serializers.items()
        }

    def unsubscribe(self, public_id: str) -> str:
        """Give the token of the unsubscribe link; it never expires."""
        return self._make("unsubscribe", [public_id])

    def preferences(self, public_id: str, day: date) -> str:
        """Give the token of the preferences link in the issue of a day."""
        return self._make("preferences", [public_id, day.toordinal()])

    def my_data(self, public_id: str, day: date) -> str:
        """Give the token, made on a day, with which a subscriber takes or erases what is kept of them."""
        return self._make("my-data", [public_id, day.toordinal()])

    def confirm(self, public_id: str, request: int, day: date) -> str:
        """Give the token of the link that confirms a request which was made on a day."""
        return self._make("confirm", [public_id, day.toordinal(), request])

    def feedback(self, public_id: str, paper_key: int, *, liked: bool, day: date) -> str:
        """Give the token of an answer to one pick in the issue of a day."""
        return self.answers(public_id, day)(paper_key, liked)

    def answers(self, public_id: str, day: date) -> Callable[[int, bool], str]:
        """Give what makes the tokens of answers in one mail, of paper key and whether more like it is wanted."""
        start, code = f"[{_json(public_id)},{day.toordinal()},", self._codes["feedback"]
        return lambda paper_key, liked: _signed(f"{start}{paper_key},{1 if liked else 0}]", code)

    def address(self, public_id: str, request: int, *, new: bool, day: date) -> str:
        """Give the token of the link that confirms a change of address, for the mail to the new one or to the old."""
        return self._make("address", [public_id, day.toordinal(), request, int(new)])

    def view(self, public_id: str, day: date, cadence: str) -> str:
        """Give the token of the page that shows a subscriber's issue of a day."""
        return self._make("view", [public_id, day.toordinal(), cadence])

    def read_unsubscribe(self, token: str) -> str:
        """Give the public id that a token was made for. Raises NotFoundError."""
        return str(self._read("unsubscribe", token)[0])

    def read_preferences(self, token: str, *, today: date) -> str:
        """Give the public id that a token was made for. Raises NotFoundError, and ExpiredError when it has expired."""
        return str(self._current("preferences", token, today)[0])

    def read_my_data(self, token: str, *, today: date) -> str:
        """Give the public id that a token was made for. Raises NotFoundError, and ExpiredError when it has expired."""
        return str(self._current("my-data", token, today)[0])

    def read_confirm(self, token: str, *, today: date) -> Confirmation:
        """Give the request that a token confirms. Raises NotFoundError, and ExpiredError when it has expired."""
        public_id, _, request = self._current("confirm", token, today)
        return Confirmation(str(public_id), int(request))

    def read_feedback(self, token: str, *, today: date) -> Feedback:
        """Give the answer that a token stands for. Raises NotFoundError, and ExpiredError when it has expired."""
        public_id, _, paper_key, liked = self._current("feedback", token, today)
        return Feedback(str(public_id), int(paper_key), liked=bool(liked))

    def read_address(self, token: str, *, today: date) -> AddressChange:
        """Give the change that a token confirms. Raises NotFoundError, and ExpiredError when it has expired."""
        public_id, _, request, new = self._current("address", token, today)
        return AddressChange(str(public_id), int(request), new=bool(new))

    def read_view(self, token: str, *, today: date) -> tuple[str, date, str]:
        """Give the public id, the day and the cadence of an issue. Raises NotFoundError, ExpiredError."""
        public_id, day, cadence = self._current("view", token, today)
        return str(public_id), date.fromordinal(int(day)), str(cadence)

    def _make(self, purpose: str, payload: Sequence[str | int]) -> str:
        """As the library's `dumps`, at a tenth of the time; nothing of ours is long enough to be compressed."""
        return _signed(f"[{','.join(map(_json, payload))}]", self._codes[purpose])

    def _read(self, purpose: str, token: str) -> list[Any]:
        from itsdangerous import BadData  # noqa: PLC0415

        try:
            payload: list[Any] = self._serializers[purpose].loads(token)
        except (BadData, UnicodeEncodeError) as error:
            raise NotFoundError(
                "this link is not one of ours, or was cut", hint="open it from the mail again"
            ) from error
        return payload

    def _current(self, purpose: str, token: str, today: date) -> list[Any]:
        payload = self._read(purpose, token)
        if today > date.fromordinal(payload[1]) + timedelta(days=DAYS_OPEN[purpose]):
            raise ExpiredError("this link has expired", hint="use the one in a newer mail")
        return payload


def _json(value: str | int) -> str:
    return str(value) if isinstance(value, int) else encode_basestring_ascii(value)


def _signed(payload: str, code: hmac.HMAC) -> str:
    value = _base64(payload.encode())
    signature = code.copy()
    signature.update(value)
    return f"{value.decode()}.{_base64(signature.digest()).decode()}"


def _base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")
