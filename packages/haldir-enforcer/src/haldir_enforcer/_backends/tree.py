"""The files that a policy lets be seen, as mounts for a launcher that builds its own tree of folders."""

# Paths are texts here, as in the policy: a Path would rewrite them.
# ruff: noqa: PTH114, PTH115, PTH118, PTH120

import os
import re
import stat
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from attrs import frozen

from haldir_enforcer._policy.globs import regex_of
from haldir_enforcer._policy.records import PathRule, Policy
from haldir_enforcer.errors import ConfinementError

MAX_ENTRIES = 50_000
"""Files that are looked at for guarded places below one declared folder."""

MAX_DEPTH = 2048  # half of linux/limits.h: PATH_MAX

_OWN_FOLDERS = ("/dev", "/proc", "/sys", "/run")
"""The launcher makes its own."""

_MAX_LINKS = 40  # linux/namei.h: MAXSYMLINKS


class How(Enum):
    """In what way a path is there."""

    READ = "read"
    WRITE = "write"
    HIDDEN_FOLDER = "hidden folder"
    HIDDEN_FILE = "hidden file"


@frozen
class Mount:
    """One path of the host at the same path inside, in one way."""

    path: str
    how: How


@frozen
class Tree:
    """Mounts, outer ones first, and the symbolic links (path, target) outside of them."""

    mounts: tuple[Mount, ...]
    links: tuple[tuple[str, str], ...]


def visible_tree(policy: Policy, executable: str) -> Tree:
    """Return what must be mounted so that ``executable`` sees what ``policy`` lets it read and write.

    Globs stand for the files that match now.  Guarded places that exist now are hidden, or not writable.

    Raises: ConfinementError if a folder to be written is not there, or one is too large to look through.
    """
    ways: dict[str, How] = {}
    for rule in policy.read:
        for path in places(rule):
            ways[path] = How.READ
    for program in (*(str(each.path) for each in policy.programs), os.path.realpath(executable)):
        ways.setdefault(program, How.READ)
    for rule in policy.write:
        existing = list(places(rule))
        if not existing and not _is_own(str(rule.parent)):
            raise ConfinementError(f"write {rule.pattern!r}: nothing is there to be mounted; make the folder first")
        ways.update(dict.fromkeys(existing, How.WRITE))
    for path, how in list(ways.items()):
        if how is How.READ and any(_is_in(path, other) for other, way in ways.items() if way is How.WRITE):
            del ways[path]
    for path in [path for path in ways if _may_hold_guarded(policy, path)]:
        ways.update(_guarded(policy, path, ways[path]))
    mounts = tuple(Mount(path, ways[path]) for path in sorted(ways, key=lambda path: (path.count("/"), path)))
    return Tree(mounts, tuple(_links(executable, mounts)))


def places(rule: PathRule) -> Iterator[str]:
    """Yield the existing paths that a rule stands for."""
    parent = str(rule.parent)
    if _is_own(parent):
        return
    if rule.exact or rule.pattern.removesuffix("/**") == parent.rstrip("/"):
        if os.path.lexists(parent):
            yield parent
        return
    pattern = re.compile(regex_of(rule.pattern), re.DOTALL)
    rest = rule.pattern.count("/") - str(rule.parent).rstrip("/").count("/")
    depth = MAX_DEPTH if "**" in rule.pattern else rest
    yield from (path for path, _ in _walk(parent, depth) if pattern.fullmatch(path))


def _walk(folder: str, depth: int) -> Iterator[tuple[str, bool]]:
    """Yield every path up to ``depth`` below ``folder`` and whether it is a folder; no link is followed."""
    seen = 0
    deepest = folder.rstrip("/").count("/") + depth
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if seen > MAX_ENTRIES:
                raise ConfinementError(f"{folder} holds more than {MAX_ENTRIES} files to look through; declare less")
            is_folder = entry.is_dir(follow_symlinks=False)
            yield entry.path, is_folder
            if is_folder and entry.path.count("/") < deepest:
                waiting.append(entry.path)


def _may_hold_guarded(policy: Policy, path: str) -> bool:
    """Whether ``path`` was declared, or is the skill's own; what profiles add holds nothing of a person."""
    if not stat.S_ISDIR(Path(path).lstat().st_mode):
        return False
    rule = policy.matcher.writing(path) or policy.matcher.reading(path)
    return rule is not None and rule.source in {"declared", "skill"}


def _guarded(policy: Policy, folder: str, how: How) -> dict[str, How]:
    ways: dict[str, How] = {}
    for path, is_folder in _walk(folder, MAX_DEPTH):
        if any(path.startswith(f"{hidden}/") for hidden in ways):
            continue
        if policy.matcher.reading(path) is None and (how is How.READ or policy.matcher.writing(path) is None):
            ways[path] = How.HIDDEN_FOLDER if is_folder else How.HIDDEN_FILE
        elif how is How.WRITE and policy.matcher.writing(path) is None:
            ways[path] = How.READ
    return ways


def _links(executable: str, mounts: tuple[Mount, ...]) -> Iterator[tuple[str, str]]:
    """Yield the links on the way to ``executable`` and those of the top folder that no mount brings along."""
    mounted = [mount.path for mount in mounts]
    top = [f"/{name}" for name in ("bin", "lib", "lib32", "lib64", "sbin")]
    seen: set[str] = set()
    for start in (*top, executable):
        waiting = [start]
        while waiting and len(seen) < _MAX_LINKS:
            path = waiting.pop()
            for link in _first_links(path):
                target = os.readlink(link)
                if link not in seen and not any(_is_in(link, place) for place in mounted):
                    yield link, target
                seen.add(link)
                waiting.append(os.path.normpath(os.path.join(os.path.dirname(link), target) + path[len(link) :]))


def _first_links(path: str) -> Iterator[str]:
    segments = path.split("/")
    for end in range(2, len(segments) + 1):
        prefix = "/".join(segments[:end])
        if os.path.islink(prefix):
            yield prefix
            return


def _is_own(path: str) -> bool:
    return any(_is_in(path, folder) for folder in _OWN_FOLDERS)


def _is_in(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(f"{folder}/")
