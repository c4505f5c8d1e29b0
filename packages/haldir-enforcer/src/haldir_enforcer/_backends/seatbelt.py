"""Seatbelt: the profile for ``sandbox-exec`` of macOS.  Generated, unverified on a Mac."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property

from haldir_enforcer._backends.process import Command, LaunchedTree
from haldir_enforcer._backends.standing import standing_of
from haldir_enforcer._policy.globs import posix_regex_of
from haldir_enforcer._policy.guarded import VAULT
from haldir_enforcer._policy.records import DECLARED, PathRule, Policy
from haldir_enforcer.confinement import Launch, Level, Standing
from haldir_enforcer.errors import ConfinementError

LABEL = "generated, unverified on a Mac"

_READ, _WRITE = "file-read*", "file-write*"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_PERSONS = frozenset({DECLARED, "skill"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SERVICES = ("com.apple.logd", "com.apple.system.logger", "com.apple.system.notification_center")
_LACKS = (
    f"profile: {LABEL}",
    "hosts: through a proxy on localhost alone",
    "limits of memory, processes, disk and output; trace of what was tried",
)

_SANDBOX_EXEC = "sandbox-exec"


def profile(policy: Policy, executable: str, proxy_port: int | None = None) -> str:
    """Return the profile text for running ``executable`` under ``policy``.

    The last rule that matches decides.  Rules come from shallow to deep, each followed by the guarded places below
    it.  Network is ``localhost:PORT`` alone: the proxy's, and declared loopback ports.  The launcher may always be
    executed.

    Raises: ConfinementError for a path with control characters, or hosts without a proxy.
    """
    _text(executable)
    hosts = {rule.host for rule in policy.hosts}
    if hosts - _LOOPBACK and proxy_port is None:
        raise ConfinementError("Seatbelt holds no host names; hosts need the proxy, and none runs")
    return "\n".join(
        [
            f"; {LABEL}",
            "(version 1)",
            "(deny default)",
            "(allow process-fork)",
            "(allow signal (target same-sandbox))",
            "(allow sysctl-read)",
            *(f"(allow mach-lookup (global-name {_text(name)}))" for name in _SERVICES),
            *_executing(policy, executable),
            *_seeing(policy, executable),
            *_rules(_READ, policy, policy.read),
            *_rules(_WRITE, policy, policy.write),
            *_network(policy, proxy_port),
            "",
        ]
    )


class Seatbelt:
    """The backend ``seatbelt``."""

    name = "seatbelt"

    def __init__(self, executable: str | None = None, proxy_port: int | None = None) -> None:
        """``executable`` is used instead of the ``sandbox-exec`` on PATH."""
        self._executable = executable or shutil.which(_SANDBOX_EXEC)
        self._proxy_port = proxy_port

    @cached_property
    def _standing(self) -> Standing:
        if self._executable is None:
            return standing_of(self.name, None, Level.L1, ("sandbox-exec: it comes with macOS only",))
        return standing_of(self.name, self.start, Level.L1, _LACKS)

    def standing(self) -> Standing:
        """Return what the self-test under ``sandbox-exec`` showed: at best L1."""
        return self._standing

    def start(self, launch: Launch) -> LaunchedTree:
        """The program runs under its profile.

        Raises: ConfinementError if it cannot be confined as asked; nothing of it has run then.
        """
        if self._executable is None:
            raise ConfinementError("sandbox-exec is not there; it comes with macOS only")
        text = profile(launch.policy, launch.argv[0], self._proxy_port)
        argv = (self._executable, "-p", text, "--", *launch.argv)
        return LaunchedTree(launch, Command(argv=argv, environment=launch.environment, cwd=launch.cwd))


def _executing(policy: Policy, executable: str) -> Iterator[str]:
    programs = {executable, os.path.realpath(executable), *(str(program.path) for program in policy.programs)}
    for path in sorted(programs):
        yield f"(allow process-exec (literal {_text(path)}))"
        yield f"(allow file-read* (literal {_text(path)}))"


def _seeing(policy: Policy, executable: str) -> Iterator[str]:
    """Let the folders on the way to every granted place be looked up, not listed."""
    places = [str(rule.parent) for rule in (*policy.read, *policy.write)] + [executable, str(policy.root)]
    folders = {"/"}
    for place in places:
        while (place := os.path.dirname(place)) not in folders:  # noqa: PTH120 - texts, upwards
            folders.add(place)
    for folder in sorted(folders):
        yield f"(allow file-read-metadata (literal {_text(folder)}))"


def _rules(action: str, policy: Policy, rules: Sequence[PathRule]) -> Iterator[str]:
    root = str(policy.root)
    for rule in sorted(rules, key=lambda rule: len(rule.parent.parts)):
        parent = str(rule.parent)
        yield f"(allow {action} {_filter(rule)})"
        if rule.source not in _OF_PERSONS:
            continue
        writing = action == _WRITE
        below = list(_guards_below(parent, _guards(policy, inside=_is_in(parent, root), writing=writing)))
        if writing and _is_in(root, parent) and root != parent:
            below.append(f"(subpath {_text(root)})")
        if below:
            yield f"(deny {action}\n  " + "\n  ".join(below) + ")"


def _guards(policy: Policy, *, inside: bool, writing: bool) -> tuple[str, ...]:
    """Return the guards that count; inside the skill's own folder names of secrets do not."""
    secrets = [guard for guard in policy.never_read if not inside or guard == VAULT or not guard.startswith("**/")]
    return (*secrets, *(policy.never_write if writing else ()))


def _guards_below(parent: str, guards: Sequence[str]) -> Iterator[str]:
    above = parent.rstrip("/").lower()
    for guard in guards:
        if guard.startswith("**/"):
            start = f"^{_literal(parent.rstrip('/'))}/"
            yield _guard_filter(f"{start}(.*/)?", guard[3:])
            yield from (_guard_filter(start, rest) for rest in _begun(above, guard[3:]))
        elif guard.lower().startswith(f"{above}/"):
            yield _guard_filter("^", guard)


def _begun(parent: str, guard: str) -> Iterator[str]:
    """Yield what is left of a guard of several segments that ``parent`` ends with the first ones of."""
    folders, segments = parent.split("/"), guard.split("/")
    for size in range(1, len(segments)):
        if folders[-size:] == segments[:size]:
            yield "/".join(segments[size:])


def _guard_filter(start: str, guard: str) -> str:
    return f"(regex {_text(start + _any_case(posix_regex_of(guard)) + '(/.*)?$')})"


def _network(policy: Policy, proxy_port: int | None) -> Iterator[str]:
    ports = {port for rule in policy.hosts if rule.host in _LOOPBACK for port in rule.ports}
    for port in sorted(ports | ({proxy_port} if proxy_port is not None else set())):
        yield f'(allow network-outbound (remote ip "localhost:{port:d}"))'


def _filter(rule: PathRule) -> str:
    if rule.exact or rule.pattern.removesuffix("/**") == str(rule.parent).rstrip("/"):
        return f"(subpath {_text(str(rule.parent))})"
    return f"(regex {_text('^' + posix_regex_of(rule.pattern) + '$')})"


def _any_case(regex: str) -> str:
    """Return the expression that matches letters of either case: so do the file systems of a Mac."""
    parts = re.split(r"(\[[^\]]*\])", regex)
    return "".join(
        part if part.startswith("[") else re.sub("[a-z]", lambda match: f"[{match[0]}{match[0].upper()}]", part)
        for part in parts
    )


def _literal(path: str) -> str:
    return re.sub(r"[.^$*+?()\[\]{}|\\]", r"\\\g<0>", path)


def _text(value: str) -> str:
    """Return a string of the profile language, in which only a backslash and a quote mean something."""
    if _CONTROL.search(value):
        raise ConfinementError(f"{value[:80]!r} holds control characters, and cannot stand in a profile")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_in(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(f"{folder}/")
