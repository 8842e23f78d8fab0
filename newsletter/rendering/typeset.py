"""Quotes and dashes as TeX prints them: what arXiv's authors type reaches readers as they meant it.

It is done where a text is shown: what is kept and searched is what the source gave.
"""

from __future__ import annotations

import re

# A "--" before a word alone is an option of a command ("--help").
_DOUBLE_QUOTES = re.compile(r"(?<!`)``(?!`)([^`]{1,400}?)(?:''|\")")
_SINGLE_QUOTES = re.compile(r"(?<![\w`])`(?!\s)([^`'\"]{1,200}(?:'\w[^`'\"]{0,200}){0,3})'(?![\w'])")
_EM_DASH = re.compile(r"(?<=[^\s-])( ?)---( ?)(?=[^\s-])")
_EN_DASH = re.compile(r"(?<=[\w$)])--(?=[\w$(])|(?<=[^\s-] )--(?= [^\s-])")


def typeset(text: str) -> str:
    """Give quotes and dashes as TeX prints them: ``so'' and `so', 1--2 and so --- on."""
    if "`" in text:
        text = _SINGLE_QUOTES.sub(r"‘\1’", _DOUBLE_QUOTES.sub(r"“\1”", text))
    if "--" in text:
        text = _EN_DASH.sub("–", _EM_DASH.sub(r"\1—\2", text))
    return text
