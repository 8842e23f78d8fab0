"""What holds for every page: headers, methods, errors, limits, and paths that mean harm."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.rendering import SiteView
from newsletter.web.pages import Pages
from tests.web.house import House, words

SITE = SiteView("Daily Papers", "https://papers.example", "")
TRICKS = (
    "/static/../app.py",
    "/static/..%2f..%2f..%2fetc%2fpasswd",
    "/static/%2e%2e/%2e%2e/newsletter.db",
    "/static/....//style.css",
    "//evil.example/static/style.css",
    "/unsubscribe/../healthz/x",
    "/unsubscribe/%00",
    "/unsubscribe/" + "a" * 5000,
    "/unsubscribe/%ff%fe",
    "/feedback/%F0%9F%92%A9",
    "/preferences/W10.x",
    "/preferences/WzFd.AAAA",
)


def raw(house: House, request: bytes) -> bytes:
    """Send bytes as they are, for what a well-behaved client would not send."""
    host, port = house.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/static/style.css", "/unsubscribe/none"])
def test_every_answer_has_the_headers_that_keep_browsers_safe(house: House, path: str) -> None:
    headers = house.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == policy["style-src"] == policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers
    assert "Server" not in headers


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/static/style.css"])
def test_head_answers_as_get_does_without_the_page(house: House, path: str) -> None:
    asked, got = house.client.head(path), house.get(path)
    assert asked.status_code == got.status_code
    assert asked.content == b""
    assert asked.headers["Content-Length"] == str(len(got.content))


@pytest.mark.parametrize("path", TRICKS)
def test_paths_that_mean_harm_lead_nowhere(house: House, path: str) -> None:
    answer = raw(house, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1.1 4\d\d ", answer), answer[:200]
    assert b"root:" not in answer
    assert b"location:" not in answer.lower()


def test_a_page_that_is_not_there_says_so_in_the_look_of_the_others(house: House) -> None:
    answer = house.get("/no/such/page")
    assert answer.status_code == 404
    assert "There is nothing here" in words(answer)
    assert "style.css" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_a_method_that_does_not_fit_is_told_which_do(house: House) -> None:
    answer = house.client.delete("/healthz")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert "does not work here" in words(answer)


def test_a_defect_is_a_page_too_and_tells_nothing_of_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(type(house.store.subscribers), "count_active", broken)
    answer = house.get("/healthz")
    assert answer.status_code == 500
    assert "Something broke" in words(answer)
    assert "secret" not in answer.text
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_database_that_cannot_be_used_is_a_page_too(house: House) -> None:
    with house.store._database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE ratings")
        connection.exec_driver_sql("DROP TABLE subscribers")
    answer = house.get("/healthz")
    assert answer.status_code == 503
    assert "Back in a moment" in words(answer)
    assert answer.headers["Retry-After"] == "60"


def test_more_than_a_form_can_hold_is_refused_also_where_its_length_is_not_told(house: House) -> None:
    path = house.unsubscribe(house.subscriber())
    told = house.client.post(path, data={"act": "x" * 1_100_000})
    pieces = (b"a" * 10_000 for _ in range(200))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    untold = house.client.post(path, content=pieces, headers=form)
    assert told.status_code == untold.status_code == 413
    assert "too large" in words(told)


def test_a_form_that_is_broken_is_answered_with_a_page(house: House) -> None:
    path = house.unsubscribe(house.subscriber())
    answer = house.client.post(path, content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 400
    assert "cannot be read" in words(answer)


def test_files_that_browsers_keep_are_named_by_their_content(house: House) -> None:
    [address] = re.findall(r'href="(/static/style.css\?\w+)"', house.get("/nothing").text)
    answer = house.get(address)
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]


def test_pages_know_the_path_that_a_proxy_serves_them_under(tmp_path: Path) -> None:
    page = Pages(SiteView("Daily Papers", "https://lab.example/papers", "")).render(
        "trouble.html", title="x", words="y", public=False
    )
    assert 'href="/papers/static/style.css?' in page


def test_a_folder_of_ones_own_goes_before_the_shipped_templates_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/trouble.html").write_text("ours: {{ title }}")
    own = Pages(SITE, tmp_path)
    assert own.render("trouble.html", title="<b>", words="") == "ours: &lt;b&gt;"
    assert own.static == Pages(SITE).static


def test_a_template_that_asks_for_what_there_is_not_fails(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/trouble.html").write_text("{{ no_such_thing }}")
    with pytest.raises(TemplateError, match="no_such_thing"):
        Pages(SITE, tmp_path).render("trouble.html")


def test_styles_and_scripts_stand_in_files_only() -> None:
    for file in (Path(__file__).parents[2] / "templates/web").glob("*.html"):
        text = file.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", text), file.name


def test_nothing_but_pages_is_there(house: House) -> None:
    """No documentation of an interface that there is not."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert house.get(path).status_code == 404
