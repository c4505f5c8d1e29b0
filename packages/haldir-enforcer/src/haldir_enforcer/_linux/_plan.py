"""Everything about one run that is worked out before any process is made."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH116

import functools
import os
import resource
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from attrs import frozen

from haldir_enforcer._linux import _bpf, _cgroup, _filter, _kernel, _landlock, _mounts
from haldir_enforcer._linux._capabilities import Kernel
from haldir_enforcer._linux._elf import loader_of
from haldir_enforcer._linux._filter import Ask
from haldir_enforcer._linux._landlock import Access, Grant
from haldir_enforcer._linux._libraries import LISTS, listing_program
from haldir_enforcer._linux._mounts import Bind, Tree
from haldir_enforcer._linux._programs import Identity, Programs, chain_of, identity_of, named_interpreter
from haldir_enforcer._linux._rules import kernel_grants
from haldir_enforcer._linux._services import Services
from haldir_enforcer.confinement import Launch
from haldir_enforcer.errors import ConfinementError, PolicyError

_UNIT = 1_000_000
_MOST_OPEN = 4096
"""Descriptors of one process: what they hold open is looked at again and again, and takes time."""
_RUN = Access.EXECUTE | Access.READ_FILE


class Judge(Enum):
    """Who decides.  The kernel alone does so only in self-tests, to see what it refuses by itself."""

    SUPERVISOR = "supervisor"
    KERNEL_ALONE = "kernel alone"


@frozen(kw_only=True, eq=False)
class Plan:
    """One run.  ``probe`` takes the place of the program in self-tests and returns its exit code."""

    launch: Launch
    services: Services
    kernel: Kernel
    namespaces: bool
    grants: tuple[Grant, ...]
    binds: tuple[Bind, ...]
    links: Mapping[str, str]
    tree: Tree
    program: bytes
    programs: Programs
    limits: tuple[tuple[int, int], ...]
    probe: Callable[[], int] | None
    judge: Judge
    group: Path | None
    """The folder of a control group that was delegated to this user."""

    @property
    def own_signals(self) -> bool:
        """Whether the kernel keeps signals inside."""
        return self.namespaces or self.kernel.landlock_abi >= _landlock.SCOPES_SINCE


def make(
    launch: Launch,
    services: Services,
    kernel: Kernel,
    *,
    namespaces: bool,
    probe: Callable[[], int] | None = None,
    judge: Judge = Judge.SUPERVISOR,
) -> Plan:
    """Return the plan of a run.

    Raises: ConfinementError if a program of it is not there.
    """
    chain = chain_of(launch.argv[0])
    listed = _listed(launch)
    executable = (*chain, *listed)
    named_loaders = {loader for path in executable if (loader := loader_of(path))}
    loaders = {os.path.realpath(loader) for loader in named_loaders}
    listing = listing_program(launch.policy)
    tools = () if listing is None else (listing,)
    may_run = [Grant(path, _RUN) for path in sorted({*executable, *loaders, *tools})]
    reads = kernel_grants(launch.policy)
    grants = (*reads, *may_run) if kernel.landlock_abi else ()
    binds = _mounts.binds(launch.policy, (*executable, *loaders, *tools)) if namespaces else ()
    links = _mounts.links((*_asked_paths(launch, executable), *named_loaders, LISTS)) if namespaces else {}
    ask = _asked(launch, kernel, namespaces=namespaces)
    disk_mb = launch.limits.disk_mb
    return Plan(
        launch=launch,
        services=services,
        kernel=kernel,
        namespaces=namespaces,
        grants=grants,
        binds=binds,
        links=links,
        tree=_mounts.tree(binds, links, launch.cwd, None if disk_mb is None else disk_mb * _UNIT),
        program=_program(ask),
        programs=Programs(launch.argv[0], frozenset(_identities(chain)), listed, *_identities([*tools])),
        limits=_resource_limits(launch),
        probe=probe,
        judge=judge,
        group=_cgroup.delegated(),
    )


@functools.cache
def _program(ask: Ask) -> bytes:
    return _bpf.assemble(_filter.build(_kernel.this_machine(), ask))


def _asked(launch: Launch, kernel: Kernel, *, namespaces: bool) -> Ask:
    ask = Ask.NOTHING
    if launch.limits.processes is not None:
        ask |= Ask.PROCESSES
    if not namespaces:
        ask |= Ask.OUTER_IPC
        if kernel.landlock_abi < _landlock.SCOPES_SINCE:
            ask |= Ask.SIGNALS
    return ask


def _asked_paths(launch: Launch, executable: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that the run begins with, and those under which its programs are looked for."""
    folders = launch.environment.get("PATH", "").split(":")
    names = {program.name for program in launch.policy.programs if "/" not in program.name}
    found = [f"{folder}/{name}" for folder in folders for name in names if folder.startswith("/")]
    interpreters = [named for path in executable if (named := named_interpreter(path))]
    return (launch.argv[0], launch.cwd, *interpreters, *(path for path in found if os.path.lexists(path)))


def _listed(launch: Launch) -> dict[str, Identity]:
    if not launch.policy.programs:
        return {}
    from haldir_enforcer._policy.programs import program as read_program  # noqa: PLC0415 - 2 ms, for what few declare

    found = {}
    for program in launch.policy.programs:
        path = str(program.path)
        try:
            found[path] = identity_of(os.stat(path))
            now = read_program(program.name, path, program.source)
        except (OSError, PolicyError):
            found.pop(path, None)  # a program that is not installed, or unreadable, cannot be started, listed or not
            continue
        if now.digest != program.digest and program.digest:
            raise ConfinementError(f"{path} has changed since the policy was made; make the policy again")
    return found


def _identities(paths: list[str]) -> list[Identity]:
    try:
        return [identity_of(os.stat(path)) for path in paths]
    except OSError as error:
        raise ConfinementError(f"{paths[0]} cannot be started: {error.strerror}") from error


def _resource_limits(launch: Launch) -> tuple[tuple[int, int], ...]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most_open = _MOST_OPEN if hard == resource.RLIM_INFINITY else min(_MOST_OPEN, hard)
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, most_open)]
    if launch.limits.disk_mb is not None:
        most = launch.limits.disk_mb * _UNIT
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        limits.append((resource.RLIMIT_FSIZE, most if hard == resource.RLIM_INFINITY else min(most, hard)))
    return tuple(limits)
