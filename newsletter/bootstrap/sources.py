"""Where papers come from: the sources that are set, files, and what readers bring."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, NotFoundError, SourceError

if TYPE_CHECKING:
    from newsletter.config import Settings, SourceKind, SourceSettings
    from newsletter.libraries import Shelves
    from newsletter.sources.politeness import HostPacer, Validators
    from newsletter.sources.source import Source
    from newsletter.store import Store


def sources(
    settings: Settings, store: Store, names: Sequence[str] = (), *, pacer: HostPacer | None = None
) -> list[Source]:
    """Give the sources that are set, or those of them that are named. Raises NotFoundError, ConfigError.

    Calls that are given the same `pacer` ask servers as politely as one call would.
    """
    known = {one.name: one for one in settings.source}
    if unknown := [name for name in names if name not in known]:
        files = [name for name in unknown if Path(name).is_file()]
        there = f"the settings have {', '.join(known)}" if known else "the settings have no [[source]] yet"
        raise NotFoundError(
            f"no such source: {', '.join(unknown)}", hint=f"for a file: --file {files[0]}" if files else there
        )
    if not known:
        raise ConfigError(
            "no sources are set", hint="add a [[source]] to the settings, or read a file with --file PATH"
        )
    from newsletter.sources.politeness import HostPacer, Validators  # noqa: PLC0415

    pacer = pacer or HostPacer(settings.fetching.per_host_interval)
    seen = {one.name: Validators(one.etag, one.last_modified, one.url) for one in store.sources.all()}
    chosen = [known[name] for name in names or known]
    return [_tagged(source, one.tags) for one in chosen for source in _adapters(one, settings, pacer, seen)]


def _tagged(source: Source, tags: tuple[str, ...]) -> Source:
    from newsletter.sources.source import Tagged  # noqa: PLC0415

    return Tagged(source, tags) if tags else source


def _adapters(
    one: SourceSettings, settings: Settings, pacer: HostPacer, seen: Mapping[str, Validators]
) -> list[Source]:
    """Give what one `[[source]]` stands for: itself, the files of a pattern, or the feeds of a list."""
    from newsletter.config import SourceKind  # noqa: PLC0415

    if one.kind is SourceKind.OPML:
        return _feeds(one, settings, pacer, seen)
    if one.path is not None:
        return _matching(one, one.path, settings)
    return [_remote(one, settings, pacer, seen.get(one.name))]


def _remote(one: SourceSettings, settings: Settings, pacer: HostPacer, known: Validators | None) -> Source:
    from newsletter.config import SourceKind  # noqa: PLC0415

    limits = settings.fetching
    if one.kind is SourceKind.ARXIV_API:
        from newsletter.sources import arxiv_api  # noqa: PLC0415

        return arxiv_api.ArxivApiSource(
            one.name,
            query=one.query,
            categories=one.categories,
            url=one.url or arxiv_api.URL,
            limits=limits,
            pacer=pacer,
            days=one.days,
        )
    if one.kind is SourceKind.ARXIV_OAI:
        from newsletter.sources import arxiv_oai  # noqa: PLC0415

        return arxiv_oai.OaiSource(
            one.name,
            one.url or arxiv_oai.URL,
            set_spec=one.set,
            categories=one.categories,
            limits=limits,
            pacer=pacer,
            days=one.days,
        )
    from newsletter.sources.source import UrlSource  # noqa: PLC0415

    return UrlSource(one.name, one.url or "", kind=one.kind, limits=limits, known=known, pacer=pacer)


def _feeds(one: SourceSettings, settings: Settings, pacer: HostPacer, seen: Mapping[str, Validators]) -> list[Source]:
    from newsletter.sources import source  # noqa: PLC0415

    try:
        listed = source.listed_feeds(one.path or one.url or "", settings.fetching, pacer)
    except SourceError as error:  # one bad source never stops the others
        return [source.Unreadable(one.name, error)]
    feeds = {f"{one.name}: {feed.title}": feed.url for feed in listed}
    return [
        source.UrlSource(name, url, limits=settings.fetching, known=seen.get(name), pacer=pacer)
        for name, url in feeds.items()
    ]


def _matching(one: SourceSettings, path: Path, settings: Settings) -> list[Source]:
    """Give the files of a path, which may be a pattern; of a pattern each file is a source called `name: file`."""
    return [_local(name, file, one.kind, settings, days=one.days) for name, file in matching(one.name, path)]


def _local(name: str, path: Path, kind: SourceKind, settings: Settings, *, days: int | None = None) -> Source:
    """Give a file, or a Maildir, of which only the last `days` are read where they are given."""
    from newsletter.sources import mail_folder  # noqa: PLC0415
    from newsletter.sources.source import FileSource  # noqa: PLC0415

    if mail_folder.is_one(path):
        return mail_folder.MailFolderSource(name, path, kind=kind, limits=settings.fetching, days=days)
    return FileSource(name, path, kind=kind, limits=settings.fetching)


def matching(name: str, path: Path) -> list[tuple[str, Path]]:
    """Give the files of a source's path, each with the name that its source goes by."""
    if not glob.has_magic(str(path)) or path.exists():
        return [(name, path)]
    found = sorted(Path(match) for match in glob.iglob(str(path), recursive=True))  # noqa: PTH207  also absolute
    return [(f"{name}: {file.name}", file) for file in found]


def files(settings: Settings, paths: Iterable[Path], kind: SourceKind) -> list[Source]:
    """Give files and Maildirs as sources, each called by its own name."""
    return [_local(path.name, path, kind, settings) for path in paths]


def library(
    settings: Settings,
    store: Store,
    places: Iterable[Path | str],
    kind: SourceKind,
    *,
    lookups: int | None = None,
    pacer: HostPacer | None = None,
) -> tuple[list[str], list[Source]]:
    """Give what readers' files and addresses say they like: papers that are known already, by name, and sources of the
    others.

    A place (a Path, or an address) holds a bibliography of any format, or a list of ids; what of a list is not known is
    looked up. An address of Zotero's is a library or collection there. Raises SourceError, also where more than
    `lookups` papers would be looked up.
    """
    from newsletter.config import SourceKind as Kind  # noqa: PLC0415
    from newsletter.sources import lookup, source, zotero  # noqa: PLC0415
    from newsletter.sources.politeness import HostPacer  # noqa: PLC0415

    pacer = pacer or HostPacer(settings.fetching.per_host_interval)
    limits = settings.fetching
    known: list[str] = []
    sources: list[Source] = []
    for place in places:
        if isinstance(place, str) and kind in {Kind.AUTO, Kind.ZOTERO} and zotero.is_address(place):
            sources.append(_of_zotero(settings, place, pacer))
            continue
        data = source.contents(place, limits, pacer)
        name = place.name if isinstance(place, Path) else place
        if not (ids := lookup.listed(data) if kind is Kind.AUTO else ()):
            sources.append(source.BytesSource(name, data, where=str(place), kind=kind, limits=limits))
            continue
        there = store.papers.keys(ids)
        known += [each for each in ids if each in there]
        if unknown := [each for each in ids if each not in there]:
            if lookups is not None and len(unknown) > lookups:
                raise SourceError(
                    f"{place} lists {len(unknown)} papers that are not known here; {lookups} at once can be looked up",
                    hint="split the list, or take a bibliography, which has titles and abstracts",
                )
            sources.append(looked_up(settings, unknown, name=name))
    return known, sources


def _of_zotero(settings: Settings, address: str, pacer: HostPacer) -> Source:
    from newsletter.sources import zotero  # noqa: PLC0415
    from newsletter.subscriptions.signup import MOST_PAPERS_RATED  # noqa: PLC0415

    of, ours = zotero.library(address), settings.zotero
    key = ours.keys.get(of.user, ours.key).get_secret_value()
    return zotero.ZoteroSource(
        address, of, most=MOST_PAPERS_RATED, limits=settings.fetching, url=ours.url, key=key, pacer=pacer
    )


def shelves(settings: Settings, store: Store) -> Shelves:
    """Give what reads the libraries of many readers, or one again and again."""
    from newsletter.config import SourceKind  # noqa: PLC0415
    from newsletter.libraries import Shelves  # noqa: PLC0415
    from newsletter.sources.politeness import HostPacer  # noqa: PLC0415

    pacer = HostPacer(settings.fetching.per_host_interval)
    return Shelves(lambda place: library(settings, store, [place], SourceKind.AUTO, pacer=pacer))


def looked_up(settings: Settings, ids: Sequence[str], *, name: str = "what was named") -> Source:
    """Give papers of which only the ids are known, as a source called `name`."""
    from newsletter.sources.lookup import LookupSource  # noqa: PLC0415

    return LookupSource(name, ids, at=settings.lookup, limits=settings.fetching)
