"""What the dependencies of a project are, and where they come from."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from haldir_scanner._configuration._mistakable import NODE
from haldir_scanner._configuration._places import MOST_PLACES, place_of
from haldir_scanner._configuration._python_manifest import pipfile, pyproject, requirements, script
from haldir_scanner._text import Seen

_NATIVE = frozenset(
    {"bindings", "cmake-js", "ffi-napi", "nan", "node-addon-api", "node-gyp", "node-pre-gyp", "prebuild-install"},
)
_TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_UNPINNED = re.compile(r"(?:\*|x|latest|next|>=?\s*[\d.]+)?", re.IGNORECASE)
_GIT = re.compile(r"git(?:\+\w+)?:|git@|(?:github|gitlab|bitbucket|gist):|[\w.-]+/[\w.-]+(?:#.*)?$")
_PROTOCOL = re.compile(r"https?:|file:(?:\.\./|/|~)|link:(?:\.\./|/|~)", re.IGNORECASE)
_HOST = re.compile(r"(?:git\+)?(https?|ssh)://(?:[^/@\s]{1,100}@)?([^/:?#\s]{1,255})")
# What is put up under the name of an internal package, so that it is newer than the true one.
_INFLATED = re.compile(r"[\^~=v]{0,2}9\d{1,3}\.\d{1,4}\.\d{1,4}$")
# Their versions are those of browsers.
_BROWSER = re.compile(r"chrom|gecko|edge|electron|puppeteer|selenium|caniuse|browser")
_MANY_ENTRIES = 10  # of one host, before another one stands out


def examine(path: str, data: bytes) -> Iterator[Seen]:
    """The dependencies that deserve a look; nothing if the file is no manifest."""
    name = path.rpartition("/")[2].lower()
    if name == "package.json":
        hits = ((rule, place_of(data, begin, end)) for rule, begin, end in manifest_hits(data))
        yield from (Seen(rule, place) for rule, place in islice(hits, MOST_PLACES))
        return
    if name in {"package-lock.json", "npm-shrinkwrap.json"}:
        yield from _lock(data)
        return
    reader = _reader(path.lower(), name, data)
    if reader is not None:
        yield from islice(reader(data), MOST_PLACES)


def _reader(path: str, name: str, data: bytes) -> Callable[[bytes], Iterator[Seen]] | None:
    if name in {"pyproject.toml", "pipfile"}:
        return pyproject if name == "pyproject.toml" else pipfile
    in_folder = path.rpartition("/")[0].endswith("requirements")
    if name.endswith((".txt", ".in")) and (
        name.startswith(("requirements", "constraints")) or in_folder or "requirements" in name
    ):
        return requirements
    return script if b"# /// script" in data else None


def manifest_hits(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Rule id, begin and end in ``data`` of each dependency of a ``package.json`` that deserves a look."""
    try:
        # Node reads integers of any length; as floats, Python does too.
        manifest = json.loads(data.decode("utf-8-sig"), parse_int=float)
    except (ValueError, RecursionError):
        yield "manifest_unreadable", 0, 0
        return
    if not isinstance(manifest, dict):
        return
    for name, version in _dependencies(manifest):
        for rule in _rules(name, version.strip()):
            begin = max(data.find(json.dumps(name, ensure_ascii=False).encode("utf-8", "replace")), 0)
            end = data.find(b"\n", begin)
            yield rule, begin, len(data) if end < 0 else end
    if manifest.get("gypfile") is True:
        begin = max(data.find(b'"gypfile"'), 0)
        yield "manifest_native_addon", begin, begin + len(b'"gypfile"')


def _dependencies(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for table in _TABLES:
        entries = manifest.get(table)
        if isinstance(entries, dict):
            # A version that is no text (a number, null) pins nothing.
            yield from ((name, version if isinstance(version, str) else "") for name, version in entries.items())


def _rules(name: str, version: str) -> Iterator[str]:
    if _UNPINNED.fullmatch(version):
        yield "manifest_unpinned_deps"
    if _GIT.match(version):
        yield "manifest_git_url_dep"
    if _PROTOCOL.match(version):
        yield "manifest_protocol_dep"
    if name in _NATIVE:
        yield "manifest_native_addon"
    if NODE.is_mistakable(name):
        yield "manifest_typosquat"
    if _INFLATED.match(version) and not _BROWSER.search(name):
        yield "manifest_version_inflated"


def _lock(data: bytes) -> Iterator[Seen]:
    """The entries of a lock file that come from elsewhere than the others, or over an open connection."""
    try:
        lock = json.loads(data.decode("utf-8-sig"), parse_int=float)
    except (ValueError, RecursionError):
        yield Seen("manifest_unreadable")
        return
    addresses = [address for address in _resolved(lock) if _HOST.match(address)]
    hosts = Counter(_host(address) for address in addresses)
    usual, count = hosts.most_common(1)[0] if hosts else ("", 0)
    odd = [address for address in addresses if _is_odd(address, usual if count >= _MANY_ENTRIES else "")]
    for address in odd[:MOST_PLACES]:
        begin = max(data.find(address.encode("utf-8", "replace")), 0)
        rule = "lock_plaintext" if address.startswith("http:") else "lock_foreign_host"
        yield Seen(rule, place_of(data, begin, begin + len(address)))


def _resolved(lock: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    packages = lock.get("packages") if isinstance(lock, dict) else None
    for entry in packages.values() if isinstance(packages, dict) else ():
        address = entry.get("resolved") if isinstance(entry, dict) else None
        if isinstance(address, str):
            yield address


def _host(address: str) -> str:
    match = _HOST.match(address)
    return "" if match is None else match[2].lower()


def _is_odd(address: str, usual: str) -> bool:
    return address.startswith("http:") or (usual != "" and _host(address) != usual)
