"""What a parser found, as JSON: for comparing with the expected file that stands beside an input."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from newsletter.model import Announce, Digest

DATA = Path(__file__).parents[1] / "data" / "sources" / "arxiv"


def described(found: Digest) -> Any:
    """Give a digest as JSON would hold it, without the fields that are empty and the announcements that are new."""
    papers = [
        {name: value for name, value in asdict(record).items() if value and value != Announce.NEW}
        for record in found.records
    ]
    document = {"title": found.title, "day": found.day, "papers": papers}
    return json.loads(json.dumps(document, default=lambda value: value.isoformat()))


def expected(name: str) -> Any:
    """Give what stands beside the input `name`."""
    return json.loads((DATA / name).with_suffix(".json").read_text(encoding="utf-8"))


def mutated(data: bytes, seed: int) -> bytes:
    """Give `data` as a bad connection, editor or person might: cut, doubled, mixed, with stray bytes."""
    chance = random.Random(seed)
    result = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at, to = sorted(chance.randrange(len(result) + 1) for _ in range(2))
        to = min(to, at + chance.choice([1, 5, 200]))
        piece = bytes(result[at:to])
        stray = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
        mark = chance.choice([b"<", b">", b"&", b'"', b"\\\\\n", b"\n\n", b"&#0;", b"{", b"]", b"\xff", b"-" * 30, b""])
        result[at:to] = chance.choice([b"", piece * 3, piece[::-1], stray, mark])
    return bytes(result)
