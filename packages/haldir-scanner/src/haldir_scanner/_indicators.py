"""The known indicators of compromise that a file holds: hosts, addresses, publishers, and the file itself.

Each look-up takes the same time however long the lists are, and nothing is looked for of which there is no list.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

from attrs import frozen

from haldir_scanner._configuration._publishers import publishers
from haldir_scanner._hosts import address, ascii_host, hosts
from haldir_scanner._rules._bundle import Indicators, publisher_form
from haldir_scanner._text import Place, Seen

_MAX_HITS = 200  # in one text; the verdict is certain with the first
_LONGEST_NAME_BYTES = 253  # RFC 1035 2.3.4
# A dot within a name.  It begins with a literal, so that the search for it is one for bytes.
_DOT = re.compile(rb"\.(?=[A-Za-z0-9])")
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,253}(?:\.[A-Za-z0-9_-]{1,253}){1,126}")
# What stands before a name without being part of it: an escaped line end or tab, an escaped byte of an address.
_ESCAPE = re.compile(rb"\\[nrt]|%[0-9A-Fa-f]{2}")
# A number is an address where a program takes one: elsewhere it may be a time, a size or a colour.
_NUMBER_AS_HOST = re.compile(rb"\b(?:nc|ncat|telnet|ssh|ping|curl|wget)[ \t]{1,8}(0[xX][0-9a-fA-F]{8}|[0-9]{8,10})\b")
_WIDE = re.compile(rb"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}(?:[0-9.]{7,15})?(?![0-9A-Za-z:])")
_DEFANGED = re.compile(rb"(?i)\[[.:]\]|\Ahxx")

Hit = tuple[str, int, int]
"""A rule, and the bytes of a text in which what it is about stands."""


@frozen
class KnownBad:
    """The lists of a bundle, ready for comparison."""

    _lists: Indicators
    _most_labels: int
    _has_wide: bool

    @staticmethod
    def of(lists: Indicators) -> "KnownBad":
        """Those of a bundle; worked out once for each."""
        return _known_bad(lists)

    def in_text(self, data: bytes) -> Iterator[Hit]:
        """The listed hosts and addresses that a text names, the first 200."""
        if not (self._lists.hosts or self._lists.ips):
            return
        for count, hit in enumerate(self._named(data), 1):
            yield hit
            if count == _MAX_HITS:
                return

    def in_file(self, path: str, data: bytes) -> Iterator[Seen]:
        """What is listed of a file as such, all bytes of which are ``data``: its digest, and who made it."""
        if self._lists.hashes:
            digest = hashlib.sha256(data).hexdigest()
            if digest in self._lists.hashes:
                yield Seen("known_bad_file", Place(0, 0, digest))
        if self._lists.publishers:
            for name, place in publishers(path, data):
                if publisher_form(name) in self._lists.publishers:
                    yield Seen("known_bad_publisher", place)

    def _named(self, data: bytes) -> Iterator[Hit]:
        for host in hosts(data):
            is_defanged = _DEFANGED.search(data, host.begin, host.end) is not None
            rule = self._rule_of(host.host)
            if rule:
                yield ("known_bad_named" if is_defanged else rule), host.begin, host.end
        for begin, end in _dotted(data):
            rule = self._rule_of(data[begin:end].decode())
            if rule:
                yield rule, begin, end
        if self._lists.ips:
            yield from self._numbers(data)

    def _numbers(self, data: bytes) -> Iterator[Hit]:
        """Listed addresses that are written without dots and stand outside an address of the web."""
        patterns = (_NUMBER_AS_HOST, _WIDE) if self._has_wide else (_NUMBER_AS_HOST,)
        for pattern in patterns:
            for found in pattern.finditer(data):
                if address(found[pattern.groups].decode()) in self._lists.ips:
                    yield "known_bad_ip", *found.span(pattern.groups)

    def _rule_of(self, name: str) -> str:
        """The rule that a host breaks by being listed, or by lying below one that is; empty if it breaks none."""
        ip = address(name)
        if ip is not None:
            return "known_bad_ip" if ip in self._lists.ips else ""
        host = ascii_host(name)
        while host.count(".") >= self._most_labels:
            host = host.partition(".")[2]
        while host:
            if host in self._lists.hosts:
                return "known_bad_host"
            host = host.partition(".")[2]
        return ""


@lru_cache(maxsize=4)
def _known_bad(lists: Indicators) -> KnownBad:
    most_labels = max((host.count(".") + 1 for host in lists.hosts), default=1)
    return KnownBad(lists, most_labels, any(":" in ip for ip in lists.ips))


def _dotted(data: bytes) -> Iterator[tuple[int, int]]:
    """Where names with a dot in them stand, addresses among them."""
    end = 0
    dot = _DOT.search(data)
    while dot is not None:
        before = data[max(end, dot.start() - _LONGEST_NAME_BYTES) : dot.start()]
        begin = dot.start() - len(before) + len(before.rstrip(_NAME_BYTES))
        name = _NAME.match(data, begin)
        end = dot.end() if name is None else max(dot.end(), name.end())
        if name is not None:
            yield begin, name.end()
            escape = _ESCAPE.match(data, begin - 1) if begin and data[begin - 1] in b"\\%" else None
            if escape is not None and escape.end() < dot.start():
                yield escape.end(), name.end()
        dot = _DOT.search(data, end)
