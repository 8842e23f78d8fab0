"""`init` and `migrate`: from nothing to a settings file and a database, and from one version to the next."""

from __future__ import annotations

import re
import secrets
import sys
from datetime import time
from email.utils import quote
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from newsletter import assets, bootstrap
from newsletter.cli import trial
from newsletter.cli.context import settings
from newsletter.cli.output import say, warn
from newsletter.errors import ConfigError, TransportError, UsageError

if TYPE_CHECKING:
    from newsletter.config import Settings

_SUBMISSION = {"none": 25, "starttls": 587, "tls": 465}


def init(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Option("--file", metavar="PATH", help="Where to write the settings.")] = Path(
        "newsletter.toml"
    ),
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What the newsletter is called.")] = None,
    sender: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address that mail is from.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where the pages are reached from outside.")] = None,
    postal_address: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The postal address at the foot of every mail.")
    ] = None,
    operator: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Your own address: a test mail, and trouble, are told to it.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Your time zone, as in Europe/Berlin.")] = None,
    smtp: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Your mail server. Without one, mail goes to a folder.")
    ] = None,
    smtp_security: Annotated[
        Literal["none", "starttls", "tls"] | None, typer.Option(help="How the connection to it is encrypted.")
    ] = None,
    smtp_username: Annotated[
        str | None, typer.Option(metavar="NAME", help="The login; its password is asked for, or set later.")
    ] = None,
    arxiv: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="Read arXiv's news of it (cs.CL). May be repeated.")
    ] = None,
    hugging_face: Annotated[
        bool | None, typer.Option("--hugging-face/--no-hugging-face", help="Read Hugging Face's daily papers.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; what is not said stays at its default.")] = False,
) -> None:
    """Write a commented settings file with a secret of its own, create the database, and send a test mail.

    On a terminal, and without options that say something, it asks for everything.
    """
    from newsletter.config import written  # noqa: PLC0415

    file = context.find_root().obj or file
    if file.exists():
        raise ConfigError(f"{file} is there already", hint="move it away, or edit it")
    told = (name, sender, url, postal_address, operator, timezone, smtp, arxiv, hugging_face)
    ask = _ask if sys.stdin.isatty() and not yes and all(one is None for one in told) else _leave
    values: dict[str, str | int] = {"site.secret": secrets.token_urlsafe(48)}
    values |= _said("site.name", ask("What is the newsletter called?", name, "Daily Papers"))
    values |= _said("site.url", ask("Where will its pages be (https://…)?", url, ""))
    values |= _said("site.sender", _mailbox(ask("What address is it mailed from?", sender, ""), values))
    values |= _said("site.postal_address", ask("Which postal address stands below the mails?", postal_address, ""))
    values |= _said("site.operator", ask("What is your own address?", operator, ""))
    values |= _said("site.timezone", ask("What is your time zone?", timezone, "UTC"))
    values |= _server(
        ask("Which mail server takes the mail (empty: a folder)?", smtp, ""), smtp_security, smtp_username
    )
    if "smtp.username" in values and ask is _ask:
        values |= _said("smtp.password", typer.prompt("Its password?", hide_input=True, default="", show_default=False))
    listed = ",".join(arxiv) if arxiv else None
    categories = _categories(ask("Which categories of arXiv (cs.CL, cs.RO; empty: none)?", listed, ""))
    wanted = hugging_face if hugging_face is not None else ask is _ask and typer.confirm("Hugging Face's daily papers?")
    values |= _cutoff(str(values.get("site.timezone", "UTC"))) if categories else {}
    sources = [written.arxiv(categories)] if categories else []
    sources += [written.hugging_face()] if wanted else []
    _write(file, written.filled((assets.CONFIG / "newsletter.toml").read_text("utf-8"), values, sources))
    made = _checked(file)
    bootstrap.open_store(made).close()
    say(f"Wrote {file}, and made the database that it names.")
    if made.site.operator:
        _send_test(made)
    _tell_next(made)


def _ask(question: str, said: str | None, default: str) -> str:
    if said is not None:
        return said
    return str(typer.prompt(question, default=default, show_default=bool(default), err=True))


def _leave(_question: str, said: str | None, _default: str) -> str:
    return said or ""


def _said(setting: str, value: str) -> dict[str, str | int]:
    return {setting: value.strip()} if value.strip() else {}


def _mailbox(address: str, values: dict[str, str | int]) -> str:
    """Give an address with the newsletter's name, where it has none of its own."""
    if not address or "<" in address:
        return address
    name = str(values.get("site.name", "Daily Papers"))
    quoted = name if re.fullmatch(r"[\w' -]+", name) else f'"{quote(name)}"'
    return f"{quoted} <{address.strip()}>"


def _server(smtp: str, security: str | None, username: str | None) -> dict[str, str | int]:
    if not smtp:
        return {}
    host, _, port = smtp.partition(":")
    if port and not port.isdecimal():
        raise UsageError(f"{smtp!r} is no HOST:PORT", hint="write it as in mail.example.org:587")
    local = host in {"localhost", "127.0.0.1"}
    encryption = security or ("tls" if port == "465" else "none" if local else "starttls")
    there: dict[str, str | int] = {"delivery.transport": "smtp", "smtp.host": host, "smtp.security": encryption}
    return (
        there | {"smtp.port": int(port) if port else _SUBMISSION[encryption]} | _said("smtp.username", username or "")
    )


def _categories(listed: str) -> list[str]:
    from newsletter.sources import arxiv_taxonomy  # noqa: PLC0415

    names = [name for name in listed.replace(",", " ").split() if name]
    known = {name.lower(): name for name in arxiv_taxonomy.categories()}
    archives = {name.partition(".")[0].lower() for name in known.values()}
    if unknown := [name for name in names if name.lower() not in {*known, *archives}]:
        raise UsageError(
            f"arXiv has no category {', '.join(unknown)}", hint="they are listed at https://arxiv.org/category_taxonomy"
        )
    return [known.get(name.lower(), name.lower()) for name in names]


def _cutoff(zone: str) -> dict[str, str | int]:
    """Give the cut-off for who reads arXiv: as the settings have it, unless its day's papers would come a day late."""
    from newsletter.config.sections import Schedule  # noqa: PLC0415
    from newsletter.sources import arxiv_hours  # noqa: PLC0415

    today, usual = bootstrap.clock().date(), time.fromisoformat(Schedule().cutoff)
    try:
        early = arxiv_hours.too_early(usual, zone, today)
    except (ValueError, KeyError):  # no zone: who checks the settings says so
        return {}
    return {"schedule.cutoff": f"{arxiv_hours.ready(zone, today):%H:%M}"} if early else {}


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as handle:
            file.chmod(0o600)  # it holds the secret
            handle.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{file} is there already", hint="move it away, or edit it") from error
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error}") from error


def _checked(file: Path) -> Settings:
    """Give the settings as written. What was said and is no setting leaves no file behind. Raises ConfigError."""
    from newsletter import config  # noqa: PLC0415

    try:
        return config.load(file)
    except ConfigError:
        file.unlink()
        raise


def _send_test(made: Settings) -> None:
    from newsletter.notices import trial_mail  # noqa: PLC0415

    with bootstrap.open_store(made) as store:
        letterhead = bootstrap.letterhead(made, store)
        notice = letterhead.notice(trial_mail(letterhead), recipient=made.site.operator, now=bootstrap.clock())
    try:
        say(trial.sent(notice, made))
    except TransportError as error:
        warn(f"{error}; {error.hint}")


def _tell_next(made: Settings) -> None:
    say("Next:")
    say("  newsletter check                         what is still missing, and what to do about it")
    if made.source:
        say("  newsletter ingest                        papers from the sources")
    else:
        say("  newsletter ingest --file PATH            papers from a digest file, or set a [[source]]")
    say("  newsletter subscribers add YOU@EXAMPLE --topic large-language-models --confirmed")
    say("  newsletter preview --subscriber YOU@EXAMPLE")
    say("  newsletter send                          today's issue, now")
    say("  newsletter run                           everything, every day, until it is stopped")


def migrate(context: typer.Context) -> None:
    """Bring the database up to date with this version of the program."""
    from newsletter.store import Store  # noqa: PLC0415

    current = settings(context)
    Store.migrate(current.database.url)
    say("The database is up to date.")
