"""The settings file that `newsletter init` writes: the documented one, with some lines brought into force."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

HUGGING_FACE = "https://huggingface.co/api/daily_papers"
ARXIV = "https://rss.arxiv.org/rss/"


def filled(documented: str, values: Mapping[str, str | int], sources: Iterable[Mapping[str, str]]) -> str:
    """Give the documented settings with `values` (by `section.key`) in force, and sources before the examples.

    Raises KeyError for a setting that the documented file does not have.
    """
    text = documented
    for name, value in values.items():
        section, _, key = name.partition(".")
        text = _with(text, section, key, value)
    tables = "".join(
        "[[source]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in source.items()) + "\n"
        for source in sources
    )
    return text.replace("# [[source]]\n", f"{tables}# [[source]]\n", 1)


def arxiv(categories: Sequence[str]) -> dict[str, str]:
    """Give the source of what arXiv announces in some categories."""
    return {"name": "arxiv", "kind": "feed", "url": ARXIV + "+".join(categories)}


def hugging_face() -> dict[str, str]:
    """Give the source of Hugging Face's daily papers."""
    return {"name": "hugging-face", "kind": "huggingface", "url": HUGGING_FACE}


def _with(text: str, section: str, key: str, value: str | int) -> str:
    start = text.index(f"\n[{section}]\n")
    line = re.compile(rf"^# {re.escape(key)} = .*$", re.MULTILINE).search(text, start)
    if line is None or "\n[" in text[start + 1 : line.start()]:
        raise KeyError(f"{section}.{key}")
    return f"{text[: line.start()]}{key} = {_toml(value)}{text[line.end() :]}"


def _toml(value: str | int) -> str:
    """Give a value as TOML writes it: JSON's strings are among its basic strings, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
