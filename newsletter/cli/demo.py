"""`demo`: the whole product on the sample digests, without any set-up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import assets, bootstrap, catalogue
from newsletter.cli.context import day, settings
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
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written.")] = Path("demo"),
) -> None:
    """Take the sample digests all the way to three readers' inboxes: a throw-away database, a Maildir, previews."""
    current = _thrown_away(settings(context), out)
    _clear(out)
    with bootstrap.open_store(current) as store:
        _ingest(current, store)
        _subscribe(current, store)
        _publish(current, store, out)
    say(
        f"\nThe mails are in {out}/mail (a Maildir: `mutt -f {out}/mail`), and as pages in "
        f"{out}/previews/*/message.html"
    )


def _thrown_away(current: Settings, out: Path) -> Settings:
    """Give the settings with a database, a Maildir, topics and a schedule of the demo's own."""
    from newsletter.config import Database, DeliverySettings, Schedule  # noqa: PLC0415

    own = {
        "database": Database(url=f"sqlite:///{out / 'newsletter.db'}"),
        "delivery": DeliverySettings(maildir=out / "mail"),
        "schedule": Schedule(),
        "topics": assets.CONFIG / "topics.toml",
    }
    return current.model_copy(update=own)


def _clear(out: Path) -> None:
    try:
        if out.exists() and not (out / _MARK).exists() and any(out.iterdir()):
            raise NewsletterError(f"{out} holds something else than a demo", hint="choose another folder with --out")
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARK).touch()
        # Only what an earlier demo made: what somebody else put beside it stays.
        for folder in ("mail", "previews"):
            shutil.rmtree(out / folder, ignore_errors=True)
        for file in out.glob("newsletter.db*"):
            file.unlink()
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
    store.subscribers.replace(readers.subscribers, now=bootstrap.clock())


def _publish(current: Settings, store: Store, out: Path) -> None:
    from newsletter.delivery.policy import Policy  # noqa: PLC0415

    now, today = bootstrap.clock(), day(None, current)
    with progress("Reading and ranking papers", None) as encoded:
        newsletter = bootstrap.newsletter(current, store, progress=encoded)
        issues = newsletter.open_issues(today, now=now)
        for issue in issues:
            newsletter.rank(issue, now=now)
    tally = newsletter.deliver(issues, bootstrap.transport(current), Policy(), now=now, connections=2)
    sent = tally.states[DeliveryState.SENT]
    say(f"{store.papers.count()} papers, {len(store.subscribers.all())} readers, {sent} mails delivered")
    for reader in store.subscribers.all():
        _tell(reader, write(newsletter, reader, today, out / "previews" / reader.email.partition("@")[0])[0])


def _tell(reader: Subscriber, written: dict[str, Any]) -> None:
    wanted = [*(slug for slug, _ in reader.profile.topics), *reader.profile.keywords]
    say(f"\n{reader.email} wants {', '.join(wanted)}")
    for pick in written["picks"][:_SHOWN]:
        why = "; ".join(f"{reason['kind'].replace('_', ' ')} “{reason['matched']}”" for reason in pick["reasons"])
        say(f"  {pick['rank']}. {pick['title']}")
        say(f"     {why}")
