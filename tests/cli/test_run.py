"""`newsletter run` as a process: what it does, what signals and systemd say to it, and two of it by mistake."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cli.desk import THURSDAY, Desk, parsed
from tests.cli.test_serve import free_port

_PATIENCE = 60.0


def until(happened: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    """Wait until something is so, while a process lives."""
    ends = time.monotonic() + _PATIENCE
    while not (value := happened()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.05)
    return value


class Running:
    """A `newsletter run`, and what it says."""

    def __init__(self, desk: Desk, said: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.desk, self.said, self.process, self.port = desk, said, process, port

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.said.read_text().splitlines()
        return [each for line in lines if line.startswith("{") and (each := json.loads(line))["event"] == name]

    def wait_for(self, name: str, times: int = 1) -> dict[str, Any]:
        found: list[dict[str, Any]] = until(lambda: (f := self.events(name))[times - 1 :] and f, self.process)
        return found[-1]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def running(
    desk: Desk, *, now: str = THURSDAY, env: dict[str, str] | None = None, **settings: Any
) -> Iterator[Running]:
    port = free_port()
    said = desk.folder / f"said-{port}"
    quick = {"web__port": port, "ranking__encoder": "wordllama"}
    environment = desk.environment(THURSDAY, {**quick, **settings}) | (env or {})
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*desk.command(), "run"], cwd=desk.folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield Running(desk, said, process, port)
    finally:
        process.kill()
        process.wait(timeout=30)


def subscribe(desk: Desk, *names: str, hour: int = 5) -> None:
    for name in names:
        desk.subscribe(f"{name}@lab.example", "--topic", "speech-recognition", "--hour", str(hour))


def test_it_reads_mails_at_the_hour_serves_and_ends_in_good_order(desk: Desk) -> None:
    (desk.folder / "newsletter.toml").write_text('[site]\nname = "Dunes"\n[[source]]\nname = "inbox"\npath = "*.txt"\n')
    (desk.folder / "more.txt").write_bytes(desk.seed().read_bytes())
    subscribe(desk, "ada")
    subscribe(desk, "later", hour=7)
    lmtp = free_port()
    with running(desk, returns__listen=f"lmtp://127.0.0.1:{lmtp}") as run:
        run.wait_for("delivered")
        assert [parsed(mail)["To"] for mail in desk.mails()] == ["ada@lab.example"]
        with smtplib.LMTP("127.0.0.1", lmtp, timeout=20) as mail_server:
            assert mail_server.ehlo()[0] == 250
        url = f"http://127.0.0.1:{run.port}"
        health = httpx.get(f"{url}/healthz", timeout=20).json()
        assert (health["database"], health["last_issue"], health["queue_age_seconds"]) == ("ok", "2026-08-20", 0)
        assert health["last_ingest"].startswith("2026-08-20T06:00")
        assert "Dunes" in httpx.get(f"{url}/subscribe", timeout=20).text
        (desk.folder / "newsletter.toml").write_text('[site]\nname = "Sands"\n')
        run.process.send_signal(signal.SIGHUP)
        run.wait_for("settings read again")
        assert "Sands" in httpx.get(f"{url}/subscribe", timeout=20).text
        (desk.folder / "newsletter.toml").write_text("[site\n")
        run.process.send_signal(signal.SIGHUP)
        assert "cannot read the settings file" in run.wait_for("the settings stay as they were")["error"]
        assert httpx.get(f"{url}/healthz/live", timeout=20).text == "ok\n"
        assert run.end() == 0
        assert run.events("stopped")
    assert len(desk.mails()) == 1
    # By hand what waits for its hour leaves at once.
    (desk.folder / "newsletter.toml").unlink()
    assert desk("send", "--json").json["sent"] == 1


def test_two_by_mistake_on_one_database_mail_everybody_once(desk: Desk) -> None:
    names = [f"reader{n}" for n in range(30)]
    subscribe(desk, *names)
    with running(desk) as one, running(desk) as other:
        until(lambda: len(desk.mails()) >= len(names) or None, one.process)
        for each in (one, other):
            each.wait_for("started")
        assert one.end() == other.end() == 0
    assert Counter(parsed(mail)["To"] for mail in desk.mails()) == Counter(f"{name}@lab.example" for name in names)


def test_killed_in_the_middle_and_started_again_it_goes_on(desk: Desk) -> None:
    names = [f"reader{n}" for n in range(12)]
    subscribe(desk, *names)
    with running(desk, delivery__per_second=2, smtp__connections=1) as run:
        until(lambda: len(desk.mails()) >= 3, run.process)
        run.end(signal.SIGKILL)
    before = len(desk.mails())
    assert before < len(names)
    with running(desk) as run:
        until(lambda: len({parsed(mail)["Message-ID"] for mail in desk.mails()}) == len(names), run.process)
        assert run.end() == 0
    got = Counter(parsed(mail)["To"] for mail in desk.mails())
    assert set(got) == {f"{name}@lab.example" for name in names}
    assert len(desk.mails()) <= len(names) + 1  # what was on its way when it died is in doubt: one a connection


def test_told_to_stop_while_it_sends_it_finishes_what_is_on_its_way(desk: Desk) -> None:
    subscribe(desk, *(f"reader{n}" for n in range(12)))
    with running(desk, delivery__per_second=2) as run:
        until(lambda: len(desk.mails()) >= 2, run.process)
        assert run.end() == 0
        assert run.events("stopped")
    counts = desk("issue", "show", "--json").json
    states: Counter[str] = sum((Counter(one["deliveries"]) for one in counts), Counter())
    assert states["sent"] == len(desk.mails()) < 12
    assert set(states) <= {"sent", "queued"}


def test_systemd_is_told_how_it_does(desk: Desk) -> None:
    path = str(desk.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(_PATIENCE)
        env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"}
        with running(desk, env=env) as run:
            assert systemd.recv(1000).startswith(b"READY=1\n")
            assert {systemd.recv(1000) for _ in range(3)} == {b"WATCHDOG=1"}
            os.kill(run.process.pid, signal.SIGHUP)
            said = [systemd.recv(1000)]
            while not said[-1].startswith(b"READY=1"):
                said.append(systemd.recv(1000))
            assert said[-2].startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            run.process.send_signal(signal.SIGTERM)
            while (last := systemd.recv(1000)) == b"WATCHDOG=1":
                pass
            assert last == b"STOPPING=1"
            assert run.process.wait(timeout=30) == 0


def test_signals_may_come_at_any_moment() -> None:
    """Also while the program is about to wait for one: no handler may want a lock that is held then."""
    program = (
        "import signal\n"
        "from newsletter.service import _Told\n"
        "told = _Told()\n"
        "signal.signal(signal.SIGALRM, told.to_reload)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "for _ in range(20_000):\n"
        "    told.wait(0.00001)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "print(told.reload)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert (done.stdout, done.returncode) == ("True\n", 0)


def test_settings_that_no_mail_can_be_made_by_are_not_taken(desk: Desk) -> None:
    path, pages = desk.folder / "newsletter.toml", desk.folder / "mine/web"
    path.write_text('[site]\nname = "Dunes"\n')
    pages.mkdir(parents=True)
    (pages / "home.html").write_text("{% if %}")
    with running(desk) as run:
        run.wait_for("started")
        for number, wrong in enumerate(('theme = "none"', 'templates = "mine"', None), 1):
            path.unlink()
            if wrong:
                path.write_text(f"[rendering]\n{wrong}\n")
            run.process.send_signal(signal.SIGHUP)
            why = run.wait_for("the settings stay as they were", number)["error"]
            assert ("there is no theme none", "web/home.html", "there is no settings file")[number - 1] in why
        assert run.end() == 0
    assert "no theme none" in desk.process("run", status=1, rendering__theme="none").err


def test_an_address_that_is_taken_keeps_it_from_starting(bare: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = bare.process("run", status=1, web__port=taken.getsockname()[1])
    assert "cannot listen on 127.0.0.1" in done.err
