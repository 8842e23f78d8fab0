"""What SpamAssassin would say, where it is installed. It is run offline, and learns nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

from newsletter.preflight.letter import Letter
from newsletter.preflight.result import Result, failed, ok, warning

_SCORE = re.compile(r"^X-Spam-Status: \S+ score=(-?[\d.]+)", re.MULTILINE)
_RULE = re.compile(r"^\s*(-?[\d.]+)\s+([A-Z][A-Z0-9_]{2,})\s+(.*)$", re.MULTILINE)
NOTICED = 1.0
REFUSED = 5.0


def program() -> str:
    """Give where SpamAssassin is; '' where it is not installed."""
    return shutil.which("spamassassin") or ""


def spam(letter: Letter, command: str, *, patience: float = 60.0) -> Iterator[Result]:
    """How much does it look like spam?

    `command` is the path of the program, '' where there is none; it is waited for `patience` seconds.
    """
    if not command:
        yield warning("spam", "SpamAssassin is not installed, so it was not asked", "PATH", "install `spamassassin`")
        return
    try:
        done = subprocess.run(  # noqa: S603 (the installed program, with fixed arguments)
            [command, "--local", "--test-mode"], input=letter.data, capture_output=True, check=True, timeout=patience
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield warning("spam", f"SpamAssassin did not answer: {error}", command, "run it by hand to see why")
        return
    said = done.stdout.decode("utf-8", "replace")
    score = float(found[1]) if (found := _SCORE.search(said)) else 0.0
    report = said[said.rfind("Content analysis details:") :]
    hits = [(float(rule[1]), rule[2], rule[3].strip()) for rule in _RULE.finditer(report) if float(rule[1]) > 0]
    told = f"SpamAssassin gives it {score:.1f} of the {REFUSED:g} that are refused"
    where = "; ".join(f"{points:g} {name} {text}" for points, name, text in sorted(hits, reverse=True)) or "no rule"
    if score >= REFUSED:
        yield failed("spam", told, where, "change what its rules name")
    elif score >= NOTICED:
        yield warning("spam", told, where, "change what its rules name")
    else:
        yield ok("spam", told)
