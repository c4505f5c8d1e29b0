"""Starting the inner processes of a run, and learning who they are."""

import fcntl
import os
import socket
import struct
from contextlib import suppress

from attrs import frozen

from haldir_enforcer._linux import _child, _kernel
from haldir_enforcer._linux._cgroup import ControlGroup
from haldir_enforcer._linux._plan import Plan
from haldir_enforcer.errors import ConfinementError

_LONGEST_START_SECONDS = 20.0
_SYNCHRONOUS_WAKEUP = 1


class StartError(Exception):
    """The program could not be confined; nothing of it has run."""


class NamespacesError(StartError):
    """It could not be because of the namespaces."""


@frozen(eq=False)
class Inner:
    """The inner processes, as this process numbers them; the program waits to be let go.

    ``leash`` holds the tree: the keeper kills it when that is closed.  ``reports`` is what the keeper speaks through.
    """

    program: int
    listener: int
    reports: socket.socket
    leash: int
    group: ControlGroup | None
    _gate: int

    def go(self) -> None:
        """The program becomes what it was started for."""
        os.write(self._gate, b"g")
        os.close(self._gate)


@frozen(eq=False)
class Starting:
    """The inner processes while they confine themselves."""

    keeper: int
    _reports: socket.socket
    _leash: int
    _gate: int
    _plan: Plan

    def confined(self) -> Inner:
        """Return them when they are.

        Raises: StartError if they cannot be.
        """
        keeper, program, listener = _await(self._reports)
        with suppress(OSError):  # since Linux 6.6; without it the answers take a little longer
            fcntl.ioctl(listener, _kernel.NOTIF_SET_FLAGS, _SYNCHRONOUS_WAKEUP)
        group = _grouped(self._plan, keeper, program)
        return Inner(program, listener, self._reports, self._leash, group, self._gate)


def start(plan: Plan, streams: tuple[int, int, int], umask: int) -> Starting:
    """Return the inner processes as soon as there is one; the program has these streams and this umask.

    Raises: OSError if there cannot be.
    """
    inner, reports = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reports.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    leash_read, leash = os.pipe2(os.O_CLOEXEC)
    gate_read, gate = os.pipe2(os.O_CLOEXEC)
    keeper = _child.fork_keeper(plan, _child.Ends(inner, leash_read, gate_read, streams, umask))
    for descriptor in (leash_read, gate_read, *streams):
        os.close(descriptor)
    inner.close()
    _kernel.drop_bounding_set()
    _kernel.empty_capabilities()
    return Starting(keeper, reports, leash, gate, plan)


def _grouped(plan: Plan, keeper: int, program: int) -> ControlGroup | None:
    """Return a control group that holds both, where there can be one; the limits are measured in any case."""
    if plan.group is None:
        return None
    with suppress(ConfinementError, OSError):
        group = ControlGroup.make(plan.group, f"haldir-{program}", plan.launch.limits)
        group.add(keeper)
        group.add(program)
        return group
    return None


def _await(reports: socket.socket) -> tuple[int, int, int]:
    """Return the keeper, the program and the listener; both have to speak, in whichever order."""
    keeper = program = listener = 0
    reports.settimeout(_LONGEST_START_SECONDS)
    while not (keeper and program):
        try:
            data, ancillary, _, _ = reports.recvmsg(2048, 256)
        except TimeoutError as error:
            raise StartError("the inner processes did not answer in time") from error
        if not data:
            raise StartError("the inner processes ended before they were ready")
        sender, descriptors = _unpack(ancillary)
        if data[:1] == _child.KEEPER:
            keeper = sender
        elif data[:1] == _child.LISTENER and descriptors:
            program, listener = sender, descriptors[0]
        else:
            kind = NamespacesError if data[:1] == _child.NO_NAMESPACES else StartError
            raise kind(data[1:].decode("utf-8", "replace"))
    reports.setblocking(False)
    return keeper, program, listener


def _unpack(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, list[int]]:
    """Return the process that sent a message, as this one numbers it, and the descriptors that came with it."""
    sender, descriptors = 0, []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            sender = struct.unpack("iii", data)[0]
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors = list(struct.unpack(f"{len(data) // 4}i", data))
    return sender, descriptors
