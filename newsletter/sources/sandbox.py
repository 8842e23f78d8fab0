"""Documents of strangers, parsed in a process of their own, which is stopped when it takes too much time or memory.

The process (`parse_child`) is kept for many documents, because starting one takes as long as parsing a thousand papers.
What it answers is JSON that is checked against our types: whatever a document does to a parser, only texts come out.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import tempfile
import threading
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

import newsletter
from newsletter.children import command
from newsletter.config import SourceKind
from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest
from newsletter.sources import frames
from newsletter.sources.oai_pages import Page
from newsletter.sources.opml import Feed
from newsletter.sources.text import plain

MEMORY = 500_000_000  # bytes, all that the process takes
_START = 60.0  # seconds, also on a machine with other work
_END = 5.0
# A process that has read so many documents, or keeps so much memory, gives way to a fresh one.
_MOST_DOCUMENTS = 500
_GROWN = 80_000_000

_HOSTILE = "it may be broken or hostile; if it is only large, split it into several files"

_DIGEST = TypeAdapter(Digest)
_FEEDS = TypeAdapter(tuple[Feed, ...])
_PAGE = TypeAdapter(Page)
_ERRORS = {kind.__name__: kind for kind in (SourceError, NotADigestError)}
_Result = TypeVar("_Result")


class Sandbox:
    """Parses documents in a process with limits of time and memory, one at a time, from any thread.

    `timeout` is in seconds and for the document alone, not for starting the process. All methods raise NotADigestError
    and SourceError as the parsers do, and SourceError where a document takes too much time or memory or crashes the
    process; the next document gets a fresh one. What the parsers log is logged here.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def digest(self, data: bytes, *, kind: SourceKind, where: str, today: date, timeout: float) -> Digest:
        """Give the papers in `data`: what `formats.parse` gives."""
        words = {"task": "digest", "kind": kind.value, "where": where, "today": today.isoformat()}
        return self._result(_DIGEST, words, data, timeout)

    def feeds(self, data: bytes, *, where: str, timeout: float) -> tuple[Feed, ...]:
        """Give the feeds of a list: what `opml.parse` gives."""
        return self._result(_FEEDS, {"task": "feeds", "where": where}, data, timeout)

    def oai_page(self, data: bytes, *, where: str, timeout: float) -> Page:
        """Give one response of OAI-PMH: what `oai_pages.read` gives."""
        return self._result(_PAGE, {"task": "oai_page", "where": where}, data, timeout)

    def close(self) -> None:
        """End the process. The next document starts another."""
        with self._lock:
            self._end()

    def forget(self) -> None:
        """Leave the process to the program that started it: for a fork of that program, which has its pipes, too."""
        self._lock = threading.Lock()
        if self._child:
            self._child.let_go()
            self._child = None

    def _result(self, result: TypeAdapter[_Result], words: dict[str, Any], data: bytes, timeout: float) -> _Result:
        head, body = self._asked({**words, "timeout": timeout}, data)
        try:
            for name, level, text in head["log"]:
                logging.getLogger(name).log(level, "%s", text)
            if error := head.get("error"):
                raise _ERRORS[error["kind"]](error["message"], hint=error["hint"], permanent=error["permanent"])
            return result.validate_json(body, strict=True)
        except (KeyError, TypeError, ValueError) as error:  # only if it is no longer our program that answers
            raise SourceError(
                f"{words['where']} could not be parsed: the parser gave an answer that is none", hint=_HOSTILE
            ) from error

    def _asked(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            if self._child and self._child.spent:
                self._end()
            self._child = self._child or _Child(self._memory, request["where"])
            try:
                return self._child.ask(request, data)
            except BaseException:  # Ctrl-C, too: what is still to come would be taken for the next document's answer
                self._end()
                raise

    def _end(self) -> None:
        if self._child:
            self._child.end()
            self._child = None


class _Child:
    """One process, for one document after another."""

    def __init__(self, memory: int, where: str) -> None:
        """Start it. Raises SourceError, which names `where` as the document that it was for."""
        self._memory = memory
        self._documents = 0
        self._held = 0
        self._late = False
        try:
            with ExitStack() as undo:
                self._complaints = undo.enter_context(tempfile.TemporaryFile())
                self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                    command("sources.parse_child", str(memory)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._complaints,
                    bufsize=0,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C at the terminal is for the program alone
                )
                undo.pop_all()
        except OSError as error:
            raise _no_start(where, str(error)) from error
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018  they are pipes
        self._requests, self._answers = self._process.stdin, self._process.stdout
        try:
            self._within(_START)
        except (OSError, EOFError, ValueError) as error:
            said = self._last_words()
            self.end()
            raise _no_start(where, said) from error
        except BaseException:  # Ctrl-C
            self.end()
            raise

    @property
    def spent(self) -> bool:
        """Whether the next document should have a fresh one, so that it finds the memory of the first."""
        worn = self._documents >= _MOST_DOCUMENTS or self._held > _GROWN
        return worn or self._late or self._process.poll() is not None

    def ask(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """Give the answer to one request. Raises SourceError: the document took too much time or memory, or a crash."""
        where, timeout = request["where"], request["timeout"]
        try:
            head, body = self._within(timeout, request, data)
        except TimeoutError as error:
            raise SourceError(
                f"{where} could not be parsed within {timeout:g} seconds",
                hint="it may be broken or hostile; if it is only large, split it or raise fetching.parse_timeout",
            ) from error
        except (OSError, EOFError, ValueError) as error:
            said = self._last_words()
            full = self._process.returncode == frames.OUT_OF_MEMORY
            reason = f"it takes more than {self._memory // 1_000_000:,} MB" if full else f"the parser ended with {said}"
            raise SourceError(
                f"{where} could not be parsed: {reason}",
                hint=_HOSTILE,
            ) from error
        self._documents += 1
        self._held = head.get("memory", 0)
        return head, body

    def end(self) -> None:
        """Stop it at once; it holds nothing that could be lost."""
        self._process.kill()
        self._process.wait()
        self.let_go()

    def let_go(self) -> None:
        """Close our ends of its pipes, at which it ends, unless another process has them, too."""
        self._requests.close()
        self._answers.close()
        self._complaints.close()
        if self._process.returncode is None:
            self._process.returncode = 0  # it is not ours to wait for, and Python need not warn of it

    def _within(
        self, seconds: float, request: dict[str, Any] | None = None, data: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request, if there is one, and wait for a message. Raises TimeoutError, OSError, EOFError, ValueError.

        A timer ends the process, and that ends the waiting: pipes know no time limit on all systems.
        """
        timer = threading.Timer(seconds, self._stop)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                frames.write(self._requests, request, data)
            return frames.read(self._answers)
        except (OSError, EOFError) as error:
            if self._late:
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()
            timer.join()

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _last_words(self) -> str:
        """Say how the process ended: by its status or signal, and with the last line it wrote."""
        try:
            code = self._process.wait(_END)
        except subprocess.TimeoutExpired:  # it still runs, but says what cannot be understood
            self._process.kill()
            code = self._process.wait()
        named = -code in set(signal.Signals)
        name = signal.Signals(-code).name if named else f"status {code}"
        self._complaints.seek(0)
        lines = self._complaints.read(100_000).decode("utf-8", errors="replace").splitlines()
        said = next((plain(line[:300]) for line in reversed(lines) if line.strip()), "")
        return f"{name}: {said}" if said else name


def _environment() -> dict[str, str]:
    """Give what the process is told of its surroundings: where our modules are, and none of our secrets."""
    root = str(Path(newsletter.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    return {**kept, "PYTHONPATH": path}


def _no_start(where: str, reason: str) -> SourceError:
    return SourceError(
        f"{where} could not be parsed: the process for it does not start: {reason}",
        hint="free some memory, or install the program anew",
        permanent=False,
    )


# One for the whole program: it holds no settings and no documents, only a process that is ready.
SANDBOX = Sandbox()
atexit.register(SANDBOX.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SANDBOX.forget)
