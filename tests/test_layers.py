"""What is not imported before it is needed. (import-linter holds which way imports run.)"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("alembic", "fastapi", "feedparser", "httpx", "mjml", "numpy", "onnxruntime", "premailer", "scipy", "sklearn",
         "sqlalchemy", "starlette", "tokenizers", "uvicorn")  # fmt: skip
HELP = """
import sys
sys.argv = ["newsletter", *{arguments!r}]
from newsletter.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""


def heavy_modules_after(code: str) -> list[str]:
    """Give the heavy modules that a fresh interpreter has after running `code`."""
    tail = f"\nimport sys\nsys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_this_test_would_notice_a_heavy_module() -> None:
    assert heavy_modules_after("import newsletter.store") == ["sqlalchemy"]


@pytest.mark.parametrize("module", ["newsletter", "newsletter.cli", "newsletter.cli.app", "newsletter.bootstrap",
                                    "newsletter.config", "newsletter.catalogue", "newsletter.identity"])  # fmt: skip
def test_importing_a_light_module_imports_nothing_heavy(module: str) -> None:
    assert heavy_modules_after(f"import {module}") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["send", "--help"], ["ingest", "--help"],
                                       ["check", "--help"], ["serve", "--help"], ["bounces", "--help"],
                                       ["subscribers", "add", "--help"]], ids=" ".join)  # fmt: skip
def test_asking_for_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules_after(HELP.format(arguments=arguments)) == []
