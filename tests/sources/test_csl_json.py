from __future__ import annotations

import json
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.sources import csl_json


def item(**more: Any) -> dict[str, Any]:
    return {"type": "article", "title": "Dunes", "issued": {"date-parts": [[2020]]}, **more}


@pytest.mark.parametrize("document", [item(), [item()], {"items": [item()]}])
def test_an_item_a_list_and_a_wrapped_list_are_read(document: Any) -> None:
    data = json.dumps(document).encode()
    assert csl_json.recognises(data)
    assert [record.title for record in csl_json.parse(data, where="a.json").records] == ["Dunes"]


@pytest.mark.parametrize(
    "issued",
    [None, {}, {"date-parts": []}, {"date-parts": [[]]}, {"date-parts": [[None]]}, {"date-parts": [["x", {}]]}, 7.5,
     {"date-parts": [[10**30]]}, {"raw": "soon"}, {"literal": ["2020"]}],
)  # fmt: skip
def test_a_date_of_another_form_is_unknown(issued: Any) -> None:
    (record,) = csl_json.parse(json.dumps([item(issued=issued)]).encode(), where="a.json").records
    assert record.published_at is None


def test_a_document_of_too_many_values_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(NotADigestError, match="too large"):
        csl_json.parse(b"[" + b"[]," * 1_000_001 + b"[]]", where="a.json")


def test_a_number_of_thousands_of_digits_costs_nothing() -> None:
    data = json.dumps([item()]).replace("2020", "9" * 10_000).encode()
    assert len(csl_json.parse(data, where="a.json").records) == 1
