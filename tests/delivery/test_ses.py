"""Mail by the API of Amazon SES, against a server that answers as it does, and as it should not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.delivery.ses import SesTransport
from newsletter.delivery.sigv4 import Credentials, signed
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Outcome
from tests.delivery.amazon import KEY, SECRET, Amazon
from tests.delivery.messages import RECIPIENT, SENDER, message

_S = DeliveryState


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        # Amazon's own examples, "get-vanilla" and "post-vanilla" of its test suite.
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_requests_are_signed_as_amazon_signs_them(method: str, signature: str) -> None:
    who = Credentials(KEY, SECRET, "us-east-1", "service")
    moment = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    headers = signed(who, method, "https://example.amazonaws.com/", b"", {}, now=moment)
    assert headers["authorization"].endswith(f"SignedHeaders=host;x-amz-date, Signature={signature}")


def deliver(
    amazon: Amazon, *answers: tuple[int, str] | str, waits: tuple[float, ...] = (), **account: object
) -> Outcome:
    amazon.answers.extend(answers)
    with SesTransport(amazon.account(**account), waits=waits).session() as session:
        return session.deliver(message())


def test_envelope_and_bytes_arrive(amazon: Amazon) -> None:
    outcome = deliver(amazon, configuration_set="bounces")
    [taken] = amazon.received
    assert outcome == Outcome(_S.SENT, "200 00000001")
    assert (taken.sender, taken.recipient, taken.configuration_set) == (SENDER, RECIPIENT, "bounces")
    assert taken.data == message().data


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((429, "TooManyRequestsException"), _S.DEFERRED),
        ((400, "LimitExceededException"), _S.DEFERRED),
        ((503, "ServiceUnavailable"), _S.DEFERRED),
        ((400, "MessageRejected"), _S.FAILED),
        ((400, "BadRequestException"), _S.FAILED),
        ((413, ""), _S.FAILED),
        ((500, "InternalFailure"), _S.UNCERTAIN),
        ((502, ""), _S.UNCERTAIN),
        ("sleep", _S.UNCERTAIN),
        ("take and vanish", _S.UNCERTAIN),
    ],
)
def test_every_answer_means_something(answer: tuple[int, str] | str, state: DeliveryState, amazon: Amazon) -> None:
    outcome = deliver(amazon, answer, timeout=1.0)
    assert outcome.state is state
    assert outcome.response
    assert len(amazon.received) == (answer == "take and vanish")


def test_where_ses_says_slowly_we_wait(amazon: Amazon) -> None:
    slow = (429, "TooManyRequestsException")
    assert deliver(amazon, slow, slow, waits=(0.01, 0.01)).state is _S.SENT
    assert len(amazon.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (400, "MailFromDomainNotVerifiedException"),
        (400, "AccountSuspendedException"),
        (404, "NotFoundException"),
        (403, ""),
    ],
)
def test_what_no_mail_would_survive_ends_the_run(answer: tuple[int, str], amazon: Amazon) -> None:
    with pytest.raises(TransportError, match=r"takes no mail from us: \d+"):
        deliver(amazon, answer)


def test_a_wrong_key_and_a_server_that_is_not_there_are_told(amazon: Amazon) -> None:
    with pytest.raises(TransportError, match="InvalidSignatureException"):
        deliver(amazon, secret_access_key="another")
    with pytest.raises(TransportError, match="cannot connect to"):
        deliver(amazon, endpoint="http://127.0.0.1:1")
