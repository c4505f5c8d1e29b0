"""Network peers: how they are declared, and which rule a connection falls under."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from haldir_enforcer._policy.addresses import is_private, parse_ip
from haldir_enforcer._policy.records import HostRule, Policy
from haldir_enforcer._policy.text import quoted, visible
from haldir_enforcer.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

WEB_PORTS = (443, 80)
"""The ports of a host that is declared without one."""

_SCHEME_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}
# texts, so that a run that declares no host does not wait for their compilation; `re` keeps what it has compiled
_URL = r"(?is)(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>.*)"
_PEER = r"(?s)(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
_LOOPBACK_NAME = "localhost"
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
"""Characters that IDNA 2003 and IDNA 2008 read as different hosts (RFC 5894, section 7.2)."""


def host_rules(network: "str | Sequence[str]", notes: list[str]) -> tuple[HostRule, ...]:
    """Return the peers that ``network`` declares; what a reader should know goes to ``notes``.

    Raises: PolicyError naming the entry that is no host.
    """
    if isinstance(network, str):
        if network.strip() in {"none", ""}:
            return ()
        raise PolicyError(
            f"network: {quoted(network)} is a word that says no host; write a list of hosts, such as "
            '["api.example.com", "example.org:8443"], or "none"'
        )
    entries = list(network)
    if "none" in entries:
        if len(set(entries)) > 1:
            raise PolicyError('network: "none" stands beside hosts; leave one of them out')
        return ()
    rules = [_host_rule(entry, notes) for entry in entries]
    return tuple(dict.fromkeys(rules))


def match_host(policy: Policy, name: str, port: int) -> HostRule | None:
    """Return the rule that lets ``name`` (a host name or an IP address) be reached at ``port``.

    An exact rule comes before a wildcard.  ``*.domain`` stands for every name below the domain, at any depth, not
    for the domain itself.  A name that resolves to an address must still pass ``match_address``.
    """
    host = _comparable(name)
    found = None
    for rule in policy.hosts:
        if port not in rule.ports:
            continue
        if rule.host == host:
            return rule
        if (
            found is None
            and rule.host.startswith("*.")
            and host.endswith(rule.host[1:])
            and len(host) >= len(rule.host)
        ):
            found = rule
    return found


def match_address(policy: Policy, name: str | None, ip: str, port: int) -> HostRule | None:
    """Return the rule that lets ``ip`` be connected to at ``port``; ``name`` is what it was resolved from, if known.

    A private address passes only where the rule is that address, or ``localhost`` and the address is loopback.
    """
    address = parse_ip(ip)
    if address is None:
        return None
    literal = match_host(policy, str(address), port)
    if literal is not None and literal.literal:
        return literal
    rule = match_host(policy, name, port) if name is not None else None
    if rule is None:
        return None
    if rule.host == _LOOPBACK_NAME:
        return rule if address.is_loopback else None
    return None if is_private(str(address)) else rule


def _host_rule(entry: str, notes: list[str]) -> HostRule:
    place = f"network: {quoted(entry)}"
    if not entry or len(entry) > 2048 or not visible(entry) or entry != entry.strip() or " " in entry:
        raise PolicyError(f"{place} is empty, too long, or holds spaces or invisible characters")
    ports: tuple[int, ...] = WEB_PORTS
    text = entry
    if url := re.fullmatch(_URL, entry):
        text, ports = _of_url(url, place, notes)
    if text.count(":") > 1 and not text.startswith("["):
        raise PolicyError(f"{place} is no host; an IPv6 address stands in brackets, such as [::1]:443")
    peer = re.fullmatch(_PEER, text)
    if peer is None or any(char in text for char in "/@?#\\"):
        raise PolicyError(f"{place} is no host; write HOST, HOST:PORT, [IPv6]:PORT, *.DOMAIN or a URL")
    if peer["port"] is not None:
        ports = (_port(peer["port"], place),)
    if not ports:
        raise PolicyError(f"{place} has a scheme whose port is not known here; write the port")
    host, literal = _host(peer["host"], place)
    return HostRule(host=host, ports=ports, literal=literal, declared=entry)


def _of_url(url: "re.Match[str]", place: str, notes: list[str]) -> tuple[str, tuple[int, ...]]:
    rest = url["rest"]
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority or "\\" in rest:
        raise PolicyError(f"{place} holds a user name or a backslash; write the host alone")
    if rest[len(authority) :] not in {"", "/"}:
        notes.append(f"{place}: the path of a URL cannot be held; the whole host is granted")
    port = _SCHEME_PORTS.get(url["scheme"].lower())
    return authority, (port,) if port else ()


def _port(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and text[0] != "0" and int(text) <= 65_535):
        raise PolicyError(f"{place}: {quoted(text)} is no port; ports are 1 to 65535")
    return int(text)


def _host(text: str, place: str) -> tuple[str, bool]:
    """Return the host as names are compared, and whether it was declared for private addresses too."""
    bracketed = text.startswith("[")
    address = parse_ip(text.strip("[]")) if bracketed or _ends_in_number(text) else None
    if bracketed and (address is None or ":" not in text):
        raise PolicyError(f"{place}: what stands in brackets is no IPv6 address (zones are not supported)")
    if address is not None:
        if address.is_unspecified or address.is_multicast or address == IPv4Address("255.255.255.255"):
            raise PolicyError(f"{place} is no address of one peer")
        return str(address), True
    if _ends_in_number(text):
        raise PolicyError(f"{place} looks like an address in an unusual spelling; write four decimal numbers")
    wildcard = text.startswith("*.")
    name = _name(text.removeprefix("*."), place)
    if wildcard and ("." not in name or name.endswith("." + _LOOPBACK_NAME)):
        raise PolicyError(f"{place} is a wildcard for a whole top-level domain; name the domain")
    return ("*." if wildcard else "") + name, name == _LOOPBACK_NAME and not wildcard


def _name(text: str, place: str) -> str:
    if not text.isascii():
        text = _to_ascii(text, place)
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(re.fullmatch(_LABEL, label) for label in labels):
        raise PolicyError(f"{place} is no host name; * is allowed as *.DOMAIN only, and no word says every host")
    return name


def _to_ascii(text: str, place: str) -> str:
    if _DEVIATIONS & set(text):
        raise PolicyError(f"{place} is read as different hosts by different programs; write its xn-- form")
    try:
        return text.encode("idna").decode("ascii")  # RFC 3490
    except UnicodeError as error:
        raise PolicyError(f"{place} is no international host name: {error}") from error


def _ends_in_number(text: str) -> bool:
    """Whether the last label is a number: some programs take the whole for an IPv4 address (WHATWG URL, 3.5)."""
    return bool(re.fullmatch(_NUMBER, text.lower().removesuffix(".").rpartition(".")[2]))


def _comparable(name: str) -> str:
    address = parse_ip(name.strip("[]"))
    return str(address) if address is not None else name.lower().removesuffix(".")


def hosts_in_words(hosts: Iterable[HostRule]) -> tuple[str, ...]:
    """Return one line per peer."""
    return tuple(f"{rule.host} port {', '.join(map(str, rule.ports))}" for rule in hosts)
