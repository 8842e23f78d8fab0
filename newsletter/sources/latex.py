r"""LaTeX in titles and abstracts made readable: `$\pi^3$` is π^3, `Schr{\"o}dinger` is Schrödinger.

pylatexenc does the conversion, but never sees a whole abstract: there `%` would start a comment and delete text, and
`$5 to $10` would lose characters. It is given one formula or one accent at a time, and its answer is taken only if
every letter and digit of the source is in it.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Any

_LONGEST = 50_000
_LONGEST_FORMULA = 400
_DEEPEST = 20

_FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$]+)\$\$"
    # One sign alone: "$\sim$10", "$-$50".
    r"|(?<![\\$])\$(?P<sign>\\[A-Za-z]+|[-+<>=~±≤≥]{1,2})\$(?=\d)"
    # As in Pandoc: no space inside the dollars, no digit behind; "$5 to $10" is money.
    r"|(?<![\\$])\$(?P<inline>(?=[^\s$])(?:[^$\\]|\\.)*?(?<![\s\\]))\$(?!\d)"
    r"|\\\((?P<round>[^$]{1,400}?)\\\)"
    r"|\\\[(?P<square>[^$]{1,400}?)\\\]",
    re.DOTALL,
)
_MONEY = re.compile(r"\d[\d.,]*(?:[kKMB]|\s+[a-z]{2,}|\s*[-–]\s*$|/)")
_UNWRAPPED = (
    "emph textit textbf textsc textrm texttt textsf textup textsl textmd textnormal text mathrm mbox underline uline "
    "enquote ensuremath"
)
_COMMAND = re.compile(rf"\\(?:{'|'.join(_UNWRAPPED.split())})\s?\{{([^{{}}]*)\}}")
_OLD_FONT = re.compile(r"\{\\(?:em|it|bf|sc|rm|tt|sf)\s+([^{}]*)\}")
_LINK = re.compile(r"\\href\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_URL = re.compile(r"\\url\s?\{([^{}]*)\}")
_LETTER = r"(?:\\?[A-Za-z]|\{\\?[A-Za-z]\})"
_ACCENT = re.compile(
    rf"\{{\\[\"'`^~=.]\s?{_LETTER}\}}|\\[\"'`^~=.]\s?{_LETTER}|\{{?\\[uvHcdbrk]\{{\\?[A-Za-z]\}}\}}?"
    r"|\{\\[uvHcdbrk]\s+\\?[A-Za-z]\}"
    r"|\{\\(?:ss|ae|AE|oe|OE|aa|AA|o|O|l|L|i|j)\}|\\(?:ss|ae|AE|oe|OE|aa|AA|o|O|l|L|i|j)(?:\{\}|(?![A-Za-z]))"
)
_ESCAPED = re.compile(r"\\([%&#_$])")
_SYMBOL = re.compile(
    r"\\(?:text(?:degree|mu|times|endash|emdash|quoteright|quoteleft|greater|less|registered|trademark))"
    r"(?:\{\}|(?![A-Za-z]) ?)"
)
_SPACE = re.compile(r"(?<!\\)\\(?:[,;: ]|q?quad(?![A-Za-z])) ?")
# pylatexenc writes "nlog n" for "n\log n"; in print the operators stand free.
_OPERATOR = re.compile(
    r"(?<=[\w)}])\\(?=(?:log|ln|exp|sin|cos|tan|min|max|sup|inf|lim|det|dim|arg|gcd|Pr)(?![A-Za-z]))"
)
_BARE_PERCENT = re.compile(r"(?<!\\)%")
_NORM = re.compile(r"(?<!\\)\\\|")  # pylatexenc drops it, and "‖f‖ ≤ 1" would be "f ≤ 1"
_CONTROL_WORD = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}|\\[a-zA-Z]+\*?")


def readable(text: str) -> str:
    """Give `text` with its formulas and text commands as Unicode; what cannot be converted safely stays as it is.

    No letter or digit is lost, except the names of commands. Never raises.
    """
    if ("$" not in text and "\\" not in text) or len(text) > _LONGEST:
        return text
    pieces: list[str] = []
    end = 0
    source, text = text, _COMMAND.sub(_without_box, text)
    for found in _FORMULA.finditer(text):
        pieces += (_prose(text[end : found.start()]), _formula(found))
        end = found.end()
    read = "".join([*pieces, _prose(text[end:])])
    # Pieces may join to a new command ("\\alpha$x$"); whatever the way a letter was lost, the source is better.
    return read if _holds(_CONTROL_WORD.sub(" ", read), _CONTROL_WORD.sub(" ", source)) else source


def _without_box(found: re.Match[str]) -> str:
    r"""Open a text command around whole formulas (`\mbox{$\mu$}`), which would part it from its brace."""
    marks = found[1].count("$")
    return found[1] if marks and marks % 2 == 0 else found[0]


def _formula(found: re.Match[str]) -> str:
    inside = found[found.lastgroup or 0]
    money = found.lastgroup == "inline" and _MONEY.match(inside) and not re.search(r"[\\^_{}=<>]", inside)
    if money or len(inside) > _LONGEST_FORMULA or _depth(inside) > _DEEPEST:
        return found[0]
    spaced = _OPERATOR.sub(r" \\", _NORM.sub(r"\\Vert{}", _BARE_PERCENT.sub(r"\\%", inside)))
    return _checked(f"${spaced}$", inside) or found[0]


def _prose(text: str) -> str:
    if "\\" not in text:
        return text
    text = _LINK.sub(r"\2 (\1)", _URL.sub(r"\1", text))
    for _ in range(_DEEPEST):  # innermost first
        text, commands = _COMMAND.subn(r"\1", text)
        text, fonts = _OLD_FONT.subn(r"\1", text)
        if not commands and not fonts:
            break
    text = _ACCENT.sub(lambda found: _checked(found[0], found[0]) or found[0], text)
    text = _SYMBOL.sub(lambda found: _checked(found[0].strip(), "") or found[0], text)
    return _ESCAPED.sub(r"\1", _SPACE.sub(" ", text))


@lru_cache(maxsize=4096)
def _checked(latex: str, source: str) -> str:
    """Convert one fragment; '' where the converter fails or drops a letter or digit of `source`."""
    try:
        converted: str = _converter().latex_to_text(latex, tolerant_parsing=False)
    except MemoryError:  # it is no property of the text
        raise
    except Exception:  # noqa: BLE001  any: IndexError for \href, RecursionError for braces, its own parse errors
        return ""
    converted = " ".join(converted.split())
    return converted if _holds(converted, _CONTROL_WORD.sub(" ", source)) else ""


def _holds(text: str, source: str) -> bool:
    """Tell whether every letter and digit of `source` is in `text`, as often (a link's address may change places)."""
    return _characters(source) <= _characters(text)


def _characters(text: str) -> Counter[str]:
    return Counter(c for c in unicodedata.normalize("NFKD", text) if c.isalnum())


def _depth(text: str) -> int:
    depth = deepest = 0
    for c in text:
        depth += (c == "{") - (c == "}")
        deepest = max(deepest, depth)
    return deepest


@lru_cache(maxsize=1)
def _converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text  # noqa: PLC0415  slow to import, and seldom needed

    logging.getLogger("pylatexenc").setLevel(logging.ERROR)  # it would report every macro it does not know
    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces="macros")
