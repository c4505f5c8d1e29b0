"""Whether a real path is granted by the rules of a policy: text only, no file system, answers remembered."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from haldir_enforcer._policy.globs import escape, has_glob, regex_of
from haldir_enforcer._policy.guarded import VAULT

if TYPE_CHECKING:
    from haldir_enforcer._policy.records import PathRule

_REMEMBERED = 65_536
"""Answers kept per kind of access, so that a program that walks a large tree cannot fill the memory."""

_NO_NAMES = frozenset({"", ".", ".."})
_Answer = TypeVar("_Answer")


@frozen
class _Guards:
    """Guarded places: at any depth (as segments in lower case), or absolute."""

    names: frozenset[str]
    chains: tuple[tuple[str, ...], ...]
    globs: "re.Pattern[str] | None"
    absolute: tuple[tuple[str, ...], ...]
    absolute_globs: "re.Pattern[str] | None"
    last_names: frozenset[str]
    last_globs: "re.Pattern[str] | None"
    """The names that a guarded place can end in, in lower case: a file of another name is as guarded as its folder."""


class Matcher:
    """The path rules of a policy, ready to be asked once per open."""

    __slots__ = (
        "_beginnings",
        "_kept",
        "_never_read",
        "_never_write",
        "_own_secrets",
        "_read",
        "_read_places",
        "_reads",
        "_root",
        "_write",
        "_write_places",
        "_writes",
    )

    def __init__(
        self,
        root: Path,
        read: "Iterable[PathRule]",
        write: "Iterable[PathRule]",
        never_read: Iterable[str],
        never_write: Iterable[str],
    ) -> None:
        self._root = str(root).rstrip("/")
        self._read = _Rules(read)
        self._write = _Rules(write)
        secrets = tuple(never_read)
        self._never_read = _guards(secrets)
        self._own_secrets = _guards(tuple(pattern for pattern in secrets if pattern == VAULT))
        self._kept = tuple(never_write)
        self._never_write = _guards(self._kept)
        self._beginnings: frozenset[str] = frozenset()
        self._reads: dict[str, PathRule | None] = {}
        self._writes: dict[str, PathRule | None] = {}
        self._read_places = _Places(self.secret_place, (self._never_read, self._own_secrets), self._root)
        self._write_places = _Places(self._kept_or_secret, (self._never_read, self._never_write), self._root)

    def reading(self, path: str) -> "PathRule | None":
        """Return the rule that lets ``path`` be read."""
        try:
            return self._reads[path]
        except KeyError:
            pass
        place = self._read_places.of(path)
        return _remember(self._reads, path, None if place is None else self._read.find(path, place))

    def writing(self, path: str) -> "PathRule | None":
        """Return the rule that lets ``path`` be written."""
        try:
            return self._writes[path]
        except KeyError:
            pass
        place = self._write_places.of(path)
        return _remember(self._writes, path, None if place is None else self._write.find(path, place))

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

    def _kept_or_secret(self, path: str) -> str:
        return max(self.secret_place(path), self.kept_place(path), key=len)

    def kept_name(self, path: str) -> str:
        """Return the deepest place of signed files or agent state that ``path`` is or lies in, or nothing."""
        place = self.kept_place(path)
        return "" if place == self._root else place

    def may_be_link(self, path: str) -> bool:
        """Whether a link at ``path`` would lead nobody astray.

        It would, where a place that is not written could lie below: what was written elsewhere would be found there.
        So it would where a grant begins, or above: the next run would be granted what the link leads to.
        """
        return path not in self._begins() and _heads(self._kept).fullmatch(path.lower()) is None

    def _begins(self) -> frozenset[str]:
        """Return where the grants begin, and every folder above."""
        if not self._beginnings:
            parents = [parent for rules in (self._read, self._write) for parent in rules.parents()]
            self._beginnings = frozenset(above for parent in parents for above in _above(parent))
        return self._beginnings

    def guards_below(self, folder: str) -> bool:
        """Whether a guarded place with a path of its own lies below ``folder``."""
        above = tuple(segment.lower() for segment in folder.split("/")[1:] if segment)
        guarded = (*self._never_read.absolute, *self._never_write.absolute)
        return any(len(place) > len(above) and place[: len(above)] == above for place in guarded)


class _Places:
    """The deepest guarded place of a path, by what is known of its folder."""

    __slots__ = ("_find", "_folders", "_guards", "_tops")

    def __init__(self, find: Callable[[str], str], guards: tuple[_Guards, ...], root: str) -> None:
        self._find = find
        self._guards = guards
        self._tops = frozenset({"/", root or "/"})
        """Paths whose folder is judged in another way, or is none."""
        self._folders: dict[str, str] = {}

    def of(self, path: str) -> str | None:
        """Return the place that ``path`` is or lies in, nothing if there is none, or None for what is no real path."""
        if path in self._tops:
            return self._find(path)
        folder, _, name = path.rpartition("/")
        known = self._folders.get(folder)
        if known is None:
            if not _is_plain(path):
                return None
            known = _remember(self._folders, folder, self._find(folder))
        elif name in _NO_NAMES or "\0" in name:
            return None
        if any(_may_end(guards, name.lower()) for guards in self._guards):
            return self._find(path)
        return known


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

    def parents(self) -> Iterator[str]:
        """Yield where each rule begins."""
        yield from self._whole
        yield from (parent for parent, _, _ in self._globs)

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


@functools.lru_cache(maxsize=16)
def _guards(patterns: tuple[str, ...]) -> _Guards:
    names: set[str] = set()
    chains: list[tuple[str, ...]] = []
    globs: list[str] = []
    absolute: list[tuple[str, ...]] = []
    absolute_globs: list[str] = []
    last_names: set[str] = set()
    last_globs: list[str] = []
    for pattern in patterns:
        anywhere = pattern.startswith("**/")
        text = pattern.removeprefix("**/" if anywhere else "/").lower()
        segments = tuple(text.split("/"))
        if has_glob(text):
            (globs if anywhere else absolute_globs).append(regex_of(text))
            last_globs.append(regex_of(segments[-1]))
            continue
        last_names.add(segments[-1])
        if not anywhere:
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
        frozenset(last_names),
        _alternatives("", last_globs),
    )


@functools.lru_cache(maxsize=4)
def _heads(patterns: tuple[str, ...]) -> "re.Pattern[str]":
    """Return what matches a path that ends in the first names, but not all, of a place at any depth."""
    heads: set[str] = set()
    for pattern in patterns:
        if pattern.startswith("**/"):
            segments = pattern[3:].lower().split("/")
            heads |= {regex_of("/".join(segments[:end])) for end in range(1, len(segments))}
    return re.compile(f".*/(?:{'|'.join(sorted(heads)) or '(?!)'})", re.DOTALL)


def _may_end(guards: _Guards, name: str) -> bool:
    """Whether a guarded place can end in ``name``, which is in lower case."""
    return name in guards.last_names or (guards.last_globs is not None and guards.last_globs.match(name) is not None)


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


def _above(path: str) -> list[str]:
    """Return ``path`` and every folder above it."""
    names = path.split("/")
    return ["/".join(names[:end]) for end in range(2, len(names) + 1)]


def _is_below(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(folder + "/")


def _is_plain(path: str) -> bool:
    """Whether ``path`` is absolute and has no detours; what is no real path is never granted."""
    if not path.startswith("/") or "\0" in path:
        return False
    return path == "/" or _NO_NAMES.isdisjoint(path[1:].split("/"))


def _remember(answers: dict[str, _Answer], path: str, found: _Answer) -> _Answer:
    if len(answers) >= _REMEMBERED:
        answers.clear()
    answers[path] = found
    return found
