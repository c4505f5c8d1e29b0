"""What was changed in a git work tree: the only module that starts git.

git is asked for names and digests of what was committed only, by commands that start no filters, hooks or other
programs that the repository may name; what the files hold now is looked at here. Whatever the environment says about
where the repository is does not count.
"""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import typer
from attrs import frozen

from haldir_core.errors import UnreadableError
from haldir_scanner import Part, Target, Unit, find_skills

TIMEOUT_SECONDS = 120

_LINK, _EXECUTABLE = "120000", "100755"
_FILES = ("100644", "100664", _EXECUTABLE)
_SHA1_DIGITS = 40
_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE")


@frozen
class Changes:
    """What differs from a commit.

    Attributes:
        top: the folder of the work tree, without links.
        paths: of changed, deleted and untracked files, relative to it.
        since: what is compared with, in words.
    """

    top: Path
    paths: frozenset[str]
    since: str


def find_changes(folder: Path, since: str | None) -> Changes:
    """Return what differs from HEAD, or from where HEAD left ``since``, in the work tree that holds ``folder``.

    Raises:
        typer.BadParameter: if ``since`` is no commit, or has no history in common with HEAD.
        UnreadableError: if ``folder`` is in no work tree, or git fails.
    """
    top = Path(_git(folder if folder.is_dir() else folder.parent, "rev-parse", "--show-toplevel").removesuffix("\n"))
    head = _commit(top, "HEAD")
    base, words = head, "HEAD" if head else "the beginning (there is no commit yet)"
    if since is not None:
        base = _merge_base(top, since)
        words = f"{since} ({base[:12]})"
    prefix = _prefix(folder, top)
    committed = _committed(top, base, prefix) if base else {}
    known = _listed(top, prefix, "--cached", "--others", "--exclude-standard")
    paths = {path for path in known if path not in committed}
    paths |= {path for path, entry in committed.items() if _differs(top / path, entry)}
    return Changes(Path(os.path.realpath(top)), frozenset(paths), words)


def _prefix(folder: Path, top: Path) -> str:
    """Return the path below which changes count, relative to the top; ``.`` for all."""
    real, root = Path(os.path.realpath(folder)), Path(os.path.realpath(top))
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else "."


def _committed(top: Path, commit: str, prefix: str) -> dict[str, tuple[str, str]]:
    """Return mode and digest of what a commit holds below ``prefix``, by path."""
    listed = _git(top, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix)
    entries: dict[str, tuple[str, str]] = {}
    for row in filter(None, listed.split("\0")):
        words, _, path = row.partition("\t")
        mode, _, digest = words.split(" ")
        entries[path] = (mode, digest)
    return entries


def _listed(top: Path, prefix: str, *kinds: str) -> list[str]:
    listed = _git(top, "--literal-pathspecs", "ls-files", *kinds, "--full-name", "-z", "--", prefix)
    return [path for path in listed.split("\0") if path]


def _differs(path: Path, entry: tuple[str, str]) -> bool:
    """Whether a file is no longer what was committed; of a repository within this one nothing is known, so it does."""
    mode, digest = entry
    try:
        status = path.lstat()
        if mode == _LINK:
            return not stat.S_ISLNK(status.st_mode) or _digest(os.fsencode(path.readlink()), digest) != digest
        if mode not in _FILES or not stat.S_ISREG(status.st_mode):
            return True
        is_executable = bool(status.st_mode & stat.S_IXUSR)
        return is_executable is not (mode == _EXECUTABLE) or _digest(path.read_bytes(), digest) != digest
    except OSError:
        return True


def _digest(content: bytes, like: str) -> str:
    """Return the digest that git gives to a content; repositories are of SHA-1, or of SHA-256."""
    blob = b"blob %d\0%s" % (len(content), content)
    if len(like) == _SHA1_DIGITS:
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest()
    return hashlib.sha256(blob).hexdigest()


def changed_target(written: str, changes: Changes) -> Target:
    """Return what is to be scanned for a path as it was ``written``: skills with a change, and changes outside.

    Raises: UnreadableError if the path is not in the work tree.
    """
    path = Path(written)
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(changes.top):
        raise UnreadableError(f"{path} is not in the work tree {changes.top}: call the command once for each work tree")
    prefix = real.relative_to(changes.top).as_posix()
    if not real.is_dir():
        return Target(written, (Unit(path) if prefix in changes.paths else _nothing(path),))
    below = "" if prefix == "." else f"{prefix}/"
    paths = {name.removeprefix(below) for name in changes.paths if name.startswith(below)}
    skills = find_skills(path)
    units = [
        Unit(path / skill, skill, Part(without=frozenset({".git"})))
        for skill in skills
        if any(_is_in(name, skill) or _is_in(skill, name) for name in paths)
    ]
    outside = {name.rstrip("/") for name in paths if not any(_is_in(name, skill) for skill in skills)}
    there = frozenset(name for name in outside if os.path.lexists(path / name))
    if there:
        units.append(Unit(path, "", Part(only=there, without=frozenset(skills))))
    return Target(written, tuple(units) or (_nothing(path),))


def _is_in(name: str, folder: str) -> bool:
    """Whether a path is that of a folder or lies below it; git writes a repository in this one with a slash."""
    folder = folder.rstrip("/")
    return not folder or name.rstrip("/") == folder or name.startswith(f"{folder}/")


def _nothing(path: Path) -> Unit:
    return Unit(path if path.is_dir() else path.parent, "", Part(only=frozenset()))


def _merge_base(top: Path, since: str) -> str:
    if not _commit(top, since):
        raise typer.BadParameter(
            f"{since!r} is no commit here; fetch it first (on a build server, fetch the whole history)",
            param_hint="--since",
        )
    found = _git(top, "merge-base", "--end-of-options", since, "HEAD", allowed=1).strip()
    if not found:
        raise typer.BadParameter(
            f"HEAD and {since!r} have no history in common here; fetch the whole history", param_hint="--since"
        )
    return found


def _commit(top: Path, name: str) -> str:
    """Return the id of a commit; empty if there is none."""
    return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", allowed=1).strip()


def _git(folder: Path, *arguments: str, allowed: int = 0) -> str:
    command = ["git", "-c", "core.fsmonitor=false", "-C", os.fspath(folder), *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _PLACES} | {
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except OSError as error:
        raise UnreadableError(f"cannot start git, which --changed needs: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise UnreadableError(f"git {arguments[0]} took longer than {TIMEOUT_SECONDS} seconds in {folder}") from error
    if done.returncode not in {0, allowed}:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise UnreadableError(f"git cannot tell what was changed in {folder}: {said}")
    return os.fsdecode(done.stdout) if done.returncode == 0 else ""
