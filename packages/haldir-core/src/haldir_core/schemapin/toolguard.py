"""What becomes of the tools of an MCP server: from its list, the pins, signatures and a policy to verdicts."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import attrs
from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue, has_too_many_values
from haldir_core.errors import DecodeError, MalformedError
from haldir_core.schemapin.canon import check_canonicalization, schemapin_v1
from haldir_core.schemapin.domains import Domain, parse_domain, parse_tool_id
from haldir_core.schemapin.keys import MAX_SIGNATURE_BYTES
from haldir_core.schemapin.signatures import decode_signature
from haldir_core.schemapin.tooldiff import MemberChange, tool_difference

SIGNATURE_MEMBER = "schemapin"
"""The member of ``_meta`` that holds the signature of a tool, and is no part of what is pinned."""

MAX_TOOL_BYTES = 1024 * 1024
"""Largest canonical form of a tool: all that a model is to read of it, and pictures."""

_META = "_meta"
_SIGNATURE_KEYS = frozenset({"domain", "signature", "canonicalization"})


class FirstUse(StrEnum):
    """What becomes of a tool that nobody has seen before."""

    PIN = "pin"
    BLOCK = "block"
    """It waits until a person approves it."""


class Unsigned(StrEnum):
    """What becomes of a tool without a valid signature of the domain that the caller named."""

    PIN = "pin"
    """Its content counts as it was when it was pinned."""
    BLOCK = "block"


class Changed(StrEnum):
    """What becomes of a tool that is not what was pinned, and that no valid signature covers."""

    BLOCK = "block"
    ASK = "ask"
    ALLOW = "allow"
    """It is used and reported; the pin stays what it was."""


@frozen(kw_only=True)
class GuardPolicy:
    """What a user lets in."""

    first_use: FirstUse = FirstUse.PIN
    unsigned: Unsigned = Unsigned.PIN
    changed: Changed = Changed.BLOCK


class Approval(StrEnum):
    """Why a tool was pinned."""

    FIRST_USE = "first_use"
    SIGNED = "signed"
    PERSON = "approved"


@frozen(kw_only=True)
class ToolPin:
    """A tool as it was when it was admitted.

    Attributes:
        content: the canonical form, so that a difference can be shown.
        signed_by: the domain whose signature was valid then; None if there was none.
    """

    name: str
    content: bytes = field(repr=False)
    approval: Approval = Approval.FIRST_USE
    signed_by: str | None = None

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the content."""
        return content_digest(self.content)


@frozen(kw_only=True)
class ToolSignature:
    """What a tool carries in ``_meta.schemapin``; its signature is over the tool without that member."""

    domain: Domain
    signature: str

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read the member.

        Nothing else may be in it: it is not pinned, so it must not carry a text.

        Raises: MalformedError
        """
        if not isinstance(value, Mapping) or not _SIGNATURE_KEYS.issuperset(value):
            raise MalformedError("_meta.schemapin", "must be an object of domain, signature and canonicalization")
        domain, signature = value.get("domain"), value.get("signature")
        if not isinstance(domain, str) or not isinstance(signature, str):
            raise MalformedError("_meta.schemapin", "domain and signature must be texts")
        if "canonicalization" in value:
            check_canonicalization(value["canonicalization"], "_meta.schemapin")
        try:
            if len(decode_signature(signature)) > MAX_SIGNATURE_BYTES:
                raise MalformedError("_meta.schemapin", "the signature is too long")
        except DecodeError as error:
            raise MalformedError("_meta.schemapin", f"the signature is {error}") from error
        return cls(domain=parse_domain(domain), signature=signature)


@frozen(kw_only=True)
class OfferedTool:
    """A tool as a server offers it.

    Attributes:
        content: the canonical form of all of it but its signature.
    """

    name: str
    content: bytes = field(repr=False)
    signature: ToolSignature | None = None

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the content."""
        return content_digest(self.content)

    @classmethod
    def from_json(cls, value: JsonValue) -> Self:
        """Read one entry of a list of tools.

        Raises: MalformedError if it is no object with a name that can be shown, or has no canonical form.
        """
        if not isinstance(value, Mapping):
            raise MalformedError("tool", "must be a JSON object")
        name = value.get("name")
        if not isinstance(name, str):
            raise MalformedError("tool", "has no name")
        members, signature = _without_signature(value)
        content = schemapin_v1(members, "tool")
        if len(content) > MAX_TOOL_BYTES or has_too_many_values(content):
            raise MalformedError("tool", f"is larger than {MAX_TOOL_BYTES} bytes, or holds too many values")
        return cls(
            name=parse_tool_id(name),
            content=content,
            signature=None if signature is None else ToolSignature.from_json(signature),
        )


class Standing(StrEnum):
    """What is known about the signature of a tool."""

    UNSIGNED = "unsigned"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    """The documents of the domain could not be had."""


@frozen(kw_only=True)
class SignatureCheck:
    """The signature of a tool, looked at for the domain that the caller named."""

    standing: Standing = Standing.UNSIGNED
    domain: str | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()


UNSIGNED = SignatureCheck()


class Reason(StrEnum):
    """Why a tool is admitted, or is not."""

    PINNED = "pinned"
    FIRST_USE = "first_use"
    SIGNED_CHANGE = "signed_change"
    CHANGE_ALLOWED = "change_allowed"
    CHANGE_APPROVED = "change_approved"
    CHANGED = "changed"
    UNSIGNED = "unsigned"
    NOT_APPROVED = "not_approved"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_UNKNOWN = "signature_unknown"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    TOO_MANY = "too_many"


@frozen(kw_only=True)
class ToolVerdict:
    """What became of one entry of a list of tools.

    Attributes:
        name: None for an entry that has none that could be shown.
        changes: how it differs from its pin, if it does.
        pin: what is to be pinned; only for what is admitted.
        proposal: what a person may approve; only for what is not.
        asks: whether a person is to be asked first; until then it is not admitted.
    """

    name: str | None
    reason: Reason
    admitted: bool = False
    message: str = ""
    digest: str | None = None
    changes: tuple[MemberChange, ...] = ()
    warnings: tuple[str, ...] = ()
    pin: ToolPin | None = None
    proposal: ToolPin | None = None
    asks: bool = False

    def to_json(self) -> JsonObject:
        """Return the verdict as JSON value."""
        return {
            "tool": self.name,
            "admitted": self.admitted,
            "reason": self.reason.value,
            "message": self.message,
            "digest": self.digest,
            "changes": [change.to_json() for change in self.changes],
            "warnings": list(self.warnings),
        }


def content_digest(content: bytes) -> str:
    """Return how a canonical form is named."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def judge_tool(tool: OfferedTool, pin: ToolPin | None, check: SignatureCheck, policy: GuardPolicy) -> ToolVerdict:
    """Return what becomes of a tool."""
    if check.standing is Standing.INVALID:
        return _block(tool, Reason.SIGNATURE_INVALID, f"its signature does not hold: {check.message}", pin=pin)
    if pin is None:
        verdict = _judge_new(tool, check, policy)
    elif pin.content == tool.content:
        verdict = _judge_same(tool, pin, check, policy)
    else:
        verdict = _judge_changed(tool, pin, check, policy)
    return attrs.evolve(verdict, warnings=(*verdict.warnings, *check.warnings))


def approve(verdict: ToolVerdict) -> ToolVerdict:
    """Return the verdict after a person has looked at the change and said yes."""
    if verdict.proposal is None:
        return verdict
    return attrs.evolve(
        verdict,
        reason=Reason.CHANGE_APPROVED,
        admitted=True,
        message="",
        pin=verdict.proposal,
        proposal=None,
        asks=False,
    )


def _without_signature(tool: Mapping[str, JsonValue]) -> tuple[JsonObject, JsonValue]:
    """Return what is pinned of a tool, and what is there in place of a signature; None if nothing is."""
    meta = tool.get(_META)
    if not isinstance(meta, Mapping) or SIGNATURE_MEMBER not in meta:
        return dict(tool), None
    rest = {key: value for key, value in meta.items() if key != SIGNATURE_MEMBER}
    content = {key: value for key, value in tool.items() if key != _META}
    signature = meta[SIGNATURE_MEMBER]
    return ({**content, _META: rest} if rest else content), ({} if signature is None else signature)


def _judge_new(tool: OfferedTool, check: SignatureCheck, policy: GuardPolicy) -> ToolVerdict:
    if check.standing is Standing.UNKNOWN:
        return _block(tool, Reason.SIGNATURE_UNKNOWN, f"its signature cannot be checked now: {check.message}")
    if check.standing is Standing.UNSIGNED and policy.unsigned is Unsigned.BLOCK:
        return _propose(tool, Reason.UNSIGNED, "it is not signed, and unsigned tools are blocked")
    if policy.first_use is FirstUse.BLOCK:
        return _propose(tool, Reason.NOT_APPROVED, "it is new, and nobody has approved it yet")
    return _admit(tool, Reason.FIRST_USE, pin=_pin(tool, check))


def _judge_same(tool: OfferedTool, pin: ToolPin, check: SignatureCheck, policy: GuardPolicy) -> ToolVerdict:
    if check.standing is Standing.VALID:
        renewed = None if pin.signed_by == check.domain else attrs.evolve(pin, signed_by=check.domain)
        return _admit(tool, Reason.PINNED, pin=renewed)
    known = pin.approval is Approval.PERSON or (
        check.standing is Standing.UNKNOWN and pin.signed_by is not None and pin.signed_by == check.domain
    )
    if policy.unsigned is Unsigned.BLOCK and not known:
        return _propose(tool, Reason.UNSIGNED, "it is not signed, and unsigned tools are blocked")
    unknown = check.standing is Standing.UNKNOWN
    warnings = (f"its signature cannot be checked now ({check.message}); it is what was pinned",) if unknown else ()
    return attrs.evolve(_admit(tool, Reason.PINNED), warnings=warnings)


def _judge_changed(tool: OfferedTool, pin: ToolPin, check: SignatureCheck, policy: GuardPolicy) -> ToolVerdict:
    changes = tool_difference(pin.content, tool.content)
    if check.standing is Standing.VALID:
        return _admit(tool, Reason.SIGNED_CHANGE, pin=_pin(tool, check), changes=changes)
    if check.standing is Standing.UNKNOWN:
        message = f"it has changed, and its signature cannot be checked now: {check.message}"
        return _block(tool, Reason.SIGNATURE_UNKNOWN, message, pin=pin)
    if policy.unsigned is Unsigned.BLOCK or pin.signed_by is not None:
        signed = f"; {pin.signed_by} had signed what was pinned, and this is not signed" if pin.signed_by else ""
        return _propose(tool, Reason.CHANGED, f"it has changed since it was pinned{signed}", changes=changes)
    if policy.changed is Changed.ALLOW:
        return _admit(tool, Reason.CHANGE_ALLOWED, changes=changes)
    proposed = _propose(tool, Reason.CHANGED, "it has changed since it was pinned", changes=changes)
    return attrs.evolve(proposed, asks=policy.changed is Changed.ASK)


def _pin(tool: OfferedTool, check: SignatureCheck) -> ToolPin:
    is_signed = check.standing is Standing.VALID
    return ToolPin(
        name=tool.name,
        content=tool.content,
        approval=Approval.SIGNED if is_signed else Approval.FIRST_USE,
        signed_by=check.domain if is_signed else None,
    )


def _admit(
    tool: OfferedTool, reason: Reason, *, pin: ToolPin | None = None, changes: tuple[MemberChange, ...] = ()
) -> ToolVerdict:
    return ToolVerdict(name=tool.name, reason=reason, admitted=True, digest=tool.digest, pin=pin, changes=changes)


def _block(tool: OfferedTool, reason: Reason, message: str, *, pin: ToolPin | None = None) -> ToolVerdict:
    changed = pin is not None and pin.content != tool.content
    changes = tool_difference(pin.content, tool.content) if pin is not None and changed else ()
    return ToolVerdict(name=tool.name, reason=reason, message=message, digest=tool.digest, changes=changes)


def _propose(tool: OfferedTool, reason: Reason, message: str, *, changes: tuple[MemberChange, ...] = ()) -> ToolVerdict:
    """Return a verdict that a person can turn round."""
    proposal = ToolPin(name=tool.name, content=tool.content, approval=Approval.PERSON)
    return ToolVerdict(
        name=tool.name, reason=reason, message=message, digest=tool.digest, changes=changes, proposal=proposal
    )
