"""Packages without a hash, or with one that proves nothing."""

import re
from collections.abc import Iterator, Sequence

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about, at
from haldir_auditor._digests import is_digest
from haldir_auditor._words import listed, named
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem, Lock, Locked, Manifest, Origin, Place

CHECK = Check(
    id="hashes",
    category="integrity",
    severity=Severity.MEDIUM,
    title="Hashes are missing",
    explanation=(
        "A hash in the lock file is what makes sure that the same bytes come again. Entries without one, among "
        "others that have one, are the mark of a changed lock file; a requirements file with hashes on some lines "
        "only is refused by pip. A hash of the wrong length is none. A package that has only an MD5 or SHA-1 hash "
        "weighs low."
    ),
    remedy="Make the lock file anew with a current client; use pip-compile --generate-hashes or uv export.",
)

_WITHOUT_HASHES = frozenset({Ecosystem.CONDA, Ecosystem.SYSTEM, Ecosystem.GO})
_WEAK = re.compile(r"(?:md5|sha-?1)[-:=]", re.IGNORECASE)


def find(case: Case) -> Iterator[Issue]:
    """Yield lock files without hashes, single packages without one, and requirements files that have some."""
    for lock in case.supply.locks:
        yield from _in_lock(lock)
    for manifest in case.supply.manifests:
        yield from _in_requirements(manifest)


def _in_lock(lock: Lock) -> Iterator[Issue]:
    if lock.ecosystem in _WITHOUT_HASHES:
        return
    fetched = [package for package in lock.packages if package.origin is Origin.INDEX]
    without = [package for package in fetched if not _is_guarded(package.hashes)]
    if without and len(without) == len(fetched):
        yield at(CHECK, Place(lock.path), f"none of the {len(fetched)} packages of this lock file has a hash")
    else:
        yield from (about(CHECK, package, f"{named(package)} has no hash, unlike others") for package in without)
    yield from _weak(fetched)


def _is_guarded(hashes: Sequence[str]) -> bool:
    return bool(hashes) and all(map(is_digest, hashes))


def _weak(fetched: Sequence[Locked]) -> Iterator[Issue]:
    for package in fetched:
        if package.hashes and all(_WEAK.match(text) for text in package.hashes):
            yield about(CHECK, package, f"{named(package)} has only an MD5 or SHA-1 hash", Severity.LOW)


def _in_requirements(manifest: Manifest) -> Iterator[Issue]:
    fetched = [dependency for dependency in manifest.dependencies if dependency.origin is Origin.INDEX]
    without = [dependency for dependency in fetched if not _is_guarded(dependency.hashes)]
    if not without or (len(without) == len(fetched) and not manifest.hashes_required):
        return
    names = listed([dependency.name for dependency in without])
    yield at(CHECK, without[0].place, f"hashes are wanted here, but {names} have none: pip refuses this file")
