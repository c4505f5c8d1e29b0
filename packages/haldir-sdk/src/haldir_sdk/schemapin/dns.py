"""The TXT record of a domain, asked with dnspython (the extra ``dns``)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from haldir_core.schemapin.dnsrecord import MAX_RECORDS, DnsRecord, find_record, join_chunks, record_name
from haldir_core.schemapin.domains import Domain
from haldir_sdk.schemapin.errors import FetchError

SECONDS = 5.0
"""How long a question may take in all."""

DNS_PORT = 53

TxtLookup = Callable[[str], Awaitable[Sequence[Sequence[bytes]]]]
"""Gives the TXT records of a name, each in its pieces; nothing where there are none."""


async def fetch_record(
    domain: Domain, *, lookup: TxtLookup | None = None, seconds: float = SECONDS
) -> DnsRecord | None:
    """Return the record of ``domain``, or None if it has none.

    Raises:
        FetchError: if nobody answers in time.
        MalformedError: if there is one that is no record.
    """
    name = record_name(domain)
    try:
        async with asyncio.timeout(seconds):
            records = await (lookup or system_txt)(name)
    except TimeoutError as error:
        raise FetchError(f"{name}: DNS took longer than {seconds:g} seconds") from error
    return find_record([join_chunks(chunks) for chunks in records[: MAX_RECORDS + 1]])


async def system_txt(name: str) -> Sequence[Sequence[bytes]]:
    """Return the TXT records of a name as the resolvers of this system know them.

    Raises: FetchError if dnspython is missing, or nobody answers.
    """
    return await _ask(name, ())


def asking(nameservers: Sequence[str], *, port: int = DNS_PORT) -> TxtLookup:
    """Return a lookup that asks these servers (IP addresses) instead of those of this system."""

    async def lookup(name: str) -> Sequence[Sequence[bytes]]:
        return await _ask(name, nameservers, port)

    return lookup


async def _ask(name: str, nameservers: Sequence[str], port: int = DNS_PORT) -> Sequence[Sequence[bytes]]:
    try:
        from dns.asyncresolver import Resolver  # noqa: PLC0415 - an extra, and slow to import
        from dns.exception import DNSException  # noqa: PLC0415 - same
        from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415 - same
    except ImportError as error:
        raise FetchError("DNS needs dnspython: install haldir-sdk[dns]") from error
    try:
        resolver = Resolver(configure=not nameservers)
        if nameservers:
            resolver.nameservers, resolver.port = list(nameservers), port
        answer = await resolver.resolve(name, "TXT", lifetime=SECONDS, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except (DNSException, OSError) as error:
        raise FetchError(f"{name}: {' '.join(str(error).split())[:300]}") from error
    return [record.strings for record in answer]
