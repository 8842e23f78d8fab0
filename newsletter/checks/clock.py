"""The clock: windows of issues, retries and links all go by it, so that a wrong one loses papers quietly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.checks.check import Check, failed, ok, warning
from newsletter.store import Store

NAME = "clock"
# Machines that share a database, and servers that we ask, may differ by this much.
_TOLERATED = timedelta(minutes=5)
_SET_IT = "set the clock of this machine (timedatectl set-ntp true keeps it right)"


def last_recorded(store: Store) -> datetime | None:
    """Give the latest time at which a paper came or a source was read; None where nothing ever did."""
    papers = store.papers.recent(1, before=datetime.max.replace(tzinfo=UTC))
    read = [state.last_success_at for state in store.sources.all() if state.last_success_at]
    return max([*(paper.first_seen_at for paper in papers), *read], default=None)


def of_times(
    now: datetime, *, timezone: str, recorded: datetime | None, stopped: str, servers: Mapping[str, timedelta]
) -> Check:
    """Compare the clock with what was recorded, and with how far servers are ahead of it (by source).

    `stopped` is what NEWSLETTER_NOW says, as a rule nothing.
    """
    if recorded is not None and now < recorded - _TOLERATED:
        return failed(
            NAME,
            f"it is {now:%Y-%m-%d %H:%M} UTC by it, but papers came at {recorded:%Y-%m-%d %H:%M}: it is wrong, or was",
            "unset NEWSLETTER_NOW" if stopped else _SET_IT,
        )
    if stopped:
        hint = "unset NEWSLETTER_NOW, unless this is a rehearsal or a replay"
        return warning(NAME, f"NEWSLETTER_NOW stops it at {stopped}", hint)
    apart = {name: ahead for name, ahead in servers.items() if abs(ahead) > _TOLERATED}
    if len(apart) * 2 > len(servers):  # one server's clock may be wrong too; ours is, where most say so
        name, ahead = max(apart.items(), key=lambda item: abs(item[1]))
        minutes = abs(ahead) / timedelta(minutes=1)
        said = f"it is {minutes:,.0f} minutes {'behind' if ahead > timedelta() else 'ahead of'} the server of {name}"
        return warning(NAME, said, _SET_IT)
    local = now.astimezone(ZoneInfo(timezone))
    agreed = f", as {len(servers) - len(apart)} of {len(servers)} servers say" if servers else ""
    return ok(NAME, f"it is {local:%Y-%m-%d %H:%M} in {timezone} (site.timezone){agreed}")
