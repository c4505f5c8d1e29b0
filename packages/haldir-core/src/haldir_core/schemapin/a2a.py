"""Schemas that one agent gets from another: who asks, through how many hands, and which domains it may use."""

from datetime import datetime
from typing import Self

import attrs
from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin._fields import list_of, object_of, optional_text, text_of
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.domains import AllowedDomains
from haldir_core.schemapin.evidence import DEFAULT_POLICY, Evidence, Policy, Tool
from haldir_core.schemapin.pins import Candidate, Judgement, Outcome, PinLedger
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.schemas import SignedSchema
from haldir_core.schemapin.verification import verify_schema

DOCUMENT = "A2A context"
MAX_DELEGATION_DEPTH = 3
"""How often a task may have been handed on."""


@frozen(kw_only=True)
class CallContext:
    """What an agent says about the call that a schema is wanted for; who says so must be known from elsewhere.

    Attributes:
        caller_agent_id: who asks, for instance ``urn:agentpin:example.com:a``.
        delegation_depth: through how many agents the task came.
        originating_domain: where the task came from at first.
        trusted_domains: whose tools may be used.
    """

    caller_agent_id: str
    delegation_depth: int = 0
    originating_domain: str | None = None
    trusted_domains: AllowedDomains = field(factory=AllowedDomains.unrestricted)

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read a context; an empty list of trusted domains means every domain.

        Raises: MalformedError
        """
        members = object_of(value, DOCUMENT)
        depth = members.get("delegation_depth", 0)
        if type(depth) is not int:
            raise MalformedError(DOCUMENT, "delegation_depth must be an integer")
        trusted = list_of(members, "trusted_domains", DOCUMENT)
        if not all(isinstance(domain, str) for domain in trusted):
            raise MalformedError(DOCUMENT, "trusted_domains must hold texts")
        return cls(
            caller_agent_id=text_of(members, "caller_agent_id", DOCUMENT),
            delegation_depth=depth,
            originating_domain=optional_text(members, "originating_domain", DOCUMENT),
            trusted_domains=AllowedDomains.from_list(map(str, trusted)),
        )

    def handed_on(self, caller_agent_id: str, allowed: AllowedDomains) -> Self:
        """Return the context of the next agent: one deeper, and with the domains that both sides allow."""
        trusted = self.trusted_domains.intersect(allowed)
        depth = self.delegation_depth + 1
        return attrs.evolve(self, caller_agent_id=caller_agent_id, delegation_depth=depth, trusted_domains=trusted)


@frozen
class A2aVerification:
    """The result for a schema, and the call that it was wanted for."""

    verification: Verification
    context: CallContext

    @property
    def valid(self) -> bool:
        """Whether the schema may be used for this call."""
        return self.verification.valid

    def to_json(self) -> JsonObject:
        """Return the result as JSON value."""
        context = self.context
        called: JsonObject = {
            "caller_agent_id": context.caller_agent_id,
            "delegation_depth": context.delegation_depth,
            "originating_domain": context.originating_domain,
        }
        return {**self.verification.to_json(), "a2a": called}


def verify_schema_for_a2a(
    signed: SignedSchema,
    tool: Tool,
    evidence: Evidence,
    context: CallContext,
    *,
    now: datetime,
    policy: Policy = DEFAULT_POLICY,
) -> A2aVerification:
    """Return whether ``signed`` is by the publisher of ``tool``, and may be used for the call.

    The order is that of the SDKs: the depth, the signature, the domain.  A domain that is not allowed is not pinned.

    Raises: what `verify_schema` raises.
    """
    if (refused := refused_depth(tool, context)) is not None:
        return refused
    if context.trusted_domains.allows(tool.domain):
        return A2aVerification(verify_schema(signed, tool, evidence, now=now, policy=policy), context)
    unpinned = attrs.evolve(evidence, pins=None if evidence.pins is None else _ReadOnly(evidence.pins))
    result = verify_schema(signed, tool, unpinned, now=now, policy=policy)
    if result.valid:
        result = _violation(result, f"{tool.domain} is not among the domains that this call may use")
    return A2aVerification(result, context)


def refused_depth(tool: Tool, context: CallContext) -> A2aVerification | None:
    """Return the result for a call that was handed on too often, or None: it needs nothing that must be fetched."""
    if 0 <= context.delegation_depth <= MAX_DELEGATION_DEPTH:
        return None
    message = f"a delegation depth of {context.delegation_depth} is not from 0 to {MAX_DELEGATION_DEPTH}"
    return A2aVerification(
        _violation(Verification(valid=False, domain=tool.domain, tool_id=tool.tool_id), message), context
    )


@frozen
class _ReadOnly:
    """Pins that are looked at, and stay what they are."""

    _pins: PinLedger

    def peek(self, candidate: Candidate) -> Judgement:
        return self._pins.peek(candidate)

    def commit(self, _candidate: Candidate, _now: datetime) -> Judgement:
        return Judgement(outcome=Outcome.ACCEPTED)


def _violation(result: Verification, message: str) -> Verification:
    return attrs.evolve(
        result, valid=False, error_code=ErrorCode.A2A_SCOPE_VIOLATION, error_message=message, key_pinning=None
    )
