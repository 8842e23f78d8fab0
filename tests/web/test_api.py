"""The API: keys and scopes, pages, problems; and what a program that tries everything finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from newsletter.cli.keys import SCOPES
from newsletter.model import DeliveryState, SubscriberStatus
from tests.conftest import fresh_postgresql
from tests.store.rows import EVER, edition, message_ids, sketch
from tests.web.house import House, running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("api")
    if request.param == "sqlite":
        database: AbstractContextManager[str] = nullcontext(f"sqlite:///{folder / 'newsletter.db'}")
    else:
        database = fresh_postgresql()
    with database as url, running(url, folder) as house:
        issue = house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
        made = [edition(issue, house.subscriber(f"p{n}@lab.example"), house.papers["dunes"]) for n in range(3)]
        house.store.issues.publish(made, message_ids(made), now=house.clock())
        yield house


@pytest.fixture(scope="module")
def key(house: House) -> str:
    return house.store.api_keys.add("everything", SCOPES, now=house.clock())


@pytest.fixture
def api(house: House, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{house.url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_a_program_that_tries_everything_finds_no_mistake(house: House, key: str, mode: GenerationMode) -> None:
    """Every endpoint with what its schema allows, and with what it does not: no server error, nothing undescribed."""
    schema = schemathesis.openapi.from_dict(house.get("/api/openapi.json").json())
    headers = {"Authorization": f"Bearer {key}"}
    tried: Counter[str] = Counter()
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def attempt(case: Any) -> None:
            tried[f"{case.operation.method} {case.operation.path}"] += 1
            answer = case.call(base_url=f"{house.url}/api", headers=headers)
            if urlsplit(answer.request.url).path.startswith("/api/v1/"):  # a path of dots leads out of it
                case.validate_response(answer, checks=CHECKS)

        attempt()
    assert len(tried) >= 12, tried


def test_without_a_key_with_a_wrong_one_and_without_the_scope_nothing_is_told(house: House) -> None:
    for headers in ({}, {"Authorization": "Bearer nl_wrong"}, {"Authorization": "Basic x"}):
        answer = house.get("/api/v1/subscribers", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
    papers = house.store.api_keys.add("papers", ["papers:read"], now=house.clock())
    headers = {"Authorization": f"Bearer {papers}"}
    assert house.get("/api/v1/papers", headers=headers).status_code == 200
    assert house.get("/api/v1/subscribers", headers=headers).status_code == 403
    house.store.api_keys.remove("papers")
    assert house.get("/api/v1/papers", headers=headers).status_code == 401


def test_a_key_is_kept_as_a_hash(house: House, key: str) -> None:
    with house.store._database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_keys").all()
    assert key not in repr(rows)
    assert key[4:20] not in repr(rows)


def test_lists_come_in_pages_that_miss_nothing(api: httpx.Client) -> None:
    for path in ("/subscribers", "/papers", "/deliveries"):
        whole = api.get(path, params={"limit": 200}).json()["items"]
        some: list[Any] = []
        after: Any = 0
        while after is not None:
            page = api.get(path, params={"limit": 1, "after": after}).json()
            some, after = some + page["items"], page["next"]
        assert some == whole
        assert len(whole) >= 3


def test_papers_are_found_and_those_of_libraries_are_not(api: httpx.Client) -> None:
    assert api.get("/papers", params={"q": "dunes"}).json()["items"][0]["id"] == "arxiv:2508.00001"
    assert api.get("/papers/arxiv:2508.00001").json()["title"].startswith("Dunes")
    missing = api.get("/papers/arxiv:9999.99999")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")


def test_a_subscriber_is_made_changed_and_forgotten(api: httpx.Client, house: House) -> None:
    made = api.put("/subscribers/New@lab.example", json={"topics": {"robotics": 2}, "confirmed": True})
    assert made.json()["status"] == "active"
    assert made.json()["topics"] == {"robotics": 2.0}
    changed = api.put("/subscribers/new@lab.example", json={"keywords": ["sand"]})
    assert (changed.json()["keywords"], changed.json()["status"]) == (["sand"], "active")
    assert api.delete("/subscribers/new@lab.example").status_code == 204
    assert api.get("/subscribers/new@lab.example").status_code == 404
    again = api.put("/subscribers/new@lab.example", json={"confirmed": True})
    assert again.status_code == 409  # who was erased comes back by no program
    assert api.put("/subscribers/x@lab.example", json={"topics": {"no-such": 1}}).status_code == 422
    assert api.put("/subscribers/x@lab.example", json={"unknown": 1}).json()["errors"]
    left = house.subscriber("left@lab.example", status=SubscriberStatus.UNSUBSCRIBED)
    assert api.put("/subscribers/left@lab.example", json={"confirmed": True}).status_code == 409
    assert house.again(left).status is SubscriberStatus.UNSUBSCRIBED


def test_who_paused_by_themselves_is_not_mailed_again_by_a_program(api: httpx.Client, house: House) -> None:
    reader = house.subscriber()
    house.post(house.unsubscribe(reader), {"act": "paused"})
    changed = api.put(f"/subscribers/{reader.email}", json={"keywords": ["sand"], "cadence": "weekly"}).json()
    assert (changed["keywords"], changed["cadence"]) == (["sand"], "paused")
    assert changed["cadence_chosen_at"] == "2026-08-20T06:00:00Z"
    agreed = api.put(f"/subscribers/{reader.email}", json={"cadence": "weekly", "overrule": True}).json()
    assert (agreed["cadence"], agreed["cadence_chosen_at"]) == ("weekly", None)


def test_who_is_pending_begins_when_somebody_vouches_for_them(api: httpx.Client) -> None:
    statuses = [
        api.put("/subscribers/pending@lab.example", json={"confirmed": vouched}).json()["status"]
        for vouched in (False, False, True, False)
    ]
    assert statuses == ["pending", "pending", "active", "active"]


def test_issues_are_paused_and_resumed_and_deliveries_told(api: httpx.Client) -> None:
    path = "/issues/2026-08-20/daily"
    assert api.get(path).json()["deliveries"] == {"queued": 3}
    assert api.patch(path, json={"state": "paused"}).json()["state"] == "paused"
    assert api.patch(path, json={"state": "draft"}).status_code == 409
    assert api.patch(path, json={"state": "open"}).json()["state"] == "open"
    told = api.get("/deliveries", params={"day": "2026-08-20", "state": DeliveryState.QUEUED}).json()["items"]
    assert len(told) == 3
    assert "@" not in told[0]["subscriber"]
    assert api.get("/deliveries", params={"day": "1999-01-01"}).json() == {"items": [], "next": None}
