"""One reading of a skill folder: every regular file once, through directory descriptors.

Nothing is followed, nothing is opened twice, nothing can hang: directories are opened with O_NOFOLLOW
from their parent's descriptor, files with O_NONBLOCK, and what was opened is examined, not its name.
A later stage that needs the bytes asks for a private copy, which is written during the same reading.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from haldir_core._reading import Reading
from haldir_core.canonical import MAX_DOCUMENT_BYTES
from haldir_core.digest import Digest
from haldir_core.errors import Problem, UnreadableError, UnsafeSkillError


@frozen(kw_only=True)
class Limits:
    """How large a skill may be.  Spec: section 2.

    ``path_bytes`` is for one path in UTF-8, ``all_path_bytes`` for all together, which a manifest must hold.
    """

    files: int = 10_000
    folders: int = 10_000
    depth: int = 64
    path_bytes: int = 1024
    all_path_bytes: int = MAX_DOCUMENT_BYTES
    file_bytes: int = 100 * 1024 * 1024
    total_bytes: int = 500 * 1024 * 1024


DEFAULT_LIMITS = Limits()


@frozen(kw_only=True)
class SkillSnapshot:
    """What a skill folder held when it was read.

    Attributes:
        path: the folder.
        files: digest of every regular file outside the root ``.vault``, by its path with ``/``, in walk order.
        folders: how many folders there are, ``.vault`` among them.
        total_bytes: the size of all of these files together.
        path_bytes: the UTF-8 length of the paths of all files and folders outside ``.vault``.
        vault: the documents of ``.vault/`` by their names, or None if there is no ``.vault``.
        vault_names: all names in ``.vault/`` but folders.
        vault_extras: paths in ``.vault/`` that the format does not know.
        problems: what no skill may hold: links, special files, sizes beyond the limits.
        copy: the folder with the private copy of ``files``, if one was asked for.
        limits: how large the skill was allowed to be.
    """

    path: Path
    files: Mapping[str, Digest]
    folders: int
    total_bytes: int
    path_bytes: int
    vault: Mapping[str, bytes] | None = field(repr=False)
    vault_names: frozenset[str]
    vault_extras: tuple[str, ...]
    problems: tuple[Problem, ...]
    copy: Path | None
    limits: Limits

    def refuse_problems(self) -> None:
        """Return if the folder holds only what a skill may hold.

        Raises: UnsafeSkillError with all problems otherwise.
        """
        if self.problems:
            raise UnsafeSkillError(self.problems)


def read_skill(
    path: str | os.PathLike[str],
    *,
    copy_to: str | os.PathLike[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> SkillSnapshot:
    """Read the skill folder at ``path`` once.

    With ``copy_to`` (a folder that does not exist yet, outside the skill) all files outside ``.vault`` are also written
    below it, in folders of mode 0700, while they are hashed.

    Problems are collected, not raised; reading stops at the first limit.

    Raises: UnreadableError if ``path`` is no readable folder, a file in it cannot be read, or the copy
        cannot be written.
    """
    source = Path(path)
    copy = None if copy_to is None else Path(copy_to)
    try:
        root = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot read the skill folder {source}: {reason}") from error
    reading = Reading(limits)
    try:
        if copy is not None and copy.resolve().is_relative_to(source.resolve()):
            raise UnreadableError(f"cannot copy the skill to {copy}: that is inside the skill")
        reading.run(root, copy)
    except ValueError as error:
        raise UnreadableError(f"cannot copy the skill to {copy}: {error}") from error
    except OSError as error:
        raise UnreadableError(f"cannot read {error.filename or source}: {error.strerror}") from error
    finally:
        os.close(root)
    return SkillSnapshot(
        path=source,
        files=reading.files,
        folders=reading.folder_count,
        total_bytes=reading.skill_bytes,
        path_bytes=reading.path_bytes - reading.vault_path_bytes,
        vault=reading.vault,
        vault_names=frozenset(reading.vault_names),
        vault_extras=tuple(reading.vault_extras),
        problems=tuple(reading.problems),
        copy=copy,
        limits=limits,
    )
