import asyncio
from collections.abc import Callable
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import Domain
from haldir_sdk.schemapin.dns import asking, fetch_record
from haldir_sdk.schemapin.errors import FetchError

HERE = Domain("example.com")
FINGERPRINT = "sha256:" + "0a" * 32
Answer = Callable[[dns.message.QueryMessage], bytes]


class _Server(asyncio.DatagramProtocol):
    """A DNS server on loopback that answers every question in the same way."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own does not derive from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        assert isinstance(query, dns.message.QueryMessage)
        reply = self._answer(query)
        if reply and self._transport is not None:
            self._transport.sendto(reply, addr)


def _fetch(answer: Answer, *, seconds: float = 5.0) -> DnsRecord | None:
    async def run() -> DnsRecord | None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Server(answer), local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        try:
            return await fetch_record(HERE, lookup=asking(["127.0.0.1"], port=port), seconds=seconds)
        finally:
            transport.close()

    return asyncio.run(run())


def _texts(*values: str) -> Answer:
    def answer(query: dns.message.QueryMessage) -> bytes:
        reply = dns.message.make_response(query)
        name = query.question[0].name
        if values:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *(f'"{value}"' for value in values)))
        return reply.to_wire()

    return answer


def _code(code: dns.rcode.Rcode) -> Answer:
    def answer(query: dns.message.QueryMessage) -> bytes:
        reply = dns.message.make_response(query)
        reply.set_rcode(code)
        return reply.to_wire()

    return answer


def test_the_record_of_a_domain_is_asked_for() -> None:
    asked: list[str] = []

    def answer(query: dns.message.QueryMessage) -> bytes:
        asked.append(query.question[0].name.to_text())
        return _texts("v=spf1", f"v=schemapin1; fp={FINGERPRINT}")(query)

    assert _fetch(answer) == DnsRecord(FINGERPRINT)
    assert asked == ["_schemapin.example.com."]


@pytest.mark.parametrize("answer", [_texts(), _code(dns.rcode.NXDOMAIN)], ids=["empty", "no-name"])
def test_a_domain_without_a_record_has_none(answer: Answer) -> None:
    assert _fetch(answer) is None


def test_a_server_that_fails_is_no_answer() -> None:
    with pytest.raises(FetchError):
        _fetch(_code(dns.rcode.SERVFAIL), seconds=1.0)


def test_a_server_that_is_silent_is_no_answer() -> None:
    with pytest.raises(FetchError, match="longer than"):
        _fetch(lambda _: b"", seconds=0.3)
