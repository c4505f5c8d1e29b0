"""The private copy of a skill that is run: what was verified is what is executed."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import field, frozen

from haldir_core.permissions import Permissions
from haldir_core.scratch import PrivateFolder
from haldir_core.skill import SkillSnapshot, read_skill
from haldir_enforcer import _scratch
from haldir_enforcer._policy.paths import MAX_ENTRIES
from haldir_enforcer.errors import EnforcerError, PolicyError

if TYPE_CHECKING:
    from haldir_core.verification import Verification

_PERMISSIONS = "permissions.json"
MAX_WRITTEN = 1000
"""Files that a run wrote, of which a report tells."""


class NotVerifiedError(EnforcerError):
    """The skill is not valid, and nothing of it was run."""

    def __init__(self, verification: "Verification") -> None:
        """``verification`` says why."""
        why = "; ".join(problem.message for problem in verification.errors[:3])
        super().__init__(f"the skill is not valid: {why}")
        self.verification = verification


@frozen
class StagedSkill:
    """A skill as it was read once, in a folder of our own.

    Used as context manager; the copy and all that was written into it are gone afterwards.

    Attributes:
        source: where it was read from.
        folder: the private copy, without ``.vault``.
        permissions: what it declares; signed, if ``verification`` is there.
        verification: the verdict, of the very bytes in the copy; None if nobody asked for one.
        name: ``name@version`` as signed, or the name of the folder.
    """

    source: Path
    folder: Path
    permissions: Permissions
    verification: "Verification | None"
    name: str
    _remove: Callable[[], None]
    _before: dict[str, _scratch.Mark] = field(factory=dict, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Nothing of the copy is left."""
        self._remove()

    def make_places(self, entries: Sequence[str]) -> None:
        """The folders in the copy that the skill may write to exist; the copy is their scratch layer.

        Raises: PolicyError naming the entry that cannot be made a folder.
        """
        for entry in entries if len(entries) <= MAX_ENTRIES else ():  # of more none is granted
            try:
                self._make_place(entry)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                raise PolicyError(
                    f"filesystem.write: {entry!r:.200} can be no folder in the skill: {reason}"
                ) from error
        self._before.update(_scratch.files(self.folder))

    def written(self) -> tuple[str, ...]:
        """The paths in the copy that were made or changed since it was made, in order, at most ``MAX_WRITTEN``."""
        after = _scratch.files(self.folder)
        return tuple(sorted(path for path, seen in after if self._before.get(path) != seen)[:MAX_WRITTEN])

    def _make_place(self, entry: str) -> None:
        literal = _literal_part(entry)
        if literal is None:
            return
        wanted = self.folder / literal
        is_file = wanted.suffix != "" and literal == entry.rstrip("/")
        place = wanted.parent if is_file and not wanted.is_dir() else wanted
        if not place.exists():
            place.mkdir(parents=True, mode=0o700, exist_ok=True)  # another run may be as far


def stage(
    source: str | os.PathLike[str], verify: Callable[[SkillSnapshot], "Verification"] | None = None
) -> StagedSkill:
    """Return a private copy of the skill in ``source``, which was read once.

    ``verify`` gives the verdict on what was read (`haldir_core.verify` with the context ``RUNTIME``).  Without it the
    unsigned permissions.json is applied, and nothing is granted where there is none: that is for development.

    Raises:
        NotVerifiedError: if the verdict is that it is not valid.
        HaldirError: if the folder cannot be read, or holds what no skill may hold, or malformed permissions.
        EnforcerError: if there is no room for the copy.
    """
    with contextlib.ExitStack() as stack:
        try:
            work = stack.enter_context(PrivateFolder("haldir-run-"))
        except OSError as error:
            raise EnforcerError(f"no folder for the private copy can be made: {error}; set TMPDIR") from error
        snapshot = read_skill(source, copy_to=work / "skill")
        verdict = None if verify is None else verify(snapshot)
        _refuse(snapshot, verdict)
        # What is run from it is named by its real path in the trace.
        folder = (work / "skill").resolve()
        permissions, name = _permissions(snapshot, verdict), _name(snapshot, verdict)
        return StagedSkill(Path(source), folder, permissions, verdict, name, stack.pop_all().close)


def _refuse(snapshot: SkillSnapshot, verdict: "Verification | None") -> None:
    if verdict is not None and not verdict.valid:
        raise NotVerifiedError(verdict)
    snapshot.refuse_problems()


def _permissions(snapshot: SkillSnapshot, verdict: "Verification | None") -> Permissions:
    if verdict is not None and verdict.permissions is not None:
        return verdict.permissions
    data = (snapshot.vault or {}).get(_PERMISSIONS)
    return Permissions.deny_all() if data is None else Permissions.from_bytes(data)


def _name(snapshot: SkillSnapshot, verdict: "Verification | None") -> str:
    if verdict is not None and verdict.attestation is not None:
        skill = verdict.attestation.skill
        return f"{skill.name}@{skill.version}"
    return snapshot.path.resolve().name


def _literal_part(entry: str) -> str | None:
    """The part of a relative pattern before its first wildcard; None of one that leads elsewhere."""
    if entry.startswith(("/", "~", "-")) or ".." in entry.split("/"):
        return None
    literal: list[str] = []
    for segment in entry.removeprefix("./").split("/"):
        if any(sign in segment for sign in "*?["):
            break
        literal.append(segment)
    return "/".join(part for part in literal if part and part != ".")
