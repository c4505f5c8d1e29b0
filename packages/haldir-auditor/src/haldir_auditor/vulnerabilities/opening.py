"""Sources opened as a user names them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.combined import CombinedSource, Member
from haldir_auditor.vulnerabilities.interface import SourceError, VulnerabilitySource

if TYPE_CHECKING:
    from haldir_auditor.vulnerabilities.offline import OfflineDatabase


@frozen
class SnykAccess:
    """The account at Snyk that is asked: its address, the id of the organisation, and the token."""

    base_url: str
    organisation: str
    token: str = field(repr=False)


def open_source(
    advisories: Path | None = None,
    osv_url: str | None = None,
    *,
    npm_registry: str | None = None,
    snyk: SnykAccess | None = None,
    cache: Path | None = None,
    now: Callable[[], datetime] | None = None,
) -> VulnerabilitySource:
    """Return the source that a user names; of several, one that asks all of them.

    ``advisories`` is what ``open_advisories`` takes; ``osv_url`` the address of a service with the API of OSV, without
    ``/v1``; ``npm_registry`` that of an npm registry, which is asked about npm packages only; ``cache`` a folder in
    which records of the service are kept.  ``now`` tells when an online source was asked.

    Raises:
        SourceError: if nothing is named, or what is named cannot be used.
    """
    members = [] if advisories is None else [Member(open_advisories(advisories))]
    if osv_url is not None or npm_registry is not None or snyk is not None:
        members += _open_online(osv_url, npm_registry, snyk, cache, now)
    if not members:
        raise SourceError("nothing is named to compare packages with: name advisories, or the URL of a service")
    return members[0].source if len(members) == 1 else CombinedSource(tuple(members))


def open_advisories(path: Path) -> "OfflineDatabase":
    """Return a database: one that ``haldir advisories import`` made, or that of a folder or a ZIP file of OSV records.

    A folder or a ZIP file is compiled in memory first, which takes about a millisecond for each record.

    Raises:
        SourceError: if it cannot be used.
    """
    from haldir_auditor.vulnerabilities.offline import OfflineDatabase  # noqa: PLC0415 - loads YAML, which few need

    if path.is_dir() or (path.is_file() and _begins_as(path, b"PK")):
        return OfflineDatabase.compiled([path])
    return OfflineDatabase.open(path)


def _open_online(
    osv_url: str | None,
    npm_registry: str | None,
    snyk: SnykAccess | None,
    cache: Path | None,
    now: Callable[[], datetime] | None,
) -> list[Member]:
    try:  # aiohttp is an extra, and takes longer to load than all the rest
        from haldir_auditor.vulnerabilities._online.cache import FolderCache  # noqa: PLC0415
        from haldir_auditor.vulnerabilities._online.npm import NpmAdvisories  # noqa: PLC0415
        from haldir_auditor.vulnerabilities._online.osv import OsvService  # noqa: PLC0415
        from haldir_auditor.vulnerabilities._online.snyk import SnykAccount, SnykService  # noqa: PLC0415
        from haldir_auditor.vulnerabilities._online.waiting import DEFAULT  # noqa: PLC0415
    except ImportError as error:
        raise SourceError("online sources need aiohttp: install haldir-auditor[online]") from error
    settings = DEFAULT if now is None else evolve(DEFAULT, clock=now)
    members = []
    if osv_url is not None:
        members.append(Member(OsvService(osv_url, settings, None if cache is None else FolderCache(cache))))
    if npm_registry is not None:
        members.append(Member(NpmAdvisories(npm_registry, settings), (Ecosystem.NPM,)))
    if snyk is not None:
        members.append(Member(SnykService(SnykAccount(snyk.base_url, snyk.organisation, snyk.token), settings)))
    return members


def _begins_as(path: Path, begin: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(begin)) == begin
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
