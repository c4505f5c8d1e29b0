"""The issues that Snyk knows about packages: an optional source, for those who have an account.

Source: Snyk's REST API, "List issues for a package", version 2024-10-15, from its documentation.  It is tested with
recorded answers that were written by hand, never with the service itself.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import field, frozen

from haldir_auditor.issues import Severity, VulnerabilityData
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities._online.addresses import parse_base
from haldir_auditor.vulnerabilities._online.running import run
from haldir_auditor.vulnerabilities._online.transport import FailedError, Request, Transport
from haldir_auditor.vulnerabilities._online.waiting import DEFAULT, Settings
from haldir_auditor.vulnerabilities.cvss import WORDS, rate
from haldir_auditor.vulnerabilities.interface import Answer, Package, SourceError, Vulnerability
from haldir_auditor.vulnerabilities.matching import sort_versions
from haldir_auditor.vulnerabilities.merging import merge
from haldir_auditor.vulnerabilities.records import ID, MALWARE, Rating, RecordError, parse_time
from haldir_auditor.vulnerabilities.versions import normalise_name

API_VERSION = "2024-10-15"
MAX_ISSUES = 10_000
MAX_PARTS = 200
_PAGING = frozenset({"limit", "offset", "starting_after"})
"""What is taken from a link to the next page: its host and path could lead elsewhere."""
_TYPES = {Ecosystem.PYPI: "pypi", Ecosystem.NPM: "npm", Ecosystem.CARGO: "cargo", Ecosystem.GO: "golang"}
# https://github.com/package-url/purl-spec: the types of packages
_ORGANISATION = re.compile(r"[0-9a-fA-F-]{8,64}")
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")


@frozen
class SnykAccount:
    """Where to ask, for which organisation, and the token, which is shown in no message."""

    base_url: str
    organisation: str
    token: str = field(repr=False)


class SnykService:
    """Asks Snyk about one package at a time."""

    def __init__(self, account: SnykAccount, settings: Settings = DEFAULT) -> None:
        """Take an account.  Raises: SourceError if its address, its organisation or its token is none."""
        self._base = parse_base(account.base_url, settings.transports)
        if not _ORGANISATION.fullmatch(account.organisation):
            raise SourceError("the organisation of Snyk is named by its id, hexadecimal digits with hyphens")
        if not _TOKEN.fullmatch(account.token):
            raise SourceError("the token of Snyk is empty, or has characters that no token has")
        self._organisation = account.organisation
        self._headers = {"Authorization": f"token {account.token}", "Accept": "application/vnd.api+json"}
        self._settings = settings

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what Snyk knows.

        Raises:
            SourceError: if it answers about no package at all, or this thread runs an event loop.
        """
        return run(self.look_up_async(packages))

    async def look_up_async(self, packages: Sequence[Package]) -> Answer:
        """Return what Snyk knows.

        Raises:
            SourceError: if it answers about no package at all.
        """
        wanted = list(dict.fromkeys(packages))
        known = [package for package in wanted if package.ecosystem in _TYPES]
        async with Transport(self._base, self._settings, self._headers) as transport:
            answers = await asyncio.gather(*(self._ask(transport, package) for package in known))
        found: dict[Package, tuple[Vulnerability, ...]] = {}
        unanswered = {
            package: f"Snyk is not asked about {package.ecosystem}"
            for package in wanted
            if package.ecosystem not in _TYPES
        }
        for package, (issues, failure) in zip(known, answers, strict=True):
            if issues:
                found[package] = merge(package.ecosystem, issues)
            if failure:
                unanswered[package] = failure
        if known and not found and all(failure for _, failure in answers):
            raise SourceError(f"Snyk cannot be asked: {answers[0][1]}")
        return Answer(VulnerabilityData(self._base.url, self._settings.clock(), None), found, unanswered)

    async def _ask(self, transport: Transport, package: Package) -> tuple[list[Vulnerability], str | None]:
        """Return the issues of a package, and why there may be more."""
        path = f"/rest/orgs/{self._organisation}/packages/{quote(purl(package), safe='')}/issues"
        query = {"version": API_VERSION}
        issues: list[Vulnerability] = []
        try:
            for _ in range(self._settings.max_pages):
                answer = await transport.ask(Request(path, query=query))
                more, following = _parse_page(answer, package.ecosystem)
                issues += more
                if following is None:
                    return issues, None
                if following.items() <= query.items():
                    return issues, "Snyk says that there is more where it has just been asked"
                query = {**query, **following}
        except FailedError as error:
            return issues, str(error)
        return issues, f"{transport.host} has more than {self._settings.max_pages} pages about it"


def purl(package: Package) -> str:
    """Return the package URL of a package.  Source: https://github.com/package-url/purl-spec."""
    name = normalise_name(package.ecosystem, package.name)
    parts = "/".join(quote(part, safe="") for part in name.split("/"))
    return f"pkg:{_TYPES[package.ecosystem]}/{parts}@{quote(package.version, safe='')}"


def _parse_page(answer: object, ecosystem: Ecosystem) -> tuple[list[Vulnerability], dict[str, str] | None]:
    """Return the issues of a page, and the parameters of the next one."""
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list) or len(answer["data"]) > MAX_ISSUES:
        raise FailedError("Snyk answered without a list of issues")
    issues = [_parse_issue(entry, ecosystem) for entry in answer["data"]]
    links = answer.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    if isinstance(following, dict):  # JSON:API 1.1: a link is a text, or an object with href
        following = following.get("href")
    if following is None:
        return [issue for issue in issues if issue is not None], None
    given = parse_qsl(urlsplit(following).query) if isinstance(following, str) else []
    start = {name: value for name, value in given if name in _PAGING}
    if not start:
        raise FailedError("Snyk has more, and does not say where it begins")
    return [issue for issue in issues if issue is not None], start


def _parse_issue(entry: object, ecosystem: Ecosystem) -> Vulnerability | None:
    """Return an issue; None if it is about a licence."""
    fields = _member(entry, "attributes")
    if fields.get("type") == "license":
        return None
    key = fields.get("key") or (entry.get("id") if isinstance(entry, dict) else None)
    if not isinstance(key, str) or not ID.fullmatch(key):
        raise FailedError("Snyk answered with an issue without a proper key")
    title = fields.get("title")
    problems = _texts(fields, "problems", "id")
    classes = _texts(fields, "classes", "id")
    malicious = MALWARE in (*classes, *problems) or (isinstance(title, str) and title.lower() == "malicious package")
    severity, vector = _severity(fields)
    return Vulnerability(
        id=key,
        aliases=tuple(name for name in problems if ID.fullmatch(name) and not name.startswith("CWE-") and name != key),
        summary=title[:300] if isinstance(title, str) else "",
        severity=Severity.CRITICAL if malicious else severity or Severity.MEDIUM,
        malicious=malicious,
        fixed=sort_versions(ecosystem, _remedies(fields)),
        cvss=vector,
        modified=_moment(fields.get("updated_at")),
        rated=malicious or severity is not None,
    )


def _severity(fields: Mapping[str, object]) -> tuple[Severity | None, str | None]:
    """Return the worst of what the issue says: its own word, and the vectors of all who rated it."""
    word = fields.get("effective_severity_level")
    said = [WORDS[word]] if isinstance(word, str) and word in WORDS else []
    vectors = _texts(fields, "severities", "vector")
    judged = rate([Rating(kind, vector) for vector in vectors for kind in ("CVSS_V4", "CVSS_V3")], None)
    if judged is not None:
        said.append(judged.severity)
    return max(said, key=lambda severity: severity.rank, default=None), judged.vector if judged else None


def _remedies(fields: Mapping[str, object]) -> set[str]:
    versions = set()
    for place in _parts(fields, "coordinates"):
        for remedy in _parts(place, "remedies"):
            version = _member(remedy, "details").get("upgrade_package")
            if isinstance(version, str):
                versions.add(version)
    return versions


def _moment(value: object) -> datetime | None:
    try:
        return parse_time(value)
    except RecordError:
        return None


def _texts(fields: Mapping[str, object], name: str, member: str) -> list[str]:
    texts = (part.get(member) for part in _parts(fields, name))
    return [text for text in texts if isinstance(text, str)]


def _parts(fields: Mapping[str, object], name: str) -> list[dict[str, object]]:
    value = fields.get(name)
    return [part for part in value[:MAX_PARTS] if isinstance(part, dict)] if isinstance(value, list) else []


def _member(value: object, name: str) -> dict[str, object]:
    member = value.get(name) if isinstance(value, dict) else None
    return member if isinstance(member, dict) else {}
