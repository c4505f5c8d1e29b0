"""Reads the files of a skill into what it takes from elsewhere."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from attrs import evolve

from haldir_auditor._document import Document, Reference
from haldir_auditor._installs.texts import read_text
from haldir_auditor._manifests.requirements import read_requirements
from haldir_auditor._readers import (
    MAX_LOCK_BYTES,
    MAX_MANIFEST_BYTES,
    Reader,
    is_installed,
    is_opaque,
    lock_reader,
    manifest_reader,
)
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.files import DEFAULT_LIMITS, Limits, read_files
from haldir_auditor.supply import Dependency, Manifest, Scope, Supply

_OWN_RECORDS = ".vault/"  # signatures and reports about the skill: their texts quote what was found
_EXPLICIT = re.compile(rb"(?:#[^\n]*\n|\s*\n)*@EXPLICIT\s*(?:\n|\Z)")
"""The list of URLs that conda writes and reads, under any name.  Source: conda, "Managing environments"."""
_MAX_HEAD = 4_000
_NO_PROSE = frozenset({"Dockerfile", "requirements.txt", "site-packages"})


def never() -> bool:
    """Say that there is no limit of time."""
    return False


def read_folder(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Supply:
    """Return all that a folder declares, locks and installs; what cannot be read is in ``problems``.

    Raises:
        OSError: if the folder itself cannot be listed.
    """
    read = read_files(folder, limits)
    found = read_supply(read.files)
    return evolve(found, problems=(*read.problems, *found.problems))


def read_supply(files: Mapping[str, bytes], *, is_time_over: Callable[[], bool] = never) -> Supply:
    """Return all that the files declare, lock and install.

    ``files`` are the bytes of every file by its path relative to the skill, with ``/`` between the parts.  Nothing is
    run, and nothing is fetched.  What cannot be read is in ``problems``, never left out silently; so is the first of
    the files that are left when ``is_time_over``, which is asked before each file.
    """
    references: list[Reference] = []
    parts: list[Supply] = []
    for path in sorted(files, key=_urgency):
        document = Document(path, files[path], files)
        if is_time_over():
            document.problem("the time is over: neither this file nor those behind it are read", kind="too-large")
            parts.append(Supply(problems=tuple(document.problems)))
            break
        parts.extend(_parts(document, references))
    parts.extend(_referenced(files, references, {manifest.path for part in parts for manifest in part.manifests}))
    found = _joined(parts)
    return evolve(found, mentions=tuple(_foreign(found.mentions, files)))


def _urgency(path: str) -> tuple[bool, str]:
    """Put what declares or locks dependencies before all other texts."""
    return not (lock_reader(path) or manifest_reader(path)), path


def _foreign(mentions: Iterable[Dependency], files: Iterable[str]) -> Iterator[Dependency]:
    """Yield what prose names and is no file or folder of the skill itself."""
    own = {part for path in files for step in path.split("/") for part in (step, step.partition(".")[0])}
    return (mention for mention in mentions if mention.name not in own and mention.name.replace("-", "_") not in own)


def _parts(document: Document, references: list[Reference]) -> Iterator[Supply]:
    """Yield what each reader of one file finds."""
    found = Supply()
    if is_opaque(document.path) or _EXPLICIT.match(document.data[:_MAX_HEAD]):
        document.problem("this kind of file is not read: what it asks for is not known", kind="opaque")
    if lock := lock_reader(document.path):
        yield _attempt(document, lock, MAX_LOCK_BYTES)
    else:
        if manifest := manifest_reader(document.path):
            found = _attempt(document, manifest, MAX_MANIFEST_BYTES)
            yield found
        if _has_prose(document.path, found):
            yield _attempt(document, read_text, MAX_LOCK_BYTES)
    references.extend(document.references)
    yield Supply(problems=tuple(dict.fromkeys(document.problems)))


def _has_prose(path: str, found: Supply) -> bool:
    """Say whether a file is read for commands: not what is installed, quoted, or was already read so."""
    if is_installed(path) or path.startswith(_OWN_RECORDS):
        return False
    return not any(manifest.format in _NO_PROSE for manifest in found.manifests)


def _attempt(document: Document, reader: Reader, max_bytes: int) -> Supply:
    if len(document.data) > max_bytes and reader is not read_text:
        document.problem(f"not read: more than {max_bytes} bytes", kind="too-large")
        return Supply()
    try:
        return reader(document)
    except UnreadableError as error:
        document.problem(error.message, line=error.line, kind=error.kind)
    return Supply()


def _referenced(files: Mapping[str, bytes], references: list[Reference], done: set[str]) -> Iterator[Supply]:
    """Yield the requirements files that others name, and those that these name in turn."""
    scopes: dict[str, set[Scope]] = {}
    read: dict[str, list[Supply]] = {}
    waiting = list(references)
    while waiting:
        reference = waiting.pop()
        scopes.setdefault(reference.path, set()).add(reference.scope)
        if reference.path not in read and reference.path not in done:
            document = Document(reference.path, files[reference.path], files)
            found = _attempt(document, read_requirements, MAX_MANIFEST_BYTES)
            read[reference.path] = [found, Supply(problems=tuple(dict.fromkeys(document.problems)))]
            waiting.extend(document.references)
    for path in sorted(read):
        scope = scopes[path].pop() if len(scopes[path]) == 1 else Scope.RUN
        for part in read[path]:
            yield evolve(part, manifests=tuple(_in_scope(manifest, scope) for manifest in part.manifests))


def _in_scope(manifest: Manifest, scope: Scope) -> Manifest:
    return evolve(manifest, dependencies=tuple(evolve(dependency, scope=scope) for dependency in manifest.dependencies))


def _joined(parts: Iterable[Supply]) -> Supply:
    every = tuple(parts)
    return Supply(
        manifests=tuple(one for part in every for one in part.manifests),
        locks=tuple(one for part in every for one in part.locks),
        installs=tuple(one for part in every for one in part.installs),
        mentions=tuple(one for part in every for one in part.mentions),
        indexes=tuple(one for part in every for one in part.indexes),
        problems=tuple(dict.fromkeys(one for part in every for one in part.problems)),
    )
