"""Whether a real path is granted by the rules of a policy: text only, no file system, answers remembered."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_enforcer._policy.globs import escape, has_glob, regex_of
from haldir_enforcer._policy.guarded import VAULT

if TYPE_CHECKING:
    from haldir_enforcer._policy.records import PathRule

_REMEMBERED = 65_536
"""Answers kept per kind of access, so that a program that walks a large tree cannot fill the memory."""


@frozen
class _Guards:
    """Guarded places: at any depth (as segments in lower case), or absolute."""

    names: frozenset[str]
    chains: tuple[tuple[str, ...], ...]
    globs: "re.Pattern[str] | None"
    absolute: tuple[tuple[str, ...], ...]
    absolute_globs: "re.Pattern[str] | None"


class Matcher:
    """The path rules of a policy, ready to be asked once per open."""

    __slots__ = ("_never_read", "_never_write", "_own_secrets", "_read", "_reads", "_root", "_write", "_writes")

    def __init__(
        self,
        root: Path,
        read: "Iterable[PathRule]",
        write: "Iterable[PathRule]",
        never_read: Iterable[str],
        never_write: Iterable[str],
    ) -> None:
        self._root = str(root)
        self._read = _Rules(read)
        self._write = _Rules(write)
        secrets = tuple(never_read)
        self._never_read = _guards(secrets)
        self._own_secrets = _guards(pattern for pattern in secrets if pattern == VAULT)
        self._never_write = _guards(never_write)
        self._reads: dict[str, PathRule | None] = {}
        self._writes: dict[str, PathRule | None] = {}

    def reading(self, path: str) -> "PathRule | None":
        """Return the rule that lets ``path`` be read."""
        try:
            return self._reads[path]
        except KeyError:
            pass
        found = None
        if _is_plain(path):
            found = self._read.find(path, self.secret_place(path))
        return _remember(self._reads, path, found)

    def writing(self, path: str) -> "PathRule | None":
        """Return the rule that lets ``path`` be written."""
        try:
            return self._writes[path]
        except KeyError:
            pass
        found = None
        if _is_plain(path):
            found = self._write.find(path, max(self.secret_place(path), self.kept_place(path), key=len))
        return _remember(self._writes, path, found)

    def secret_place(self, path: str) -> str:
        """Return the deepest secret folder or file that ``path`` is or lies in, or nothing.

        The skill's own files are no secrets to itself, so that names at any depth count outside of its folder only.
        """
        if not _is_below(path, self._root):
            return _deepest(self._never_read, path)
        found = _any_depth_place(self._own_secrets, path[len(self._root) :])
        return max(self._root + found if found else "", _absolute_place(self._never_read, path), key=len)

    def kept_place(self, path: str) -> str:
        """Return the deepest place that ``path`` is or lies in and that no write grant from above reaches, or nothing.

        The skill's own folder is such a place; where it lies itself does not count (``~/.claude/skills/NAME``).
        """
        if not _is_below(path, self._root):
            return _deepest(self._never_write, path)
        below = path[len(self._root) :]
        found = _any_depth_place(self._never_write, below)
        return max(self._root + found, _absolute_place(self._never_write, path), key=len)

    def kept_name(self, path: str) -> str:
        """Return the deepest place of signed files or agent state that ``path`` is or lies in, or nothing."""
        place = self.kept_place(path)
        return "" if place == self._root else place

    def guards_below(self, folder: str) -> bool:
        """Whether a guarded place with a path of its own lies below ``folder``."""
        above = tuple(segment.lower() for segment in folder.split("/")[1:] if segment)
        guarded = (*self._never_read.absolute, *self._never_write.absolute)
        return any(len(place) > len(above) and place[: len(above)] == above for place in guarded)


class _Rules:
    """Path rules by their parents."""

    __slots__ = ("_globs", "_whole")

    def __init__(self, rules: "Iterable[PathRule]") -> None:
        self._whole: dict[str, PathRule] = {}
        self._globs: list[tuple[str, re.Pattern[str], PathRule]] = []
        for rule in rules:
            parent = str(rule.parent)
            if rule.exact or rule.pattern in {escape(parent), f"{escape(parent)}/**", "/**"}:
                self._whole.setdefault(parent, rule)
            else:
                self._globs.append((parent, re.compile(regex_of(rule.pattern), re.DOTALL), rule))

    def find(self, path: str, place: str) -> "PathRule | None":
        """Return the rule for ``path`` whose parent is in ``place`` (nothing: anywhere)."""
        whole = self._whole
        prefix = path
        while len(prefix) >= len(place):
            if prefix in whole:
                return whole[prefix]
            if prefix == "/":
                break
            prefix = prefix[: prefix.rindex("/")] or "/"
        for parent, pattern, rule in self._globs:
            if (not place or _is_below(parent, place)) and pattern.fullmatch(path):
                return rule
        return None


def _guards(patterns: Iterable[str]) -> _Guards:
    names: set[str] = set()
    chains: list[tuple[str, ...]] = []
    globs: list[str] = []
    absolute: list[tuple[str, ...]] = []
    absolute_globs: list[str] = []
    for pattern in patterns:
        anywhere = pattern.startswith("**/")
        text = pattern.removeprefix("**/" if anywhere else "/").lower()
        segments = tuple(text.split("/"))
        if has_glob(text):
            (globs if anywhere else absolute_globs).append(regex_of(text))
        elif not anywhere:
            absolute.append(segments)
        elif len(segments) == 1:
            names.add(text)
        else:
            chains.append(segments)
    return _Guards(
        frozenset(names),
        tuple(chains),
        _alternatives(".*/", globs),
        tuple(absolute),
        _alternatives("/", absolute_globs),
    )


def _alternatives(start: str, regexes: list[str]) -> "re.Pattern[str] | None":
    """Return what matches a path as deep as one of the guarded places reaches."""
    return re.compile(f"{start}(?:{'|'.join(regexes)})(?=/|$)", re.DOTALL) if regexes else None


def _deepest(guards: _Guards, path: str) -> str:
    return max(_any_depth_place(guards, path), _absolute_place(guards, path), key=len)


def _any_depth_place(guards: _Guards, path: str) -> str:
    segments = path.split("/")
    lower = [segment.lower() for segment in segments]
    depth = 0
    if not guards.names.isdisjoint(lower):
        depth = max(at for at, name in enumerate(lower) if name in guards.names)
    for chain in guards.chains:
        if chain[-1] in lower:
            size = len(chain)
            ends = [at for at in range(size, len(lower)) if tuple(lower[at - size + 1 : at + 1]) == chain]
            depth = max([depth, *ends])
    if guards.globs and (match := guards.globs.match("/".join(lower))):
        depth = max(depth, match.group().count("/"))
    return "/".join(segments[: depth + 1])


def _absolute_place(guards: _Guards, path: str) -> str:
    segments = path.split("/")
    lower = [segment.lower() for segment in segments]
    depth = 0
    for place in guards.absolute:
        if tuple(lower[1 : len(place) + 1]) == place:
            depth = max(depth, len(place))
    if guards.absolute_globs and (match := guards.absolute_globs.match("/".join(lower))):
        depth = max(depth, match.group().count("/"))
    return "/".join(segments[: depth + 1])


def _is_below(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(folder + "/")


def _is_plain(path: str) -> bool:
    """Whether ``path`` is absolute and has no detours; what is no real path is never granted."""
    if not path.startswith("/") or "\0" in path:
        return False
    return path == "/" or not ({"", ".", ".."} & set(path[1:].split("/")))


def _remember(answers: "dict[str, PathRule | None]", path: str, found: "PathRule | None") -> "PathRule | None":
    if len(answers) >= _REMEMBERED:
        answers.clear()
    answers[path] = found
    return found
