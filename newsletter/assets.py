"""Where the files that ship with the program are: templates, the commented settings and topics, sample digests.

They stand at the top of a source tree and inside the package in an installed wheel; callers need not know which.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_assets"
_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

TEMPLATES = _ROOT / "templates"
CONFIG = _ROOT / "config"
SEEDS = _ROOT / "seeds"
