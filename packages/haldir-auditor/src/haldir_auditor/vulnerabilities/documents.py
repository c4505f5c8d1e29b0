"""The documents of folders and ZIP files of advisories, read one after the other within limits."""

import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import yaml
from attrs import define, frozen

from haldir_auditor.vulnerabilities.interface import SourceError

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DRIVE = re.compile(r"[A-Za-z]:")
_SUFFIXES = (".json", ".yaml", ".yml")


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc] # with libyaml or without
    """Makes texts, lists and mappings, and None."""


# YAML 1.2.2 10.2.1.1
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Loader.add_constructor("tag:yaml.org,2002:null", lambda loader, node: None)  # noqa: ARG005 - called by position


@frozen
class ImportLimits:
    """What is read of a folder or a ZIP file; more is refused, never left out.

    The whole of OSV is 600,000 records with 5 GB; ``max_ratio`` is what a ZIP file may grow by, from 1 MiB on: text of
    JSON shrinks to a tenth, a bomb to a thousandth.
    """

    max_documents: int = 2_000_000
    max_document_bytes: int = 16 * 1024 * 1024
    max_total_bytes: int = 32 * 1024 * 1024 * 1024
    max_ratio: int = 200
    max_depth: int = 16
    max_nodes: int = 1_000_000


@frozen
class Document:
    """The bytes of a document, and where they were found."""

    place: str
    data: bytes


class UnreadableDocumentError(ValueError):
    """A document is no JSON or YAML, or one that is too large."""


@define
class PassedOver:
    """How many documents were not looked at: hidden ones, those in hidden folders of ZIP files, and links."""

    count: int = 0


def read_documents(source: Path, limits: ImportLimits, passed: PassedOver | None = None) -> Iterator[Document]:
    """Yield the JSON and YAML documents of a folder, of the ZIP files in it, or of one ZIP file.

    Links are not followed; files and folders whose names begin with a dot are left out, and counted in ``passed``.

    Raises:
        SourceError: if the source cannot be read, is larger than the limits, or is a ZIP file with a name that leads
            out of it.
    """
    budget = _Budget(limits, passed or PassedOver())
    if source.is_dir():
        yield from _in_folder(source, budget)
    elif source.exists():
        yield from _in_zip(source, str(source), budget)
    else:
        raise SourceError(f"{source} does not exist: name a folder or a ZIP file of OSV records")


def parse_document(document: Document, limits: ImportLimits) -> object:
    """Return the value of a document; every scalar of YAML is a text, so that version 1.10 stays 1.10.

    Raises:
        UnreadableDocumentError: if it is damaged, or refers to its own parts so often that it grows.
    """
    try:
        if document.place.endswith(".json"):
            return json.loads(document.data)
        value = yaml.load(document.data, Loader=_Loader)  # noqa: S506 - it makes texts, lists and mappings only
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise UnreadableDocumentError(f"{document.place} cannot be read: {_first_line(error)}") from error
    _refuse_growth(value, document.place, limits.max_nodes)
    return value


class _Budget:
    """Counts what was read, over all files of a source."""

    def __init__(self, limits: ImportLimits, passed: PassedOver) -> None:
        self.limits = limits
        self._passed = passed
        self._documents = 0
        self._bytes = 0

    def pass_over(self, name: str) -> None:
        """Count what is not looked at, if it may be a document."""
        if name.endswith((*_SUFFIXES, ".zip")):
            self._passed.count += 1

    def take(self, place: str, size: int) -> None:
        limits = self.limits
        self._documents += 1
        self._bytes += size
        if size > limits.max_document_bytes:
            raise SourceError(f"{place} has more than {limits.max_document_bytes} bytes: no record is that large")
        if self._documents > limits.max_documents or self._bytes > limits.max_total_bytes:
            raise SourceError(
                f"there are more than {limits.max_documents} records or {limits.max_total_bytes} bytes: "
                "import a part of them"
            )


def _in_folder(folder: Path, budget: _Budget, depth: int = 0) -> Iterator[Document]:
    if depth > budget.limits.max_depth:
        raise SourceError(f"{folder} is deeper than {budget.limits.max_depth} folders")
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(f"cannot read the folder {folder}: {error.strerror}") from error
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.is_symlink():
            budget.pass_over(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            yield from _in_folder(path, budget, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield from _in_file(path, budget)


def _in_file(path: Path, budget: _Budget) -> Iterator[Document]:
    if path.suffix == ".zip":
        yield from _in_zip(path, str(path), budget)
    elif path.suffix in _SUFFIXES:
        with _opened(path) as file:
            data = file.read(budget.limits.max_document_bytes + 1)
        budget.take(str(path), len(data))
        yield Document(str(path), data)


def _in_zip(path: Path, place: str, budget: _Budget) -> Iterator[Document]:
    try:
        with _opened(path) as file, zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                _refuse_escape(member.filename, place)
                if _is_hidden(member.filename):
                    budget.pass_over(member.filename)
                elif not member.is_dir():
                    yield from _in_member(archive, member, f"{place}!{member.filename}", budget)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeError) as error:
        raise SourceError(f"{place} is no ZIP file that can be read: {_first_line(error)}") from error
    except OSError as error:
        raise SourceError(f"cannot read {place}: {error.strerror or _first_line(error)}") from error


def _in_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, budget: _Budget) -> Iterator[Document]:
    """Yield a file of an archive; nothing is unpacked to disk, so that its name leads nowhere."""
    if member.filename.endswith(".zip"):
        raise SourceError(f"{place} is a ZIP file within a ZIP file: unpack the outer one, and import the folder")
    if not member.filename.endswith(_SUFFIXES):
        return
    with archive.open(member) as file:  # what it says about its size is not believed
        data = file.read(budget.limits.max_document_bytes + 1)
    budget.take(place, len(data))
    if len(data) > 1024 * 1024 and len(data) > budget.limits.max_ratio * max(member.compress_size, 1):
        raise SourceError(f"{place} grows to more than {budget.limits.max_ratio} times its size: it is no record")
    yield Document(place, data)


def _refuse_escape(name: str, place: str) -> None:
    """Refuse a name that leads out of its archive: whoever made that wanted more than to hold records."""
    path = name.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or _DRIVE.match(path):
        raise SourceError(
            f"{place} holds {name[:200]!r}, a name that leads out of it: no honest archive has one; get it anew"
        )


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _opened(path: Path) -> IO[bytes]:
    """Open a regular file; a link or a FIFO is none."""
    try:
        fd = os.open(path.resolve() if path.is_symlink() else path, _READ_FLAGS)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return os.fdopen(fd, "rb")
        os.close(fd)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    raise SourceError(f"cannot read {path}: it is no regular file")


def _refuse_growth(value: object, place: str, most: int) -> None:
    """Refuse a value that has too many nodes, those that are referred to several times counted each time."""
    waiting, count = [value], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > most:
            raise UnreadableDocumentError(f"{place} cannot be read: it has more than {most} values")
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
