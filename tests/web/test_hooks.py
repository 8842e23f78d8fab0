"""What providers tell of bounces: signed with keys of our own, taken in once, refused where it is not theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from newsletter.config import Settings, Webhooks
from newsletter.delivery.envelope import envelope_sender
from newsletter.delivery.webhooks import ForgedError
from newsletter.delivery.webhooks.sns import amazon
from newsletter.model import Cadence, DeliveryState, Edition, Issue, IssueState, Pick, Section, SubscriberStatus, Window
from newsletter.store.deliveries import Settlement
from tests.web.house import House, running

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MESSAGE_ID = "<1.abc@papers.example>"


def public(key: ec.EllipticCurvePrivateKey) -> str:
    der = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(*der)).decode()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    hooks = Webhooks.model_validate(
        {"ses_topic": TOPIC, "postmark_password": "pm", "mailgun_key": "mg", "sendgrid_key": public(EC)}
    )
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path, webhooks=hooks) as house:
        reader, now = house.subscriber(), house.clock()
        window = Window(now - timedelta(days=1), now)
        issue = house.store.issues.open(Issue(0, Cadence.DAILY, now.date(), window, IssueState.OPEN), now=now)
        house.store.issues.publish(
            [Edition(issue, reader, (Pick(house.papers["dunes"], 1, Section.FOR_YOU, 1.0, ()),))],
            {reader.key: MESSAGE_ID},
            now=now,
        )
        yield house


def status(house: House) -> SubscriberStatus:
    [reader] = house.store.subscribers.by_key([1]).values()
    return reader.status


class TestMailgun:
    def body(self, house: House, event: dict[str, Any], key: str = "mg", **signed: str) -> str:
        timestamp = signed.get("timestamp", str(int(house.clock().timestamp())))
        mac = hmac.new(key.encode(), f"{timestamp}tok".encode(), hashlib.sha256).hexdigest()
        return json.dumps(
            {"signature": {"timestamp": timestamp, "token": "tok", "signature": mac}, "event-data": event}
        )

    def failed(self, **more: Any) -> dict[str, Any]:
        return {
            "id": "e1",
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "recipient": "ada@lab.example",
            "delivery-status": {"code": 550, "message": "5.1.1 User unknown"},
            "message": {"headers": {"message-id": MESSAGE_ID.strip("<>")}},
            **more,
        }

    def test_a_bounce_suppresses_and_counts_once(self, house: House) -> None:
        for _ in range(2):
            assert house.post("/hooks/mailgun", content=self.body(house, self.failed())).status_code == 200
        assert status(house) is SubscriberStatus.SUPPRESSED

    def test_a_full_mailbox_does_not(self, house: House) -> None:
        event = self.failed(**{"delivery-status": {"code": 552, "message": "5.2.2 over quota"}})
        assert house.post("/hooks/mailgun", content=self.body(house, event)).status_code == 200
        assert status(house) is SubscriberStatus.ACTIVE

    @pytest.mark.parametrize(
        "wrong", [{"key": "other"}, {"timestamp": "1000"}, {"timestamp": "nan"}, {"timestamp": "x"}]
    )
    def test_what_is_forged_or_old_is_refused(self, wrong: dict[str, str], house: House) -> None:
        answer = house.post("/hooks/mailgun", content=self.body(house, self.failed(), **wrong))
        assert answer.status_code == 403
        assert status(house) is SubscriberStatus.ACTIVE

    def test_a_complaint_suppresses(self, house: House) -> None:
        house.post("/hooks/mailgun", content=self.body(house, self.failed(event="complained")))
        assert status(house) is SubscriberStatus.SUPPRESSED

    def test_what_mailgun_did_not_try_and_what_arrived_suppress_nobody(self, house: House) -> None:
        house.post("/hooks/mailgun", content=self.body(house, self.failed(reason="suppress-bounce")))
        house.post("/hooks/mailgun", content=self.body(house, self.failed(event="delivered")))
        assert status(house) is SubscriberStatus.ACTIVE


class TestSendGrid:
    def post(self, house: House, events: list[dict[str, Any]], key: ec.EllipticCurvePrivateKey = EC) -> httpx.Response:
        body, timestamp = json.dumps(events).encode(), str(int(house.clock().timestamp()))
        signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return house.client.post("/hooks/sendgrid", content=body, headers=headers)

    def test_only_what_is_a_bounce_counts(self, house: House) -> None:
        event = {"email": "ada@lab.example", "smtp-id": MESSAGE_ID, "sg_event_id": "1"}
        soft = [{**event, "event": "processed"}, {**event, "event": "dropped"}, {**event, "event": "deferred"}]
        assert self.post(house, soft).status_code == 200
        assert status(house) is SubscriberStatus.ACTIVE
        hard = {**event, "event": "bounce", "type": "bounce", "status": "5.1.1", "sg_event_id": "2"}
        assert self.post(house, [hard]).status_code == 200
        assert status(house) is SubscriberStatus.SUPPRESSED

    def test_another_key_is_refused(self, house: House) -> None:
        event = {"email": "ada@lab.example", "smtp-id": MESSAGE_ID, "event": "spamreport", "sg_event_id": "3"}
        assert self.post(house, [event], ec.generate_private_key(ec.SECP256R1())).status_code == 403
        assert house.post("/hooks/sendgrid", content=b"[]").status_code == 403
        assert status(house) is SubscriberStatus.ACTIVE


class TestPostmark:
    BOUNCE: ClassVar = {"RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "Email": "ada@lab.example"}

    def test_the_last_mail_to_the_address_is_meant_where_no_name_of_ours_is_told(self, house: House) -> None:
        answer = house.client.post("/hooks/postmark", json=self.BOUNCE, auth=("newsletter", "pm"))
        assert answer.status_code == 200
        assert status(house) is SubscriberStatus.ACTIVE  # nothing was sent to them yet
        _send(house)
        house.client.post("/hooks/postmark", json=self.BOUNCE, auth=("newsletter", "pm"))
        assert status(house) is SubscriberStatus.SUPPRESSED

    @pytest.mark.parametrize("auth", [("", ""), ("newsletter", "wrong"), ("newsletter", "")])
    def test_who_has_not_the_password_is_refused(self, auth: tuple[str, str], house: House) -> None:
        _send(house)
        assert house.client.post("/hooks/postmark", json=self.BOUNCE, auth=auth).status_code == 403
        assert status(house) is SubscriberStatus.ACTIVE

    @pytest.mark.parametrize("kind", ["AutoResponder", "Transient", "SoftBounce", "Blocked"])
    def test_other_kinds_suppress_nobody(self, kind: str, house: House) -> None:
        _send(house)
        bounce = {**self.BOUNCE, "Type": kind}
        assert house.client.post("/hooks/postmark", json=bounce, auth=("x", "pm")).status_code == 200
        assert status(house) is SubscriberStatus.ACTIVE


def _send(house: House) -> None:
    now = house.clock()
    deliveries = house.store.deliveries
    deliveries.claim([1], owner="me", due=now, now=now, lease=timedelta(minutes=1), limit=1)
    deliveries.start([1], owner="me", now=now, lease=timedelta(minutes=1))
    deliveries.settle([Settlement(1, DeliveryState.SENT, "250 ok")], owner="me", now=now)


def certificate(house: House, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(RSA.public_key())
    now = house.clock()
    built = (
        built.serial_number(1).not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    )
    return built.sign(RSA, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class TestSes:
    @pytest.fixture(autouse=True)
    def _amazon(self, house: House) -> None:
        """Stand where Amazon does: the one thing that a test cannot reach."""
        self.asked: list[str] = []
        self.days = 30

        def fetch(url: str) -> bytes:
            self.asked.append(url)
            return certificate(house, self.days)

        house.parts.hooks._sns._fetch = fetch

    def envelope(self, house: House, message: dict[str, Any], **changed: str) -> dict[str, str]:
        said = {
            "Type": "Notification",
            "MessageId": "m1",
            "TopicArn": TOPIC,
            "Message": json.dumps(message),
            "Timestamp": house.clock().isoformat(),
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
        } | changed
        names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
        signed = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
        digest = hashes.SHA256() if said["SignatureVersion"] == "2" else hashes.SHA1()
        said["Signature"] = base64.b64encode(RSA.sign(signed.encode(), padding.PKCS1v15(), digest)).decode()
        return said

    def bounce(self, house: House, **more: Any) -> dict[str, Any]:
        sender = envelope_sender("papers@newsletter.example.org", 1, house.parts.secret.encode())
        one = {"emailAddress": "ada@lab.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        bounce = {"bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f", "bouncedRecipients": [one]}
        return {"notificationType": "Bounce", "mail": {"source": sender}, "bounce": bounce | more}

    def post(self, house: House, said: dict[str, str]) -> httpx.Response:
        return house.client.post("/hooks/ses", json=said)

    @pytest.mark.parametrize("version", ["1", "2"])
    def test_a_bounce_names_its_delivery_by_the_envelope_sender(self, version: str, house: House) -> None:
        said = self.envelope(house, self.bounce(house), SignatureVersion=version)
        assert self.post(house, said).status_code == 200
        assert self.post(house, said).status_code == 200
        assert status(house) is SubscriberStatus.SUPPRESSED
        assert self.asked == [CERTIFICATE]  # once

    def test_what_amazon_did_not_try_suppresses_nobody(self, house: House) -> None:
        said = self.envelope(house, self.bounce(house, bounceSubType="OnAccountSuppressionList"))
        assert self.post(house, said).status_code == 200
        assert status(house) is SubscriberStatus.ACTIVE

    def test_a_complaint_suppresses(self, house: House) -> None:
        complaint = {"feedbackId": "f", "complainedRecipients": [{"emailAddress": "ada@lab.example"}]}
        message = {"eventType": "Complaint", "mail": self.bounce(house)["mail"], "complaint": complaint}
        assert self.post(house, self.envelope(house, message)).status_code == 200
        assert status(house) is SubscriberStatus.SUPPRESSED

    def test_a_changed_message_another_topic_and_another_server_are_refused(self, house: House) -> None:
        said = self.envelope(house, self.bounce(house))
        changed = {**said, "Message": said["Message"].replace("General", "NoEmail")}
        for wrong in (
            changed,
            self.envelope(house, self.bounce(house), TopicArn="arn:aws:sns:eu-west-1:999:bounces"),
            self.envelope(house, self.bounce(house), SigningCertURL="https://evil.example/key.pem"),
            self.envelope(house, self.bounce(house), SignatureVersion="3"),
            {**said, "Signature": "!"},
            {},
        ):
            assert self.post(house, wrong).status_code == 403
        assert status(house) is SubscriberStatus.ACTIVE
        assert "https://evil.example/key.pem" not in self.asked

    def test_a_certificate_that_is_over_is_refused(self, house: House) -> None:
        self.days = -1
        assert self.post(house, self.envelope(house, self.bounce(house))).status_code == 403

    def test_a_subscription_to_our_topic_is_confirmed_and_to_no_other_address(self, house: House) -> None:
        url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
        confirmation = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
        assert self.post(house, self.envelope(house, {}, **confirmation)).status_code == 200
        assert url in self.asked
        confirmation["SubscribeURL"] = "http://169.254.169.254/latest/meta-data"
        assert self.post(house, self.envelope(house, {}, **confirmation)).status_code == 403
        assert len(self.asked) == 2

    def test_where_amazon_does_not_answer_it_tries_again(self, house: House) -> None:
        def fail(url: str) -> bytes:
            raise OSError("no route")

        house.parts.hooks._sns._fetch = fail
        assert self.post(house, self.envelope(house, self.bounce(house))).status_code == 503


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8080/x.pem",
        "https://[::1",
        "",
    ],
)
def test_only_amazons_servers_are_asked(url: str) -> None:
    with pytest.raises(ForgedError):
        amazon(url)


def test_a_provider_that_is_not_set_is_not_there(tmp_path: Path) -> None:
    assert Settings().webhooks == Webhooks()
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path) as house:
        for provider in ("ses", "postmark", "mailgun", "sendgrid", "nobody"):
            assert house.post(f"/hooks/{provider}", content=b"{}").status_code == 404
            assert house.get(f"/hooks/{provider}").status_code in {404, 405}


def test_what_is_no_json_is_refused(house: House) -> None:
    for body in (b"", b"nonsense", b"[" * 100_000, b'{"signature": 3, "event-data": []}'):
        assert house.post("/hooks/mailgun", content=body).status_code == 403
