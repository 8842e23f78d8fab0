"""What commands print: tables and sentences for people, one JSON document for programs, progress on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_ANY_WIDTH = 10_000


class OutputError(Exception):
    """Standard output takes no more: its reader left, or the disk is full."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    say(json.dumps(document, ensure_ascii=False, indent=1))


def say(text: str = "") -> None:
    """Print a line on standard output, as it is."""
    try:
        sys.stdout.write(text + "\n")
    except OSError as error:
        raise OutputError(error) from error


def messages(count: int) -> str:
    """Give a number of messages as one says it."""
    return f"{count} message" if count == 1 else f"{count} messages"


def warn(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"newsletter: {text}\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output: as wide as the terminal, and one line a row where there is none."""
    from rich import box  # noqa: PLC0415  lazy: only tables need it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # Text: a title may hold what rich takes for markup
    terminal, shown = sys.stdout.isatty(), io.StringIO()
    Console(file=shown, force_terminal=terminal, width=None if terminal else _ANY_WIDTH).print(table)
    say("\n".join(line.rstrip() for line in shown.getvalue().splitlines() if line.strip()))


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while work lasts (on a terminal only); gives the function that moves it."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        """How many a second."""

        def render(self, task: Task) -> Text:
            """Give it as a person reads it."""
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f}/s" if speed else "")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
