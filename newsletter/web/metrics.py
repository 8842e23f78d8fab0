"""`/metrics`: how sending goes, for Prometheus. Counted from the database, as several processes may be at it."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from newsletter.model import DeliveryState
from newsletter.store import Store
from newsletter.store.figures import Pulse
from newsletter.web.parts import Here, Parts

router = APIRouter()


@router.get("/metrics")
def metrics(here: Here, request: Request) -> Response:
    """Give the figures to who may have them: this machine, a private network, or the bearer of `web.metrics_token`.

    To everybody else the page is not there: how many subscribers there are is nobody's business.
    """
    if not _may_see(here, request):
        raise HTTPException(404)
    registry = CollectorRegistry()
    registry.register(_Figures(here.store))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _may_see(here: Parts, request: Request) -> bool:
    token = here.settings.web.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return address.is_loopback or address.is_private


class _Figures:
    """What Prometheus is told at one look."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Give the metrics."""
        now = datetime.now(UTC)
        pulse = self._store.figures.pulse(now)
        states = GaugeMetricFamily(
            "newsletter_deliveries", "Deliveries of the last issues, by what became of them", labels=["state"]
        )
        for state in DeliveryState:
            states.add_metric([state.value], pulse.states.get(state, 0))
        yield states
        subscribers = GaugeMetricFamily("newsletter_subscribers", "Subscribers, by status", labels=["status"])
        for status, count in self._store.subscribers.counts().items():
            subscribers.add_metric([status.value], count)
        yield subscribers
        yield from _of_sending(pulse, now)
        yield GaugeMetricFamily(
            "newsletter_single_mails_waiting",
            "Confirmations, welcomes and alerts that have not left yet",
            value=self._store.outbox.waiting().count,
        )


def _of_sending(pulse: Pulse, now: datetime) -> Iterator[Metric]:
    age = max(0.0, (now - pulse.oldest_queued).total_seconds()) if pulse.oldest_queued else 0.0
    yield GaugeMetricFamily(
        "newsletter_queue_age_seconds", "How long the oldest delivery that waits has been queued", value=age
    )
    yield GaugeMetricFamily(
        "newsletter_sent_per_second", "Messages a second, over the last minute", value=pulse.sent_last_minute / 60
    )
    yield SummaryMetricFamily(
        "newsletter_transaction_seconds",
        "How long servers took for a message, over the last hour",
        count_value=pulse.timed,
        sum_value=pulse.seconds_sum,
    )
