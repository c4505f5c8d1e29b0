"""Addresses of services: https, or this machine."""

import re
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from attrs import frozen

from haldir_auditor.vulnerabilities.interface import SourceError

# Strict, so that no two readers of URLs see different hosts in one text.
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_CHARACTERS = re.compile(r"[\x21-\x7e]{1,2000}")


class Transports(StrEnum):
    """How a service may be reached."""

    ENCRYPTED = "encrypted"
    """By https; by http on this machine only."""
    ANY = "any"
    """By http everywhere: who is on the way can take vulnerabilities out of the answers."""


@frozen
class Base:
    """The address of a service, without a slash at its end; ``authority`` is its host with the port, for messages."""

    url: str
    authority: str


def parse_base(text: str, transports: Transports) -> Base:
    """Return the address of a service.

    Raises:
        SourceError: if it is none, has a user, a query or a fragment, or is not encrypted and elsewhere.
    """
    if not _CHARACTERS.fullmatch(text):
        raise SourceError(f"{text[:200]!r} is no URL: it is empty, very long, or has characters that no URL has")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SourceError(f"{text[:200]!r} is no URL: {error}") from error
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SourceError("the URL of a service must have no user, password, query or fragment")
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if parts.scheme not in {"https", "http"} or authority is None or not 0 < int(authority["port"] or 1) < 65536:
        raise SourceError(f"{text[:200]!r} is no URL of a service: write https://, the host and the path")
    if parts.scheme == "http" and transports is Transports.ENCRYPTED and not is_this_machine(authority["host"]):
        raise SourceError(f"{text[:200]!r} is not encrypted: write https://; http is for this machine only")
    return Base(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.netloc)


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, whatever the network says (RFC 6761 6.3 for the name)."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
