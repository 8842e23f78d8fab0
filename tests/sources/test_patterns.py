"""No pattern asks what some versions of Python that we run on do wrong."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants, _parser
from typing import Any

import pytest

import newsletter.sources

SIMPLE = {_constants.IN, _constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY}


def patterns() -> Iterator[Any]:
    """Give all patterns of the sources."""
    for module in pkgutil.iter_modules(newsletter.sources.__path__, "newsletter.sources."):
        if not module.name.endswith("_child"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    yield pytest.param(value, id=f"{module.name.rpartition('.')[2]}{name}")


def possessive_groups(tree: Any) -> Iterator[Any]:
    """Give what is repeated possessively and is more than one character."""
    for operation, arguments in tree:
        if operation is _constants.POSSESSIVE_REPEAT and [of for of, _ in arguments[2] if of not in SIMPLE]:
            yield arguments[2]
        for part in _parts(arguments):
            yield from possessive_groups(part)


def _parts(arguments: Any) -> Iterator[Any]:
    if isinstance(arguments, _parser.SubPattern):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for each in arguments:
            yield from _parts(each)


def test_this_test_would_notice_one() -> None:
    assert [*possessive_groups(_parser.parse(r"a*+(?:x|(?:b|cd)++)"))]
    assert not [*possessive_groups(_parser.parse(r"a*+[bc]++(?:b|cd)+"))]


@pytest.mark.parametrize("pattern", [*patterns()])
def test_no_group_is_possessive(pattern: re.Pattern[Any]) -> None:
    # Before 3.11.5 Python goes on from the wrong place where the last round of one fails (CPython issue 106052);
    # Debian 12 has 3.11.2.
    assert not [*possessive_groups(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))]
