"""Packages that come from no index: repositories, URLs, paths."""

import posixpath
import re
from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._checks.download_and_run import is_download
from haldir_auditor._hosts import is_plain
from haldir_auditor._wanted import LOCAL, REMOTE
from haldir_auditor._words import named, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Locked, Origin

CHECK = Check(
    id="direct-source",
    category="source",
    severity=Severity.HIGH,
    title="Package from a repository, a URL or a path",
    explanation=(
        "What comes from no index is in no vulnerability data, can be changed by whoever has the place, and is "
        "withdrawn by nobody. A repository at a full commit, or a URL with a hash, is at least always the same: "
        "medium. A path is reported if it leads out of the skill, to something that was not audited."
    ),
    remedy="Use a release from the index; else name the full commit, or the hash; ship what lies elsewhere.",
)

_COMMIT = re.compile(r"(?:[@#]|commit[=:]|rev=)(?:[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-zA-Z])")
_HASH_IN_URL = re.compile(r"#(?:.*&)?sha(?:256|384|512)=[0-9a-fA-F]{64,128}(?:&|$)")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_PREFIX = re.compile(r"(?:file|link|portal|path|directory|workspace):(?://)?", re.IGNORECASE)


def find(case: Case) -> Iterator[Issue]:
    """Yield them from manifests and commands, and from lock files what is not in those."""
    told = set()
    locked = {(package.ecosystem, package.name): package for _, package in case.locked() if package.origin in REMOTE}
    for dependency in case.asked_for:
        if is_download(dependency):
            continue
        if dependency.origin in REMOTE and dependency.locator is not None:
            told.add((dependency.ecosystem, dependency.name))
            yield _fetched(dependency, locked.get((dependency.ecosystem, dependency.name)))
        elif dependency.origin in LOCAL and _leads_out(dependency.place.path, dependency.locator):
            yield about(CHECK, dependency, f"{named(dependency)} lies outside of the skill: {_locator(dependency)}")
    for _, package in case.locked():
        if package.origin in REMOTE and (package.ecosystem, package.name) not in told:
            yield _fetched(package, package)
        elif package.origin in LOCAL and _leads_out(package.place.path, package.resolved):
            yield about(CHECK, package, f"{named(package)} lies outside of the skill: {_locator(package)}")


def _fetched(item: Dependency | Locked, locked: Locked | None) -> Issue:
    written = [_where(item), *([_where(locked)] if locked else ())]
    kind = "a repository" if item.origin is Origin.GIT else "a URL"
    if item.origin is Origin.GIT:
        is_fixed = any(_COMMIT.search(text) for text in written)
        flaw = "" if is_fixed else ", and no full commit is named"
    else:
        is_fixed = bool(item.hashes or (locked and locked.hashes) or any(map(_HASH_IN_URL.search, written)))
        flaw = "" if is_fixed else ", and no hash is named"
    severity = Severity.MEDIUM if is_fixed and not is_plain(written[0]) else CHECK.severity
    return about(CHECK, item, f"{quoted(item.name)} comes from {kind}{flaw}: {_locator(item)}", severity)


def _where(item: Dependency | Locked) -> str:
    if isinstance(item, Locked):
        return f"{item.resolved or ''} {item.version}"
    return item.locator or ""


def _locator(item: Dependency | Locked) -> str:
    return quoted((item.resolved if isinstance(item, Locked) else item.locator) or "")


def _leads_out(path: str, locator: str | None) -> bool:
    """Whether a path, written in the file ``path`` of the skill, names something outside of it."""
    if locator is None:
        return False
    bare = _PREFIX.sub("", locator.strip()).replace("\\", "/")
    if bare.startswith(("/", "~", "$")) or _DRIVE.match(bare):
        return True
    real = posixpath.normpath(posixpath.join(posixpath.dirname(path), bare.partition("#")[0]))
    return real == ".." or real.startswith("../")
