"""What happened, a line each on standard error: words where a person looks on, JSON where a program collects.

A line has a time, an area ("delivery"), an event ("sent") and fields. No mail address stands in one unless the operator
asked for that (`[logging] addresses`): of those in fields, as in what a mail server said, only the domain is shown.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["auto", "human", "json"]
Level: TypeAlias = Literal["", "debug", "info", "warning", "error"]

_ROOT = "newsletter"
_FIELDS = "newsletter_fields"  # the attribute of a record that holds an event's fields
_LOCAL_PART = re.compile(r"(?<![^\s<>()\[\],;:\"])[^\s<>()\[\],;:\"@]+@(?=[\w\[])")


def of(area: str) -> logging.Logger:
    """Give the logger of an area: "delivery", "returns", "schedule"."""
    return logging.getLogger(f"{_ROOT}.{area}")


def event(log: logging.Logger, name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write that something happened. Fields are numbers and short texts; those that are None or empty are left out."""
    if log.isEnabledFor(level):
        told = {key: value for key, value in fields.items() if value is not None and value != ""}
        log.log(level, "%s", name, extra={_FIELDS: told})


def set_up(form: Format = "auto", level: Level = "", *, addresses: bool = False, steady: bool = False) -> None:
    """Write events, and warnings of libraries, to standard error; a second call takes the place of the first.

    Without a `level` programs that stay (`steady`) write every change of state, and commands only warnings.
    """
    handler = _StandardError()
    human = form == "human" or (form == "auto" and sys.stderr.isatty())
    handler.setFormatter(_Human(addresses=addresses) if human else _Json(addresses=addresses))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger(_ROOT).setLevel((level or ("info" if steady else "warning")).upper())


def without_addresses(text: str) -> str:
    """Give a text with `***@lab.example` in the place of mail addresses."""
    return _LOCAL_PART.sub("***@", text)


class _StandardError(logging.StreamHandler[Any]):
    """Writes to standard error as it is when a line is written: tests and progress bars put others in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error."""
        return sys.stderr


class _Formatter(logging.Formatter):
    def __init__(self, *, addresses: bool) -> None:
        super().__init__()
        self._addresses = addresses

    def _shown(self, value: Any) -> Any:
        if isinstance(value, int | float):
            return value
        return str(value) if self._addresses else without_addresses(str(value))

    def _parts(self, record: logging.LogRecord) -> tuple[str, str, dict[str, Any], str]:
        """Give area, event (or message), fields and traceback of a record."""
        area = record.name.removeprefix(f"{_ROOT}.")
        fields = {name: self._shown(value) for name, value in getattr(record, _FIELDS, {}).items()}
        trace = self._shown(self.formatException(record.exc_info)) if record.exc_info else ""
        return area, self._shown(record.getMessage()), fields, trace


class _Json(_Formatter):
    """`{"time", "level", "area", "event", …fields}`, one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        area, name, fields, trace = self._parts(record)
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname.lower(), "area": area, "event": name, **fields}
        return json.dumps(line | ({"traceback": trace} if trace else {}), ensure_ascii=False)


class _Human(_Formatter):
    """`12:03:01 delivery sent  delivery=12 response=250 ok`; anything above information is named."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, and below it the traceback where there is one."""
        area, name, fields, trace = self._parts(record)
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        grave = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        said = " ".join(f"{key}={value}" for key, value in fields.items())
        one_line = " ".join(f"{moment} {area} {grave}{name}  {said}".rstrip().splitlines())
        return f"{one_line}\n{trace}" if trace else one_line
