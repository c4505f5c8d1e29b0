"""Where the documents of a domain come from: its server, a folder, a trust bundle, or the first of several."""

import os
import stat
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol

from attrs import frozen

from haldir_core.errors import MalformedError
from haldir_core.schemapin.bundles import TrustBundle, verify_bundle
from haldir_core.schemapin.codes import PinStatus
from haldir_core.schemapin.discovery import MAX_BYTES, Discovery, well_known_url
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.pins import Candidate, Judgement, Outcome, PinLedger
from haldir_core.schemapin.revocation import KeyRevocations
from haldir_core.schemapin.times import Moment
from haldir_sdk.schemapin.errors import FetchError, NotThereError, ResolveError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class FetchesDocuments(Protocol):
    """Whatever gives the bytes behind an https address: a `haldir_sdk.schemapin.fetching.Fetcher`."""

    async def get(self, url: str) -> bytes:
        """Return the document at ``url``.

        Raises: FetchError; NotThereError where the server says that there is none.
        """
        ...


class Origin(Enum):
    """How fresh documents can be."""

    SERVER = "server"
    """Asked for now: one that is older than another seen before is a replay."""
    FILES = "files"
    """Kept somewhere: it may be older than others."""


@frozen(kw_only=True)
class Resolved:
    """What one resolver knows about a domain; both documents come from the same place.

    ``problem`` says why there are no revocations, where there should be.
    """

    discovery: Discovery
    revocations: KeyRevocations | None = None
    problem: str | None = None
    origin: Origin = Origin.FILES


class Resolver(Protocol):
    """Whatever can find the documents of a domain."""

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return the documents of ``domain``, or None if this resolver does not know it.

        Raises:
            FetchError: if nobody answered.
            MalformedError: if what was found is no discovery document.
            ResolveError: if it must not be used.
        """
        ...


class WellKnownResolver:
    """Asks the server of the domain, and the revocation endpoint that it names."""

    def __init__(self, fetcher: FetchesDocuments) -> None:
        """Fetch with ``fetcher``."""
        self._fetcher = fetcher

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return the documents that the server of ``domain`` gives."""
        try:
            discovery = Discovery.from_server(await self._fetcher.get(well_known_url(domain)))
        except NotThereError:
            return None
        if not discovery.revocation_endpoint:
            return Resolved(discovery=discovery, origin=Origin.SERVER)
        try:
            data = await self._fetcher.get(discovery.revocation_endpoint)
            revocations = KeyRevocations.from_bytes(data)
        except (FetchError, MalformedError) as error:
            return Resolved(discovery=discovery, problem=str(error), origin=Origin.SERVER)
        return Resolved(discovery=discovery, revocations=revocations, origin=Origin.SERVER)


class FolderResolver:
    """Reads ``{domain}.json`` and ``{domain}.revocations.json`` in a folder; no links are followed out of it."""

    def __init__(self, folder: Path) -> None:
        """Read files in ``folder``."""
        self._folder = folder

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return the documents that the folder has for ``domain``."""
        try:
            folder = os.open(self._folder, _FOLDER)
        except OSError as error:
            raise ResolveError(f"the folder {self._folder} cannot be opened: {error.strerror}") from error
        try:
            discovery = _read(folder, f"{domain}.json")
            if discovery is None:
                return None
            revocations = _read(folder, f"{domain}.revocations.json")
        finally:
            os.close(folder)
        return Resolved(
            discovery=Discovery.from_bytes(discovery),
            revocations=None if revocations is None else KeyRevocations.from_bytes(revocations),
        )


class BundleResolver:
    """Looks into a trust bundle: one that `open_bundle` verified, or the caller's own.

    A bundle answers for all of its domains: where it holds no revocations of one, nothing was revoked when it was made.
    """

    def __init__(self, bundle: TrustBundle) -> None:
        """Look into ``bundle``, which must be trustworthy already."""
        self._bundle = bundle

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return the documents that the bundle has for ``domain``."""
        discovery = self._bundle.find(domain)
        if discovery is None:
            return None
        return Resolved(discovery=discovery, revocations=self._bundle.find_revocations(domain) or self._none(domain))

    def _none(self, domain: Domain) -> KeyRevocations:
        try:
            made = Moment.parse(self._bundle.signed_at or self._bundle.created_at)
        except ValueError:
            made = None
        return KeyRevocations(domain=domain, updated_at=made, revoked_keys=())


class ChainResolver:
    """Asks several resolvers; the first that knows the domain gives both documents.

    One that cannot be reached is passed over; one that has a wrong answer is not, or breaking it would be a way
    to choose which other one is believed.
    """

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        """Ask ``resolvers`` in this order."""
        self._resolvers = tuple(resolvers)

    async def resolve(self, domain: Domain) -> Resolved | None:
        """Return the documents that the first resolver has for ``domain``.

        Raises: FetchError if none knows it, and one could not be reached.
        """
        failed: FetchError | None = None
        for resolver in self._resolvers:
            try:
                found = await resolver.resolve(domain)
            except FetchError as error:
                failed = failed or error
                continue
            if found is not None:
                return found
        if failed is not None:
            raise failed
        return None


def open_bundle(data: bytes, authorities: PinLedger, *, now: datetime) -> BundleResolver:
    """Return a resolver for a signed bundle, whose authority is pinned.

    No authority is pinned here, whatever the mode of ``authorities`` is, for it speaks for every domain:
    `haldir_core.schemapin.verify_bundle` pins one that is new, where somebody wants that.

    Raises:
        MalformedError: if it is no bundle.
        ResolveError: if it is not signed, has expired, or its authority is not the one that is pinned.
    """
    bundle = TrustBundle.from_bytes(data)
    result = verify_bundle(bundle, _KnownAuthorities(authorities), now=now)
    if not result.valid:
        raise ResolveError(f"{result.code}: {result.message}")
    return BundleResolver(bundle)


@frozen
class _KnownAuthorities:
    """A `PinLedger` that accepts what another one has pinned already, writes nothing, and asks nobody."""

    _ledger: PinLedger

    def peek(self, candidate: Candidate) -> Judgement:
        judgement = self._ledger.peek(candidate)
        if judgement.is_refused or judgement.status is PinStatus.PINNED:
            return judgement
        message = (
            f"the authority {candidate.tool_id} ({candidate.fingerprint}) is not pinned, so its bundle says nothing:"
            " ask the authority whether that is its key, then pin it (haldir schemapin bundle verify FILE --auto-pin)"
        )
        return Judgement(outcome=Outcome.REFUSED, message=message, prompt=judgement.prompt)

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        del now
        return self.peek(candidate)


def _read(folder: int, name: str) -> bytes | None:
    """Return the bytes of a regular file in an open folder; None if there is none."""
    try:
        fd = os.open(name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResolveError(f"{name} cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ResolveError(f"{name} is no regular file")
        data = b""
        while len(data) <= MAX_BYTES and (more := os.read(fd, MAX_BYTES + 1 - len(data))):
            data += more
    except OSError as error:
        raise ResolveError(f"{name} cannot be read: {error.strerror}") from error
    finally:
        os.close(fd)
    return data
