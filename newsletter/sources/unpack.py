"""The body of an answer, decompressed piece by piece within limits, whatever was compressed and how often."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from newsletter.errors import FetchError

_PIECE = 64 * 1024
# Of concatenated gzip members (RFC 1952 section 2.2). Tools that write blocks make one of every 64 KB; a bomb of empty
# ones costs time for every 20 bytes.
_MEMBERS = 2000
_CODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}


def unpacked(
    pieces: Iterable[bytes], *, coding: str, url: str, most: int, check: Callable[[], None]
) -> Iterator[bytes]:
    """Give what `pieces` hold, by a Content-Encoding of none or one gzip, in pieces of at most 64 KB.

    Raises FetchError: more than `most` bytes before or after decompression, another encoding, or one upon another
    (permanent); a body that is broken or ends too soon (temporary). `check` is called for every piece, to raise where
    time is up.
    """
    coding = coding.strip().lower()
    if coding not in _CODINGS:
        raise FetchError(f"{url} came compressed as {coding[:100]!r}, which we did not ask for")
    received = given = 0
    gunzip = _Gunzip(url) if _CODINGS[coding] else None
    for piece in pieces:
        received += len(piece)
        for part in gunzip.feed(piece) if gunzip else (piece,):
            check()
            given += len(part)
            if max(received, given) > most:
                raise FetchError(
                    f"{url} is larger than {most:,} bytes", hint="raise fetching.max_bytes if that is right"
                )
            if part:
                yield part
    check()  # a body that ends with the connection ends at the deadline, too
    if gunzip and received and not gunzip.ended:
        raise FetchError(f"{url} broke off in the middle", hint="it will be tried again", permanent=False)


class _Gunzip:
    """Decompresses gzip members one after another, a little at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._members = 0
        self._member = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        """Whether the last member is whole."""
        return self._member.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what `data` adds."""
        while data:
            if self._member.eof:
                data = data.lstrip(b"\0")  # padding, which gzip's own tools take too
                if not data:
                    return
                self._next_member()
            try:
                part = self._member.decompress(data, _PIECE)
            except zlib.error as error:
                raise FetchError(f"{self._url} came broken: {error}", permanent=False) from error
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            yield part

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MEMBERS:
            raise FetchError(f"{self._url} is compressed in more than {_MEMBERS:,} parts")
        self._member = zlib.decompressobj(wbits=31)
