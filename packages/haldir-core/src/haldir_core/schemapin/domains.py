"""Names: which text is a domain, which is a tool id, and which domains a caller allows."""

import re
from collections.abc import Iterable
from typing import NewType, Self

from attrs import frozen

from haldir_core.errors import MalformedError
from haldir_core.invisible import is_invisible

Domain = NewType("Domain", str)
"""A host name of the public internet: lower case A-labels, at least two, no final dot."""

ToolId = NewType("ToolId", str)
"""The name by which a caller knows a tool: visible text, bounded."""

MAX_DOMAIN_CHARACTERS = 253  # RFC 1035 3.1, without the root label
MAX_TOOL_ID_CHARACTERS = 256
MAX_PATTERNS = 1000
"""Entries of a list of allowed domains."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 2.1
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # WHATWG URL 3.5: such a last label makes the name an IPv4 address
_ACE = "xn--"  # RFC 5890 2.3.2.5
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
"""Characters that IDNA 2003 and IDNA 2008 read as different hosts (RFC 5894 7.2)."""
_URL_CHARACTERS = frozenset("/\\@:?#[]%")


def parse_domain(text: str) -> Domain:
    """Return the domain that ``text`` names, in the one spelling that everything here is keyed by.

    Letters may have either case, and international names may be written as people write them.  What a URL
    would take for something else than a host name is refused: user names, ports, paths, IP addresses, a final dot.

    Raises: MalformedError
    """
    shown = repr(text[:100])
    if not text or len(text) > 4 * MAX_DOMAIN_CHARACTERS:
        raise MalformedError("domain", f"{shown} is empty or too long")
    if _URL_CHARACTERS & set(text):
        raise MalformedError("domain", f"{shown} is more than a host name: leave out scheme, user, port and path")
    name = (text if text.isascii() else _to_ascii(text, shown)).lower()
    if name.endswith("."):
        raise MalformedError("domain", f"{shown} ends with a dot: leave it out")
    labels = name.split(".")
    if len(name) > MAX_DOMAIN_CHARACTERS or not all(map(_is_label, labels)):
        raise MalformedError("domain", f"{shown} is no host name")
    if _NUMBER.fullmatch(labels[-1]):
        raise MalformedError("domain", f"{shown} is an IP address, or would be read as one: give a host name")
    if len(labels) < 2:
        raise MalformedError("domain", f"{shown} has no dot: names of one label are local")
    return Domain(name)


def is_domain(text: str, domain: Domain) -> bool:
    """Whether ``text`` names ``domain``, in any spelling."""
    if text.isascii():
        return text.lower() == domain
    try:
        return parse_domain(text) == domain
    except MalformedError:
        return False


def parse_tool_id(text: str) -> ToolId:
    """Return ``text`` as a tool id.

    Raises: MalformedError if it is empty, too long, begins or ends with a space, or holds what nobody sees.
    """
    if not text or len(text) > MAX_TOOL_ID_CHARACTERS:
        raise MalformedError("tool id", f"must have 1 to {MAX_TOOL_ID_CHARACTERS} characters")
    if text != text.strip() or any(map(is_invisible, text)) or not _is_unicode(text):
        raise MalformedError("tool id", f"{text[:100]!r} holds characters that cannot be seen")
    return ToolId(text)


@frozen
class AllowedDomains:
    """The domains that a caller allows.

    On the wire this is a list, and an empty one means every domain, so the intersection of two lists with
    nothing in common reads as everything.  Here ``patterns`` is None for every domain, and empty for none.

    A pattern is a domain, or ``*.`` and a suffix: then it allows every name below the suffix, not the suffix.
    Texts are compared exactly, as AgentPin does.
    """

    patterns: tuple[str, ...] | None

    @classmethod
    def unrestricted(cls) -> Self:
        """Return what allows every domain."""
        return cls(None)

    @classmethod
    def nothing(cls) -> Self:
        """Return what allows no domain."""
        return cls(())

    @classmethod
    def from_list(cls, patterns: Iterable[str]) -> Self:
        """Read the list of the wire: an empty one allows every domain.

        Raises: MalformedError if there are too many patterns.
        """
        listed = tuple(patterns)
        if len(listed) > MAX_PATTERNS:
            raise MalformedError("allowed domains", f"more than {MAX_PATTERNS} entries")
        return cls(listed or None)

    @property
    def is_unrestricted(self) -> bool:
        """Whether every domain is allowed."""
        return self.patterns is None

    def allows(self, domain: str) -> bool:
        """Whether ``domain`` is allowed."""
        return self.patterns is None or any(_matches(pattern, domain) for pattern in self.patterns)

    def intersect(self, other: Self) -> Self:
        """Return the patterns that both sides name; nothing in common allows nothing."""
        if self.patterns is None:
            return other
        if other.patterns is None:
            return self
        theirs = frozenset(other.patterns)
        return type(self)(tuple(pattern for pattern in self.patterns if pattern in theirs))

    def to_list(self) -> list[str]:
        """Return the list of the wire.

        Raises: MalformedError if nothing is allowed: an empty list would say the opposite.
        """
        if self.patterns == ():
            raise MalformedError("allowed domains", "nothing is allowed, and a list cannot say that: do not send it")
        return list(self.patterns or ())


def _matches(pattern: str, domain: str) -> bool:
    if pattern.startswith("*."):
        return len(pattern) > 2 and domain.endswith(pattern[1:]) and len(domain) > len(pattern) - 1
    return pattern == domain


def _is_label(label: str) -> bool:
    if not _LABEL.fullmatch(label):
        return False
    if not label.startswith(_ACE):
        return True
    try:
        return not label.removeprefix(_ACE).encode("ascii").decode("punycode").isascii()
    except UnicodeError:
        return False


def _to_ascii(text: str, shown: str) -> str:
    if _DEVIATIONS & set(text):
        raise MalformedError("domain", f"{shown} is read as different hosts by different programs: write xn-- labels")
    try:
        return text.encode("idna").decode("ascii")  # RFC 3490; full stops of other scripts become dots
    except UnicodeError as error:
        raise MalformedError("domain", f"{shown} is no international host name: {error}") from error


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
