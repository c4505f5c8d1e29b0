"""Addresses from which what comes can be changed on the way."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about, at
from haldir_auditor._checks.download_and_run import is_download
from haldir_auditor._hosts import is_plain
from haldir_auditor._words import quoted, sentence
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import INSECURE, Place

CHECK = Check(
    id="insecure-transport",
    category="source",
    severity=Severity.HIGH,
    title="Fetched without encryption",
    explanation=(
        "Over http, git, ftp or svn, or where a setting turns the look at certificates off, anybody on the way can "
        "put something else in place of the package. Looked at are indexes, the URLs of lock files, and the "
        "addresses of dependencies; the machine itself (localhost) is no way."
    ),
    remedy="Use https.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every such address once for each file."""
    for problem in case.supply.problems:
        if problem.kind == INSECURE:
            yield at(CHECK, problem.place, sentence(problem.message))
    for path, url in _indexes(case):
        yield at(CHECK, Place(path), f"the index {quoted(url)} is read without encryption")
    for dependency in case.asked_for:
        if dependency.locator is not None and is_plain(dependency.locator) and not is_download(dependency):
            message = f"{quoted(dependency.name)} is fetched without encryption: {quoted(dependency.locator)}"
            yield about(CHECK, dependency, message)
    for _, package in case.locked():
        if package.resolved is not None and is_plain(package.resolved):
            message = f"{quoted(package.name)} is fetched without encryption: {quoted(package.resolved)}"
            yield about(CHECK, package, message)


def _indexes(case: Case) -> Iterator[tuple[str, str]]:
    named = [
        *((manifest.path, url) for manifest in case.supply.manifests for url in manifest.indexes),
        *((lock.path, url) for lock in case.supply.locks for url in lock.indexes),
        *((item.place.path, item.index) for item in case.asked_for if item.index),
        *(("", url) for _, url in case.supply.indexes),
    ]
    yield from dict.fromkeys((path, url) for path, url in named if is_plain(url))
