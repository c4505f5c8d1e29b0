"""Builders of the tests of haldir-pipeline: skills in ``tmp_path``, a clock that the test sets, findings."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from haldir_core import SkillSnapshot, Status, read_skill
from haldir_core.canonical import JsonValue
from haldir_pipeline import Allowance, Answer, LayerName
from haldir_pipeline.findings import Found, summarise, to_findings
from haldir_pipeline.subject import Subject

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

FORBIDDEN_EVENTS = {
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
}

_closed: list[bool] = []


def _refuse_network_and_processes(event: str, args: tuple[object, ...]) -> None:
    if _closed and event in FORBIDDEN_EVENTS:
        raise PermissionError(f"a unit test caused {event}: {args[1:]!r:.200}")


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_refuse_network_and_processes)


@pytest.fixture(autouse=True)
def _offline(_audit_hook: None) -> Iterator[None]:
    """Refuse network and processes while a test of this folder runs."""
    _closed.append(True)
    yield
    _closed.clear()


@frozen(kw_only=True)
class Sample:
    """Something that a layer found."""

    rule: str = "rule"
    category: str = "group"
    severity: str = "low"
    message: str = "something is wrong"
    path: str = "SKILL.md"
    line: int = 1


@frozen(kw_only=True)
class PlacedSample(Sample):
    """The same, with a column and the matched text."""

    column: int = 0
    excerpt: str = "match"


@pytest.fixture
def sample() -> type[Sample]:
    return Sample


@pytest.fixture
def placed_sample() -> type[PlacedSample]:
    return PlacedSample


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def make_clock() -> Callable[..., Callable[[], datetime]]:
    """Make a clock that begins at noon and goes on by ``step`` at each reading."""

    def make(step: timedelta = timedelta()) -> Callable[[], datetime]:
        def ticks() -> Iterator[datetime]:
            moment = NOON
            while True:
                yield moment
                moment += step

        return ticks().__next__

    return make


@pytest.fixture
def clock(make_clock: Callable[..., Callable[[], datetime]]) -> Callable[[], datetime]:
    """Return a clock that stands at noon."""
    return make_clock()


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """Return a harmless skill."""
    folder = tmp_path / "weather"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("# Weather\n", encoding="utf-8")
    (folder / "scripts" / "run.py").write_text("print('rain')\n", encoding="utf-8")
    return folder


@pytest.fixture
def snapshot(skill: Path, tmp_path: Path) -> SkillSnapshot:
    """Return a snapshot of the skill with its private copy."""
    return read_skill(skill, copy_to=tmp_path / "copy")


@frozen(kw_only=True)
class FakeLayer:
    """A layer of our own interface that says what it is told, and calls ``look`` with what it judges."""

    name: LayerName = LayerName.SCAN
    answer: Answer = field(factory=lambda: Answer(status=Status.PASS))
    error: Exception | None = None
    unready: Exception | None = None
    look: Callable[[Subject], object] = bool
    depends: str = "the same"

    def inputs(self, subject: Subject) -> dict[str, JsonValue]:  # noqa: ARG002 - as the interface says
        """Return what it was told that the answer depends on."""
        if self.unready is not None:
            raise self.unready
        return {"depends": self.depends}

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:  # noqa: ARG002 - as the interface says
        """Return the answer that it was given."""
        self.look(subject)
        if self.error is not None:
            raise self.error
        return self.answer


MakeLayer = Callable[..., FakeLayer]


@pytest.fixture
def make_layer() -> MakeLayer:
    """Make a layer that finds what it is told; ``status`` None means that it cannot tell."""

    def make(name: str = "scan", *found: Found, status: Status | None = Status.PASS, **answer: Any) -> FakeLayer:  # noqa: ANN401 - members of the answer
        told = {key: answer.pop(key) for key in ("error", "unready", "look", "depends") if key in answer}
        said = Answer(status=status, findings=to_findings(found), summary=summarise(found), **answer)
        return FakeLayer(name=LayerName(name), answer=said, **told)

    return make


@pytest.fixture
def make_layers(make_layer: MakeLayer) -> Callable[..., list[FakeLayer]]:
    """Make all four layers, which pass but for those that are given."""

    def make(**others: FakeLayer) -> list[FakeLayer]:
        return [others.get(name.value, make_layer(name.value)) for name in LayerName]

    return make


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
