"""yarn.lock: the format of yarn 1, and the YAML of its successors."""

import re
from collections.abc import Iterator, Mapping

from attrs import define, field

from haldir_auditor._document import Document
from haldir_auditor._locks.graph import depths, tops
from haldir_auditor._locks.npm_family import asked_beside, manifest_beside
from haldir_auditor._locks.yarn_berry import read_berry_lock
from haldir_auditor._npm_requirement import read_specifier, split_name
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Place, Supply

FORMAT = "yarn.lock"

_BERRY = re.compile(r"^__metadata:", re.MULTILINE)
_HEADER = re.compile(r"# yarn lockfile v(\d+)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",:]+(?::[^\s",:]+)*)')
_SHA1 = re.compile(r"#([0-9a-f]{40})$")
_TABLES = ("dependencies", "optionalDependencies")


@define
class _Entry:
    """One package as it is written."""

    asked: tuple[str, ...]
    line: int
    fields: dict[str, str] = field(factory=dict)
    needs: dict[str, str] = field(factory=dict)


def read_yarn_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is of no known format."""
    if _BERRY.search(document.text):
        return read_berry_lock(document)
    header = _HEADER.search(document.text[:1000])
    if header and header[1] != "1":
        raise UnreadableError(f"yarn.lock of version {header[1]} is not known")
    entries = list(_entries(document.text))
    if not entries and not header:
        raise UnreadableError("this is no lock file of yarn")
    keys = {asked: _key(entry) for entry in entries for asked in entry.asked}
    by_key = {_key(entry): entry for entry in entries}
    needs = {key: tuple(_needed(entry, keys)) for key, entry in by_key.items()}
    wanted = [f"{root.name}@{root.range}" for root in asked_beside(document)]
    depth = depths(needs, [keys[asked] for asked in wanted if asked in keys] or tops(needs))
    packages = tuple(
        _locked(document.place(entry.line), key, entry, needs[key], depth.get(key)) for key, entry in by_key.items()
    )
    return Supply(locks=(Lock(document.path, FORMAT, Ecosystem.NPM, packages, None, manifest_beside(document)),))


def _entries(text: str) -> Iterator[_Entry]:
    """Yield the entries: a line with what is asked for, then fields with two spaces, and tables with four."""
    entry: _Entry | None = None
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            if entry:
                yield entry
            entry, section = _Entry(_header(line, number), number), ""
        elif entry is None:
            raise UnreadableError("a field without a package", line=number)
        elif line.endswith(":") and indent == 2:
            section = line.strip()[:-1]
        else:
            _take(entry, section if indent > 2 else "", line, number)
    if entry:
        yield entry


def _header(line: str, number: int) -> tuple[str, ...]:
    words = tuple(_words(line.removesuffix(":")))
    if not line.endswith(":") or not all(split_name(word) for word in words) or not words:
        raise UnreadableError(f"{line[:80]!r} is no entry of a lock file of yarn", line=number)
    return words


def _words(line: str) -> Iterator[str]:
    for found in _WORD.finditer(line):
        yield found[1].replace('\\"', '"').replace("\\\\", "\\") if found[2] is None else found[2]


def _take(entry: _Entry, section: str, line: str, number: int) -> None:
    words = list(_words(line))
    if len(words) != 2:
        raise UnreadableError(f"{line[:80]!r} is no field of a lock file of yarn", line=number)
    if section in _TABLES:
        entry.needs[words[0]] = words[1]
    elif not section:
        entry.fields[words[0]] = words[1]


def _name(entry: _Entry) -> tuple[str, str | None]:
    """Return the name of a package, and the alias under which it is used."""
    called, specifier = split_name(entry.asked[0]) or (entry.asked[0], "")
    real = read_specifier(specifier).name
    return (real, called) if real and real != called else (called, None)


def _key(entry: _Entry) -> str:
    called, _ = split_name(entry.asked[0]) or (entry.asked[0], "")
    return f"{called}@{entry.fields.get('version', '')} {entry.fields.get('resolved', '')}".strip()


def _needed(entry: _Entry, keys: Mapping[str, str]) -> Iterator[str]:
    for name, written in entry.needs.items():
        if key := keys.get(f"{name}@{written}"):
            yield key


def _locked(place: Place, key: str, entry: _Entry, needs: tuple[str, ...], depth: int | None) -> Locked:
    name, alias = _name(entry)
    resolved = entry.fields.get("resolved")
    _, specifier = split_name(entry.asked[0]) or ("", "")
    asked = read_specifier(specifier).origin
    old_hash = _SHA1.search(resolved or "") if asked is not Origin.GIT else None
    hashes = entry.fields.get("integrity", "").split() or ([f"sha1:{old_hash[1]}"] if old_hash else [])
    return Locked(
        Ecosystem.NPM,
        name,
        entry.fields.get("version", ""),
        key,
        place,
        origin=asked,
        resolved=resolved,
        hashes=tuple(hashes),
        needs=tuple(dict.fromkeys(needs)),
        depth=depth,
        alias=alias,
    )
