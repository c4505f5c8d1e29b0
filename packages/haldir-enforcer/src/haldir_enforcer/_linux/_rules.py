"""The policy of a run as the supervisor asks it: paths, programs and what every interpreter touches."""

import os
import re

from attrs import frozen

from haldir_enforcer._linux import _shared
from haldir_enforcer._linux._landlock import READ, Access, Grant
from haldir_enforcer._policy.matching import Matcher
from haldir_enforcer._policy.records import DECLARED, PathRule, Policy
from haldir_enforcer.events import By, Class

_MOST_LOOKED_AT = 2000
_MOST_PARTS = 200
_MOST_REMEMBERED = 20_000

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""They hold nothing; the first three may be written."""
_WRITABLE_DEVICES = frozenset(DEVICES[:3])

AMBIENT_READS = frozenset(
    {*DEVICES, "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/locale.alias", "/etc/gai.conf"}
    | {"/etc/host.conf", "/usr/share/zoneinfo/Etc/UTC", "/usr/share/zoneinfo/UTC", "/etc/inputrc", "/etc/terminfo"}
)
"""What the C library and the interpreters read of themselves, by exact real path: nothing about a person."""

_QUIET_REFUSALS = re.compile(
    r"/sys/fs/cgroup/(?:[^/]+/)*(?:memory|cpu)[.a-z_]*|/sys/devices/system/cpu(?:/online|/possible)?"
    r"|/sys/kernel/mm/transparent_hugepage/(?:enabled|hpage_pmd_size)|/dev/tty|/(?:var/)?run/nscd/socket"
    r"|/proc/sys/kernel/[a-z_]+|/proc/[0-9]+/(?:task/[0-9]+/)?(?:comm|oom_score_adj)|/proc/self/(?:mountinfo|cgroup)"
    r"|/etc/(?:debian_version|lsb-release|os-release|mime\.types|ldap/ldap\.conf)|/usr/lib/os-release"
    r"|/dev/shm/sem\.[\w.-]+"
    r"|/sys/devices/system/node(?:/[a-z0-9_/]*)?|/(?:var/)?run/uuidd/request"
    r"|/.*/__pycache__(?:/[^/]+\.pyc(?:\.[0-9]+)?)?"
)
"""Refused, and no violation: runtimes look there to fit themselves to the machine, or keep what they compiled."""


@frozen(eq=False)
class Verdict:
    """Whether a path is granted, by which rule, and what the trace calls it."""

    allowed: bool
    kind: Class
    rule: str | None
    by: By = By.SUPERVISOR


_GRANTED_AMBIENT = Verdict(allowed=True, kind=Class.AMBIENT, rule=None)
_REFUSED_AMBIENT = Verdict(allowed=False, kind=Class.AMBIENT, rule=None)
_VIOLATION = Verdict(allowed=False, kind=Class.VIOLATION, rule=None)
_SHARED = Verdict(allowed=True, kind=Class.AMBIENT, rule=_shared.RULE)
_ABSENT = Verdict(allowed=True, kind=Class.AMBIENT, rule=None)


class Rules:
    """Answers for real paths."""

    def __init__(self, policy: Policy, kernel_grants: tuple[Grant, ...]) -> None:
        self._matcher = policy.matcher
        self._vault = f"{policy.root}/.vault"
        self._kernel = {grant.path for grant in kernel_grants if grant.access & Access.READ_FILE}
        self._held: dict[str, bool] = {}
        self._reads: dict[str, Verdict] = {}
        self._writes: dict[str, Verdict] = {}
        self.shared = _shared.Shared()

    def reading(self, real: str) -> Verdict:
        """Return whether the file may be read."""
        if real in self.shared:
            return _SHARED
        known = self._reads.get(real)
        if known is None:
            if len(self._reads) > _MOST_REMEMBERED:
                self._reads.clear()
            known = self._reads[real] = self._read_verdict(real)
        return known

    def writing(self, real: str) -> Verdict:
        """Return whether the file may be written, made, removed or changed."""
        if real in self.shared:
            return _SHARED
        known = self._writes.get(real)
        if known is None:
            if len(self._writes) > _MOST_REMEMBERED:
                self._writes.clear()
            device = _GRANTED_AMBIENT if real in _WRITABLE_DEVICES else None
            known = self._writes[real] = device or _granted(self._matcher.writing(real)) or _refused(real)
        return known

    def making(self, real: str) -> Verdict:
        """Return whether a file may be made where there is none."""
        verdict = self.writing(real)
        return _SHARED if not verdict.allowed and self.shared.may_make(real) else verdict

    def linking(self, source: str, target: str) -> Verdict:
        """Return whether ``target`` may become a name of ``source``, where there is none of it."""
        return self.making(target) if source in self.shared else self.writing(target)

    def may_be_link(self, real: str) -> bool:
        """Whether a link of this path leads nobody astray."""
        return self._matcher.may_be_link(real)

    def absent(self, path: str) -> Verdict:
        """Return what looking for a file that is not there is: a violation if it is one of secrets, or only hidden."""
        verdict = self.reading(path)
        if verdict.allowed or verdict.kind is Class.AMBIENT:
            return verdict
        return _VIOLATION if self._matcher.secret_place(path) or is_there(path) else _ABSENT

    def is_secret(self, path: str) -> bool:
        """Whether the path is one of secrets."""
        return bool(self._matcher.secret_place(path)) and self._matcher.reading(path) is None

    def kernel_holds(self, real: str) -> bool:
        """Whether the kernel lets the file be read, so that the caller may open it itself."""
        held = self._held.get(real)
        if held is None:
            if len(self._held) > _MOST_REMEMBERED:
                self._held.clear()
            held = self._held[real] = any(place in self._kernel for place in _places(real))
        return held

    def _read_verdict(self, real: str) -> Verdict:
        if real in AMBIENT_READS:
            return _GRANTED_AMBIENT
        if real == self._vault:
            return _granted(self._matcher.reading(real)) or _REFUSED_AMBIENT  # met by everyone who lists the skill
        return _granted(self._matcher.reading(real)) or _refused(real)


def is_there(path: str) -> bool:
    """Whether this machine has something at ``path``, whatever the confined processes see of it."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def kernel_grants(policy: Policy) -> tuple[Grant, ...]:
    """Return the reads that the kernel can hold exactly; everything else is opened by the supervisor.

    A tree in which something guarded lies is granted by its clean parts: Landlock cannot take a part away again.
    """
    ambient = [Grant(path, Access.READ_FILE) for path in sorted(AMBIENT_READS)]
    devices = [Grant(path, Access.WRITE_FILE) for path in sorted(_WRITABLE_DEVICES)]
    trees: list[Grant] = []
    for rule in policy.read:
        parent = str(rule.parent)
        if parent.startswith("/proc"):
            continue  # a process may see itself there, and which one that is the kernel cannot be told
        if rule.exact:
            trees.append(Grant(parent, READ))
        elif rule.pattern in {parent, f"{parent}/**"}:
            trees += [Grant(path, READ) for path in _clean_parts(parent, policy.matcher)]
    return tuple(ambient + devices + trees)


def _clean_parts(folder: str, matcher: Matcher) -> list[str]:
    """Return the largest parts of a tree in which every file may be read; none if there are too many files to tell."""
    budget = [_MOST_LOOKED_AT]
    parts = _parts(folder, matcher, budget)
    return parts if budget[0] > 0 and len(parts) <= _MOST_PARTS else []


def _parts(folder: str, matcher: Matcher, budget: list[int]) -> list[str]:
    found: list[str] = []
    clean = matcher.reading(folder) is not None
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    for entry in entries:
        budget[0] -= 1
        if budget[0] <= 0:
            return []
        readable = matcher.reading(entry.path) is not None
        if not readable or entry.is_symlink():
            clean = clean and readable
        elif entry.is_dir(follow_symlinks=False):
            below = _parts(entry.path, matcher, budget)
            clean = clean and below == [entry.path]
            found += below
        else:
            found.append(entry.path)
    return [folder] if clean else found


def _granted(rule: PathRule | None) -> Verdict | None:
    if rule is None:
        return None
    kind = Class.DECLARED if rule.source == DECLARED else Class.AMBIENT
    return Verdict(allowed=True, kind=kind, rule=rule.pattern if rule.source == DECLARED else rule.source)


def _refused(real: str) -> Verdict:
    return _REFUSED_AMBIENT if _QUIET_REFUSALS.fullmatch(real) else _VIOLATION


def _places(real: str) -> list[str]:
    parts = real.split("/")
    return ["/".join(parts[:end]) or "/" for end in range(len(parts), 0, -1)]
