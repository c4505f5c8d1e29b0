"""A service with the API of OSV.

Source: https://google.github.io/osv.dev/api/: querybatch takes 1,000 queries, answers in their order with ids and
moments only, and with a token where there is more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import define, field, frozen

from haldir_auditor.issues import Severity, VulnerabilityData
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities._online.addresses import parse_base
from haldir_auditor.vulnerabilities._online.cache import MemoryCache, RecordCache
from haldir_auditor.vulnerabilities._online.running import run
from haldir_auditor.vulnerabilities._online.transport import FailedError, Request, Transport
from haldir_auditor.vulnerabilities._online.waiting import DEFAULT, Settings
from haldir_auditor.vulnerabilities.interface import Answer, Package, SourceError, Vulnerability
from haldir_auditor.vulnerabilities.matching import Subject
from haldir_auditor.vulnerabilities.merging import describe, for_version, merge
from haldir_auditor.vulnerabilities.records import ID, Record, RecordError, parse_record, parse_time
from haldir_auditor.vulnerabilities.versions import COVERED

BATCH = 1000
MAX_TOKEN_CHARS = 4096
MAX_RECORDS = 20_000
"""How many records are fetched in one look-up; those beyond are told by their ids."""


@frozen
class _Mention:
    """A record that the service names in an answer to a query."""

    id: str
    modified: datetime | None


@frozen
class _Page:
    """The answer to one query of a batch."""

    mentions: tuple[_Mention, ...]
    token: str | None


@define
class _Progress:
    """What is known so far: the records of each package, and why some are not known."""

    mentions: defaultdict[Package, dict[str, _Mention]] = field(factory=lambda: defaultdict(dict))
    unanswered: dict[Package, str] = field(factory=dict)


class OsvService:
    """A service that is asked about many packages at once, and for each record that it names."""

    def __init__(
        self,
        base_url: str,
        settings: Settings = DEFAULT,
        cache: RecordCache | None = None,
    ) -> None:
        """Take the address without ``/v1``.  Raises: SourceError if it cannot be used."""
        self._base = parse_base(base_url, settings.transports)
        self._settings = settings
        self._cache = MemoryCache() if cache is None else cache

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what the service knows.

        Raises:
            SourceError: if it answers about no package at all, or this thread runs an event loop.
        """
        return run(self.look_up_async(packages))

    async def look_up_async(self, packages: Sequence[Package]) -> Answer:
        """Return what the service knows.

        Raises:
            SourceError: if it answers about no package at all.
        """
        subjects = {package: Subject.of(package) for package in packages if package.ecosystem in COVERED}
        progress = _Progress()
        async with Transport(self._base, self._settings) as transport:
            tasks = [self._ask_batch(transport, batch, subjects, progress) for batch in _batches(list(subjects))]
            await asyncio.gather(*tasks)
            if subjects and len(progress.unanswered) == len(subjects) and not progress.mentions:
                raise SourceError(
                    f"the vulnerability service cannot be asked: {next(iter(progress.unanswered.values()))}"
                )
            records = await self._fetch_all(transport, progress)
        found = self._describe(subjects, records, progress)
        for package in packages:
            if package.ecosystem not in COVERED:
                progress.unanswered[package] = f"there is no vulnerability data for {package.ecosystem}"
            elif subjects[package].key is None:
                progress.unanswered[package] = f"{package.version[:80]!r} is no version of {package.ecosystem}"
        data = VulnerabilityData(self._base.url, self._settings.clock(), None)
        return Answer(data, found, progress.unanswered)

    async def _ask_batch(
        self,
        transport: Transport,
        batch: Sequence[Package],
        subjects: Mapping[Package, Subject],
        progress: _Progress,
    ) -> None:
        """Ask about up to 1,000 packages, and go on with those about which there is more."""
        tokens: dict[Package, str] = dict.fromkeys(batch, "")
        try:
            for _ in range(self._settings.max_pages):
                queries = [_query(subjects[package], token) for package, token in tokens.items()]
                answer = await transport.ask(Request("/v1/querybatch", {"queries": queries}))
                pages = dict(zip(tokens, _parse_pages(answer, len(queries)), strict=True))
                for package, page in pages.items():
                    progress.mentions[package].update((mention.id, mention) for mention in page.mentions)
                tokens = {package: page.token for package, page in pages.items() if page.token}
                if not tokens:
                    return
            reason = f"{transport.host} has more than {self._settings.max_pages} pages about it"
        except FailedError as error:
            reason = str(error)
        progress.unanswered.update(dict.fromkeys(tokens, reason))

    async def _fetch_all(self, transport: Transport, progress: _Progress) -> dict[str, Record | str]:
        """Return each record that is named, or why it cannot be had."""
        wanted: dict[str, _Mention] = {}
        for mentions in progress.mentions.values():
            for mention in mentions.values():
                known = wanted.setdefault(mention.id, mention)
                if known.modified is None or (mention.modified and mention.modified > known.modified):
                    wanted[mention.id] = mention
        first = list(wanted.values())[:MAX_RECORDS]
        fetched = await asyncio.gather(*(self._fetch(transport, mention) for mention in first))
        told: dict[str, Record | str] = dict.fromkeys(wanted, f"{transport.host} named more than {MAX_RECORDS} records")
        return {**told, **{mention.id: record for mention, record in zip(first, fetched, strict=True)}}

    async def _fetch(self, transport: Transport, mention: _Mention) -> Record | str:
        kept = self._cache.get(mention.id, mention.modified) if mention.modified else None
        try:
            request = Request(f"/v1/vulns/{mention.id}", max_bytes=self._settings.max_record_bytes)
            document = await transport.ask(request) if kept is None else kept
            record = parse_record(document)
        except FailedError as error:
            return f"{mention.id} could not be fetched: {error}"
        except RecordError as error:
            return f"{mention.id} cannot be read: {error}"
        if record.id != mention.id:
            return f"{mention.id} could not be fetched: {transport.host} answered with {record.id}"
        if kept is None and record.modified == mention.modified:
            self._cache.put(record.id, record.modified, document)
        return record

    def _describe(
        self, subjects: Mapping[Package, Subject], records: Mapping[str, Record | str], progress: _Progress
    ) -> dict[Package, tuple[Vulnerability, ...]]:
        """Return the vulnerabilities of each package; one whose record is missing is told by its id."""
        found: dict[Package, tuple[Vulnerability, ...]] = {}
        for package, mentions in progress.mentions.items():
            known = []
            for identifier in mentions:
                record = records[identifier]
                if isinstance(record, str):
                    progress.unanswered.setdefault(package, record)
                    known.append(_nameless(identifier))
                elif not record.withdrawn:
                    known.append(_described(record, subjects[package]))
            if known:
                found[package] = merge(package.ecosystem, known)
        return found


def _described(record: Record, subject: Subject) -> Vulnerability:
    return for_version(describe(record, subject.ecosystem, subject.name), subject)


def _batches(packages: Sequence[Package]) -> Iterable[Sequence[Package]]:
    return (packages[begin : begin + BATCH] for begin in range(0, len(packages), BATCH))


def _query(subject: Subject, token: str) -> dict[str, object]:
    version = subject.version
    if subject.ecosystem is Ecosystem.GO:  # records of Go leave the v out
        version = version.removeprefix("v")
    query: dict[str, object] = {
        "package": {"ecosystem": str(subject.ecosystem), "name": subject.name},
        "version": version,
    }
    return {**query, "page_token": token} if token else query


def _parse_pages(answer: object, count: int) -> list[_Page]:
    """Return one page for each query.  Raises: FailedError if there are more or fewer, or they are none."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise FailedError("the service answered without results")
    if len(results) != count:
        raise FailedError(f"the service answered {len(results)} of {count} queries")
    return [_parse_page(result) for result in results]


def _parse_page(result: object) -> _Page:
    if result is None:
        return _Page((), None)
    if not isinstance(result, dict):
        raise FailedError("the service answered a query with something that is no object")
    named, token = result.get("vulns"), result.get("next_page_token")
    if not isinstance(named, list | None) or not isinstance(token, str | None) or len(token or "") > MAX_TOKEN_CHARS:
        raise FailedError("the service answered a query with something else than a list of records")
    return _Page(tuple(_parse_mention(one) for one in named or ()), token or None)


def _parse_mention(value: object) -> _Mention:
    identifier = value.get("id") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(identifier, str) or not ID.fullmatch(identifier):
        raise FailedError("the service named a record without a proper id")
    try:
        return _Mention(identifier, parse_time(value["modified"]) if "modified" in value else None)
    except RecordError as error:
        raise FailedError(f"the service named {identifier} with a moment that is none") from error


def _nameless(identifier: str) -> Vulnerability:
    malicious = identifier.startswith("MAL-")
    severity = Severity.CRITICAL if malicious else Severity.MEDIUM
    return Vulnerability(identifier, (), "", severity, malicious, rated=malicious)
