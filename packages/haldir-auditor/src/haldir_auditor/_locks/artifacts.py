"""The files that a locked package is fetched from."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from attrs import frozen

from haldir_auditor._archives import other_python
from haldir_auditor._document import Document

_PACKAGE = re.compile(r"^(\[\[packages?\]\])", re.MULTILINE)


@frozen
class Artifacts:
    """All files of one package.

    ``hashes`` is empty as soon as one file has none: a package is as well guarded as its worst file.  ``uploaded`` is
    the time of the newest file: a new file of an old version is as new as a new version.
    """

    urls: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    uploaded: datetime | None = None
    source_only: bool = False


def read_artifacts(source: object, wheels: Iterable[object]) -> Artifacts:
    """Return the files of a package: a table with ``url``, ``hash`` and ``upload-time`` each."""
    rows = [row for row in (source, *wheels) if isinstance(row, dict)]
    hashes = [row.get("hash") for row in rows]
    times = [time for row in rows if (time := read_time(row.get("upload-time") or row.get("upload_time")))]
    return Artifacts(
        tuple(url for row in rows if isinstance(url := row.get("url"), str)),
        complete(hashes),
        max(times, default=None),
        source_only=isinstance(source, dict) and len(rows) == 1,
    )


def complete(hashes: Sequence[object]) -> tuple[str, ...]:
    """Return the hashes if every file has one, else none."""
    found = tuple(value for value in hashes if isinstance(value, str) and value)
    return found if len(found) == len(hashes) else ()


def read_time(written: object) -> datetime | None:
    """Return a moment in UTC; None for anything else."""
    if isinstance(written, str):
        try:
            written = datetime.fromisoformat(written)
        except ValueError:
            return None
    if not isinstance(written, datetime):
        return None
    return written.replace(tzinfo=UTC) if written.tzinfo is None else written


def host_of(url: str) -> str:
    """Return scheme and host of a URL, in lower case."""
    start = url.find("://") + 3
    end = url.find("/", start) if start > 2 else -1
    return (url if end < 0 else url[:end]).lower()


def usual_host(packages: Iterable[Artifacts]) -> str:
    """Return the scheme and host that most files of a lock have."""
    counted = Counter(host_of(url) for package in packages for url in package.urls)
    return counted.most_common(1)[0][0] if counted else ""


def standing_out(artifacts: Artifacts, usual: str, name: str, version: str) -> str | None:
    """Return the one URL that a reader should see.

    That is one on another host than the others, else one that is of another package, else the first.
    """
    elsewhere = (url for url in artifacts.urls if host_of(url) != usual)
    foreign = (url for url in artifacts.urls if other_python(url, name, version) is not None)
    return next(chain(elsewhere, foreign, artifacts.urls), None)


def by_name(names: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    """Return the keys of each name, from pairs of name and key."""
    found: dict[str, list[str]] = {}
    for name, key in names:
        found.setdefault(name, []).append(key)
    return {name: tuple(keys) for name, keys in found.items()}


def package_lines(document: Document) -> Iterator[int]:
    """Yield the lines where the packages of a lock in TOML begin."""
    return (line for _, line in document.found_lines(_PACKAGE))
