"""What SchemaPin signs of a skill folder: the root hash of the SDKs (v1), and one without their gaps (v2).

v1 is the SHA-256 of the digests of all files in the order of their paths; a digest covers the path and the content one
after the other.  So a byte may move between both, and neither links nor modes are covered.  v2 is a Merkle tree
whose leaves hold type, mode and both lengths beside the same digest.  Spec: schemapin, section 5.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import pairwise
from pathlib import Path

from attrs import field, frozen

from haldir_core.codes import ErrorCode
from haldir_core.digest import Digest
from haldir_core.errors import Problem, UnreadableError, UnsafeSkillError
from haldir_core.schemapin._walk import SIGNATURE_FILE, ContentsReading, FileRecord, FolderReading
from haldir_core.skill import DEFAULT_LIMITS, Limits
from haldir_core.vaultfiles import VAULT

__all__ = [
    "SIGNATURE_FILE",
    "FileRecord",
    "FolderVault",
    "SkillFolder",
    "TamperReport",
    "compare_manifests",
    "folder_portability",
    "read_folder",
    "read_folder_with_contents",
]


class FolderVault(Enum):
    """What the ``.vault`` folder at the root of a skill is for SchemaPin.

    LEFT_OUT is for a caller that verified the Haldir envelope of the very same folder: it covers every file and
    ``.schemapin.sig`` too, and was made after the SchemaPin signature.  `haldir_core.schemapin.HaldirEnvelope` gives it
    where that is so; whoever names it without looking lets anybody add files below ``.vault``.
    """

    CONTENT = "content"
    LEFT_OUT = "left-out"


@frozen(kw_only=True)
class SkillFolder:
    """What a folder held when it was read.

    Attributes:
        path: the folder.
        name: its own name, which no link or ``..`` changes.
        files: every regular file but the signature file of the root, by its path, in the order of the SDKs' manifest.
        signature_file: the bytes of ``.schemapin.sig``, or None if there is none.
        skill_file: the beginning of ``SKILL.md``.
        problems: what no signature can cover: links, special files, names that are not UTF-8, too much of all.
    """

    path: Path
    name: str
    files: Mapping[str, FileRecord] = field(repr=False)
    signature_file: bytes | None = field(repr=False)
    skill_file: bytes = field(repr=False)
    problems: tuple[Problem, ...]

    @property
    def has_vault(self) -> bool:
        """Whether there is a ``.vault`` with files at the root."""
        return any(path.startswith(f"{VAULT}/") for path in self.files)

    def content(self, vault: FolderVault = FolderVault.CONTENT) -> Mapping[str, FileRecord]:
        """Return the files that count."""
        if vault is FolderVault.CONTENT:
            return self.files
        return {path: record for path, record in self.files.items() if not path.startswith(f"{VAULT}/")}

    def refuse_problems(self, vault: FolderVault = FolderVault.CONTENT) -> None:
        """Return if a signature can cover the folder.

        Raises: UnsafeSkillError with all reasons otherwise.
        """
        problems = self.problems
        if not problems and not self.content(vault):
            problems = (Problem(ErrorCode.INCOMPLETE, f"{self.path} holds no file that could be signed"),)
        if problems:
            raise UnsafeSkillError(problems)

    def manifest(self, vault: FolderVault = FolderVault.CONTENT) -> dict[str, Digest]:
        """Return the digest of each file by its path, as ``file_manifest`` of a signature holds them."""
        return {path: Digest(f"sha256:{record.digest.hex()}") for path, record in self.content(vault).items()}

    def root_v1_input(self, vault: FolderVault = FolderVault.CONTENT) -> bytes:
        """Return what the root hash of the SDKs is the SHA-256 of: the digests in hexadecimal, one after the other."""
        content = self.content(vault)
        return "".join(content[path].digest.hex() for path in sorted(content)).encode("ascii")

    def root_v1(self, vault: FolderVault = FolderVault.CONTENT) -> bytes:
        """Return the root hash of the SDKs, 32 bytes."""
        return hashlib.sha256(self.root_v1_input(vault)).digest()

    def root_v2(self, vault: FolderVault = FolderVault.CONTENT) -> bytes:
        """Return the root hash that also covers where a path ends, the executable bit and the number of files."""
        content = self.content(vault)
        return _merkle_root([_leaf(path, content[path]) for path in sorted(content)])

    @property
    def skill_name(self) -> str:
        """The name in the front matter of ``SKILL.md`` as the Python SDK reads it, or the name of the folder."""
        return _name_in(self.skill_file) or self.name


@frozen
class TamperReport:
    """How the files of a folder differ from a manifest: paths, sorted."""

    modified: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.modified or self.added or self.removed)

    def __str__(self) -> str:
        parts = {"modified": self.modified, "added": self.added, "removed": self.removed}
        return "; ".join(f"{word}: {_some(paths)}" for word, paths in parts.items() if paths)


def read_folder(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> SkillFolder:
    """Read the skill folder at ``path`` once, following no link.

    Problems are collected, not raised; reading stops at the first limit.

    Raises: UnreadableError if ``path`` is no readable folder, or a file in it cannot be read.
    """
    return _read(Path(path), FolderReading(limits))


def read_folder_with_contents(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> SkillFolder:
    """Read a skill folder as `read_folder` does, and hash each content alone too: what `HaldirEnvelope` compares.

    Raises: UnreadableError if ``path`` is no readable folder, or a file in it cannot be read.
    """
    return _read(Path(path), ContentsReading(limits))


def _read(source: Path, reading: FolderReading) -> SkillFolder:
    try:
        root = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot read the skill folder {source}: {reason}") from error
    try:
        name = source.resolve().name
        reading.read(root)
    except OSError as error:
        raise UnreadableError(f"cannot read {error.filename or source}: {error.strerror}") from error
    finally:
        os.close(root)
    return SkillFolder(
        path=source,
        name=name,
        files=reading.records,
        signature_file=reading.signature_file,
        skill_file=reading.skill_file,
        problems=tuple(reading.problems),
    )


def compare_manifests(current: Mapping[str, str], signed: Mapping[str, str]) -> TamperReport:
    """Return how ``current`` differs from ``signed``."""
    return TamperReport(
        modified=tuple(sorted(path for path in current.keys() & signed.keys() if current[path] != signed[path])),
        added=tuple(sorted(current.keys() - signed.keys())),
        removed=tuple(sorted(signed.keys() - current.keys())),
    )


def folder_portability(paths: Iterable[str]) -> tuple[str, ...]:
    """Return why a folder with these paths is signed or verified otherwise by other SDKs; empty if all agree."""
    names = list(paths)
    reasons = [f"{path!r}: the JavaScript SDK reads the backslash as a separator" for path in names if "\\" in path]
    reasons += [f"{path!r}: the JavaScript SDK leaves this file out" for path in names if path == "__proto__"]
    by_units = sorted(names, key=lambda path: path.encode("utf-16-be"))
    if by_units != sorted(names):
        reasons.append("paths with characters beyond U+FFFF: the JavaScript SDK sorts them otherwise")
    return tuple(reasons)


def _leaf(path: str, record: FileRecord) -> bytes:
    """Return a leaf: type, mode, length of the path, path, length of the content, digest of both."""
    name = path.encode("utf-8")
    mode = b"x" if record.executable else b"-"
    return b"".join([b"f", mode, len(name).to_bytes(8, "big"), name, record.size.to_bytes(8, "big"), record.digest])


def _merkle_root(leaves: list[bytes]) -> bytes:
    """Return the tree hash of RFC 9162 2.1.1, level by level: an odd one at the end rises as it is."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        level = list(_next_level(level))
    return level[0] if level else hashlib.sha256(b"").digest()


def _next_level(level: list[bytes]) -> Iterator[bytes]:
    for number, (left, right) in enumerate(pairwise(level)):
        if number % 2 == 0:
            yield hashlib.sha256(b"\1" + left + right).digest()
    if len(level) % 2:
        yield level[-1]


def _name_in(skill_file: bytes) -> str | None:
    """Return the name in the front matter, or None where the SDK falls back to the folder."""
    try:
        text = skill_file.decode("utf-8")
    except UnicodeDecodeError:
        return None
    first, *lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = next((number for number, line in enumerate(lines) if line.startswith("---")), None)
    if not first.startswith("---") or first[3:].strip() or end is None:
        return None
    values = (line.removeprefix("name:").strip() for line in lines[:end] if line.startswith("name:"))
    return next((name for name in map(_unquoted, values) if name), None)


def _unquoted(value: str) -> str:
    """Return a value without one quotation mark at each end; empty if it holds one, or a comment, inside."""
    inner = value[value[:1] in {"'", '"'} :]
    inner = inner[: len(inner) - (inner[-1:] in {"'", '"'})].strip()
    return "" if set(inner) & set("'\"#") else inner


def _some(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(repr(path) for path in paths[:5]) + more
