"""A confined run of a few lines of Python, for the tests of the Linux confinement."""

# What a test changes of a launch is whatever it says.
# ruff: noqa: ANN401

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from haldir_core.permissions import Permissions
from haldir_enforcer.confinement import Ended, Launch, Reaction
from haldir_enforcer.events import Action, Class, Decision, Event
from haldir_enforcer.limits import Limits
from haldir_enforcer.policy import Policy, compile_policy, detect_profiles

SEARCH_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
LONGEST_SECONDS = 60.0


@frozen
class Outcome:
    """How a confined run ended, what it printed, what was recorded."""

    ended: Ended
    output: str
    events: tuple[Event, ...] = field(repr=False)

    @property
    def violations(self) -> list[Event]:
        """The events that are nobody's right."""
        return [event for event in self.events if event.kind is Class.VIOLATION]

    def of(self, action: Action, decision: Decision | None = None) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event.action is action and decision in {None, event.decision}]


@frozen
class Skill:
    """A folder with its permissions, and a way to run Python lines in it."""

    root: Path
    namespaces: Any

    def policy(self, declared: Mapping[str, Any], argv0: str) -> Policy:
        """The policy of these declared permissions for one program."""
        document = {"schema_version": "1.0", "declared": dict(declared)}
        permissions = Permissions.from_bytes(json.dumps(document).encode())
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        profiles = detect_profiles(argv0, permissions.exec, SEARCH_PATH)
        return compile_policy(permissions, self.root, home=home, search_path=SEARCH_PATH, profiles=profiles)

    def launch(self, argv: Sequence[str], record: Callable[[Event], None], out: int, **changes: Any) -> Launch:
        """What to start, with what the changes say."""
        declared = changes.pop("declared", {})
        environment = {"PATH": ":".join(SEARCH_PATH), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        values: dict[str, Any] = {
            "policy": changes.pop("policy", None) or self.policy(declared, argv[0]),
            "argv": tuple(argv),
            "cwd": str(self.root),
            "environment": environment | changes.pop("environment", {}),
            "limits": Limits(timeout_seconds=30),
            "reaction": Reaction.DENY,
            "record": record,
            "stdin": changes.pop("stdin", None) or self.null,
            "stdout": out,
            "stderr": out,
        }
        return Launch(**values | changes)

    @property
    def null(self) -> int:
        """A descriptor that holds nothing."""
        return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def confinement(self, **options: Any) -> Any:
        """A confinement with or without namespaces, as this test is run."""
        from haldir_enforcer._linux import LinuxConfinement  # noqa: PLC0415 - Linux alone has it

        return LinuxConfinement(options.pop("namespaces", self.namespaces), **options)

    def python(self, code: str, **changes: Any) -> Outcome:
        """The outcome of Python lines."""
        return self.run([sys.executable, "-I", "-S", "-c", code], **changes)

    def run(self, argv: Sequence[str], **changes: Any) -> Outcome:
        """The outcome of a program."""
        events: list[Event] = []
        options = {name: changes.pop(name) for name in ("kernel", "services", "namespaces") if name in changes}
        read, write = os.pipe()
        record = changes.pop("record", events.append)
        try:
            running = self.confinement(**options).start(self.launch(argv, record, write, **changes))
        finally:
            os.close(write)
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.extend(iter(lambda: os.read(read, 65536), b"")))
        reader.start()
        ended = running.wait(LONGEST_SECONDS)
        reader.join()
        os.close(read)
        return Outcome(ended, b"".join(output).decode("utf-8", "replace"), tuple(events))


def _folder(tmp_path: Path) -> Path:
    root = tmp_path / "skill"
    (root / "out").mkdir(parents=True)
    (root / "data.txt").write_text("data\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("SECRET\n")
    return root


@pytest.fixture(params=["alone", "namespaces"])
def skill(request: pytest.FixtureRequest, tmp_path: Path) -> Skill:
    """A skill, confined without and with namespaces."""
    from haldir_enforcer._linux import Namespaces  # noqa: PLC0415 - Linux alone has it

    chosen = Namespaces.NEVER if request.param == "alone" else Namespaces.REQUIRED
    return Skill(_folder(tmp_path), chosen)


@pytest.fixture
def lone_skill(tmp_path: Path) -> Skill:
    """A skill, confined without namespaces."""
    from haldir_enforcer._linux import Namespaces  # noqa: PLC0415 - Linux alone has it

    return Skill(_folder(tmp_path), Namespaces.NEVER)
