"""What a run did and tried, put together from the events of its confinement."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from attrs import evolve, frozen

from haldir_enforcer.events import Action, Class, Decision, Endpoint, Event
from haldir_enforcer.policy import Policy, may_read, may_write
from haldir_sandbox.canary import Decoy
from haldir_sandbox.places import Places

MAX_DEEDS = 5000
MAX_WORD_CHARACTERS = 300
MAX_WORDS = 32


class What(StrEnum):
    """What kind of thing was done."""

    READ = "read"
    WRITE = "write"
    EXEC = "exec"
    CONNECT = "connect"
    NAME = "name"
    LISTEN = "listen"
    SOCKET = "socket"
    UNIX = "unix"
    SIGNAL = "signal"
    SYSCALL = "syscall"
    LIMIT = "limit"
    AGENT = "agent"
    BROKEN = "broken"


_KINDS: dict[Action, What] = {
    Action.PROCESS_EXEC: What.EXEC,
    Action.PROCESS_SIGNAL: What.SIGNAL,
    Action.FS_READ: What.READ,
    Action.FS_WRITE: What.WRITE,
    Action.FS_CREATE: What.WRITE,
    Action.FS_UNLINK: What.WRITE,
    Action.FS_RENAME: What.WRITE,
    Action.FS_LINK: What.WRITE,
    Action.FS_SYMLINK: What.WRITE,
    Action.FS_TRUNCATE: What.WRITE,
    Action.FS_CHMOD: What.WRITE,
    Action.NET_CONNECT: What.CONNECT,
    Action.NET_BIND: What.LISTEN,
    Action.NET_LISTEN: What.LISTEN,
    Action.NET_SOCKET: What.SOCKET,
    Action.NET_DNS: What.NAME,
    Action.IPC_UNIX: What.UNIX,
    Action.SYSCALL: What.SYSCALL,
    Action.LIMIT_TIME: What.LIMIT,
    Action.LIMIT_MEMORY: What.LIMIT,
    Action.LIMIT_PROCESSES: What.LIMIT,
    Action.LIMIT_OUTPUT: What.LIMIT,
    Action.LIMIT_DISK: What.LIMIT,
    Action.AGENT_MEMORY_READ: What.AGENT,
    Action.AGENT_MEMORY_WRITE: What.AGENT,
    Action.AGENT_SPAWN_AGENTS: What.AGENT,
    Action.AGENT_MODIFY_SYSTEM_PROMPT: What.AGENT,
    Action.AGENT_UNKNOWN: What.AGENT,
    Action.SUPERVISOR_FAILED: What.BROKEN,
}
"""The actions of a skill; all others are those of the supervisor itself."""


@frozen(kw_only=True)
class Deed:
    """One thing that was done or tried, once or ``count`` times.

    ``target`` is how reports name it; ``path`` and ``endpoint`` say it exactly.
    """

    what: What
    target: str
    kind: Class
    denied: bool
    argv: tuple[str, ...] = ()
    argv_left_out: int = 0
    """How many arguments there were beyond those in ``argv``."""
    path: str | None = None
    endpoint: Endpoint | None = None
    decoy: Decoy | None = None
    detail: str | None = None
    count: int = 1

    @property
    def is_violation(self) -> bool:
        """Whether the permissions do not allow it."""
        return self.kind is Class.VIOLATION or self.decoy is not None

    @property
    def key(self) -> tuple[object, ...]:
        """What two deeds have in common that are the same thing done twice."""
        return (self.what, self.target, self.kind, self.denied, self.argv)


@frozen(kw_only=True)
class Behaviour:
    """Every deed of one or more runs, each once, in the order in which they were first seen."""

    deeds: tuple[Deed, ...]
    left_out: int = 0
    """How many different deeds there were beyond the MAX_DEEDS violations and as many others that are kept."""

    def of(self, *kinds: What) -> tuple[Deed, ...]:
        """Return the deeds of these kinds."""
        return tuple(deed for deed in self.deeds if deed.what in kinds)

    @property
    def violations(self) -> tuple[Deed, ...]:
        """The deeds that the permissions do not allow."""
        return tuple(deed for deed in self.deeds if deed.is_violation)

    def first(self, most: int) -> tuple[Deed, ...]:
        """Return at most so many deeds; where not all have room, violations come first: no flood hides them."""
        if len(self.deeds) <= most:
            return self.deeds
        return tuple(sorted(self.deeds, key=lambda deed: not deed.is_violation)[:most])


def behaviour_of(events: Iterable[Event], places: Places, declared: Policy) -> Behaviour:
    """Return what the events of one run say; ``declared`` is the policy of the permissions alone.

    The decoy home may be read so that what follows is seen: whether that was declared is not for the events to say.
    """
    return _folded(deed for event in events if (deed := _deed(event, places, declared)) is not None)


def together(behaviours: Iterable[Behaviour]) -> Behaviour:
    """Return the deeds of all ``behaviours``."""
    parts = tuple(behaviours)
    joined = _folded(deed for part in parts for deed in part.deeds)
    return evolve(joined, left_out=joined.left_out + sum(part.left_out for part in parts))


def _folded(deeds: Iterable[Deed]) -> Behaviour:
    kept: dict[tuple[object, ...], Deed] = {}
    room = {True: MAX_DEEDS, False: MAX_DEEDS}  # violations have their own: no flood of other deeds hides them
    left_out = 0
    for deed in deeds:
        known = kept.get(deed.key)
        if known is not None:
            kept[deed.key] = evolve(known, count=known.count + deed.count)
        elif room[deed.is_violation] > 0 or deed.decoy is not None:  # there are fewer than a hundred decoys
            kept[deed.key] = deed
            room[deed.is_violation] -= 1
        else:
            left_out += 1
    return Behaviour(deeds=tuple(kept.values()), left_out=left_out)


def _deed(event: Event, places: Places, declared: Policy) -> Deed | None:
    what = _KINDS.get(event.action)
    if what is None:
        return None
    path = event.path or event.via
    decoy = places.decoy(path) if path and what in {What.READ, What.WRITE} else None
    kind = event.kind
    if path and what in {What.READ, What.WRITE}:
        kind = _kind_of_path(path, what, kind, places, declared)
    return Deed(
        what=what,
        target=_target(event, what, path, places),
        kind=kind,
        denied=event.decision is Decision.DENY,
        argv=tuple(_plain(places.name(word)) for word in event.argv[:MAX_WORDS]) if what is What.EXEC else (),
        argv_left_out=_left_out(event) if what is What.EXEC else 0,
        path=path,
        endpoint=event.endpoint,
        decoy=decoy,
        detail=None if event.detail is None else _plain(event.detail),
        count=event.count,
    )


def _left_out(event: Event) -> int:
    return max(len(event.argv) - MAX_WORDS, 0) + (0 if event.left_out is None else event.left_out.arguments)


def _kind_of_path(path: str, what: What, kind: Class, places: Places, declared: Policy) -> Class:
    """Return the class of a deed in a place that the sandbox granted and nobody declared; elsewhere it stays."""
    if places.is_given(path):
        return Class.AMBIENT if kind is Class.DECLARED else kind
    if places.is_bait(path):
        granted = may_write(declared, path) if what is What.WRITE else may_read(declared, path)
        return Class.VIOLATION if granted is None else Class.DECLARED
    return kind


def _target(event: Event, what: What, path: str | None, places: Places) -> str:
    if event.endpoint is not None and what in {What.CONNECT, What.LISTEN, What.NAME, What.SOCKET}:
        return _plain("".join(_peer(event.endpoint, what)))
    if path is not None:
        return _plain(places.name(path))
    if what is What.LIMIT:
        return event.action.value.removeprefix("limit.")
    if what is What.AGENT:
        return event.action.value.removeprefix("agent.")
    return _plain(event.detail or event.rule or event.action.value)


def _peer(endpoint: Endpoint, what: What) -> Iterator[str]:
    yield endpoint.host or endpoint.ip or endpoint.proto
    if endpoint.port is not None and what is not What.NAME:
        yield f":{endpoint.port}"
    if endpoint.proto not in {"tcp", "dns"} and (endpoint.host or endpoint.ip):
        yield f"/{endpoint.proto}"


def _plain(text: str) -> str:
    """Return ``text`` in one line of printable characters, cut: whoever runs a program chooses its words."""
    shown = text[: MAX_WORD_CHARACTERS + 1]
    clean = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)
    return clean if len(clean) <= MAX_WORD_CHARACTERS else clean[: MAX_WORD_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
