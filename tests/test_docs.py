"""Nothing undocumented, and nothing documented that is not there."""

from __future__ import annotations

import re
import shlex
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from newsletter.cli.app import app
from newsletter.cli.context import Format
from newsletter.config import SourceKind

ROOT = Path(__file__).parent.parent
# What a line of shell may put before a command, and where one command ends.
_BEFORE = re.compile(r"^(\$ |# )?([A-Z_]+=\S+ |sudo |\.venv/bin/|exec )*")
_END = {"|", "||", "&&", ";", ">", ">>", "<", "&"}


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


ALL = dict(_commands(typer.main.get_command(app), ("newsletter",)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_option_is_described(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert (command.help or "").strip().endswith(".")
    for parameter in command.params:
        said = getattr(parameter, "help", None) or ""
        assert said.strip(), f"{' '.join(path)} {parameter.name}"
        assert said.strip().endswith((".", ")")), said


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_values_are_named_for_people(path: tuple[str, ...]) -> None:
    """No `<list[str]>` and no `<int range>` in a help."""
    command = ALL[path]
    with command.make_context(" ".join(path), [], resilient_parsing=True) as context:
        shown = command.get_help(context).partition("\nOptions:")[2]
    assert not re.search(r"<(str|path|list\[|int)", shown), shown


def test_the_formats_of_ingest_are_those_of_the_settings() -> None:
    services = {SourceKind.ARXIV_API, SourceKind.OPML}  # no documents of papers, so no file is of these
    assert set(typing.get_args(Format)) == {kind.value for kind in set(SourceKind) - services}


def unreal(line: str) -> str:
    """Say what in a command line is not there; empty where all of it is."""
    words = shlex.split(line, comments=True)
    path: tuple[str, ...] = ("newsletter",)
    command, known = ALL[path], set[str]()
    for word in words[1:]:
        if word in _END:
            break
        if not known:
            known = _options(command)
        if word.startswith("-"):
            if word.partition("=")[0] not in known:
                return f"{' '.join(path)} has no option {word}"
        elif (*path, word) in ALL:
            path = (*path, word)
            command = ALL[path]
            known = known | _options(command)
        elif hasattr(command, "commands") and not _is_value(words, word):
            return f"{' '.join(path)} has no command {word}"
    return ""


def _options(command: Any) -> set[str]:
    return {"--help", "-h"}.union(*(parameter.opts for parameter in command.params))


def _is_value(words: list[str], word: str) -> bool:
    return words[words.index(word) - 1] == "--config"


def test_the_check_of_command_lines_finds_what_is_not_there() -> None:
    assert unreal("newsletter send --dry-run --issue 2026-08-20  # a comment") == ""
    assert unreal("newsletter --config my.toml subscribers add ada@lab.example --topic robotics") == ""
    assert unreal("newsletter sned") == "newsletter has no command sned"
    assert unreal("newsletter subscribers ad x") == "newsletter subscribers has no command ad"
    assert unreal("newsletter send --dryrun") == "newsletter send has no option --dryrun"


def _fenced(text: str) -> Iterator[str]:
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if language in {"", "sh", "shell", "bash", "console"}:
                yield _BEFORE.sub("", line.strip())


@pytest.mark.parametrize(
    "file", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda file: file.name
)
def test_command_lines_in_the_documentation_are_real(file: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in _fenced(file.read_text("utf-8")):
        if line.startswith("newsletter "):
            assert unreal(line) == "", line
        elif line.startswith("make "):
            named = [word for word in shlex.split(line, comments=True)[1:] if "=" not in word]
            assert set(named) <= targets, line


def test_the_readme_has_command_lines() -> None:
    lines = list(_fenced((ROOT / "README.md").read_text("utf-8")))
    assert "make demo" in {line.partition("#")[0].strip() for line in lines}
    assert any(line.startswith("newsletter ") for line in lines)


def test_commands_that_messages_and_texts_name_are_real() -> None:
    """Hints such as "`newsletter migrate`" lead somewhere."""
    files = [*(ROOT / "newsletter").rglob("*.py"), ROOT / "README.md", ROOT / "config/newsletter.toml"]
    named = {
        (file.name, line) for file in files for line in re.findall(r"`(newsletter [^`\n{]+)", file.read_text("utf-8"))
    }
    assert len(named) > 10
    wrong = {(name, line): said for name, line in named if (said := unreal(_without_placeholders(line)))}
    assert not wrong


def _without_placeholders(line: str) -> str:
    return line.replace("…", "").replace("'", "").replace('"', "").strip()
