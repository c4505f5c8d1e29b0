"""yarn.lock as yarn 2 and later write it."""

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from haldir_auditor._document import Document
from haldir_auditor._locks.graph import depths, without
from haldir_auditor._locks.npm_family import manifest_beside
from haldir_auditor._npm_requirement import read_specifier, split_name
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.yamls import Scalar, read_yaml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Root, Supply

FORMAT = "yarn.lock"
_METADATA = "__metadata"
_ARCHIVE = re.compile(r"::.*?__archiveUrl=([^&]+)")
_KINDS = ("dependencies", "optionalDependencies", "peerDependencies")


@frozen
class _Entry:
    """One package: all that is resolved to it, and what it is."""

    asked: tuple[str, ...]
    line: int
    name: str
    reference: str
    content: Mapping[str, object]

    @property
    def key(self) -> str:
        return f"{self.name}@{self.reference}"

    @property
    def is_own(self) -> bool:
        return self.reference.startswith("workspace:")


def read_berry_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not YAML."""
    documents = read_yaml(document.text)
    content = document.root(documents[0] if documents else None)
    entries = [_entry(document, written, value) for written, value in content.items() if written != _METADATA]
    keys = {_comparable(asked): entry.key for entry in entries for asked in entry.asked}
    needs = {entry.key: tuple(dict.fromkeys(_needed(document, entry, keys))) for entry in entries}
    own = [entry for entry in entries if entry.is_own]
    inside = {entry.key for entry in own}
    depth = depths(without(needs, inside), [key for entry in own for key in needs[entry.key]])
    packages = tuple(
        _locked(document, entry, needs[entry.key], depth.get(entry.key))
        for entry in entries
        if entry.reference != "workspace:."
    )
    roots = [root for entry in own if entry.reference == "workspace:." for root in _roots(document, entry)]
    return Supply(
        locks=(Lock(document.path, FORMAT, Ecosystem.NPM, packages, tuple(roots), manifest_beside(document)),)
    )


def _entry(document: Document, written: str, value: object) -> _Entry:
    line = written.line if isinstance(written, Scalar) else 0
    content = document.as_table(value, f"the entry {written[:80]!r}")
    split = split_name(str(content.get("resolution", "")))
    if split is None:
        raise UnreadableError(f"the entry {written[:80]!r} does not say what it is resolved to", line=line)
    return _Entry(tuple(written.split(", ")), line, *split, content)


def _comparable(asked: str) -> str:
    """Return a descriptor without the protocol of the registry, which some versions of yarn leave out."""
    name, specifier = split_name(asked) or (asked, "")
    return f"{name}@{specifier.removeprefix('npm:')}"


def _needed(document: Document, entry: _Entry, keys: Mapping[str, str]) -> Iterator[str]:
    for kind in _KINDS[:2]:
        for name, written in document.table(entry.content, kind).items():
            if key := keys.get(_comparable(f"{name}@{written}")):
                yield key


def _roots(document: Document, entry: _Entry) -> Iterator[Root]:
    """Yield what the project asks for; the lock does not say for what, so that all counts as needed at run time."""
    for kind in _KINDS[:1]:
        for name, written in document.table(entry.content, kind).items():
            yield Root(name, str(written).removeprefix("npm:"))


def _locked(document: Document, entry: _Entry, needs: tuple[str, ...], depth: int | None) -> Locked:
    called, _ = split_name(entry.asked[0]) or (entry.name, "")
    checksum = str(entry.content.get("checksum", "")).rpartition("/")[2]
    return Locked(
        Ecosystem.NPM,
        entry.name,
        str(entry.content.get("version", "")),
        entry.key,
        document.place(entry.line),
        origin=Origin.WORKSPACE if entry.is_own else read_specifier(entry.reference).origin,
        resolved=_resolved(entry.reference),
        hashes=(f"sha512:{checksum}",) if checksum else (),
        needs=needs,
        depth=depth,
        alias=called if called != entry.name else None,
    )


def _resolved(reference: str) -> str | None:
    """Return where a package comes from, if the lock says it."""
    if archive := _ARCHIVE.search(reference):
        return archive[1].replace("%3A", ":").replace("%2F", "/").replace("%3a", ":").replace("%2f", "/")
    if reference.startswith("workspace:"):
        return reference.removeprefix("workspace:")
    return None if reference.startswith(("npm:", "patch:")) else reference
