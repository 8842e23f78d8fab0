"""Vectors from a service that speaks OpenAI's protocol for embeddings: `POST …/v1/embeddings`.

OpenAI defined it (https://platform.openai.com/docs/api-reference/embeddings); text-embeddings-inference, infinity,
llama.cpp, ollama and vLLM speak it too. What comes is checked before it is used: a wrong vector would not fail, it
would rank wrongly, for as long as it is kept.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from newsletter import __version__
from newsletter.config import Embedding
from newsletter.errors import EncoderError
from newsletter.patience import TEMPORARY, pause_before, retry_after
from newsletter.ranking.encoder import Vectors

if TYPE_CHECKING:
    import httpx

_LONGEST_NAME = 60  # of an encoder, as the database keeps it
_UNREACHABLE_TRIES, _BUSY_TRIES = 3, 6  # 1 + 2 seconds of pauses; 1 + 2 + 4 + 8 + 16, or what Retry-After asks for
_LONGEST_WAIT = 60.0  # seconds; who asks for more is left alone until the next run
_OCTETS_A_TEXT = 500_000  # 20,000 numbers of 25 digits
_LONGEST_SAYING = 300
_OK = 200
_LATER = "run the command again later: what has been encoded is kept"
_TOO_LARGE = "check embedding.model, and lower embedding.batch or embedding.characters where it takes less at a time"
_HINTS = {
    400: _TOO_LARGE,
    401: "set embedding.api_key to a key that it takes (NEWSLETTER_EMBEDDING__API_KEY_FILE names a file with it)",
    403: "set embedding.api_key to a key that may use embedding.model",
    404: "check embedding.url, behind which /embeddings is put, and embedding.model",
    405: "check embedding.url, behind which /embeddings is put",
    413: "lower embedding.batch or embedding.characters",
    422: _TOO_LARGE,
    429: f"it asks us to come less often, or its account is used up; {_LATER}",
}


class _PassingError(EncoderError):
    """What may be over when it is tried again: at most `tries` times, after `seconds` where it said so."""

    def __init__(self, message: str, *, hint: str, tries: int, seconds: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.tries = tries
        self.seconds = seconds


class Endpoint:
    """Unit vectors by a service; texts are cut after `characters`. How many dimensions they have it tells by the first.

    `sleep` and `clock` are in seconds, `dice` gives 0 to 1.
    """

    def __init__(
        self,
        at: Embedding,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """Remember where to ask (`at.url` and `at.model` are set); nothing is asked yet."""
        base = at.url or ""
        self._url = base if base.endswith("/embeddings") else f"{base}/embeddings"
        self._at = at
        self._sleep = sleep
        self._clock = clock
        self._dice = dice
        self._dimensions = 0
        self.name = _name(at.model, urlsplit(self._url).netloc, at.characters)

    @property
    def dimensions(self) -> int:
        """The length of a vector, asked for where no answer has told it yet. Raises EncoderError."""
        if not self._dimensions:
            self.encode(["dimensions"])
        return self._dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, shape (len(texts), dimensions); an empty text, which OpenAI refuses, is the zero vector.

        What may pass (the network, 408, 425, 429, 5xx) is tried again, a few times. Raises EncoderError.
        """
        clean = [self._clean(text) for text in texts]
        rows = [row for row, text in enumerate(clean) if text]
        parts: list[Vectors] = []
        if rows:
            with self._client() as client:
                for start in range(0, len(rows), self._at.batch):
                    some = [clean[row] for row in rows[start : start + self._at.batch]]
                    parts.append(self._patiently(client, some))
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        if parts:
            vectors[rows] = np.vstack(parts)
        return vectors

    def _clean(self, text: str) -> str:
        # A lone surrogate (from a broken source) is no valid UTF-8, and JSON is UTF-8.
        return text.encode("utf-8", "replace").decode("utf-8")[: self._at.characters].strip()

    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415  slow to import

        host = urlsplit(self._url).hostname or ""
        headers = {"User-Agent": f"newsletter/{__version__}"}
        if key := self._at.api_key.get_secret_value():
            headers["Authorization"] = f"Bearer {key}"
        # A proxy of the environment is for the world outside: what runs on this machine it cannot reach.
        direct: dict[str, httpx.BaseTransport | None] = {f"all://{host}": None} if _is_this_machine(host) else {}
        return httpx.Client(headers=headers, timeout=self._at.timeout, mounts=direct)

    def _patiently(self, client: httpx.Client, texts: list[str]) -> Vectors:
        attempt = 1
        while True:
            try:
                return self._ask(client, texts)
            except _PassingError as error:
                if attempt >= error.tries or error.seconds > _LONGEST_WAIT:
                    raise
                self._sleep(max(pause_before(attempt, dice=self._dice), error.seconds))
                attempt += 1

    def _ask(self, client: httpx.Client, texts: list[str]) -> Vectors:
        import httpx  # noqa: PLC0415

        try:
            with client.stream("POST", self._url, json={"model": self._at.model, "input": texts}) as response:
                data = self._read(response, _OCTETS_A_TEXT * (len(texts) + 1))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _PassingError(
                f"{self._url} did not answer in full within {self._at.timeout:g} seconds",
                hint=f"raise embedding.timeout or lower embedding.batch if it is only slow; {_LATER}",
                tries=_UNREACHABLE_TRIES,
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _PassingError(
                f"{self._url} cannot be reached: {_plain(str(error)) or type(error).__name__}",
                hint=f"check that the service runs, and embedding.url; {_LATER}",
                tries=_UNREACHABLE_TRIES,
            ) from error
        if response.status_code != _OK:
            raise self._refusal(response, data)
        try:
            vectors = unit_vectors(data, len(texts))
            self._hold(vectors.shape[1])
        except ValueError as error:
            raise EncoderError(
                f"{self._url} answered with something else than the vectors of {len(texts)} texts: {error}",
                hint="check that embedding.url leads to a service that speaks OpenAI's protocol, and embedding.model",
            ) from error
        return vectors

    def _read(self, response: httpx.Response, most: int) -> bytes:
        """Read a body within limits: httpx counts the time of silence only, and no bytes."""
        until = self._clock() + self._at.timeout
        data = bytearray()
        for part in response.iter_bytes():
            data += part
            if len(data) > most:
                raise EncoderError(
                    f"{self._url} answered with more than {most} bytes", hint="check that embedding.url is right"
                )
            if self._clock() > until:
                raise TimeoutError
        return bytes(data)

    def _hold(self, dimensions: int) -> None:
        if dimensions != (self._dimensions or dimensions):
            raise ValueError(f"they have {dimensions} numbers each, those before had {self._dimensions}")
        self._dimensions = dimensions

    def _refusal(self, response: httpx.Response, data: bytes) -> EncoderError:
        status = response.status_code
        message = f"{self._url} answered {status} {_plain(response.reason_phrase)}".rstrip()
        if said := self._without_key(_said(data)):
            message += f": {said}"
        if status < 500 and status not in TEMPORARY:
            redirect = "give the address that it redirects to as embedding.url"
            return EncoderError(message, hint=redirect if status < 400 else _HINTS.get(status, _TOO_LARGE))
        hint = _HINTS.get(status, f"look into the log of the service; {_LATER}")
        given = response.headers.get("retry-after", "")
        seconds = retry_after(given, now=datetime.now(UTC), most=float("inf")) or 0.0
        if seconds:
            message += f" (it asks us to come back in {seconds:.0f} seconds)"
        return _PassingError(message, hint=hint, tries=_BUSY_TRIES, seconds=seconds)

    def _without_key(self, text: str) -> str:
        key = self._at.api_key.get_secret_value()
        return text.replace(key, "…") if key else text


def unit_vectors(data: bytes, count: int) -> Vectors:
    """Read an answer: `count` vectors in the order of their `index`, brought to length 1.

    Raises ValueError saying what is wrong: not JSON, not the protocol's form, another number of vectors, an index twice
    or missing, different lengths, and values by which nothing can be compared (NaN, infinity, all of them zero).
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON") from error
    entries = document.get("data") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        said = _said(data)
        raise ValueError("it has no list `data`" + (f" but says {said}" if said else ""))  # noqa: TRY004  it came so
    if len(entries) != count:
        raise ValueError(f"it holds {len(entries)} of them")
    by_index = dict(map(_entry, entries))
    if set(by_index) != set(range(count)):
        raise ValueError(f"their indexes are not 0 to {count - 1}, each once")
    if len({len(vector) for vector in by_index.values()}) != 1:
        raise ValueError("they are not of one length")
    try:
        matrix = np.array([by_index[index] for index in range(count)], np.float64)
    except OverflowError as error:
        raise ValueError("some of them are not finite") from error
    if not np.isfinite(matrix).all():
        raise ValueError("some of them are not finite")
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError("some of them are all zeros")
    matrix /= largest  # so that no square is too large or too small for a number
    unit: Vectors = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _entry(entry: Any) -> tuple[int, list[float]]:
    index, vector = (entry.get("index"), entry.get("embedding")) if isinstance(entry, dict) else (None, None)
    # `type`: to Python, true is a number too.
    if type(index) is not int or not isinstance(vector, list) or not vector:
        raise ValueError("an entry of `data` lacks a number `index` or a list `embedding`")
    if not all(type(value) in (int, float) for value in vector):
        raise ValueError("an `embedding` holds something else than numbers")
    return index, vector


def _said(data: bytes) -> str:
    """Give what an error's body says, in any of the forms that services use; else its beginning."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _plain(data[:2000].decode("utf-8", "replace")) if not data.lstrip().startswith(b"<") else ""
    while isinstance(document, dict):
        document = next((document[key] for key in ("error", "message", "detail") if document.get(key)), "")
    return _plain(document if isinstance(document, str) else json.dumps(document)) if document else ""


def _plain(text: str) -> str:
    shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return shown if len(shown) <= _LONGEST_SAYING else shown[:_LONGEST_SAYING] + "…"


def _name(model: str, host: str, characters: int) -> str:
    """Name the vectors: by model and host, so that those of two services never meet. A long name ends in a hash."""
    name = f"{model}@{host.lower()}/{characters}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 13]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
