"""Builders of the tests of haldir-reviewer, and the hook that keeps these tests off the network."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from haldir_core import Permissions, SkillSnapshot, read_skill
from haldir_reviewer.report import ReviewReport
from haldir_reviewer.reviewing import review
from haldir_reviewer.settings import DEFAULT_SETTINGS, Settings

hypothesis_settings.register_profile("haldir-reviewer", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("haldir-reviewer")

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

_FORBIDDEN_EVENTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def zeros(count: int) -> bytes:
    """Give the same bytes every time."""
    return bytes(count)


SkillMaker = Callable[[Mapping[str, bytes | str]], SkillSnapshot]
Reviewer = Callable[..., ReviewReport]


@pytest.fixture
def skill(tmp_path: Path) -> SkillMaker:
    """Write files and read them as a skill, with its private copy."""

    def make(files: Mapping[str, bytes | str]) -> SkillSnapshot:
        folder = tmp_path / f"skill-{len(list(tmp_path.iterdir()))}"
        for path, content in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        folder.mkdir(exist_ok=True)
        return read_skill(folder, copy_to=tmp_path / f"{folder.name}-copy")

    return make


@pytest.fixture
def reviewed(skill: SkillMaker) -> Reviewer:
    """Review files by a panel."""

    def run(
        files: Mapping[str, bytes | str],
        panel: Sequence[Any],
        *,
        settings: Settings = DEFAULT_SETTINGS,
        permissions: Permissions | None = None,
    ) -> ReviewReport:
        declared = Permissions.deny_all() if permissions is None else permissions
        return review(skill(files), panel, permissions=declared, settings=settings, now=NOW, randomness=zeros)

    return run


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    elsewhere = event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in _LOOPBACK
    started = event in _FORBIDDEN_EVENTS and args[0] != sys.executable  # a test that needs a fresh interpreter
    if _open_tests and (elsewhere or started):
        raise PermissionError(f"a unit test of haldir-reviewer caused {event}: {args!r:.200}")


_open_tests: list[bool] = []


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _closed(_audit_hook: None) -> Iterator[None]:
    """Refuse the network but loopback, and programs, while a test of this folder runs."""
    _open_tests.append(True)
    yield
    _open_tests.clear()
