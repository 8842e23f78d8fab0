"""Compiled templates kept on disk, by what they were made of: a command that shows one mail need not compile it.

Kept in `$XDG_CACHE_HOME/newsletter` (else `~/.cache/newsletter`), which may be deleted at any time. What cannot be
read or written there is compiled, as if nothing were kept; so is all of a user without a home.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from newsletter.rendering import compiled
from newsletter.rendering.compiled import JoinedSource

_MOST = 200  # files; an editor at work makes a new one with every change


def html(source: JoinedSource, make: Callable[[JoinedSource], str]) -> str:
    """Give the compiled HTML of a template: what is kept of the very same source, else what `make` gives."""
    folder = _folder()
    if folder is None:
        return make(source)
    file = folder / f"{sha256(f'{_makers()}{source.text}'.encode()).hexdigest()}.html"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return file.read_text(encoding="utf-8")
    made = make(source)
    with contextlib.suppress(OSError):
        _write(file, made)
    return made


def _folder() -> Path | None:
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # an account that /etc/passwd does not have, as in some containers
        return None
    return Path(base) / "newsletter" / "mails"


@cache
def _makers() -> str:
    """What compiles: the libraries, and the module that calls them."""
    ours = sha256(Path(compiled.__file__).read_bytes()).hexdigest()
    return f"{version('mjml-python')} {version('premailer')} {ours} "


def _write(file: Path, text: str) -> None:
    """Write whole or not at all: another process may read at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = sorted(file.parent.glob("*.html"), key=lambda one: one.stat().st_mtime)
    for old in there[: max(len(there) - _MOST + 1, 0)]:
        old.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(name).replace(file)
