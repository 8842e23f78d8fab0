from __future__ import annotations

from datetime import date

import pytest

from newsletter.sources.days import day_in, day_of


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("Aug 20", date(2026, 11, 23), date(2026, 8, 20)),
        ("Aug 20", date(2026, 8, 20), date(2026, 8, 20)),
        ("Aug 20", date(2026, 8, 19), date(2025, 8, 20)),
        ("Dec 31", date(2026, 1, 1), date(2025, 12, 31)),
        ("Feb 29", date(2026, 3, 1), date(2024, 2, 29)),
        ("Feb 29", date(1903, 3, 1), date(1896, 2, 29)),
        ("August 20", date(2026, 11, 23), date(2026, 8, 20)),
        ("Aug 20, 2025", date(2026, 11, 23), date(2025, 8, 20)),
        ("20 Aug 2025", date(2026, 11, 23), date(2025, 8, 20)),
        ("2025-08-20", date(2026, 11, 23), date(2025, 8, 20)),
        ("20.08.2025", date(2026, 11, 23), date(2025, 8, 20)),
        ("Wed, Aug 20th", date(2026, 11, 23), date(2026, 8, 20)),
        ("Wednesday, 20 August 2025", date(2026, 11, 23), date(2025, 8, 20)),
        ("Feb 30", date(2026, 11, 23), None),
        ("2025-13-01", date(2026, 11, 23), None),
        ("Aug 20 papers", date(2026, 11, 23), None),
        ("maybe 20", date(2026, 11, 23), None),
    ],
)
def test_a_day_without_a_year_is_the_latest_that_is_not_in_the_future(
    text: str, today: date, expected: date | None
) -> None:
    assert day_of(text, today=today) == expected


def test_a_day_is_found_inside_a_heading() -> None:
    today = date(2026, 11, 23)
    assert day_in("Daily Papers — August 20, 2025", today=today) == date(2025, 8, 20)
    assert day_in("Papers of 2025-08-20", today=today) == date(2025, 8, 20)
    assert day_in("arXiv 2508.10433 in 2025", today=today) is None
