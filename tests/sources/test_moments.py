from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sources.moments import moment


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2007-09-13", datetime(2007, 9, 13, tzinfo=UTC)),
        (" 2026-08-18T20:34:08+02:00\n", datetime(2026, 8, 18, 18, 34, 8, tzinfo=UTC)),
        ("2026-08-18T18:34:08Z", datetime(2026, 8, 18, 18, 34, 8, tzinfo=UTC)),
        ("Thu, 13 Sep 2007 20:01:02 GMT", datetime(2007, 9, 13, 20, 1, 2, tzinfo=UTC)),
        ("Fri,  3 Mar 23 01:36:02 GMT", datetime(2023, 3, 3, 1, 36, 2, tzinfo=UTC)),
        ("9999-12-31T23:59:59-10:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_machine_dates_are_read_in_utc(text: str, found: datetime | None) -> None:
    assert moment(text) == found


@given(st.text(max_size=90))
def test_any_text_gives_a_moment_or_none(text: str) -> None:
    found = moment(text)
    assert found is None or found.tzinfo is UTC
