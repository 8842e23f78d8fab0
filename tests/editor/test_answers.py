"""What the editor's page is told, and who is told nothing."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.editor.office import TOKEN, Office, opened
from tests.sources.replies import answering


def test_there_is_nothing_without_the_token(office: Office) -> None:
    root = office.url.removesuffix(f"{TOKEN}/")
    for path in ("", "x/", f"{TOKEN}x/", "x/choices", "x/mail/1", "docs", "openapi.json"):
        assert httpx.get(root + path).status_code == 404, path
    assert httpx.post(f"{root}x/show", json={}).status_code == 404


def test_other_names_of_this_machine_are_refused(office: Office) -> None:
    assert office.client.get("choices", headers={"Host": "evil.example:80"}).status_code == 400
    assert office.client.get("choices", headers={"Host": "localhost:80"}).status_code == 200


def test_the_page_may_fetch_nothing_from_elsewhere_and_is_framed_by_nobody(office: Office) -> None:
    answer = office.client.get("")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    for name in ("editor.css", "editor.js"):
        assert f"file/{name}" in answer.text
        assert "://" not in office.client.get(f"file/{name}").text
    assert office.client.get("file/..%2fpage.html").status_code == 404


def test_what_there_is_to_choose_from(office: Office) -> None:
    there = office.client.get("choices").json()
    assert there["readers"] == ["ada@lab.test"]
    assert len(there["samples"]) == 3
    assert there["themes"] == ["bulletin", "journal"]
    assert there["languages"] == ["en", "de", "zh"]
    assert there["file"] == str(office.profile)
    assert {"issue", "test", "welcome", "alert"} <= set(there["mails"])
    assert len(there["topics"]) > 50


def test_a_subscriber_sees_what_they_would_get(office: Office) -> None:
    shown = office.show(eyes="reader:ada@lab.test")
    assert shown["subject"].startswith("Dunes that sing")
    assert shown["to"] == "ada@lab.test"
    assert shown["picked"]["picks"][0]["reasons"] == [{"kind": "keyword", "matched": "dunes"}]
    assert [name for name, _ in shown["headers"] if name == "List-Id"] == ["List-Id"]
    assert "DUNES" not in shown["source"]
    assert "Dunes that sing" in shown["text"]
    checks = office.client.get(f"check/{shown['number']}").json()
    assert {one["check"] for one in checks} >= {"size", "headers", "links", "contrast", "support"}
    assert not [one for one in checks if one["level"] == "failed"]
    mail = office.client.get(f"mail/{shown['number']}")
    assert "Dunes that sing" in mail.text


def test_a_mail_runs_nothing_and_fetches_pictures_only_when_that_is_wanted(office: Office) -> None:
    number = office.show(eyes="form", keywords="harm")["number"]
    plain, pictured = (office.client.get(f"mail/{number}?pictures={wanted}") for wanted in ("false", "true"))
    assert "img-src data:;" in plain.headers["content-security-policy"]
    assert "img-src https: data:;" in pictured.headers["content-security-policy"]
    for answer in (plain, pictured):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "allow-scripts" not in answer.headers["content-security-policy"]
        assert "<script" not in answer.text


def test_dark_colours_are_shown_without_asking_the_screen(office: Office) -> None:
    number = office.show()["number"]
    dark, light = (office.client.get(f"mail/{number}?scheme={one}").text for one in ("dark", "light"))
    assert "@media all" in dark
    assert "@media not all" in light
    assert "prefers-color-scheme" not in dark + light


def test_somebody_made_up_gets_other_papers_at_once(office: Office) -> None:
    dunes = office.show(eyes="form", keywords="dunes")["picked"]["picks"]
    speech = office.show(eyes="form", keywords="speech, hearing", topics="speech-recognition")["picked"]["picks"]
    assert dunes[0]["title"].startswith("Dunes")
    assert speech[0]["title"].startswith("Speech")


def test_the_profile_file_is_read_anew_each_time(office: Office) -> None:
    assert office.show(eyes="file")["picked"]["picks"][0]["title"].startswith("Speech")
    before = office.profile.read_text()
    office.profile.write_text('keywords = ["dunes"]\n')
    assert office.show(eyes="file")["picked"]["picks"][0]["title"].startswith("Dunes")
    office.profile.write_text("keywords = 3\n")
    assert "keywords is not a list" in office.show(422, eyes="file")["error"]
    office.profile.write_text(before)


def test_a_library_at_an_address_is_read_once_however_often_it_is_looked_at(office: Office) -> None:
    before, bib = office.profile.read_text(), "@article{one, title={Dunes that walk}, doi={10.5555/walk}, year={2026}}"
    with answering(bib) as forge:
        office.profile.write_text(f'library = ["{forge.url}"]\n')
        for _ in range(2):
            assert office.show(eyes="file")["picked"]["picks"][0]["title"].startswith("Dunes")
        assert len(forge.queries) == 1
    office.profile.write_text(before)


@pytest.mark.parametrize("mail", ["confirm", "known", "welcome", "preferences", "goodbye", "erased", "alert", "test"])
def test_every_mail_can_be_seen_in_every_language_and_look(office: Office, mail: str) -> None:
    subjects = {tag: office.show(mail=mail, language=tag)["subject"] for tag in ("en", "de", "zh")}
    assert len(set(subjects.values())) == (2 if mail == "test" else 3)  # "Test" is German, too
    other = office.client.get(f"mail/{office.show(mail=mail, theme='bulletin')['number']}").text
    assert "#2c3590" in other
    assert "#0b5d63" not in other


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"eyes": "reader:nobody@lab.test"}, "nobody@lab.test"),
        ({"eyes": "sample:nobody"}, "there is no reader"),
        ({"eyes": "form", "topics": "nonsense"}, "no such topic"),
        ({"eyes": "form", "papers": 900}, "papers is 900"),
        ({"day": "tomorrow"}, "'tomorrow' is no day"),
        ({"day": "2999-01-01"}, "still to come"),
        ({"mail": "spam"}, "there is no mail 'spam'"),
        ({"theme": "none"}, "there is no theme none"),
        ({"theme": "../../etc/passwd"}, "is no name of a theme"),
    ],
)
def test_what_cannot_be_shown_says_why_and_what_to_do(office: Office, asked: dict[str, object], error: str) -> None:
    told = office.show(422, **asked)
    assert error in told["error"]
    assert told["hint"] or "nobody@" in error


def test_values_of_the_wrong_kind_are_left_out(office: Office) -> None:
    assert office.show(eyes=3, papers="many", day=None, unknown="x")["subject"].startswith("Dunes")


def test_a_preview_that_is_gone_is_told(office: Office) -> None:
    answer = office.client.get("mail/100000")
    assert answer.status_code == 422
    assert "load the page again" in answer.json()["hint"]


def test_a_test_is_really_sent_and_gives_nobodys_links_away(office: Office) -> None:
    number = office.show(eyes="reader:ada@lab.test")["number"]
    told = office.client.post(f"test/{number}", json={"to": "editor@lab.test"}).json()
    assert told["sent"]
    [mail] = office.mails()
    assert mail["To"].addresses[0].addr_spec == "editor@lab.test"
    assert str(mail["Subject"]).startswith("Test: Dunes that sing")
    assert mail["List-Unsubscribe"] is None
    for part in mail.iter_parts():
        content = part.get_content()
        assert "This is a test." in content
        assert "Dunes that sing" in content
        for personal in ("/preferences/", "/unsubscribe/", "/feedback/"):
            assert personal not in content


def test_an_address_that_is_none_is_told(office: Office) -> None:
    answer = office.client.post(f"test/{office.show()['number']}", json={"to": "nobody"})
    assert answer.status_code == 422
    assert "not an email address" in answer.json()["error"]


def test_the_full_check_asks_for_links(office: Office) -> None:
    results = office.client.post(f"check/{office.show(eyes='form', keywords='harm')['number']}").json()
    assert "failed" in {one["level"] for one in results if one["check"] == "links"}  # nothing answers in a test


def test_without_subscribers_samples_are_there(tmp_path: Path) -> None:
    with opened(tmp_path, readers=False) as office:
        assert office.show()["to"].endswith("@reader.example.org")
