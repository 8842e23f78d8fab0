"""Days as people write them above a list of papers: `Aug 20`, `Wed, 20 August 2025`, `2025-08-20`."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d{2})"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<![\w-]){_WEEKDAY}{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?(?![\w-])",
        rf"(?<![\w.-]){_WEEKDAY}{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?(?![\w-])",
        rf"(?<![\w./-]){_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){_DAY}(?![\w/-])",
        rf"(?<![\w./-]){_DAY}\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR}(?![\w/-])",
    )
)
_CALENDAR_CYCLE = 8  # years between leap days at most (1896 to 1904)


def day_of(text: str, *, today: date) -> date | None:
    """Give the day that `text` is and nothing besides; without a year, the latest such day up to `today`; else None."""
    for form in _FORMS:
        if found := form.fullmatch(text.strip()):
            return _resolved(found, today)
    return None


def day_in(text: str, *, today: date) -> date | None:
    """Give the first day that `text` names; without a year, the latest such day up to `today`; else None."""
    found = [match for form in _FORMS if (match := form.search(text))]
    return _resolved(min(found, key=lambda match: match.start()), today) if found else None


def _resolved(found: re.Match[str], today: date) -> date | None:
    name = found["month"].lower()
    month = int(name) if name.isdigit() else _MONTHS.index(name[:3]) + 1
    day = int(found["day"])
    if found["year"]:
        return _date(int(found["year"]), month, day)
    years = range(today.year, today.year - _CALENDAR_CYCLE - 1, -1)
    return next((on for year in years if (on := _date(year, month, day)) and on <= today), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
