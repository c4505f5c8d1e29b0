"""What a confined process did or tried, as one record per observed action."""

from collections.abc import Callable
from enum import StrEnum

from attrs import frozen


class Action(StrEnum):
    """What kind of thing was done or tried."""

    PROCESS_START = "process.start"
    PROCESS_EXEC = "process.exec"
    PROCESS_EXIT = "process.exit"
    PROCESS_SIGNAL = "process.signal"
    FS_READ = "fs.read"
    FS_WRITE = "fs.write"
    FS_CREATE = "fs.create"
    FS_UNLINK = "fs.unlink"
    FS_RENAME = "fs.rename"
    FS_LINK = "fs.link"
    FS_SYMLINK = "fs.symlink"
    FS_TRUNCATE = "fs.truncate"
    FS_CHMOD = "fs.chmod"
    NET_CONNECT = "net.connect"
    NET_BIND = "net.bind"
    NET_LISTEN = "net.listen"
    NET_SOCKET = "net.socket"
    NET_DNS = "net.dns"
    IPC_UNIX = "ipc.unix"
    SYSCALL = "syscall"
    LIMIT_TIME = "limit.time"
    LIMIT_MEMORY = "limit.memory"
    LIMIT_PROCESSES = "limit.processes"
    LIMIT_OUTPUT = "limit.output"
    LIMIT_DISK = "limit.disk"
    AGENT_MEMORY_READ = "agent.memory_read"
    AGENT_MEMORY_WRITE = "agent.memory_write"
    AGENT_SPAWN_AGENTS = "agent.spawn_agents"
    AGENT_MODIFY_SYSTEM_PROMPT = "agent.modify_system_prompt"
    AGENT_UNKNOWN = "agent.unknown"
    POLICY_LOADED = "policy.loaded"
    SELFTEST_RESULT = "selftest.result"
    SUPERVISOR_FAILED = "supervisor.failed"
    RUN_START = "run.start"
    RUN_END = "run.end"


class Decision(StrEnum):
    """What became of it."""

    ALLOW = "allow"
    DENY = "deny"


class By(StrEnum):
    """Who decided, or how well a dimension is held; from best to worst."""

    KERNEL = "kernel"
    SUPERVISOR = "supervisor"
    ADVISORY = "advisory"
    NONE = "none"


class Class(StrEnum):
    """Whether an action is one that the skill declared, one of every interpreter, or a violation."""

    DECLARED = "declared"
    AMBIENT = "ambient"
    VIOLATION = "violation"


@frozen
class Endpoint:
    """The other side of a network action; ``host`` is the declared name when it is known."""

    host: str | None
    ip: str | None
    port: int | None
    proto: str


@frozen
class LeftOut:
    """What a record does not keep of the arguments of a program."""

    arguments: int = 0
    """How many whole ones, all after those that are kept."""
    characters: tuple[tuple[int, int], ...] = ()
    """For each argument that is kept in part: its place in ``argv``, and how many characters at its end are not."""


@frozen(kw_only=True)
class Event:
    """One action of a confined process.  ``path`` is the real path, ``via`` is the path as it was asked for.

    ``count`` is above 1 where identical events were folded into this one.  ``argv`` holds the beginning of a long list
    and of long arguments; ``left_out`` is there if that is not all.
    """

    action: Action
    decision: Decision
    by: By
    kind: Class
    pid: int = 0
    ppid: int = 0
    exe: str | None = None
    path: str | None = None
    via: str | None = None
    flags: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    left_out: LeftOut | None = None
    endpoint: Endpoint | None = None
    rule: str | None = None
    errno: int | None = None
    detail: str | None = None
    count: int = 1


Recorder = Callable[[Event], None]
"""Takes every event in order; it raises where the event cannot be kept, and the run is then killed."""
