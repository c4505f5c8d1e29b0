"""The small interface that every way of confining a process fits."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Protocol

from attrs import frozen

from haldir_enforcer.events import By, Recorder
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import Policy


class Reaction(Enum):
    """What happens at a violation: the tree is killed, or the action is denied and the run goes on."""

    KILL = "kill"
    DENY = "deny"


class Level(StrEnum):
    """How strong a confinement is, from none to best."""

    NONE = "none"
    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"

    @property
    def rank(self) -> int:
        """0 for none, 6 for L5."""
        return list(Level).index(self)


@frozen(kw_only=True)
class Truth:
    """Who really holds each dimension, as the self-tests inside the confinement saw it."""

    fs_read: By
    fs_write: By
    net: By
    exec: By
    processes: By
    memory: By
    disk: By
    env: By


@frozen(kw_only=True)
class Standing:
    """What a backend reaches on this machine: the level, who holds what, and what is missing for more."""

    backend: str
    level: Level
    enforced: Truth
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class Launch:
    """One program to start.  ``argv[0]`` is an absolute path; the three descriptors are inherited as 0, 1, 2."""

    policy: Policy
    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    limits: Limits
    reaction: Reaction
    record: Recorder
    stdin: int
    stdout: int
    stderr: int


class Ending(StrEnum):
    """Why a run ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    VIOLATION = "violation"
    LIMIT = "limit"
    FAILED = "failed"
    STOPPED = "stopped"


@frozen(kw_only=True)
class Ended:
    """How a run ended; ``code`` is the exit code, or 128 and the signal's number."""

    ending: Ending
    code: int
    detail: str | None = None


class Running(Protocol):
    """A confined process tree."""

    @property
    def pid(self) -> int:
        """The process id of the program, as this process sees it."""

    def signal(self, number: int) -> None:
        """The program has received the signal; nothing happens after its end."""

    def stop(self) -> None:
        """The whole tree is killed."""

    def wait(self, timeout_seconds: float | None = None) -> Ended:
        """Return how the run ended, when no process of the tree is left.

        Raises: TimeoutError if it still runs then.
        """


class Confinement(Protocol):
    """One way to confine."""

    @property
    def name(self) -> str:
        """Such as ``linux``, ``bubblewrap``, ``gvisor``, ``seatbelt``, ``node``."""

    def standing(self) -> Standing:
        """Return what self-tests inside this same confinement showed on this machine."""

    def start(self, launch: Launch) -> Running:
        """The program runs confined.

        Raises: ConfinementError if it cannot be confined as asked; nothing of it has run then.
        """
