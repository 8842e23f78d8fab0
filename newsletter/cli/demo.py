"""`demo`: the whole product on the sample digests, without any set-up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import assets, bootstrap, catalogue
from newsletter.cli.context import day
from newsletter.cli.output import progress, say
from newsletter.cli.preview import write
from newsletter.errors import NewsletterError
from newsletter.model import DeliveryState, Subscriber

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store import Store

_MARK = ".newsletter-demo"
_SHOWN = 4


def demo(
    *, out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written.")] = Path("demo")
) -> None:
    """Take the sample digests all the way to three readers' inboxes: a throw-away database, a Maildir, previews."""
    _clear(out)
    current = _thrown_away(out)
    with bootstrap.open_store(current) as store:
        _ingest(current, store)
        _subscribe(current, store)
        _publish(current, store, out)
    say(
        f"\nThe mails are in {out}/mail (a Maildir: `mutt -f {out}/mail`), and as pages in {out}/previews/*/message.html"
    )


def _thrown_away(out: Path) -> Settings:
    """Give the settings with a database and a Maildir of the demo's own."""
    from newsletter.config import Database, DeliverySettings, load  # noqa: PLC0415

    own = {
        "database": Database(url=f"sqlite:///{out / 'newsletter.db'}"),
        "delivery": DeliverySettings(maildir=out / "mail"),
    }
    return load().model_copy(update=own)


def _clear(out: Path) -> None:
    if out.exists() and not (out / _MARK).exists() and any(out.iterdir()):
        raise NewsletterError(f"{out} holds something else than a demo", hint="choose another folder with --out")
    try:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / _MARK).touch()
    except OSError as error:
        raise NewsletterError(f"cannot write to {out}: {error}", hint="choose another folder with --out") from error


def _ingest(current: Settings, store: Store) -> None:
    from newsletter.config import SourceKind  # noqa: PLC0415

    digests = sorted(path for path in assets.SEEDS.iterdir() if path.suffix in {".txt", ".json", ".xml"})
    newsletter = bootstrap.newsletter(current, store)
    for pulled in newsletter.ingest(bootstrap.files(current, digests, SourceKind.AUTO), now=bootstrap.clock()):
        if pulled.digest is None:
            raise NewsletterError(f"{pulled.source}: {pulled.error}")
        say(f"{pulled.source}: {len(pulled.digest.records)} papers from {pulled.digest.title}")


def _subscribe(current: Settings, store: Store) -> None:
    from newsletter.subscriptions import csv_file  # noqa: PLC0415

    readers = csv_file.read(assets.SEEDS / "subscribers.csv", catalogue.load(current.topics), confirmed=True)
    store.subscribers.replace(readers, now=bootstrap.clock())


def _publish(current: Settings, store: Store, out: Path) -> None:
    from newsletter.delivery.dispatch import Policy  # noqa: PLC0415

    now, today = bootstrap.clock(), day(None, current)
    with progress("Reading and ranking papers", None) as encoded:
        newsletter = bootstrap.newsletter(current, store, progress=encoded)
        issues = newsletter.open_issues(today, now=now)
        for issue in issues:
            newsletter.rank(issue, now=now)
    tally = newsletter.deliver(issues, bootstrap.transport(current), Policy(), now=now, connections=2)
    say(
        f"{store.papers.count()} papers, {tally.states.total()} readers, {tally.states[DeliveryState.SENT]} mails delivered"
    )
    for reader in store.subscribers.all():
        _tell(reader, write(newsletter, reader, today, out / "previews" / reader.email.partition("@")[0]))


def _tell(reader: Subscriber, written: dict[str, Any]) -> None:
    wanted = [*(slug for slug, _ in reader.profile.topics), *reader.profile.keywords]
    say(f"\n{reader.email} wants {', '.join(wanted)}")
    for pick in written["picks"][:_SHOWN]:
        why = "; ".join(f"{reason['kind'].replace('_', ' ')} “{reason['matched']}”" for reason in pick["reasons"])
        say(f"  {pick['rank']}. {pick['title']}")
        say(f"     {why}")
