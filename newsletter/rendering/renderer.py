"""Fills an email's templates for one recipient: subject, HTML and text. Compiles them once; then only Jinja runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import jinja2

from newsletter.errors import TemplateError
from newsletter.rendering.compiled import JoinedSource, Line, compile_html, join
from newsletter.rendering.mime import fits
from newsletter.rendering.templates import (
    HTML,
    SUBJECT,
    TEXT,
    TemplateFile,
    TemplateFolder,
    html_environment,
    text_environment,
)
from newsletter.rendering.view import EditionView, brief

SIZE_LIMIT = 100_000  # bytes of the encoded HTML; Gmail clips a mail at about 102 KB


@dataclass(frozen=True, slots=True)
class Rendered:
    """An edition in words: what `compose` makes a message of."""

    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A template ready to be filled, and its source, which tells where a mistake is."""

    template: jinja2.Template
    source: JoinedSource
    environment: jinja2.Environment

    def render(self, view: object) -> str:
        try:
            return self.template.render(view=view)
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
        subject = " ".join(self.subject.render(view).split())
        return Rendered(subject=subject, html=html, text=self.text.render(view))


class MailTemplates:
    """The email template `name`, files in `override` going before the shipped ones. Templates see a `view`."""

    def __init__(self, name: str, override: Path | None = None) -> None:
        self._folder = TemplateFolder(name, override)
        self._cache: dict[str, _Compiled] = {}
        self._email: _Email | None = None

    def fill(self, view: object) -> Rendered:
        """Give subject, HTML and text. Raises TemplateError, with file and line."""
        email = self._ready()
        return email.fill(view, email.html.render(view))

    def refresh(self) -> None:
        """Read the templates (again) and compile those that changed; done by itself the first time they are needed.

        Raises TemplateError, with file and line, for the first mistake found.
        """
        text = text_environment()
        self._email = _Email(
            subject=self._compile(self._joined(SUBJECT), text, lambda source: source.text.strip()),
            text=self._compile(self._joined(TEXT), text, lambda source: source.text),
            html=self._compile(self._joined(HTML), html_environment(), compile_html),
        )

    def _joined(self, name: str) -> JoinedSource:
        file = self._folder.read(name)
        # Only MJML knows fragments; in plain text the tag would be text.
        return join(file, self._folder.include if name == HTML else _no_include)

    def _compile(
        self, source: JoinedSource, environment: jinja2.Environment, make: Callable[[JoinedSource], str]
    ) -> _Compiled:
        key = sha256(f"{source.lines[0].file}\0{source.text}".encode()).hexdigest()
        if key not in self._cache:
            try:
                environment.parse(source.text)
                template = environment.from_string(make(source))
            except jinja2.TemplateSyntaxError as error:
                raise TemplateError(f"{source.at(error.lineno)}: {error.message}") from error
            self._cache[key] = _Compiled(template, source, environment)
        return self._cache[key]

    def _ready(self) -> _Email:
        if self._email is None:
            self.refresh()
            return self._ready()
        return self._email


class Renderer(MailTemplates):
    """Renders editions."""

    def __init__(self, name: str = "daily", override: Path | None = None) -> None:
        super().__init__(name, override)

    def render(self, view: EditionView) -> Rendered:
        """Give subject, HTML and text of an edition; the encoded HTML is at most `SIZE_LIMIT` bytes.

        Where it would be more, from the last card upwards cards lose their key sentences; then, again from the last,
        cards move to the top of "Also today", and its last lines give way to their number and a link to the archive.
        """
        email = self._ready()
        for smaller in _ever_smaller(view):
            html = email.html.render(smaller)
            if fits(html, SIZE_LIMIT):
                return email.fill(smaller, html)
        raise TemplateError(
            f"{email.html.source.lines[0].file} makes more than {SIZE_LIMIT} bytes of HTML without a single paper"
        )


def _no_include(path: str, including: TemplateFile) -> TemplateFile:
    raise TemplateError(f"{including.name}: only {HTML} can include {path}")


def _ever_smaller(view: EditionView) -> Iterator[EditionView]:
    """The view, and then ever shorter ones, by the rule that `Renderer.render` states."""
    yield view
    for last in range(len(view.cards) - 1, -1, -1):
        if view.cards[last].key_sentences:
            shorter = replace(view.cards[last], key_sentences=())
            view = replace(view, cards=(*view.cards[:last], shorter, *view.cards[last + 1 :]))
            yield view
    while view.cards:
        view = replace(view, cards=view.cards[:-1], also=(brief(view.cards[-1]), *view.also))
        yield view
    while view.also:
        view = replace(view, also=view.also[:-1], unlisted=view.unlisted + 1)
        yield view
