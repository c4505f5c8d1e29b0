"""The signatures of the tools of a list, checked for the one domain that the caller named."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from haldir_core.errors import HaldirError, MalformedError
from haldir_core.schemapin.canon import schemapin_v1
from haldir_core.schemapin.codes import ErrorCode
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.schemas import SignedSchema
from haldir_core.schemapin.tooldiff import tool_difference
from haldir_core.schemapin.toolguard import UNSIGNED, OfferedTool, SignatureCheck, Standing
from haldir_sdk.schemapin.errors import FetchError, ResolveError
from haldir_sdk.schemapin.resolvers import Resolved, Resolver

MAX_SIGNED_FILES = 10_000
MAX_FILE_BYTES = 8 * 1024 * 1024


class SignedFolderError(HaldirError):
    """A folder of signed schemas cannot be used."""


class VerifiesSchemas(Protocol):
    """Whatever verifies schemas: a `haldir_sdk.schemapin.client.Client`."""

    async def verify_schema(self, schema: bytes, signature: str, *, domain: str, tool_id: str) -> Verification:
        """Return whether a schema is by the publisher of the tool."""
        ...

    async def verify_signed_schema(self, data: bytes, *, domain: str, tool_id: str) -> Verification:
        """Return whether a signed schema file is by the publisher of the tool."""
        ...


class ChecksTools(Protocol):
    """Whatever says of the tools of a list which are signed."""

    async def check(self, tools: Sequence[OfferedTool]) -> dict[str, SignatureCheck]:
        """Return what is known of the signatures, by the names of the tools; one that is missing is not signed."""
        ...


class NoSignatures:
    """Looks at no signature: the caller named no domain, so nobody is trusted."""

    async def check(self, tools: Sequence[OfferedTool]) -> dict[str, SignatureCheck]:
        """Return nothing."""
        del tools
        return {}


@frozen
class SignedFile:
    """A signed schema file: its bytes, and the canonical form of the tool in it."""

    path: Path
    data: bytes
    content: bytes


class DomainSignatures:
    """Checks signatures of one domain: those that tools carry, and those of a folder."""

    def __init__(
        self,
        client: VerifiesSchemas,
        memory: "OnceResolver",
        domain: Domain,
        files: Mapping[str, SignedFile] | None = None,
    ) -> None:
        """Verify with ``client``, whose resolver is ``memory``; ``files`` are signed tools by their names."""
        self._client = client
        self._memory = memory
        self._domain = domain
        self._files = files or {}

    async def check(self, tools: Sequence[OfferedTool]) -> dict[str, SignatureCheck]:
        """Return what is known of the signatures; the documents of the domain are asked for once."""
        self._memory.forget()
        return {tool.name: await self._check(tool) for tool in tools}

    async def _check(self, tool: OfferedTool) -> SignatureCheck:
        file = self._files.get(tool.name)
        try:
            if file is not None:
                return await self._check_file(tool, file)
            if tool.signature is None:
                return UNSIGNED
            if tool.signature.domain != self._domain:
                return self._invalid(f"it is signed for {tool.signature.domain}, not for {self._domain}")
            result = await self._client.verify_schema(
                tool.content, tool.signature.signature, domain=self._domain, tool_id=tool.name
            )
        except MalformedError as error:
            return self._invalid(str(error))
        return self._said(result)

    async def _check_file(self, tool: OfferedTool, file: SignedFile) -> SignatureCheck:
        if file.content != tool.content:
            changes = tool_difference(file.content, tool.content)
            places = ", ".join(change.path or "the tool" for change in changes[:5])
            return self._invalid(f"the tool is not the one that {file.path.name} signs: {places}")
        return self._said(await self._client.verify_signed_schema(file.data, domain=self._domain, tool_id=tool.name))

    def _said(self, result: Verification) -> SignatureCheck:
        if result.valid:
            return SignatureCheck(standing=Standing.VALID, domain=self._domain, warnings=result.warnings)
        message = f"{result.error_code}: {result.error_message}"
        if result.error_code is ErrorCode.DISCOVERY_FETCH_FAILED:
            return SignatureCheck(standing=Standing.UNKNOWN, domain=self._domain, message=message)
        return self._invalid(message)

    def _invalid(self, message: str) -> SignatureCheck:
        return SignatureCheck(standing=Standing.INVALID, domain=self._domain, message=message)


class OnceResolver:
    """Asks another resolver once for each domain, until it is told to forget: a list has many tools of one domain."""

    def __init__(self, resolver: Resolver) -> None:
        """Ask ``resolver``."""
        self._resolver = resolver
        self._known: dict[Domain, Resolved | None] = {}
        self._failed: dict[Domain, FetchError | MalformedError | ResolveError] = {}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known.clear()
        self._failed.clear()

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return what the other resolver says, or raise what it raised."""
        if domain in self._failed:
            raise self._failed[domain]
        if domain not in self._known:
            try:
                self._known[domain] = await self._resolver.resolve(domain)
            except (FetchError, MalformedError, ResolveError) as error:
                self._failed[domain] = error
                raise
        return self._known[domain]


def read_signed_folder(folder: Path) -> dict[str, SignedFile]:
    """Return the signed schemas in ``*.json`` files of a folder, by the names of their tools.

    Raises: SignedFolderError if the folder or a file cannot be read, or two files sign tools of one name.
    """
    found: dict[str, SignedFile] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(".json"))
    except OSError as error:
        raise SignedFolderError(f"the folder {folder} cannot be read: {error.strerror}") from error
    if len(paths) > MAX_SIGNED_FILES:
        raise SignedFolderError(f"the folder {folder} has more than {MAX_SIGNED_FILES} files")
    for path in paths:
        name, file = _signed_file(path)
        if name in found:
            raise SignedFolderError(f"{path} and {found[name].path} both sign a tool {name!r}: remove one")
        found[name] = file
    if not found:
        raise SignedFolderError(f"the folder {folder} holds no *.json file: haldir schemapin sign writes them")
    return found


def _signed_file(path: Path) -> tuple[str, SignedFile]:
    try:
        if path.is_symlink() or not path.is_file():
            raise SignedFolderError(f"{path} is no regular file")
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise SignedFolderError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        schema = SignedSchema.from_bytes(data).schema
        name = schema.get("name") if isinstance(schema, Mapping) else None
        if not isinstance(name, str):
            raise SignedFolderError(f"{path} signs no tool: its schema has no name")
        return name, SignedFile(path, data, schemapin_v1(schema))
    except MalformedError as error:
        raise SignedFolderError(f"{path} is no signed schema: {error.reason}") from error
    except OSError as error:
        raise SignedFolderError(f"{path} cannot be read: {error.strerror}") from error
