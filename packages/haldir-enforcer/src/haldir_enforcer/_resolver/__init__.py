"""The stub resolver of a confined program: it answers from a pinned table, and reports every name it was asked for.

Quick start::

    stub = Stub({"api.example.com": pin(["192.0.2.7"])}, asked=lambda query, outcome: ...)
    serve_tcp(connection, stub)         # or TcpSession(stub).feed(bytes) -> bytes
"""

from haldir_enforcer._resolver.messages import MessageError, Query, parse_query
from haldir_enforcer._resolver.serving import serve_tcp
from haldir_enforcer._resolver.stub import Outcome, Stub, TcpSession, dns_event, pin

__all__ = ["MessageError", "Outcome", "Query", "Stub", "TcpSession", "dns_event", "parse_query", "pin", "serve_tcp"]
