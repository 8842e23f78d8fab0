"""The parts of a small data centre on one machine: hosts with addresses of their own, a PostgreSQL server, workers.

Hosts are network namespaces, joined by a bridge in a namespace of its own, so that nothing of the machine's own network
is touched; root and iproute2 are needed. Without them everything runs on the loopback address.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NET = "10.77.0"


def can_have_hosts() -> bool:
    """Tell whether network namespaces can be made here."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return made.returncode == 0


@dataclass(frozen=True)
class Host:
    """One machine: its address, and what stands before a command that is run on it."""

    name: str
    address: str
    inside: tuple[str, ...] = ()


@dataclass
class Network:
    """Hosts on one switch, whose cables can be pulled."""

    prefix: str = field(default_factory=lambda: f"nl{os.getpid()}")
    hosts: list[Host] = field(default_factory=list)

    def start(self) -> None:
        """Make the switch."""
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "br0", "up")

    def host(self, name: str) -> Host:
        """Make a host, and plug it in."""
        number = len(self.hosts) + 1
        space, plug = f"{self.prefix}-{name}", f"p{number}"
        made = Host(name, f"{NET}.{number}", ("ip", "netns", "exec", space))
        self.hosts.append(made)
        _ip("netns", "add", space)
        _ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", plug, "netns", self._switch)
        _ip("-n", space, "address", "add", f"{made.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", space, "link", "set", device, "up")
        _ip("-n", self._switch, "link", "set", plug, "master", "br0", "up")
        return made

    def cable(self, host: Host, *, plugged: bool) -> None:
        """Pull a host's cable out of the switch, or plug it in again. Nobody is told: packets are lost."""
        plug = f"p{self.hosts.index(host) + 1}"
        _ip("-n", self._switch, "link", "set", plug, "up" if plugged else "down")

    def stop(self) -> None:
        """Take it all down; what still runs on the hosts keeps no way to anybody."""
        for name in [*(f"{self.prefix}-{host.name}" for host in self.hosts), self._switch]:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    @property
    def _switch(self) -> str:
        return f"{self.prefix}-switch"


@contextmanager
def network() -> Iterator[Network]:
    """Give a network, and take it down in the end."""
    made = Network()
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Postgres:
    """A PostgreSQL server of our own, which may be stopped in the middle of anything. Safe against it: fsync is on."""

    def __init__(self, folder: Path, host: Host, port: int = 54399) -> None:
        self.url = f"postgresql+psycopg://newsletter@{host.address}:{port}/newsletter"
        self._folder, self._host, self._port = folder, host, port
        versions = sorted(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name))
        self._programs = versions[-1] / "bin"

    def create(self) -> None:
        """Make the cluster, start it, and make the database."""
        self._folder.mkdir()
        if not os.geteuid():
            shutil.chown(self._folder, "postgres")
        self._run("initdb", "-D", str(self._folder), "-U", "newsletter", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (self._folder / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write(f"host all all {NET}.0/24 trust\n")
        self.start()
        self._run("createdb", "-h", self._host.address, "-p", str(self._port), "-U", "newsletter", "newsletter")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses={self._host.address} -c port={self._port} -c unix_socket_directories="
        log = str(self._folder / "server.log")
        self._run("pg_ctl", "start", "-w", "-D", str(self._folder), "-l", log, "-o", options)

    def stop(self) -> None:
        """Stop it as a power cut would: it recovers from its log when it starts."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._folder))

    def _run(self, program: str, *words: str) -> None:
        owner = () if os.geteuid() else ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        command = [*self._host.inside, *owner, str(self._programs / program), *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd="/"
        )
        if done.returncode:
            raise SystemExit(f"{program} failed: {done.stdout.decode(errors='replace')}")


@dataclass
class Worker:
    """A `newsletter worker`, on some host, which may be killed and started again."""

    host: Host
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        """Start it."""
        command = [*self.host.inside, sys.executable, "-m", "newsletter", "worker", *words]
        with (self.folder / f"{self.host.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> float:
        """Tell it to stop, and give how many seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(60)
        return time.monotonic() - began


def loopback(names: Sequence[str]) -> dict[str, Host]:
    """Give hosts that are all this machine."""
    return {name: Host(name, "127.0.0.1") for name in names}
