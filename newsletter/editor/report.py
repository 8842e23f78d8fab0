"""What is said of a preview as plain values: the picks and why, and what the checks found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from newsletter.abstracts import usable
from newsletter.model import Section
from newsletter.pipeline import Preview
from newsletter.preflight import Level, Result


def document(seen: Preview) -> dict[str, Any]:
    """Give what `picks.json` holds of an edition."""
    edition, papers = seen.edition, seen.papers
    return {
        "considered": seen.considered,
        "issue": edition.issue.day.isoformat(),
        "cadence": edition.issue.cadence.value,
        "subscriber": edition.subscriber.email,
        "subject": seen.message.subject,
        "picks": [
            {
                "id": papers[pick.paper_key].id,
                "title": papers[pick.paper_key].title,
                "abstract": usable(papers[pick.paper_key]),
                "rank": pick.rank,
                "section": Section(pick.section).value,
                "score": pick.score,
                "reasons": [{"kind": reason.kind.value, "matched": reason.matched} for reason in pick.reasons],
            }
            for pick in edition.picks
        ],
    }


def checks(results: Iterable[Result]) -> list[dict[str, str]]:
    """Give what checks said, the worst first."""
    order = [Level.FAILED, Level.WARNING, Level.OK]
    ranked = sorted(results, key=lambda one: order.index(one.level))
    return [{name: str(value) for name, value in asdict(one).items()} for one in ranked]
