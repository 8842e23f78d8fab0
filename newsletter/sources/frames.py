"""How the program and its parsing process talk: messages of a JSON head and a body of bytes, lengths before both.

The streams are raw (without buffers of their own), so that nothing is left in one when the other side is stopped.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from io import RawIOBase
from typing import IO, Any

OUT_OF_MEMORY = 3  # the status with which the process ends where a document took all it may have

_LENGTHS = struct.Struct(">II")
# One side reads what strangers write; it must not be able to fill the other's memory.
_LONGEST = 500_000_000

Stream = RawIOBase | IO[bytes]


def write(stream: Stream, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one message. Raises OSError where the other side has gone."""
    said = json.dumps(head).encode("ascii")
    for part in (_LENGTHS.pack(len(said), len(body)) + said, body):
        left = memoryview(part)
        while left:
            left = left[stream.write(left) or 0 :]


def read(stream: Stream) -> tuple[dict[str, Any], bytes]:
    """Wait for one message. Raises EOFError where the other side has gone, ValueError where it is no message."""
    head, body = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if head + body > _LONGEST:
        raise ValueError(f"a message of {head + body:,} bytes")
    said = json.loads(_exactly(stream, head))
    if not isinstance(said, dict):
        raise ValueError("a message without a head")  # noqa: TRY004  one kind of error for all that is no message
    return said, _exactly(stream, body)


def _exactly(stream: Stream, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = stream.read(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
