"""A DNS server on loopback that knows a few records, and a resolver that asks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.resolver
import dns.rrset
from dns.rdatatype import RdataType

Records = Mapping[tuple[str, str], list[str]]


class Server:
    """Answers over UDP. A name without records is unknown unless it is above one that has some (RFC 8020)."""

    def __init__(self, records: Records, *, rcode: dns.rcode.Rcode | None, silent: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self._records = {(dns.name.from_text(name), kind): texts for (name, kind), texts in records.items()}
        self._rcode, self._silent = rcode, silent
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, peer = self._socket.recvfrom(4096)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            question = query.question[0]
            self.asked.append((question.name.to_text(), RdataType.to_text(question.rdtype)))
            if not self._silent:
                self._socket.sendto(self._answer(query).to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question, reply = query.question[0], dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        kind = RdataType.to_text(question.rdtype)
        if self._rcode is not None:
            reply.set_rcode(self._rcode)
        elif texts := self._records.get((question.name, kind)):
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, texts))
        elif not any(name.is_subdomain(question.name) for name, _ in self._records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


@contextmanager
def resolving(
    records: Records | None = None, *, rcode: dns.rcode.Rcode | None = None, silent: bool = False
) -> Iterator[tuple[dns.resolver.Resolver, Server]]:
    """Give a resolver that asks a server with `records`, which may answer everything with `rcode`, or not at all."""
    server = Server(records or {}, rcode=rcode, silent=silent)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    try:
        yield resolver, server
    finally:
        server.stop()


@contextmanager
def for_this_process(resolver: dns.resolver.Resolver) -> Iterator[None]:
    """Make a resolver the one that commands find, as dnspython's own configuration would."""
    before = dns.resolver.default_resolver
    dns.resolver.default_resolver = resolver
    try:
        yield
    finally:
        dns.resolver.default_resolver = before
