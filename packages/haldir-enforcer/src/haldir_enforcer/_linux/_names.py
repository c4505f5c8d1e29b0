"""Declared hosts and the addresses that they were pinned to at the start of the run."""

import ipaddress
import socket
import threading

from haldir_enforcer._policy.addresses import is_private
from haldir_enforcer._policy.records import HostRule

_LONGEST_LOOKUP_SECONDS = 10.0
_ANY_WORD = "*."


class Peers:
    """Which (address, port) pairs may be reached; names are looked up once, outside of the confinement."""

    def __init__(self, rules: tuple[HostRule, ...], proxy: tuple[str, int] | None) -> None:
        self._pinned: dict[tuple[str, int], HostRule] = {}
        self._addresses: dict[str, list[str]] = {}
        self._ready = threading.Event()
        self._proxy = proxy
        named = []
        for rule in rules:
            if rule.host == "localhost":
                self._pin(rule, ["127.0.0.1", "::1"])
            elif rule.literal:
                self._pin(rule, [rule.host.strip("[]")])
            elif not rule.host.startswith(_ANY_WORD):
                named.append(rule)
        if named:
            threading.Thread(target=self._look_up, args=(named,), daemon=True).start()
        else:
            self._ready.set()

    def is_proxy(self, address: str, port: int) -> bool:
        """Whether this is the proxy that wildcard hosts are reached through."""
        return self._proxy == (address, port)

    def is_pinned(self, address: str, port: int) -> bool:
        """Whether a literal rule names this peer."""
        return (address, port) in self._pinned

    def find(self, address: str, port: int) -> HostRule | None:
        """Return the rule that names this peer, after every name was looked up."""
        known = self._pinned.get((address, port))
        if known is None and self._ready.wait(_LONGEST_LOOKUP_SECONDS):
            known = self._pinned.get((address, port))
        return known

    def hosts_text(self) -> str:
        """Return /etc/hosts with the declared names alone."""
        self._ready.wait(_LONGEST_LOOKUP_SECONDS)
        own = socket.gethostname()  # programs look their own machine up, to sign what they make
        lines = [f"{address} {host}" for host, found in self._addresses.items() for address in found]
        return "\n".join([f"127.0.0.1 localhost {own}", f"::1 localhost {own}", *lines]) + "\n"

    def table(self) -> dict[str, tuple[bytes, ...]]:
        """Return the packed addresses of every declared name."""
        self._ready.wait(_LONGEST_LOOKUP_SECONDS)
        own = ["127.0.0.1", "::1"]
        found = {"localhost": own, socket.gethostname().lower(): own, **self._addresses}
        return {host: tuple(ipaddress.ip_address(text).packed for text in texts) for host, texts in found.items()}

    def _look_up(self, rules: list[HostRule]) -> None:
        for rule in rules:
            try:
                answers = socket.getaddrinfo(rule.host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                continue  # a name without an address is a name that nothing can be reached under
            found = dict.fromkeys(str(answer[4][0]).split("%", 1)[0] for answer in answers)
            self._addresses[rule.host] = [address for address in found if not is_private(address)]
            self._pin(rule, self._addresses[rule.host])
        self._ready.set()

    def _pin(self, rule: HostRule, addresses: list[str]) -> None:
        for address in addresses:
            for port in rule.ports:
                self._pinned.setdefault((str(ipaddress.ip_address(address)), port), rule)
