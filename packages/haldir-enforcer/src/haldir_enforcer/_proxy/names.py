"""Host names and authorities from hostile bytes, in the one form in which they are compared."""

import ipaddress
import re

MAX_HOST = 253
"""Characters of a host name: RFC 1035 3.1 without the root."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")


class ProxyError(ValueError):
    """A client sent what this proxy does not carry; the message says why."""


def parse_host(text: str) -> str:
    """Return ``text`` in lower case: a host name without final dot, or an IP address without brackets.

    Raises: ProxyError if it is neither.
    """
    host = text.lower()
    if host.startswith("[") and host.endswith("]"):
        return _address(host[1:-1], 6)
    if len(host) > MAX_HOST or not host.isascii() or not _HOST.fullmatch(host):
        raise ProxyError("a wrong host name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):  # WHATWG URL 3.5: what ends in a number is an address, in any form
        return _address(host, 4)
    return host


def parse_authority(text: str, default_port: int | None) -> tuple[str, int]:
    """Return host and port of ``host:port``; without a port it is ``default_port``.

    Raises: ProxyError if ``text`` is no authority, or has no port where there is no default.
    """
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        host, port = text, ""
    elif not port:
        raise ProxyError("a wrong port")
    if not port:
        if default_port is None:
            raise ProxyError("no port")
        return parse_host(host), default_port
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise ProxyError("a wrong port")
    return parse_host(host), int(port)


def is_address(host: str) -> bool:
    """Whether ``host``, from `parse_host`, is an IP address."""
    return ":" in host or host.rpartition(".")[2].isdecimal()


def plain_address(text: str) -> str:
    """Return an IP address in its one form; an IPv4 address in IPv6 clothes is an IPv4 address.

    Raises: ProxyError if ``text`` is none.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ProxyError("a wrong address") from error
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def _address(text: str, version: int) -> str:
    if "%" in text or (":" in text) != (version == 6):
        raise ProxyError("a wrong address")
    return plain_address(text)
