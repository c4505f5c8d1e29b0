"""The proxy on loopback through which a confined program reaches wildcard hosts: TLS by server name, CONNECT, HTTP.

Quick start::

    with Proxy(rules_for(policy), record=log.record) as proxy:
        address = proxy.listen(443)     # a client that connects here wants to reach port 443 of the host that it names

What it cannot see: requests inside of TLS, and requests after the first one in a tunnel without TLS; both go to the
address of a declared host all the same.  What it refuses: TLS without a server name or with an encrypted ClientHello
(which browsers send, and the TLS libraries of Python, Node.js and curl do not), and HTTP bodies without a length.
"""

from haldir_enforcer._proxy.declared import rules_for
from haldir_enforcer._proxy.names import ProxyError
from haldir_enforcer._proxy.server import Proxy, ProxyLimits, ProxyRules

__all__ = ["Proxy", "ProxyError", "ProxyLimits", "ProxyRules", "rules_for"]
