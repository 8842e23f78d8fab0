"""`/metrics`, as Prometheus reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.requests import Request

from newsletter.config import Web
from newsletter.web.metrics import _may_see
from tests.web.house import House, running


def values(text: str) -> dict[tuple[str, str], float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, "".join(one.labels.values())): one.value for one in samples}


def test_figures_are_given(house: House) -> None:
    house.subscriber()
    answer = house.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = values(answer.text)
    assert found["newsletter_subscribers", "active"] == 1
    assert found["newsletter_deliveries", "sent"] == 0
    assert found["newsletter_queue_age_seconds", ""] == 0
    assert found["newsletter_sent_per_second", ""] == 0
    assert found["newsletter_transaction_seconds_count", ""] == 0


def test_with_a_token_only_its_bearer_sees_them(tmp_path: Path) -> None:
    web = Web(metrics_token=SecretStr("seen"))
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path, web=web) as house:
        assert house.get("/metrics").status_code == 404
        assert house.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        assert house.get("/metrics", headers={"Authorization": "Bearer seen"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "may"), [("127.0.0.1", True), ("10.1.2.3", True), ("::1", True), ("8.8.8.8", False), ("", False)]
)
def test_without_a_token_the_world_sees_nothing(address: str, may: bool, house: House) -> None:
    request = Request({"type": "http", "client": (address, 1), "headers": []})
    assert _may_see(house.parts, request) is may
