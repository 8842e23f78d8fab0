"""The wheel is whole: templates, settings, topics and sample digests are inside, and are found there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.test_serve import free_port

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="needs hatchling, to build without a network"
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unpacked wheel."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("unpacked")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", built, ROOT], check=True, cwd=built, timeout=120
    )
    [wheel] = built.glob("newsletter-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@pytest.mark.parametrize("name", ["templates", "config", "seeds"])
def test_the_files_that_stand_at_the_top_of_the_tree_are_inside(unpacked: Path, name: str) -> None:
    there = files(ROOT / name)
    assert there
    assert files(unpacked / "newsletter/_assets" / name) == there


def test_all_modules_and_migrations_are_inside(unpacked: Path) -> None:
    ours = {path for path in files(ROOT / "newsletter") if "__pycache__" not in path.parts}
    assert ours <= files(unpacked / "newsletter")


def test_nothing_else_is_inside(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"newsletter"}


def story() -> str:
    """The command lines of the README that lead from nothing to a mail every morning."""
    text = (ROOT / "README.md").read_text("utf-8").partition("## From nothing to a mail every morning\n")[2]
    return text.partition("```sh\n")[2].partition("```")[0]


def test_the_readme_followed_word_by_word_leads_to_a_mail(unpacked: Path, tmp_path: Path) -> None:
    """Nothing but the wheel, an empty folder and a digest; `newsletter run` is stopped after some seconds."""
    here, programs = tmp_path / "papers", tmp_path / "bin"
    here.mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "seeds/daily-papers-aug-20.txt", here / "digest.txt")
    command = f'#!/bin/sh\nexec "{sys.executable}" -m newsletter "$@"\n'
    (programs / "newsletter").write_text(command)
    (programs / "newsletter").chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    environment = clean | {
        "PYTHONPATH": str(unpacked),
        "HOME": str(tmp_path),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "NEWSLETTER_RANKING__ENCODER": "wordllama",
        "NEWSLETTER_WEB__PORT": str(free_port()),
    }
    commands = story()
    assert commands.count("\nnewsletter run ") == 1
    script = commands.replace("\nnewsletter run ", "\ntimeout --preserve-status 15 newsletter run ")
    done = subprocess.run(
        ["bash", "-euc", script], cwd=here, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 sent" in done.stdout
    assert '"event": "stopped"' in done.stderr
    mails = [path.read_text("utf-8") for path in sorted((here / "mail/new").iterdir())]
    assert len(mails) == 2  # the test mail, and the issue; the run has nothing to add today
    assert all("To: ada@lab.example" in mail or "To: <ada@lab.example>" in mail for mail in mails)
    assert (here / "preview/message.html").exists()


def test_the_unpacked_wheel_runs_the_demo(unpacked: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    environment = {
        **clean,
        "PYTHONPATH": str(unpacked),
        "HOME": str(tmp_path),
        "NEWSLETTER_RANKING__ENCODER": "wordllama",
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("-c", "from newsletter import assets; print(assets.TEMPLATES)")
    assert Path(where.strip()) == unpacked.resolve() / "newsletter/_assets/templates"
    assert "3 mails delivered" in run("-m", "newsletter", "demo")
    assert len(list((tmp_path / "demo/mail/new").iterdir())) == 3
