"""What a SchemaPin verification says."""

from attrs import field, frozen

from haldir_core.canonical import JsonObject
from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.folders import TamperReport
from haldir_core.schemapin.scans import ScanResult
from haldir_core.schemapin.signatures import HashForm
from haldir_core.schemapin.times import Moment


@frozen(kw_only=True)
class Metadata:
    """What a document says about itself.

    Attributes:
        authenticated: whether a signed statement says all of it; otherwise anybody can have written it.
        signed_at: None if it is missing, or no RFC 3339 time.
        expires_at: the text, also where it is no time.
        scan: only ever from a statement.
    """

    authenticated: bool = False
    name: str | None = None
    signed_at: Moment | None = None
    expires_at: str | None = None
    schema_version: str | None = None
    previous_hash: str | None = None
    scan: ScanResult | None = None


@frozen(kw_only=True, slots=False)  # one is made per verification; with slots that takes half as long again
class Verification:
    """The result for one schema or skill.

    ``valid`` is about the signature, the key and the policy.  What is valid can still be degraded: ``expired``, or
    with ``warnings``.

    Attributes:
        domain: as the caller named it; never what a signature file says.
        fingerprint: of the key of the domain, once it is known.
        key_pinning: what the pins say; None if none were asked, or it did not come to that.
        root: the hash that the signature is over, once it is known; 32 bytes.
        hash_form: how the signature hashes it; SINGLE in the compatibility mode for Go only.
        tampered: how the files differ from the manifest of the signature file, if they do.  The manifest may be forged.
    """

    valid: bool
    domain: Domain
    tool_id: ToolId
    developer_name: str | None = None
    fingerprint: str | None = None
    key_pinning: PinStatus | None = None
    error_code: ErrorCode | None = None
    error_message: str | None = None
    warnings: tuple[str, ...] = ()
    expired: bool = False
    metadata: Metadata = field(factory=Metadata)
    root: bytes | None = None
    hash_form: HashForm | None = None
    tampered: TamperReport | None = None

    @property
    def metadata_authenticated(self) -> bool:
        """Whether domain, tool id, times, version and scan are signed."""
        return self.valid and self.metadata.authenticated

    @property
    def skill_hash(self) -> str | None:
        """The hash as signature files and ``previous_hash`` write it."""
        return None if self.root is None else f"sha256:{self.root.hex()}"

    def to_json(self) -> JsonObject:
        """Return the result as JSON value: the members of the SDKs, and ours."""
        metadata = self.metadata
        members: JsonObject = {
            "domain": self.domain,
            "developer_name": self.developer_name,
            "key_pinning": {"status": str(self.key_pinning)} if self.key_pinning else None,
            "error_code": str(self.error_code) if self.error_code else None,
            "error_message": self.error_message,
            "warnings": list(self.warnings) or None,
            "expired": self.expired or None,
            "expires_at": metadata.expires_at,
            "schema_version": metadata.schema_version,
            "previous_hash": metadata.previous_hash,
            "tool_id": self.tool_id,
            "fingerprint": self.fingerprint,
            "skill_name": metadata.name,
            "signed_at": metadata.signed_at.text if metadata.signed_at else None,
            "scan": metadata.scan.to_json() if metadata.scan else None,
            "hash_form": self.hash_form.value if self.hash_form else None,
        }
        shown: JsonObject = {name: value for name, value in members.items() if value is not None}
        return {"valid": self.valid, **shown, "metadata_authenticated": self.metadata_authenticated}
