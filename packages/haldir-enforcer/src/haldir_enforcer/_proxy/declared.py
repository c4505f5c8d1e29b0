"""The rules of a proxy that carries what a policy declares, and nothing else."""

import socket
from collections.abc import Callable, Sequence

from haldir_enforcer._policy.hosts import match_address, match_host
from haldir_enforcer._proxy.server import ProxyRules
from haldir_enforcer.policy import Policy


def look_up(host: str) -> Sequence[str]:
    """Return the addresses of ``host``, as the resolver of this machine gives them.

    Raises: OSError if there are none.
    """
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def rules_for(policy: Policy, *, resolve: Callable[[str], Sequence[str]] = look_up) -> ProxyRules:
    """Return the rules: declared hosts and ports, at public addresses unless the address itself is declared."""
    return ProxyRules(
        matches=lambda host, port: match_host(policy, host, port) is not None,
        resolve=resolve,
        refuses=lambda host, address, port: match_address(policy, host, address, port) is None,
    )
