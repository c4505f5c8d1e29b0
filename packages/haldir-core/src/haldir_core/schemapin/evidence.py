"""What a verification is asked about, what is known for it, and what it demands: values that a caller gives."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol, Self

from attrs import field, frozen

from haldir_core.schemapin.codes import Downgrade
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import Domain, ToolId, parse_domain, parse_tool_id
from haldir_core.schemapin.pins import PinLedger
from haldir_core.schemapin.revocation import KeyRevocations, RevocationPolicy
from haldir_core.schemapin.scans import ScanPolicy
from haldir_core.schemapin.signatures import Accepted

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of a signer may be ahead."""


@frozen
class Tool:
    """Whose tool the caller means: what is verified must not choose that itself."""

    domain: Domain
    tool_id: ToolId

    @classmethod
    def of(cls, domain: str, tool_id: str) -> Self:
        """Return the tool that these texts name.

        Raises: MalformedError if ``domain`` is no domain, or ``tool_id`` no tool id.
        """
        return cls(parse_domain(domain), parse_tool_id(tool_id))


class StatementMemory(Protocol):
    """Whatever remembers for which tools a signed statement was verified: without one they are less than they were."""

    def downgrade(self, domain: Domain, tool_id: ToolId) -> Downgrade:
        """Return what it means that the tool has no statement."""
        ...

    def note_statement(self, domain: Domain, tool_id: ToolId, now: datetime) -> None:
        """Remember that the tool, whose key is pinned, has a statement that was verified."""
        ...


@frozen(kw_only=True)
class Evidence:
    """What is known about the publisher.

    Attributes:
        discovery: the discovery document of the domain, or its bytes.
        revocations: its revocation document, or the bytes; None if there is none.
        dns: the TXT record of the domain; None if there is none, or it was not asked for.
        pins: what keeps pins; None to pin nothing and ask nobody.
        statements: what remembers which tools had a signed statement, usually the store of ``pins``; None for nothing.
    """

    discovery: Discovery | bytes
    revocations: KeyRevocations | bytes | None = None
    dns: DnsRecord | None = None
    pins: PinLedger | None = None
    statements: StatementMemory | None = None


class Expiry(Enum):
    """What follows from a signature that has expired, whose expiry is no time, or that was made in the future."""

    DEGRADE = "degrade"
    """It is valid, with a warning, as in the SDKs."""
    REJECT = "reject"


class StatementDemand(Enum):
    """Whether there must be a signed statement, without which anybody can forge all metadata."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@frozen(kw_only=True)
class Policy:
    """What a verification demands beside a good signature by a good key."""

    accepted: Accepted = Accepted.DOUBLE_HASH
    expiry: Expiry = Expiry.DEGRADE
    statement: StatementDemand = StatementDemand.OPTIONAL
    scan: ScanPolicy = field(factory=ScanPolicy)
    revocation: RevocationPolicy = field(factory=RevocationPolicy)


DEFAULT_POLICY = Policy()
