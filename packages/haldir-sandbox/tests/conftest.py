"""Skills on disk, and a confinement that runs nothing but says what it is told to."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, field

from haldir_core import Permissions, SkillSnapshot, read_skill
from haldir_core.canonical import JsonValue
from haldir_enforcer.confinement import Ended, Ending, Launch, Level, Standing, Truth
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By, Class, Decision, Event
from haldir_sandbox._certificates import Authority
from haldir_sandbox.contents import Contents
from haldir_sandbox.places import Places
from haldir_sandbox.samples import Samples


def _contents(files: Mapping[str, str]) -> Contents:
    return Contents.of({path: text.encode() for path, text in files.items()})


def _skill(folder: Path, files: Mapping[str, str]) -> SkillSnapshot:
    """Return a snapshot with a private copy of a skill that holds ``files``."""
    source = folder / "a-skill"
    for path, text in files.items():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return read_skill(source, copy_to=folder / "copy")


def _permissions(
    read: tuple[str, ...] = (),
    write: tuple[str, ...] = (),
    network: JsonValue = "none",
    exec: tuple[str, ...] = (),  # noqa: A002 - the member's name
    **capabilities: bool,
) -> Permissions:
    from haldir_core.canonical import canonical_bytes  # noqa: PLC0415 - only here

    declared: dict[str, JsonValue] = {
        "filesystem": {"read": list(read), "write": list(write)},
        "network": network,
        "exec": list(exec),
        "agent_capabilities": dict(capabilities),
    }
    return Permissions.from_bytes(canonical_bytes({"schema_version": "1.0", "declared": declared}))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(
        skill=tmp_path / "skill",
        home=tmp_path / "home",
        samples=tmp_path / "samples",
        scratch=tmp_path / "scratch",
        supplies=tmp_path / "supplies",
        node_modules=tmp_path / "node_modules",
    )


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return Samples(tmp_path / "samples", tmp_path / "out")


def _event(action: Action, *, kind: Class = Class.VIOLATION, **more: object) -> Event:
    decision = Decision.DENY if kind is Class.VIOLATION else Decision.ALLOW
    members: dict[str, object] = {"decision": decision, "by": By.SUPERVISOR, **more}
    return Event(action=action, kind=kind, **members)  # type: ignore[arg-type] # the caller knows the members


@define
class FakeRunning:
    """A run that has ended."""

    ended: Ended
    pid: int = 1

    def signal(self, number: int) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing runs."""

    def wait(self, timeout_seconds: float | None = None) -> Ended:  # noqa: ARG002 - the interface's
        """Return at once."""
        return self.ended


@define
class FakeConfinement:
    """Calls ``behave`` for every launch and ends at once; runs nothing."""

    behave: Callable[[Launch], Ended | None] = lambda _: None
    level: Level = Level.L3
    launches: list[Launch] = field(factory=list)
    name: str = "fake"

    def standing(self) -> Standing:
        """Return the level that was asked for."""
        if self.level is Level.NONE:
            raise ConfinementError("this machine confines nothing")
        truth = Truth(
            **dict.fromkeys(("fs_read", "fs_write", "net", "exec", "processes", "memory", "disk", "env"), By.KERNEL)
        )
        return Standing(backend="fake", level=self.level, enforced=truth, missing=("a newer kernel",))

    def start(self, launch: Launch) -> FakeRunning:
        """Return an ended run after ``behave``."""
        self.launches.append(launch)
        ended = self.behave(launch)
        return FakeRunning(ended or Ended(ending=Ending.EXITED, code=0))


def _say(descriptor: int, data: bytes) -> None:
    """The data is written as a confined program would."""
    os.write(descriptor, data)


@pytest.fixture
def contents() -> Callable[[Mapping[str, str]], Contents]:
    """Make contents from texts."""
    return _contents


@pytest.fixture
def skill(tmp_path: Path) -> Callable[[Mapping[str, str]], SkillSnapshot]:
    """Make a snapshot from texts."""
    return lambda files: _skill(tmp_path, files)


@pytest.fixture
def permissions() -> Callable[..., Permissions]:
    """Make permissions."""
    return _permissions


@pytest.fixture
def event() -> Callable[..., Event]:
    """Make an event."""
    return _event


@pytest.fixture
def fake() -> type[FakeConfinement]:
    """Make a confinement that runs nothing."""
    return FakeConfinement


@pytest.fixture
def authority() -> Authority:
    """A throwaway authority."""
    return Authority.make(datetime(2026, 11, 22, tzinfo=UTC))
