"""Where an email's templates are, and the two Jinja environments that fill them.

An email is a folder: `email/<name>/{subject.txt,body.mjml,body.txt}`, with fragments in `email/_parts/`, which both
bodies include by `<mj-include path="…" />`. The folder
named by the setting `rendering.templates` goes before the shipped one, file by file, so that one file can be changed
and the rest kept.
"""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jinja2
from jinja2 import nodes
from markupsafe import escape

from newsletter import assets
from newsletter.errors import TemplateError, in_words
from newsletter.model import Cadence
from newsletter.rendering import words
from newsletter.rendering.language import Language
from newsletter.rendering.once import Once
from newsletter.rendering.plaintext import fill, heading, padded, rule
from newsletter.rendering.summary import shorten
from newsletter.rendering.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Callable

_CONSTANT = re.compile(r"\{\{ _\((\"[^\"\\]*\")\) \}\}")
_OF_LANGUAGE = ("language", "direction", "start", "end")
SUBJECT, HTML, TEXT = "subject.txt", "body.mjml", "body.txt"


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template as it was read: its path from the folder of templates (`email/daily/body.mjml`), and its text."""

    name: str
    text: str


class TemplateFolder:
    """The templates of one email, by name, from an override folder or from what ships with the program."""

    def __init__(self, email: str, override: Path | None = None) -> None:
        self._email = email
        self._roots = [root for root in (override, assets.TEMPLATES) if root is not None]

    def read(self, name: str) -> TemplateFile:
        """Give one of the email's three templates. Raises TemplateError: it is nowhere, or is no UTF-8."""
        return self._find(f"email/{self._email}/{name}", asked_by="")

    def include(self, path: str, including: TemplateFile) -> TemplateFile:
        """Give the fragment at `path`, which is relative to the file that includes it, as in MJML itself."""
        name = posixpath.normpath(posixpath.join(posixpath.dirname(including.name), path))
        if not name.startswith("email/"):
            raise TemplateError(f"{including.name} includes {path}, which is outside of the folder email/")
        return self._find(name, asked_by=including.name)

    def _find(self, name: str, asked_by: str) -> TemplateFile:
        for root in self._roots:
            file = root / name
            try:
                return TemplateFile(name, file.read_text(encoding="utf-8"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise TemplateError(f"cannot read the template {file}: {in_words(error)}") from error
        asked = f", which {asked_by} includes" if asked_by else ""
        raise TemplateError(
            f"there is no template {name}{asked}",
            hint="looked in " + " and ".join(str(root) for root in self._roots),
        )


def html_environment() -> jinja2.Environment:
    """Give the environment of HTML: everything is escaped, and what does not exist is an error."""
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, extensions=[Once])


def text_environment() -> jinja2.Environment:
    """Give the environment of plain text: nothing is escaped, statements leave no lines behind; `fill` wraps."""
    environment = jinja2.Environment(
        autoescape=False,  # noqa: S701 (a text/plain part: entities would be read as they are written)
        undefined=jinja2.StrictUndefined,
        extensions=[Once],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"fill": fill, "heading": heading, "padded": padded, "rule": rule}
    return environment


def folded(text: str, environment: jinja2.Environment) -> str:
    """Give a template with what is the same in all mails of its language said already: `{{ _("…") }}` where nothing is
    put in, and `{{ start }}` and its kind.
    """
    say = cast("Callable[[str], str]", environment.globals["_"])

    def said(found: re.Match[str]) -> str:
        message = str(say(ast.literal_eval(found[1])))
        return found[0] if "{" in message or "\n" in message else message

    own = {name.name for name in environment.parse(text).find_all(nodes.Name) if name.ctx != "load"}
    for name in set(_OF_LANGUAGE) - own:
        text = text.replace(f"{{{{ {name} }}}}", str(environment.globals[name]))
    return _CONSTANT.sub(said, text)


def speaking(environment: jinja2.Environment, say: Language, theme: Theme) -> jinja2.Environment:
    """Give an environment of mails with what all of them may use: translations, dates and numbers, the look.

    `_("… %(name)s …", name=…)` and `many("one …", "%(count)s …", number)` translate; values are escaped where all is.
    `language`, `direction`, `start` and `end` are those of the language: "left" is where English lines start.
    """
    escaped = bool(environment.autoescape)

    def translated(message: str, **values: Any) -> str:
        said = escape(say(message)) if escaped else say(message)
        return said % values if values else said

    def many(one: str, several: str, number: int, **values: Any) -> str:
        said = say.choose(one, several, number)
        return (escape(said) if escaped else said) % {"count": say.number(number), **values}

    environment.globals |= {
        "_": translated,
        "many": many,
        "theme": theme,
        "language": say.tag,
        "direction": "rtl" if say.right_to_left else "ltr",
        "start": "right" if say.right_to_left else "left",
        "end": "left" if say.right_to_left else "right",
    }
    environment.filters |= {
        "day": say.long_date,
        "number": say.number,
        "rhythm": lambda cadence: words.rhythm(say, Cadence(cadence)),
        "clock": say.clock,
        "short": shorten,
        "zone": words.zone,
    }
    return environment
