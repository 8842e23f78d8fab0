"""`/preferences/{token}`: everything of a profile, to be changed or removed; rated papers; a library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from newsletter import bootstrap, libraries
from newsletter.config import SourceKind
from newsletter.errors import ProfileError, SourceError
from newsletter.model import Answer, Cadence, Subscriber
from newsletter.rendering import ENGLISH
from newsletter.subscriptions.signup import MOST_PAPERS_RATED, subscription
from newsletter.web import forms
from newsletter.web.catalogue import CHOICES, catalogue, languages
from newsletter.web.parts import Form, Here, Parts, text
from newsletter.web.preview import Preview, of_form
from newsletter.web.words import masked

router = APIRouter(prefix="/preferences/{token}")

_PAGE = 20  # rated papers
_LOOKUPS = 200  # papers; some minutes of questions to arXiv and Crossref
_UPLOADS = 30  # an hour
_FOUND = "find"


@dataclass(frozen=True, slots=True)
class Rated:
    """A paper that somebody said something of. `id` is the name by which it is taken back."""

    id: str
    title: str
    said: str


@router.get("")
def show(here: Here, token: str, page: int = 1) -> Response:
    """Show what a subscriber gets, in a form."""
    reader = _reader(here, token)
    return _page(here, token, reader, forms.of_wishes(forms.wishes_of(reader)), name=reader.name, number=page)


@router.post("")
def save(here: Here, request: Request, token: str, form: Form) -> Response:
    """Keep what was sent, all of it or nothing; or look for topics, and keep nothing yet."""
    reader = _reader(here, token)
    filled, name, sought = (
        forms.read(form, here.topics, forms.wishes_of(reader)),
        text(form, "name"),
        text(form, "sought"),
    )
    if text(form, "do") == _FOUND:
        return _page(here, token, reader, replace(filled, faults={}), name=name, sought=sought)
    if text(form, "do") == "preview":
        preview = of_form(here, request, form, filled.wishes)
        return _page(here, token, reader, replace(filled, faults={}), name=name, preview=preview)
    faults = dict(filled.faults)
    try:
        new = subscription(reader.email, filled.wishes, name=name)
    except ProfileError as error:
        faults["name"] = forms.says(error)
    if faults:
        return _page(here, token, reader, replace(filled, faults=faults), name=name, status=422)
    here.store.choices.change(reader.public_id, new, now=here.now())
    reader = here.store.choices.get(reader.public_id)
    said = "Saved. Your next issue follows it."
    return _page(here, token, reader, forms.of_wishes(forms.wishes_of(reader)), name=reader.name, said=said)


@router.post("/papers")
def take_back(here: Here, token: str, form: Form) -> Response:
    """Forget what was said of one paper, all answers, or all of a library."""
    reader = _reader(here, token)
    if one := text(form, "remove"):
        here.store.choices.take_back(reader.public_id, [one])
        said = "Removed."
    elif text(form, "reset") in {"answers", "library"}:
        gone = here.store.choices.take_all_back(reader.public_id, answers=text(form, "reset") == "answers")
        said = f"{gone} removed." if gone != 1 else "1 removed."
    else:
        said = ""
    return _again(here, token, said)


@router.post("/library")
def read_library(here: Here, token: str, form: Form) -> Response:
    """Take the papers of a bibliography, or of a list of ids, as ones that the subscriber likes."""
    reader = _reader(here, token)
    data = _sent(form)
    if not data.strip():
        return _again(here, token, fault="Choose a file, or write some ids into the field.", status=422)
    if not here.store.attempts.allow(f"library {reader.key}", most=_UPLOADS, within=timedelta(hours=1), now=here.now()):
        raise HTTPException(429)
    try:
        names = _kept(here, reader, data)
    except (SourceError, ProfileError) as error:
        return _again(here, token, fault=f"{error.message[:1].upper()}{error.message[1:]}.", status=422)
    added = here.store.subscribers.like(reader.email, names, now=here.now())
    return _again(here, token, f"Papers read: {len(names)}, of which {added} are new to your profile.")


def _reader(here: Parts, token: str) -> Subscriber:
    return here.store.choices.get(here.tokens.read_preferences(token, today=here.today()))


def _sent(form: FormData) -> bytes:
    file = form.get("file")
    data = file.file.read() if isinstance(file, UploadFile) else b""
    return data or text(form, "ids").encode("utf-8", "replace")


def _kept(here: Parts, reader: Subscriber, data: bytes) -> list[str]:
    """Keep what a library holds, and give its papers' names. Raises SourceError, ProfileError.

    The name that the sender gave to a file is never used.
    """
    with TemporaryDirectory(prefix="newsletter-") as folder:
        path = Path(folder) / "library"
        path.write_bytes(data)
        try:
            known, sources = bootstrap.library(here.settings, here.store, [path], SourceKind.AUTO, lookups=_LOOKUPS)
            records = libraries.read(sources, now=here.now())
        except SourceError as error:
            raise SourceError(error.message.replace(str(path), "what you sent")) from error
    if len(known) + len(records) + len(reader.profile.liked) > MOST_PAPERS_RATED:
        raise ProfileError(f"that would be more than {MOST_PAPERS_RATED:,} papers")
    return [*known, *here.store.papers.keep(records, now=here.now())]


def _again(here: Parts, token: str, said: str = "", *, fault: str = "", status: int = 200) -> Response:
    reader = _reader(here, token)
    filled = forms.of_wishes(forms.wishes_of(reader))
    return _page(here, token, reader, filled, name=reader.name, said=said, library_fault=fault, status=status)


def _page(
    here: Parts,
    token: str,
    reader: Subscriber,
    filled: forms.Filled,
    *,
    name: str,
    sought: str = "",
    number: int = 1,
    said: str = "",
    library_fault: str = "",
    preview: Preview | None = None,
    status: int = 200,
) -> Response:
    rated, last = _rated(here, reader, number)
    resting, paused = reader.paused_until, reader.cadence is Cadence.PAUSED
    return here.pages.page(
        "preferences",
        status=status,
        token=token,
        address=masked(reader.email),
        state=reader.status.value,
        of_file=reader.of_file,
        paused=paused,
        until=ENGLISH.long_date(resting.date()) if not paused and resting and resting > here.now() else "",
        unsubscribe=here.tokens.unsubscribe(reader.public_id),
        my_data=here.tokens.my_data(reader.public_id, here.today()),
        said=said,
        library_fault=library_fault,
        shown={**filled.shown, "name": name},
        faults=filled.faults,
        topics=catalogue(here.topics, filled.chosen, sought),
        **CHOICES,
        languages=languages(filled.shown["language"], here.settings.rendering.templates),
        preview=preview,
        rated=rated,
        answered=len(reader.profile.answers),
        named=len(reader.profile.liked) + len(reader.profile.disliked),
        number=min(max(number, 1), last),
        last=last,
    )


def _rated(here: Parts, reader: Subscriber, number: int) -> tuple[list[Rated], int]:
    """Give one page of what somebody said of papers, newest answers first, and the number of the last page."""
    profile = reader.profile
    said: list[tuple[str, str]] = [(one.paper, _answered(one)) for one in reversed(profile.answers)]
    said += [(name, "in your library") for name in reversed(profile.liked)]
    said += [(name, "none like it") for name in reversed(profile.disliked)]
    last = max(1, -(-len(said) // _PAGE))
    start = (min(max(number, 1), last) - 1) * _PAGE
    some = said[start : start + _PAGE]
    keys = here.store.papers.keys(name for name, _ in some)
    papers = here.store.papers.by_key(keys.values())
    return [Rated(name, papers[keys[name]].title or name, words) for name, words in some], last


def _answered(answer: Answer) -> str:
    wish = "more like this" if answer.liked else "not for me"
    return f"{wish}, {answer.at:%Y-%m-%d}"
