"""Fills an email's templates for one recipient: subject, HTML and text. Compiles them once; then only Jinja runs."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import jinja2
from jinja2 import nodes

from newsletter import memory
from newsletter.errors import TemplateError
from newsletter.rendering import kept, mails
from newsletter.rendering.apart import compile_apart
from newsletter.rendering.compiled import JoinedSource, Line, compile_html, join
from newsletter.rendering.language import SOURCE, Language, language
from newsletter.rendering.mails import Notice
from newsletter.rendering.patchwork import Patchwork, layout
from newsletter.rendering.summary import shorten
from newsletter.rendering.templates import (
    HTML,
    SUBJECT,
    TEXT,
    TemplateFolder,
    folded,
    html_environment,
    speaking,
    text_environment,
)
from newsletter.rendering.theme import STANDARD, Theme, load, put_in
from newsletter.rendering.view import EditionView, brief, without_key_sentences

LONGEST_SUBJECT = 200  # characters
SIZE_LIMIT = 100_000  # bytes of the encoded HTML; Gmail clips a mail at about 102 KB

_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words: what `compose` makes a message of."""

    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A template ready to be filled, and its source, which tells where a mistake is."""

    template: jinja2.Template
    source: JoinedSource
    environment: jinja2.Environment
    layout: Mapping[str, bytes]

    def render(self, view: object) -> Patchwork:
        try:
            # As `Template.generate` does, without handing each of many pieces on once more.
            return Patchwork(self.template.root_render_func(self.template.new_context({"view": view})), self.layout)
        except TemplateError:
            raise
        except Exception as error:  # a template may raise anything: its author made a mistake, not we
            raise TemplateError(f"{self._where(view)}: {error}") from error

    def _where(self, view: object) -> Line:
        """Where the mistake is in the files. The compiled HTML has other lines, so the source is filled once more."""
        try:
            self.environment.from_string(self.source.text).render(view=view)
        except Exception as error:  # noqa: BLE001 (the same mistake again)
            frames = traceback.extract_tb(error.__traceback__)
            numbers = [frame.lineno or 1 for frame in frames if frame.filename == "<template>"]
            return self.source.at(numbers[-1] if numbers else 1)
        return self.source.at(1)


@dataclass(frozen=True, slots=True)
class _Email:
    """The three templates of an email."""

    subject: _Compiled
    html: _Compiled
    text: _Compiled

    def fill(self, view: object, html: str) -> Rendered:
        subject = shorten(_one_line(self.subject.render(view)), LONGEST_SUBJECT)
        return Rendered(subject=subject, html=html, text=self.text.render(view))


class Renderer:
    """Puts mails into words and HTML: issues, and every other mail that the product sends.

    `theme` names the look. Files in the folder `override` go before the shipped ones. Templates see a `view`, and what
    `templates.speaking` gives them. Each mail is compiled for a language when it is first needed, then only filled.
    """

    def __init__(self, theme: str = STANDARD, override: Path | None = None) -> None:
        self._theme_name = theme
        self._override = override
        self._theme: Theme | None = None
        self._on_disk = False
        self._markup: dict[str, str] = {}
        self._compiled: dict[str, _Compiled] = {}
        self._emails: dict[tuple[str, str], _Email] = {}
        self._compiling = threading.Lock()

    @property
    def theme(self) -> Theme:
        """The look. Raises TemplateError: its file is not there, or a value in it is wrong."""
        if self._theme is None:
            self._theme = load(self._theme_name, self._override)
        return self._theme

    def language(self, wanted: str) -> Language:
        """Give the language nearest to what a reader wants ("de-AT") of those there are catalogues for."""
        return language(wanted, self._override)

    def render(self, view: EditionView) -> Rendered:
        """Give subject, HTML and text of an edition; the encoded HTML is at most `SIZE_LIMIT` bytes.

        Where it would be more, from the last card upwards cards lose their key sentences; then, again from the last,
        cards move to the top of "Also today", and its last lines give way to their number and a link to the archive.
        Raises TemplateError, with file and line.
        """
        email = self._ready(view.mail, view.language)
        for smaller in _ever_smaller(view):
            html = email.html.render(smaller)
            if len(html.quoted_printable) <= SIZE_LIMIT:
                return email.fill(smaller, html)
        raise TemplateError(
            f"{email.html.source.lines[0].file} makes more than {SIZE_LIMIT} bytes of HTML without a single paper"
        )

    def fill(self, view: Notice) -> Rendered:
        """Give subject, HTML and text of a mail that is no issue. Raises TemplateError, with file and line."""
        email = self._ready(view.mail, view.language)
        return email.fill(view, email.html.render(view))

    def keep(self) -> None:
        """Keep what is compiled on disk, and take it from there: for commands that show one mail and end."""
        self._on_disk = True

    def refresh(self) -> None:
        """Have templates and theme read again when they are next needed; only those that changed are compiled."""
        self._emails.clear()
        self._theme = None
        language.cache_clear()

    def compile(self, mail: str, wanted: str = SOURCE) -> None:
        """Compile the templates of a mail. Raises TemplateError, with file and line, for the first mistake."""
        self._ready(mail, wanted)

    def prove(self) -> None:
        """Raise TemplateError for the first mistake in theme and templates of one's own.

        Shipped templates are not compiled for it, which takes two seconds: tests hold that there is nothing wrong.
        """
        self._theme = load(self._theme_name, self._override)
        if self._override and memory.stays_small():  # in one process for all of them
            sources = [self._source(TemplateFolder(mail, self._override)) for mail in mails.ALL]
            self._markup |= {one.text: html for one, html in zip(sources, compile_apart(sources), strict=True)}
        for mail in mails.ALL if self._override else ():
            self.compile(mail)

    def _ready(self, mail: str, wanted: str) -> _Email:
        say = self.language(wanted)
        found = self._emails.get((mail, say.locale))
        if found is None:
            with self._compiling:  # once, however many threads want it
                found = self._emails.get((mail, say.locale)) or self._email(mail, say)
                self._emails[mail, say.locale] = found
        return found

    def _email(self, mail: str, say: Language) -> _Email:
        folder = TemplateFolder(mail, self._override)
        text = partial(speaking, text_environment(), say, self.theme)
        html = partial(speaking, html_environment(), say, self.theme)
        return _Email(
            subject=self._compile(
                join(folder.read(SUBJECT), folder.include), text(), say, lambda source: source.text.strip()
            ),
            text=self._compile(join(folder.read(TEXT), folder.include), text(), say, lambda source: source.text),
            html=self._compile(self._source(folder), html(), say, self._html),
        )

    def _source(self, folder: TemplateFolder) -> JoinedSource:
        """The HTML template of a mail, with the look put in."""
        source = join(folder.read(HTML), folder.include)
        return replace(source, text=put_in(source.text, self.theme.values, source.at_offset))

    def _html(self, source: JoinedSource) -> str:
        """Compiled HTML, which is the same in all languages."""
        if source.text not in self._markup:
            made = kept.html(source, _made) if self._on_disk else _made(source)
            self._markup[source.text] = made
        return self._markup[source.text]

    def _compile(
        self, source: JoinedSource, environment: jinja2.Environment, say: Language, make: Callable[[JoinedSource], str]
    ) -> _Compiled:
        key = sha256(f"{say.locale}\0{self.theme}\0{source.lines[0].file}\0{source.text}".encode()).hexdigest()
        if key not in self._compiled:
            try:
                environment.parse(source.text)
                text = folded(make(source), environment)
                template = environment.from_string(text)
            except jinja2.TemplateSyntaxError as error:
                raise TemplateError(f"{source.at(error.lineno)}: {error.message}") from error
            template.globals = dict(
                template.globals
            )  # a copy is made for each mail, of a dict in a fraction of the time
            said = (data.data for data in environment.parse(text).find_all(nodes.TemplateData))
            self._compiled[key] = _Compiled(template, source, environment, layout(said))
        return self._compiled[key]


def _made(source: JoinedSource) -> str:
    return compile_apart([source])[0] if memory.stays_small() else compile_html(source)


@lru_cache(maxsize=1024)  # one paper leads many mails of a day
def _one_line(text: str) -> str:
    """Give text as one line without what nobody sees, but for the joiners that Persian and Indian scripts need."""
    shown = (one if one.isprintable() or one in _JOINERS else " " if one.isspace() else "" for one in text)
    return " ".join("".join(shown).split())


def _ever_smaller(view: EditionView) -> Iterator[EditionView]:
    """The view, and then ever shorter ones, by the rule that `Renderer.render` states."""
    yield view
    for last in range(len(view.cards) - 1, -1, -1):
        card = view.cards[last]
        if card.paper.key_sentences:
            shorter = replace(card, paper=without_key_sentences(card.paper))
            view = replace(view, cards=(*view.cards[:last], shorter, *view.cards[last + 1 :]))
            yield view
    while view.cards:
        view = replace(view, cards=view.cards[:-1], also=(brief(view.cards[-1]), *view.also))
        yield view
    while view.also:
        view = replace(view, also=view.also[:-1], unlisted=view.unlisted + 1)
        yield view
