"""What is compiled is kept on disk, and is never another template's."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.rendering import kept
from newsletter.rendering.compiled import JoinedSource, Line


def source(text: str) -> JoinedSource:
    return JoinedSource(text, (Line("a", 1),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "newsletter" / "mails"


def test_the_same_source_is_compiled_once(folder: Path) -> None:
    made: list[str] = []

    def make(what: JoinedSource) -> str:
        made.append(what.text)
        return f"<p>{what.text}ü</p>"

    assert [kept.html(source(text), make) for text in ("a", "a", "b")] == ["<p>aü</p>", "<p>aü</p>", "<p>bü</p>"]
    assert made == ["a", "b"]
    assert len(list(folder.iterdir())) == 2


def test_what_cannot_be_kept_is_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert kept.html(source("a"), lambda one: one.text) == "a"


def test_a_user_without_a_home_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_001)  # nobody in /etc/passwd
    assert kept.html(source("a"), lambda one: one.text) == "a"


def test_a_spoilt_file_is_compiled_anew(folder: Path) -> None:
    kept.html(source("a"), lambda one: one.text)
    [file] = folder.iterdir()
    file.write_bytes(b"\xff\xfe")
    assert kept.html(source("a"), lambda one: one.text) == "a"
    assert file.read_text() == "a"


def test_not_more_than_so_many_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 3)
    for number in range(6):
        kept.html(source(f"{number}"), lambda one: one.text)
    assert len(list(folder.iterdir())) == 3
