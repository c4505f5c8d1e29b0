"""What a confinement really refuses, tried by a probe inside: once with its supervisor, once with the kernel alone."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH102

import errno
import os
import socket
from collections.abc import Callable
from enum import IntFlag, auto
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from haldir_core.scratch import PrivateFolder
from haldir_core.signals import signals_held
from haldir_enforcer._linux import _plan
from haldir_enforcer._linux._capabilities import Kernel
from haldir_enforcer._linux._plan import Judge
from haldir_enforcer._linux._services import Services
from haldir_enforcer._policy.records import DECLARED
from haldir_enforcer.confinement import Launch, Level, Reaction, Standing, Truth
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import By
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import PathRule, Policy

if TYPE_CHECKING:
    from haldir_enforcer._linux._confinement import LinuxRunning

_REFUSALS = {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ESRCH, errno.ENETUNREACH, errno.EXDEV, errno.EROFS}
_LONGEST_SECONDS = 20.0


class Held(IntFlag):
    """What a probe was refused; the number is its exit code."""

    READ = auto()
    WRITE = auto()
    CONNECT = auto()
    EXECUTE = auto()
    SIGNAL = auto()
    ENVIRONMENT = auto()
    GRANTED = auto()
    """Not a refusal: what is granted worked, so that the rest is no accident."""


ALL = Held.READ | Held.WRITE | Held.CONNECT | Held.EXECUTE | Held.SIGNAL | Held.ENVIRONMENT | Held.GRANTED


@frozen(eq=False)
class Canaries:
    """A granted folder, and around it what must stay out of reach."""

    inside: str
    outside: str
    port: int
    process: int

    def try_all(self) -> int:
        """Return what was refused; this runs inside."""
        held = Held.GRANTED if _works(lambda: os.close(os.open(f"{self.inside}/granted", os.O_RDONLY))) else Held(0)
        attempts: dict[Held, Callable[[], object]] = {
            Held.READ: lambda: os.open(f"{self.outside}/canary", os.O_RDONLY),
            Held.WRITE: lambda: os.open(f"{self.outside}/new", os.O_WRONLY | os.O_CREAT, 0o600),
            Held.CONNECT: self._connect,
            Held.SIGNAL: lambda: os.kill(self.process, 0),
            Held.ENVIRONMENT: lambda: os.open(f"/proc/{self.process}/environ", os.O_RDONLY),
            Held.EXECUTE: lambda: os.execv(f"{self.outside}/canary", ["canary"]),  # noqa: S606 - refused, or the test has failed
        }
        for dimension, attempt in attempts.items():
            if not _works(attempt):
                held |= dimension
        return int(held)

    def _connect(self) -> None:
        with socket.socket() as peer:
            peer.connect(("127.0.0.1", self.port))


def examine(kernel: Kernel, *, namespaces: bool) -> Standing:
    """Return what a probe saw.

    Raises: ConfinementError if no probe can be confined in this way.
    """
    with PrivateFolder("haldir-probe-") as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        canaries = _prepare(str(folder), listener.getsockname()[1])
        judged, alone = _probe(canaries, kernel, namespaces=namespaces)
    return _standing(kernel, judged, alone, namespaces=namespaces)


def nothing(kernel: Kernel) -> Standing:
    """Return the standing of a machine on which nothing can be confined in this way."""
    truth = Truth(
        **dict.fromkeys(("fs_read", "fs_write", "net", "exec", "processes", "memory", "disk", "env"), By.NONE)
    )
    return Standing(backend="linux", level=Level.NONE, enforced=truth, missing=kernel.missing)


def _prepare(folder: str, port: int) -> Canaries:
    inside, outside = f"{folder}/inside", f"{folder}/outside"
    for place, name in ((inside, "granted"), (outside, "canary")):
        os.mkdir(place)
        Path(place, name).write_bytes(b"#!/bin/true\n")
        Path(place, name).chmod(0o755)
    return Canaries(os.path.realpath(inside), os.path.realpath(outside), port, os.getpid())


def _probe(canaries: Canaries, kernel: Kernel, *, namespaces: bool) -> tuple[Held, Held]:
    """Return what was refused with the supervisor, and by the kernel alone; both are tried at the same time."""
    from haldir_enforcer._linux._confinement import begin_without_waiting  # noqa: PLC0415 - it asks for this module

    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    running: list[LinuxRunning] = []
    try:
        judged = _plan.make(_launch(canaries, null), Services(), kernel, namespaces=namespaces, probe=canaries.try_all)
        with signals_held():
            running += [begin_without_waiting(plan) for plan in (judged, evolve(judged, judge=Judge.KERNEL_ALONE))]
        ends = [probe.wait(_LONGEST_SECONDS) for probe in running]
    except KeyboardInterrupt:
        for probe in running:
            probe.stop()
        raise
    finally:
        os.close(null)
    for probe, ended in zip(running, ends, strict=True):
        probe.await_start()
        if ended.code >= 128:
            raise ConfinementError(f"a probe of the confinement ended with {ended.ending}: {ended.detail}")
    return Held(ends[0].code), Held(ends[1].code)


def _launch(canaries: Canaries, null: int) -> Launch:
    inside = Path(canaries.inside)
    rule = PathRule(pattern=canaries.inside, parent=inside, exact=True, source=DECLARED)
    return Launch(
        policy=_policy(inside, rule),
        argv=(f"{canaries.inside}/granted",),
        cwd=canaries.inside,
        environment={},
        limits=Limits(timeout_seconds=_LONGEST_SECONDS),
        reaction=Reaction.DENY,
        record=lambda event: None,  # noqa: ARG005 - the probe's own attempts are nobody's log
        stdin=null,
        stdout=null,
        stderr=null,
    )


def _policy(inside: Path, rule: PathRule) -> Policy:
    from haldir_core.permissions import AgentCapabilities  # noqa: PLC0415 - it takes longer than a launch

    return Policy(
        root=inside,
        read=(rule,),
        write=(),
        hosts=(),
        programs=(),
        capabilities=AgentCapabilities(),
        never_write=(),
        never_read=(),
        profiles=(),
        notes=(),
    )


def _standing(kernel: Kernel, judged: Held, alone: Held, *, namespaces: bool) -> Standing:
    def by(dimension: Held) -> By:
        if dimension not in judged:
            return By.NONE
        return By.KERNEL if dimension in alone else By.SUPERVISOR

    counted = By.SUPERVISOR if Held.GRANTED in judged else By.NONE
    truth = Truth(
        fs_read=by(Held.READ),
        fs_write=by(Held.WRITE),
        net=by(Held.CONNECT),
        exec=by(Held.EXECUTE),
        processes=counted,
        memory=counted,
        disk=counted,
        env=by(Held.ENVIRONMENT),
    )
    missing = list(kernel.missing)
    if not namespaces and kernel.user_namespaces:
        missing.append("namespaces were not asked for, or are refused here")
    missing += [f"a probe was not refused: {dimension.name}" for dimension in ALL & ~judged]
    level = _level(judged, truth, landlock=bool(kernel.landlock_abi), namespaces=namespaces)
    return Standing(backend="linux", level=level, enforced=truth, missing=tuple(missing))


def _level(judged: Held, truth: Truth, *, landlock: bool, namespaces: bool) -> Level:
    if judged != ALL:
        return Level.NONE
    if not landlock or truth.fs_read is not By.KERNEL or truth.fs_write is not By.KERNEL:
        return Level.L1
    return Level.L3 if namespaces else Level.L2


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno not in _REFUSALS
    return True
