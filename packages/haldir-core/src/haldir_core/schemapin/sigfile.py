"""The file ``.schemapin.sig`` of a signed skill: read leniently, written byte for byte as the Python SDK does.

Nothing that stands in it is authenticated but what the signatures cover; see `verification`.

Spec: schemapin, section 6.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import SigningError
from haldir_core.schemapin.canon import parse_strict_object
from haldir_core.schemapin.folders import SIGNATURE_FILE

VERSION_1_3 = "1.3"
VERSION_1_4 = "1.4"

_TEXTS = ("schemapin_version", "skill_name", "skill_hash", "signature", "signed_at", "domain", "signer_kid")
_OPTIONAL = ("expires_at", "schema_version", "previous_hash", "canonicalization")
_KNOWN = frozenset({*_TEXTS, "file_manifest", *_OPTIONAL})


@frozen(kw_only=True)
class SignatureFile:
    """A signature file as it was read, or as it will be written.

    A text that is missing, or no text, is empty; an optional one is None.

    Attributes:
        signature: of the root hash v1, in base64.
        file_manifest: the digest of each file by its path; None if there is none, or it is not one.
        expires_at: what the file says, which need not be a time, nor even a text.
        canonicalization: the same.
        extra: all other members, in order: they are kept when the file is written again.
    """

    skill_name: str
    skill_hash: str
    signature: str
    signed_at: str
    domain: str
    signer_kid: str
    file_manifest: Mapping[str, str] | None = field(repr=False)
    schemapin_version: str = VERSION_1_3
    expires_at: JsonValue = None
    schema_version: str | None = None
    previous_hash: str | None = None
    canonicalization: JsonValue = None
    extra: Mapping[str, JsonValue] = field(factory=dict, repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a signature file.

        Raises: MalformedError if ``data`` is no strict JSON object.
        """
        return cls.from_json(parse_strict_object(data, SIGNATURE_FILE))

    @classmethod
    def from_json(cls, members: Mapping[str, JsonValue]) -> Self:
        """Return the signature file that ``members`` describe."""
        texts = {name: _text(members.get(name)) or "" for name in _TEXTS}
        return cls(
            **texts,
            schema_version=_text(members.get("schema_version")),
            previous_hash=_text(members.get("previous_hash")),
            file_manifest=_manifest(members.get("file_manifest")),
            expires_at=members.get("expires_at"),
            canonicalization=members.get("canonicalization"),
            extra={name: value for name, value in members.items() if name not in _KNOWN},
        )

    def to_json(self) -> JsonObject:
        """Return the file as JSON value, members in the order of the Python SDK, and ours at the end."""
        optional: dict[str, JsonValue] = {name: getattr(self, name) for name in _OPTIONAL}
        texts: dict[str, JsonValue] = {name: getattr(self, name) for name in _TEXTS}
        manifest: dict[str, JsonValue] = {} if self.file_manifest is None else {"file_manifest": self.file_manifest}
        given = {name: value for name, value in optional.items() if value is not None}
        return {**texts, **manifest, **given, **self.extra}

    def to_bytes(self) -> bytes:
        """Return the file as the Python SDK writes it: ASCII, two spaces of indent, a final line feed."""
        return (json.dumps(self.to_json(), indent=2) + "\n").encode("ascii")


def version_for(*optional: object) -> str:
    """Return the version that a file declares: 1.4 if it has one of the members that came with it."""
    return VERSION_1_3 if all(value is None for value in optional) else VERSION_1_4


def write_signature_file(skill: str | os.PathLike[str], data: bytes) -> Path:
    """Make ``data`` the ``.schemapin.sig`` of ``skill`` in one step and return its path.

    A link of that name is replaced, not followed.

    Raises: SigningError if the file cannot be written.
    """
    path = Path(skill) / SIGNATURE_FILE
    try:
        folder = os.open(skill, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SigningError(f"cannot write {path}: {reason}") from error
    name = f"{SIGNATURE_FILE}.{secrets.token_hex(8)}.tmp"
    try:
        _write(folder, name, data)
        os.replace(name, SIGNATURE_FILE, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise SigningError(f"cannot write {path}: {error.strerror}") from error
    finally:
        os.close(folder)
    return path


def _write(folder: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _manifest(value: JsonValue) -> Mapping[str, str] | None:
    """Return a manifest, or None; digests that are no texts equal no digest."""
    if not isinstance(value, Mapping):
        return None
    return {path: digest if isinstance(digest, str) else "" for path, digest in value.items()}
