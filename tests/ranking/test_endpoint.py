"""A service as the encoder: what is asked, what is believed, and when it is asked again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from newsletter.config import Embedding
from newsletter.errors import EncoderError
from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.endpoint import Endpoint, unit_vectors
from newsletter.ranking.wordllama import WordLlama
from newsletter.store import Store
from tests.ranking.services import Another, Answer, Service, answer

TEXTS = ["speech recognition", "black holes", "protein folding"]
KEY = "sk-a-key-of-some-length"


@pytest.fixture
def service(wordllama: WordLlama) -> Iterator[Service]:
    with Service(wordllama).running() as running:
        yield running


class Asking:
    """Makes encoders of a service whose pauses take no time."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.pauses: list[float] = []

    def __call__(self, **settings: Any) -> Endpoint:
        given = {"url": self.service.url, "model": "wordllama", **settings}
        return Endpoint(Embedding(**given), sleep=self.pauses.append, dice=lambda: 1.0)


@pytest.fixture
def asking(service: Service) -> Asking:
    return Asking(service)


def test_the_request_is_of_the_protocol(service: Service, asking: Asking) -> None:
    asking(api_key=SecretStr(KEY)).encode(TEXTS)
    assert service.bodies == [{"model": "wordllama", "input": TEXTS}]
    assert service.paths == ["/v1/embeddings"]
    assert service.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert service.headers[0]["Content-Type"] == "application/json"


def test_without_a_key_none_is_sent(service: Service, asking: Asking) -> None:
    asking().encode(TEXTS)
    assert "Authorization" not in service.headers[0]


@pytest.mark.parametrize("path", ["/embeddings", "/embeddings/", "/"])
def test_the_address_may_name_the_very_path(path: str, service: Service, asking: Asking) -> None:
    asking(url=service.url + path).encode(TEXTS)
    assert service.paths == ["/v1/embeddings"]


def test_a_vector_is_of_the_text_that_its_index_says(asking: Asking, wordllama: WordLlama) -> None:
    assert np.allclose(asking().encode(TEXTS), wordllama.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 7.0, 1e300])
def test_vectors_of_any_length_are_brought_to_one(
    scale: float, service: Service, asking: Asking, wordllama: WordLlama
) -> None:
    service.scale = scale
    assert np.allclose(asking().encode(TEXTS), wordllama.encode(TEXTS), atol=1e-6)


def test_many_texts_are_asked_for_in_batches(service: Service, asking: Asking, wordllama: WordLlama) -> None:
    texts = [f"paper number {number}" for number in range(70)]
    assert np.allclose(asking(batch=32).encode(texts), wordllama.encode(texts), atol=1e-6)
    assert [len(body["input"]) for body in service.bodies] == [32, 32, 6]


def test_a_text_is_cut_and_an_empty_one_is_not_sent(service: Service, asking: Asking) -> None:
    vectors = asking(characters=100).encode(["x" * 200, "", " \n", "ends here" + " " * 200])
    assert service.asked == ["x" * 100, "ends here"]
    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1, 0, 0, 1])


def test_the_dimensions_are_told_by_the_first_answer_and_asked_for_once(service: Service, asking: Asking) -> None:
    told, asked = asking(), asking()
    told.encode(TEXTS)
    assert told.dimensions == 256
    assert len(service.bodies) == 1
    assert (asked.dimensions, asked.dimensions) == (256, 256)
    assert len(service.bodies) == 2
    assert asked.encode([]).shape == (0, 256)


def vectors_of(*rows: list[float], indexes: list[int] | None = None) -> str:
    numbered = enumerate(rows) if indexes is None else zip(indexes, rows, strict=True)
    return json.dumps({"data": [{"index": index, "embedding": row} for index, row in numbered]})


def test_dimensions_that_change_are_refused(service: Service, asking: Asking) -> None:
    encoder = asking(batch=3)
    service.instead = [None, answer(vectors_of([1.0], [1.0], [1.0]))]
    with pytest.raises(EncoderError, match="they have 1 numbers each, those before had 256"):
        encoder.encode(TEXTS * 2)


WRONG = {
    "two for three": vectors_of([1.0], [1.0]),
    "four for three": vectors_of([1.0], [1.0], [1.0], [1.0]),
    "none": '{"data": []}',
    "an index twice": vectors_of([1.0], [1.0], [1.0], indexes=[0, 1, 1]),
    "indexes from one": vectors_of([1.0], [1.0], [1.0], indexes=[1, 2, 3]),
    "no index": '{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1]}]}',
    "an index that is true": vectors_of([1.0], [1.0], [1.0]).replace('"index": 1', '"index": true'),
    "not a number": vectors_of([1.0], [float("nan")], [1.0]),
    "infinity": vectors_of([1.0], [float("-inf")], [1.0]),
    "too large for a number": vectors_of([1.0], [1.0], [1.5]).replace("1.5", "1e999"),
    "too large for a whole number": vectors_of([1.0], [1.0], [1.5]).replace("1.5", "1" + "0" * 400),
    "zeros": vectors_of([1.0, 1.0], [0.0, -0.0], [1.0, 1.0]),
    "different lengths": vectors_of([1.0, 1.0], [1.0], [1.0, 1.0]),
    "no numbers": vectors_of([], [], []),
    "texts": vectors_of([1.0], [1.0], [1.5]).replace("1.5", '"1.5"'),
    "null": vectors_of([1.0], [1.0], [1.5]).replace("1.5", "null"),
    "base64": json.dumps({"data": [{"index": i, "embedding": base64.b64encode(b"1234").decode()} for i in range(3)]}),
    "no data": '{"object": "list"}',
    "a list": "[]",
    "a page": "<html><body>Sign in to the hotel's network</body></html>",
    "nothing": "",
    "half of it": vectors_of([1.0], [1.0], [1.0])[:-5],
    "brackets": "[" * 100_000,
    "no utf-8": b"\xff\xfe\xfa",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_an_answer_that_is_none_is_refused_at_once(body: str | bytes, service: Service, asking: Asking) -> None:
    service.instead = [answer(body)]
    with pytest.raises(EncoderError, match="answered with something else than the vectors of 3 texts") as refused:
        asking().encode(TEXTS)
    assert service.url in refused.value.message
    assert "embedding.url" in refused.value.hint
    assert (len(service.bodies), asking.pauses) == (1, [])


def test_what_an_answer_says_in_place_of_vectors_is_told(service: Service, asking: Asking) -> None:
    service.instead = [answer('{"error": {"message": "model\\nis loading"}}')]
    with pytest.raises(EncoderError, match="no list `data` but says model is loading"):
        asking().encode(TEXTS)


def test_an_answer_without_an_end_is_given_up(service: Service, asking: Asking) -> None:
    service.instead = [answer(b" " * 3_000_000)]
    with pytest.raises(EncoderError, match="answered with more than 2000000 bytes"):
        asking().encode(TEXTS)


@given(st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["data", "index", "embedding", "error"]), inner, max_size=4),
    max_leaves=20,
).map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_any_answer_gives_unit_vectors_or_is_refused(data: bytes) -> None:
    try:
        vectors = unit_vectors(data, 1)
    except ValueError:
        pass
    else:
        assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1])


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1))
def test_any_finite_vectors_but_zeros_become_unit_vectors(rows: list[list[float]]) -> None:
    data = vectors_of(*rows).encode()
    if all(any(row) for row in rows):
        assert np.linalg.norm(unit_vectors(data, len(rows)), axis=1) == pytest.approx(1, abs=1e-5)
    else:
        with pytest.raises(ValueError, match="zeros"):
            unit_vectors(data, len(rows))


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "embedding.batch or embedding.characters"),
        (401, "embedding.api_key"),
        (403, "embedding.api_key"),
        (404, "embedding.url"),
        (405, "embedding.url"),
        (413, "embedding.batch or embedding.characters"),
        (418, "embedding.model"),
        (422, "embedding.batch or embedding.characters"),
        (307, "the address that it redirects to"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(status: int, hint: str, service: Service, asking: Asking) -> None:
    service.instead = [answer('{"error": {"message": "because"}}', status, Location="http://elsewhere.example/")]
    with pytest.raises(EncoderError, match=f"answered {status} .*: because") as refused:
        asking().encode(TEXTS)
    assert hint in refused.value.hint
    assert (len(service.bodies), asking.pauses) == (1, [])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "a text"}', "a text"),
        ('{"message": "of vLLM", "type": "x"}', "of vLLM"),
        ('{"detail": [{"msg": "of FastAPI"}]}', '[{"msg": "of FastAPI"}]'),
        ("plain\x1b[31m words", "plain [31m words"),
    ],
)
def test_what_a_service_says_is_found_wherever_it_says_it(
    body: str, said: str, service: Service, asking: Asking
) -> None:
    service.instead = [answer(body, 400)]
    with pytest.raises(EncoderError) as refused:
        asking().encode(TEXTS)
    assert refused.value.message.endswith(f": {said}")


def test_the_page_of_a_proxy_is_not_repeated(service: Service, asking: Asking) -> None:
    service.instead = [answer("<html>" + "x" * 5000, 404)]
    with pytest.raises(EncoderError) as refused:
        asking().encode(TEXTS)
    assert refused.value.message.endswith("answered 404 Not Found")


def test_no_message_holds_the_key(service: Service, asking: Asking) -> None:
    service.instead = [answer(json.dumps({"error": {"message": f"Incorrect API key: {KEY}."}}), 401)]
    with pytest.raises(EncoderError, match=r"Incorrect API key: …\.") as refused:
        asking(api_key=SecretStr(KEY)).encode(TEXTS)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 529])
def test_a_busy_service_is_asked_again_after_growing_pauses(status: int, service: Service, asking: Asking) -> None:
    service.instead = [answer("", status)] * 5
    assert asking().encode(TEXTS).shape == (3, 256)
    assert asking.pauses == [1, 2, 4, 8, 16]


def test_a_service_that_stays_busy_is_given_up(service: Service, asking: Asking) -> None:
    service.instead = [answer('{"error": "overloaded"}', 503)] * 9
    with pytest.raises(EncoderError, match=r"answered 503 .*: overloaded \(.*what has been encoded is kept\)"):
        asking().encode(TEXTS)
    assert len(service.bodies) == 6


@pytest.mark.parametrize("seconds", [20, 60])
def test_the_pause_that_a_service_asks_for_is_made(seconds: int, service: Service, asking: Asking) -> None:
    service.instead = [answer("", 429, Retry_After=str(seconds))]
    asking().encode(TEXTS)
    assert asking.pauses == [seconds]


def test_the_pause_may_be_given_as_a_date(service: Service, asking: Asking) -> None:
    service.instead = [answer("", 503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=40)))]
    asking().encode(TEXTS)
    assert 30 < asking.pauses[0] <= 40


def test_a_pause_that_is_too_long_ends_the_run(service: Service, asking: Asking) -> None:
    service.instead = [answer('{"error": "quota"}', 429, Retry_After="3600")]
    with pytest.raises(EncoderError, match=r"quota .*come back in 3600 seconds.*used up.*later"):
        asking().encode(TEXTS)
    assert asking.pauses == []


def test_a_service_that_does_not_run_is_told_after_two_more_tries(asking: Asking) -> None:
    with pytest.raises(EncoderError, match=r"cannot be reached: .*check that the service runs"):
        asking(url="http://127.0.0.1:1/v1").encode(TEXTS)
    assert asking.pauses == [1, 2]


def lost(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"data": [')
    request.close_connection = True


def test_a_lost_connection_is_made_again(service: Service, asking: Asking) -> None:
    service.instead = [lost, lost]
    assert asking().encode(TEXTS).shape == (3, 256)
    assert asking.pauses == [1, 2]


@pytest.mark.parametrize("silent", [Service.never, Service.dribble], ids=["silent", "a byte at a time"])
def test_a_request_takes_no_longer_than_it_may(
    silent: Callable[[Service, BaseHTTPRequestHandler], None], service: Service, asking: Asking
) -> None:
    def answered(request: BaseHTTPRequestHandler) -> None:
        silent(service, request)

    answers: list[Answer | None] = [answered, answered, answered]
    service.instead = answers
    with pytest.raises(EncoderError, match=r"did not answer in full within 0\.15 seconds.*embedding\.timeout"):
        asking(timeout=0.15).encode(TEXTS)
    assert len(service.bodies) == 3


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert asking().encode(TEXTS).shape == (3, 256)


def named(**settings: Any) -> str:
    return Endpoint(Embedding(**{"url": "https://api.lab.example/v1", "model": "e5", **settings})).name


def test_the_name_says_model_and_host_and_how_much_of_a_text_is_read() -> None:
    assert named() == "e5@api.lab.example/6000"
    others: list[dict[str, Any]] = [
        {"model": "e6"},
        {"url": "https://b.example/v1"},
        {"url": "https://api.lab.example:8080/v1"},
        {"characters": 500},
    ]
    assert len({named(), *(named(**other) for other in others)}) == 5
    assert named(url="https://API.lab.example/v2/", batch=7, timeout=1, api_key=SecretStr("k")) == named()


def test_a_long_name_fits_the_database_and_stays_one_of_a_kind() -> None:
    names = {named(model="m" * 90 + end) for end in "ab"}
    assert len(names) == 2
    assert {len(name) for name in names} == {60}


def test_vectors_are_kept_request_by_request(service: Service, asking: Asking, tmp_path: Path) -> None:
    texts = [f"{'x' * number} {number}" for number in range(40)]
    service.instead = [None, None, answer("", 401)]
    with Store(f"sqlite:///{tmp_path / 'newsletter.db'}") as store:
        with pytest.raises(EncoderError, match="401"):
            CachedEncoder(asking(batch=10), store.vectors, batch=10).encode(texts)
        service.bodies.clear()
        again = CachedEncoder(asking(batch=10), store.vectors, batch=10)
        assert again.encode(texts).shape == (40, 256)
    assert service.asked == texts[20:]
    assert again.encoded == 20


class TestAnotherModelBehindTheSameName:
    def test_is_noticed_by_the_vector_of_the_touchstone(
        self, service: Service, asking: Asking, wordllama: WordLlama
    ) -> None:
        with Store("sqlite://") as store:
            CachedEncoder(asking(), store.vectors, touchstone=True).encode(TEXTS[:1])
            CachedEncoder(asking(), store.vectors, touchstone=True).encode(TEXTS[:2])
            service.encoder = Another(wordllama)
            changed = CachedEncoder(asking(), store.vectors, touchstone=True)
            assert changed.encode(TEXTS[:2]).shape == (2, 256)  # known, so nothing is asked
            with pytest.raises(EncoderError, match=r"no longer gives the vectors .*newsletter embed --again"):
                changed.encode(TEXTS)
            with pytest.raises(EncoderError, match="no longer gives the vectors"):
                changed.encode(TEXTS)
            assert sum(store.vectors.counts().values()) == 3

    def test_is_noticed_by_its_dimensions(self, service: Service, asking: Asking) -> None:
        with Store("sqlite://") as store:
            CachedEncoder(asking(), store.vectors).encode(TEXTS[:1])
            service.instead = [answer(vectors_of([1.0, 2.0]))]
            with pytest.raises(EncoderError, match="gives vectors of 2 numbers, those that are kept have 256"):
                CachedEncoder(asking(), store.vectors).encode(TEXTS[:2])

    def test_is_asked_about_once_in_a_run(self, service: Service, asking: Asking) -> None:
        with Store("sqlite://") as store:
            encoder = CachedEncoder(asking(), store.vectors, touchstone=True)
            for text in TEXTS:
                encoder.encode([text])
        assert len(service.bodies) == 4
