"""What a skill declares that it needs: files, network, programs, agent capabilities."""

from collections.abc import Mapping
from typing import Self

import attrs
from attrs import field, frozen

from haldir_core._converter import SCHEMA_VERSION, read_document, structure
from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes, pretty_bytes
from haldir_core.digest import Digest, sha256

DOCUMENT = "permissions.json"


@frozen
class Filesystem:
    """The path patterns that a skill may read and write."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@frozen
class AgentCapabilities:
    """What a skill may ask of the agent that runs it."""

    memory_read: bool = False
    memory_write: bool = False
    spawn_agents: bool = False
    modify_system_prompt: bool = False


@frozen
class Permissions:
    """Declared permissions; what a document does not declare is denied.  Spec: section 6.

    ``network`` is ``"none"``, another word, or a list of hosts.  ``document`` is the whole JSON document:
    members that version 1.0 does not name are kept and signed, and grant nothing.
    """

    filesystem: Filesystem
    network: str | tuple[str, ...]
    exec: tuple[str, ...]
    agent_capabilities: AgentCapabilities
    document: Mapping[str, JsonValue] = field(eq=False, repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read permissions.

        Raises: MalformedError if they are no version 1.0 permissions.
        """
        document = read_document(data, DOCUMENT)
        declared = structure(document, _Wire, DOCUMENT).declared
        canonical_bytes(document)  # what cannot be hashed cannot be signed
        return cls(declared.filesystem, declared.network, declared.exec, declared.agent_capabilities, document=document)

    @classmethod
    def deny_all(cls) -> Self:
        """Return the permissions of a skill that needs nothing."""
        return cls.from_bytes(_DENY_ALL)

    def unknown_members(self) -> tuple[str, ...]:
        """Return the paths of the members that version 1.0 does not name: they are signed, and grant nothing."""
        declared = self.document["declared"]
        known: tuple[tuple[str, JsonValue, type], ...] = (
            ("declared", declared, _Declared),
            ("declared.filesystem", _member(declared, "filesystem"), Filesystem),
            ("declared.agent_capabilities", _member(declared, "agent_capabilities"), AgentCapabilities),
        )
        return tuple(
            f"{place}.{name}"
            for place, value, record in known
            if isinstance(value, dict)
            for name in value
            if name not in attrs.fields_dict(record)
        )

    def to_json(self) -> JsonObject:
        """Return the whole document."""
        return dict(self.document)

    def to_bytes(self) -> bytes:
        """Return the document as it is written to disk: pretty, members in their order."""
        return pretty_bytes(self.to_json())

    def digest(self) -> Digest:
        """Return the digest of the canonical form, so that white space does not matter."""
        return sha256(canonical_bytes(self.document))


@frozen
class _Declared:
    filesystem: Filesystem = Filesystem()
    network: str | tuple[str, ...] = "none"
    exec: tuple[str, ...] = ()
    agent_capabilities: AgentCapabilities = AgentCapabilities()


@frozen
class _Wire:
    declared: _Declared


def _member(value: JsonValue, name: str) -> JsonValue:
    return value.get(name) if isinstance(value, dict) else None


_DENY_ALL = pretty_bytes(
    {
        "schema_version": SCHEMA_VERSION,
        "declared": {
            "filesystem": {"read": [], "write": []},
            "network": "none",
            "exec": [],
            "agent_capabilities": {
                "memory_read": False,
                "memory_write": False,
                "spawn_agents": False,
                "modify_system_prompt": False,
            },
        },
    }
)
