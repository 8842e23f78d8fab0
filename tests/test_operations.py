"""The dashboard and the alerts go by metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from newsletter.model import DeliveryState, SubscriberStatus
from newsletter.store import Store
from newsletter.web.metrics import _Figures

ROOT = Path(__file__).parent.parent
DASHBOARD = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))


def told() -> set[str]:
    """Give the names of all samples that `/metrics` may have."""
    with Store("sqlite://") as store:
        metrics = list(_Figures(store).collect())
    return {metric.name for metric in metrics} | {sample.name for metric in metrics for sample in metric.samples}


def test_dashboard_and_alerts_name_metrics_that_there_are() -> None:
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    texts = [*expressions, (ROOT / "docs/operations.md").read_text("utf-8")]
    named = {name for text in texts for name in re.findall(r"newsletter_[a-z_]+", text)}
    assert len(named) >= 5
    assert named <= told()


def test_dashboard_names_states_that_there_are() -> None:
    said = re.findall(r'(state|status)="(\w+)"', " ".join(json.dumps(DASHBOARD).replace('\\"', '"').split()))
    assert said
    known: dict[str, set[str]] = {"state": set(DeliveryState), "status": set(SubscriberStatus)}
    assert all(value in known[label] for label, value in said)


def test_no_two_panels_of_the_dashboard_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
