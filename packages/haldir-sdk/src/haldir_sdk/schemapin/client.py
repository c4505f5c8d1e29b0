"""One object that verifies schemas and skills: documents found, revocations remembered, keys pinned, results kept."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path

import attrs
from attrs import frozen

from haldir_core.errors import MalformedError
from haldir_core.schemapin.a2a import A2aVerification, CallContext, refused_depth, verify_schema_for_a2a
from haldir_core.schemapin.bothsigned import EnvelopeError, HaldirEnvelope
from haldir_core.schemapin.canon import parse_strict
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import Domain, is_domain
from haldir_core.schemapin.evidence import DEFAULT_POLICY, Evidence, Policy, Tool
from haldir_core.schemapin.folders import FolderVault, SkillFolder, read_folder, read_folder_with_contents
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.schemas import SignedSchema
from haldir_core.schemapin.verification import verify_schema, verify_skill
from haldir_sdk.schemapin.dns import TxtLookup, fetch_record
from haldir_sdk.schemapin.errors import FetchError, ResolveError
from haldir_sdk.schemapin.pinstore import PinStore
from haldir_sdk.schemapin.resolvers import Origin, Resolved, Resolver
from haldir_sdk.schemapin.schemacache import ResultCache, cache_key


class DnsCheck(Enum):
    """Whether the TXT record of a domain is asked for."""

    OFF = "off"
    COMPARE = "compare"
    """A record must name the key; none says nothing; nobody answering refuses."""
    REQUIRE = "require"
    """There must be a record, and it must name the key."""


@frozen
class _Basis:
    """What a verification is done with."""

    evidence: Evidence
    policy: Policy
    problem: str | None = None

    def explained(self, result: Verification) -> Verification:
        """Return ``result``; where revocations were not to be had, it says why."""
        if self.problem is None or result.error_code is not ErrorCode.DISCOVERY_FETCH_FAILED:
            return result
        return attrs.evolve(result, error_message=f"{result.error_message} ({self.problem})")


@frozen
class _Refusal:
    """Why there is nothing to verify with."""

    code: ErrorCode
    message: str


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Client:
    """Verifies schemas and skills of domains.

    Outcomes are values, never exceptions; what is raised is about this machine (`DatabaseError`, `PinError`), or
    about a domain, a tool id or a folder that is none (`MalformedError`, `UnreadableError`).
    """

    def __init__(  # noqa: PLR0913 - each has a default, and tests and runtimes give others
        self,
        pins: PinStore,
        resolver: Resolver,
        *,
        policy: Policy = DEFAULT_POLICY,
        cache: ResultCache | None = None,
        dns: DnsCheck = DnsCheck.OFF,
        txt_lookup: TxtLookup | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Find documents with ``resolver`` and keep pins in ``pins``.

        Without ``cache`` every schema is verified anew.
        """
        self._pins = pins
        self._resolver = resolver
        self._policy = policy
        self._cache = cache
        self._dns = dns
        self._txt_lookup = txt_lookup
        self._clock = clock
        self._demands = hashlib.sha256(f"{pins.identity} {policy!r} {dns}".encode()).digest()

    async def verify_schema(self, schema: bytes, signature: str, *, domain: str, tool_id: str) -> Verification:
        """Return whether ``schema`` (JSON) with ``signature`` (base64) is by the publisher of the tool.

        Raises: MalformedError if ``domain`` or ``tool_id`` is none.
        """
        return await self._cached(schema, signature, domain, tool_id, partial(_bare, schema, signature))

    async def verify_signed_schema(self, data: bytes, *, domain: str, tool_id: str) -> Verification:
        """Return whether a signed schema file is by the publisher of the tool.

        Raises: MalformedError if ``domain`` or ``tool_id`` is none.
        """
        return await self._cached(data, "", domain, tool_id, partial(SignedSchema.from_bytes, data))

    async def verify_for_a2a(
        self, schema: bytes, signature: str, context: CallContext, *, domain: str, tool_id: str
    ) -> A2aVerification:
        """Return whether ``schema`` may be used for a call of another agent; such results are not kept.

        Raises: MalformedError if ``domain`` or ``tool_id`` is none.
        """
        tool = Tool.of(domain, tool_id)
        if (refused := refused_depth(tool, context)) is not None:
            return refused  # before anything is fetched for somebody who may not ask
        now = self._clock()
        try:
            signed = _bare(schema, signature)
        except MalformedError as error:
            return A2aVerification(_refused(tool, ErrorCode.SCHEMA_CANONICALIZATION_FAILED, str(error)), context)
        basis = await self._basis(tool, now)
        if isinstance(basis, _Refusal):
            return A2aVerification(_refused(tool, basis.code, basis.message), context)
        verify = partial(verify_schema_for_a2a, signed, tool, basis.evidence, context, now=now, policy=basis.policy)
        return await asyncio.to_thread(verify)

    async def verify_skill(
        self, folder: Path, *, domain: str, tool_id: str, envelope: HaldirEnvelope | None = None
    ) -> Verification:
        """Return whether a skill folder is by the publisher of the tool.

        A folder that Haldir signed after SchemaPin verifies with an ``envelope`` alone: the verdict of
        `haldir_core.verify`, and the snapshot that it is about.  If it is not valid, or covers other files or bytes
        than are read here, the result is not valid either.

        Raises:
            MalformedError: if ``domain`` or ``tool_id`` is none.
            UnreadableError: if there is no such folder.
        """
        tool = Tool.of(domain, tool_id)
        if envelope is None:
            return await self.verify(await asyncio.to_thread(read_folder, folder), tool)
        read = await asyncio.to_thread(read_folder_with_contents, folder)
        try:
            vault = envelope.vault_of(read)
        except EnvelopeError as error:
            return _refused(tool, ErrorCode.SIGNATURE_INVALID, str(error))
        return await self.verify(read, tool, vault=vault)

    async def verify(
        self, signed: SignedSchema | SkillFolder, tool: Tool, *, vault: FolderVault = FolderVault.CONTENT
    ) -> Verification:
        """Return whether what was read already is by the publisher of ``tool``; the result is not kept.

        ``vault`` is what `HaldirEnvelope.vault_of` returned for this folder.
        """
        now = self._clock()
        basis = await self._basis(tool, now)
        if isinstance(basis, _Refusal):
            return _refused(tool, basis.code, basis.message)
        if isinstance(signed, SignedSchema):
            verify = partial(verify_schema, signed, tool, basis.evidence, now=now, policy=basis.policy)
        else:
            verify = partial(verify_skill, signed, tool, basis.evidence, now=now, policy=basis.policy, vault=vault)
        return basis.explained(await asyncio.to_thread(verify))

    async def _cached(
        self, data: bytes, signature: str, domain: str, tool_id: str, read: Callable[[], SignedSchema]
    ) -> Verification:
        if self._cache is None:
            return await self._verify(read, Tool.of(domain, tool_id))
        now = self._clock()
        key = cache_key(tool_id, domain, data, demands=self._demands)
        epoch = self._pins.epoch()
        known = self._cache.get(key, signature, epoch=epoch, now=now)
        if known is not None:
            return known
        result = await self._verify(read, Tool.of(domain, tool_id))
        self._cache.put(key, signature, result, epoch=epoch, now=now)
        return result

    async def _verify(self, read: Callable[[], SignedSchema], tool: Tool) -> Verification:
        try:
            signed = read()
        except MalformedError as error:
            return _refused(tool, ErrorCode.SCHEMA_CANONICALIZATION_FAILED, str(error))
        return await self.verify(signed, tool)

    async def _basis(self, tool: Tool, now: datetime) -> _Basis | _Refusal:
        """Return what is known about the publisher, or why it is not enough."""
        try:
            resolved = await self._resolver.resolve(tool.domain)
            dns = await self._record(tool.domain)
        except FetchError as error:
            return _Refusal(ErrorCode.DISCOVERY_FETCH_FAILED, str(error))
        except (MalformedError, ResolveError) as error:
            return _Refusal(ErrorCode.DISCOVERY_INVALID, str(error))
        if resolved is None:
            return _Refusal(ErrorCode.DISCOVERY_FETCH_FAILED, f"nobody knows a discovery document of {tool.domain}")
        if self._dns is DnsCheck.REQUIRE and dns is None:
            return _Refusal(ErrorCode.DOMAIN_MISMATCH, f"{tool.domain} has no DNS record, and one is required")
        return await asyncio.to_thread(self._remembered, tool, resolved, dns, now)

    async def _record(self, domain: Domain) -> DnsRecord | None:
        return None if self._dns is DnsCheck.OFF else await fetch_record(domain, lookup=self._txt_lookup)

    def _remembered(self, tool: Tool, resolved: Resolved, dns: DnsRecord | None, now: datetime) -> _Basis:
        """Return the documents with every key that the domain was ever seen to revoke, and remember the new ones."""
        discovery, revocations = resolved.discovery, resolved.revocations
        self._pins.note_revoked(tool.domain, discovery.revoked_keys, now)
        if revocations is not None and is_domain(revocations.domain, tool.domain):
            if resolved.origin is Origin.SERVER:
                self._pins.note_document(tool.domain, revocations, now)
            else:  # its date can be that of a bundle, which is newer than what the server of the domain has
                self._pins.note_revoked(tool.domain, [key.fingerprint for key in revocations.revoked_keys], now)
        revoked = (*discovery.revoked_keys, *sorted(self._pins.revoked(tool.domain)))
        evidence = Evidence(
            discovery=attrs.evolve(discovery, revoked_keys=revoked),
            revocations=revocations,
            dns=dns,
            pins=self._pins,
            statements=self._pins,
        )
        policy = self._policy if resolved.origin is Origin.FILES else self._policy_without_replays(tool)
        return _Basis(evidence, policy, resolved.problem)

    def _policy_without_replays(self, tool: Tool) -> Policy:
        """Return the policy that refuses a revocation document older than the newest that was seen."""
        newest = self._pins.newest_document(tool.domain)
        revocation = self._policy.revocation
        if newest is None or (revocation.not_before is not None and newest < revocation.not_before):
            return self._policy
        return attrs.evolve(self._policy, revocation=attrs.evolve(revocation, not_before=newest))


def _bare(schema: bytes, signature: str) -> SignedSchema:
    return SignedSchema(schema=parse_strict(schema, "schema"), signature=signature)


def _refused(tool: Tool, code: ErrorCode, message: str) -> Verification:
    return Verification(valid=False, domain=tool.domain, tool_id=tool.tool_id, error_code=code, error_message=message)
