"""What the DNS says of the domain that mail is from, by which other servers judge whether it is genuine.

SPF (RFC 7208) lists who may send for a domain, DKIM (RFC 6376) holds the keys of signatures, DMARC (RFC 7489) says what
to do with mail that has neither, MX (RFC 5321) where bounces go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import dns.exception
import dns.resolver
import dns.reversename
from dns.rdatatype import RdataType

from newsletter import bootstrap
from newsletter.checks.check import Check, failed, ok, warning
from newsletter.config import Settings
from newsletter.delivery.addresses import ascii_domain
from newsletter.delivery.transport import one_line
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.delivery.dkim import Key

_PATIENCE = 3.0  # seconds for one question, over all of the machine's resolvers
_SPF_ALL = re.compile(r"[-+?~]?all", re.IGNORECASE)
_POLICIES = ("none", "quarantine", "reject")


class _UnansweredError(Exception):
    """Nobody could tell."""


class Names:
    """The DNS by way of one resolver. After a question without any answer no more are asked: there is no network."""

    def __init__(self, resolver: dns.resolver.Resolver) -> None:
        self._resolver = resolver
        self._silent = False

    def exists(self, name: str) -> bool:
        """Tell whether there is a name, or one below it (RFC 8020). Raises _UnansweredError, as all of these do."""
        return self._ask(name, RdataType.TXT) is not None

    def texts(self, name: str) -> list[str]:
        """Give the TXT records of a name; none where it is not there."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._records(name, RdataType.TXT)]

    def servers(self, name: str) -> list[str]:
        """Give the hosts that take mail for a name, best first; the root (".") says that none does (RFC 7505)."""
        records = sorted(self._records(name, RdataType.MX), key=lambda record: int(record.preference))
        return [record.exchange.to_text() for record in records]

    def addresses(self, host: str) -> list[str]:
        """Give the IP addresses of a host."""
        return [str(record.address) for kind in (RdataType.A, RdataType.AAAA) for record in self._records(host, kind)]

    def name_of(self, address: str) -> str:
        """Give the name that an IP address has (its PTR record), or nothing."""
        reverse = dns.reversename.from_address(address).to_text()
        return next((str(record.target) for record in self._records(reverse, RdataType.PTR)), "")

    def _records(self, name: str, kind: RdataType) -> Sequence[Any]:
        answer = self._ask(name, kind)
        return [] if answer is None or answer.rrset is None else list(answer.rrset)

    def _ask(self, name: str, kind: RdataType) -> dns.resolver.Answer | None:
        """Give the answer, which may hold no records; None where there is no such name."""
        if self._silent:
            raise _UnansweredError(f"no resolver answered within {_PATIENCE:g} s")
        try:
            return self._resolver.resolve(
                f"{name.rstrip('.')}.", kind, raise_on_no_answer=False, lifetime=_PATIENCE, search=False
            )
        except dns.resolver.NXDOMAIN:
            return None
        except dns.resolver.LifetimeTimeout as error:
            self._silent = True
            raise _UnansweredError(f"no resolver answered within {_PATIENCE:g} s") from error
        except (dns.exception.DNSException, OSError) as error:
            raise _UnansweredError(one_line(str(error))) from error


def of_domain(settings: Settings, resolver: dns.resolver.Resolver | None = None) -> Iterator[Check]:
    """Look up what concerns the sender's domain, the one that bounces go to, and the server; by default as the machine
    is set up to. Raises UnicodeError where a domain can be none.
    """
    try:
        names = Names(resolver or dns.resolver.get_default_resolver())
    except dns.resolver.NoResolverConfiguration as error:
        yield _not_looked_up("DNS", one_line(str(error)))
        return
    sender = ascii_domain(bootstrap.sender_domain(settings))
    bounces = ascii_domain(bootstrap.bounce_address(settings).rpartition("@")[2])
    for domain in dict.fromkeys((bounces, sender)):  # of the envelope, and of EHLO: receivers look at both
        yield from _asked("SPF", partial(_spf, domain, names))
    yield from _asked("DKIM", lambda: _signature(settings, sender, names) or _dkim(sender, names))
    yield from _asked("DMARC", lambda: _dmarc(sender, names))
    yield from _asked("MX", lambda: _mx(bounces, names))
    yield from _asked("PTR", lambda: _ptr(settings.smtp.host, names))


def _asked(name: str, look: Callable[[], Check | None]) -> Iterator[Check]:
    try:
        found = look()
    except _UnansweredError as error:
        found = _not_looked_up(name, str(error))
    if found is not None:
        yield found


def _not_looked_up(name: str, reason: str) -> Check:
    return warning(
        name, f"could not be looked up: {reason}", "check this machine's network and resolver, then run this again"
    )


def _spf(domain: str, names: Names) -> Check:
    return spf(domain, names.texts(domain))


def spf(domain: str, texts: Sequence[str]) -> Check:
    """Judge the SPF records among the TXT records of a domain."""
    records = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) != 1:
        said = f"{domain} has {len(records) or 'no'} SPF record{'s' if records else ''}"
        return failed(
            "SPF",
            said if not records else f"{said}, so that none of them counts (RFC 7208)",
            f'publish one TXT record at {domain} that names the servers which send your mail, such as "v=spf1 mx ~all"'
            if not records
            else "make one record of them",
        )
    record = one_line(records[0])
    terms = record.split()[1:]
    last = next((term for term in terms if _SPF_ALL.fullmatch(term)), "")
    if last.startswith(("~", "-")) or (not last and any(term.lower().startswith("redirect=") for term in terms)):
        return ok("SPF", f"{domain}: {record}")
    said = f"ends in {last}" if last else "does not say who may not"
    return warning(
        "SPF", f"the record of {domain} {said}, so that anybody may send for it: {record}", "end it in ~all or -all"
    )


def _signature(settings: Settings, sender: str, names: Names) -> Check | None:
    """Compare the key that mail is signed with and the one that is published; None where we do not sign."""
    try:
        signer = bootstrap.signer(settings)
    except ConfigError as error:
        return failed("DKIM", error.message, error.hint)
    if signer is None:
        return None
    name = f"{signer.selector}._domainkey.{signer.domain}"
    if sender != signer.domain and not sender.endswith(f".{signer.domain}"):
        return failed("DKIM", f"mail from {sender} is signed for {signer.domain}", f"set dkim.domain to {sender}")
    return published_key(name, names.texts(name), signer.key)


def published_key(name: str, texts: Sequence[str], key: Key) -> Check:
    """Judge the TXT records at the name of a DKIM key against the private key that signs."""
    from newsletter.delivery.dkim import public_part, record  # noqa: PLC0415  lazy: few need cryptography

    cure = f"publish this TXT record at {name}: {record(key)}"
    tags = [dict(re.findall(r"\s*(\w+)\s*=\s*([^;]*)", text)) for text in texts]
    keys = ["".join(each["p"].split()) for each in tags if "p" in each]
    if len(keys) != 1:
        return failed("DKIM", f"{name} has {len(keys) or 'no'} key{'s' if keys else ''}, so signatures fail", cure)
    if keys[0] != public_part(key):
        return failed("DKIM", f"the key at {name} is not that of dkim.key_file, so signatures fail", cure)
    return ok("DKIM", f"mail is signed with the key that {name} publishes")


def _dkim(domain: str, names: Names) -> Check:
    """Tell whether there can be DKIM keys. Which is used, and whether mail is signed, no question to the DNS tells."""
    hint = f"mail a reader of your own and look at its Authentication-Results: dkim=pass with header.d={domain}"
    if names.exists(f"_domainkey.{domain}"):
        return ok(
            "DKIM",
            f"there may be keys below _domainkey.{domain}; that mail is signed cannot be seen from here: "
            "look for dkim=pass in the Authentication-Results of a mail that arrived",
        )
    return warning(
        "DKIM",
        f"there is no key below _domainkey.{domain}; signatures themselves cannot be seen from here",
        f"let the mail server sign mail from {domain}, and publish its key; then {hint}",
    )


def _dmarc(domain: str, names: Names) -> Check:
    """Judge the DMARC record of a domain, or else of the nearest domain above that has one."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        owner = ".".join(labels[start:])
        records = [text for text in names.texts(f"_dmarc.{owner}") if re.match(r"v\s*=\s*DMARC1\b", text)]
        if records:
            return dmarc(owner, records, below=start > 0)
    return warning(
        "DMARC",
        f"{domain} has no DMARC record, which the large mail services ask of whoever mails many people",
        f'publish a TXT record at _dmarc.{domain}, to begin with "v=DMARC1; p=none; rua=mailto:you@{domain}"',
    )


def dmarc(owner: str, records: Sequence[str], *, below: bool) -> Check:
    """Judge the DMARC records of `owner`, for itself or for a domain `below` it."""
    if len(records) > 1:
        return failed(
            "DMARC",
            f"_dmarc.{owner} has {len(records)} records, so that none of them counts (RFC 7489)",
            "remove all but one",
        )
    record = one_line(records[0])
    tags = {key.strip().lower(): value.strip() for key, _, value in (tag.partition("=") for tag in record.split(";"))}
    policy = ((tags.get("sp") if below else None) or tags.get("p", "")).lower()
    if policy not in _POLICIES:
        return failed(
            "DMARC", f"the record of _dmarc.{owner} has no policy: {record}", "give it p=none, p=quarantine or p=reject"
        )
    if policy == "none":
        return warning(
            "DMARC",
            f"_dmarc.{owner} lets mail pass that others forge: {record}",
            "once its reports show that your own mail passes, make it p=quarantine",
        )
    return ok("DMARC", f"{owner}: {record}")


def _mx(domain: str, names: Names) -> Check:
    servers = names.servers(domain)
    if servers and servers != ["."]:
        return ok("MX", f"mail that comes back to {domain} goes to {servers[0].rstrip('.')}")
    if not servers and names.addresses(domain):
        return ok("MX", f"mail that comes back goes to {domain} itself, which has no MX record")
    return failed(
        "MX",
        f"{domain} takes no mail, so that bounces cannot come back" + (" (null MX)" * bool(servers)),
        "publish an MX record for it, or set delivery.bounce_address to an address elsewhere",
    )


def _ptr(host: str, names: Names) -> Check | None:
    """Look at the name of a public mail server's address; nothing to say of one behind this machine's own network."""
    try:
        addresses = [str(ipaddress.ip_address(host))]
    except ValueError:
        addresses = names.addresses(host) if "." in host else []
    public = [address for address in addresses if ipaddress.ip_address(address).is_global]
    if not public:
        return None
    if nameless := [address for address in public if not names.name_of(address)]:
        return warning(
            "PTR",
            f"{nameless[0]}, an address of {host}, has no name in the DNS; many servers refuse such",
            "ask whoever gave out the address for a PTR record, if that server sends the mail on itself",
        )
    return ok("PTR", f"{host}: {public[0]} is {names.name_of(public[0]).rstrip('.')}")
