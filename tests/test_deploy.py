"""What stands in deploy/: read by the programs that know these files, as no engine is here to run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.config import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer"})


def run(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def tool(name: str) -> Path:
    return Path(sys.executable).parent / name


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a program that is there in the place of ours."""
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8").replace("/opt/newsletter/bin/newsletter", "/bin/true")
        # Whether the user is there is a matter of the machine.
        (tmp_path / name).write_text(text.replace("=newsletter\n", "=root\n"))
    return [tmp_path / name for name in UNITS]


@pytest.mark.systemd
def test_systemd_finds_nothing_wrong_with_the_units(units: list[Path]) -> None:
    assert run(os.environ["NEWSLETTER_TEST_SYSTEMD"], "verify", "--man=no", *units) == ""


@pytest.mark.systemd
@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_the_services_are_exposed_little(name: str) -> None:
    """Below 3 of 10 is what systemd calls OK."""
    run(os.environ["NEWSLETTER_TEST_SYSTEMD"], "security", "--offline=true", "--threshold=30", DEPLOY / name)


def test_the_dockerfile_is_as_hadolint_wants_it() -> None:
    assert run(tool("hadolint"), DEPLOY / "Dockerfile") == ""


def test_the_compose_file_is_of_the_form_that_docker_specifies() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_the_settings_that_the_files_name_exist() -> None:
    named = set()
    for file in (DEPLOY / "Dockerfile", DEPLOY / "compose.yaml"):
        named |= set(re.findall(r"NEWSLETTER_(\w+?)__(\w+?)(?:_FILE)?[=:]", file.read_text("utf-8")))
    assert named == {("WEB", "HOST"), ("DATABASE", "URL")}
    for section, key in named:
        assert hasattr(getattr(Settings(), section.lower()), key.lower())


def test_all_that_the_image_is_built_from_is_let_in() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    included = set(re.findall(r'^"(\w+)" = "newsletter/_assets', text, re.MULTILINE))
    assert {"newsletter", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", *included} == kept
