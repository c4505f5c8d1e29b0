import asyncio
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from haldir_core.keys import PrivateKey
from haldir_enforcer import (
    ConfinementError,
    Enforcer,
    Event,
    Limits,
    Outcome,
    Reaction,
    Recording,
    StagedSkill,
    Streams,
    _streams,
    stage,
    verify_log,
)
from haldir_enforcer.alerts import CallbackSink
from haldir_enforcer.confinement import Ending
from haldir_enforcer.errors import AuditLogError, EnforcerError
from haldir_enforcer.events import Action, Class
from haldir_enforcer.session import Session, Stream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")

PATIENCE_SECONDS = 60.0
KEY = PrivateKey.from_seed(b"l" * 32)
FOREVER = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(1)"
STUBBORN = f"import signal\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\n{FOREVER}"
FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)"


@pytest.fixture
def skill(tmp_path: Path) -> Iterator[StagedSkill]:
    """A skill that may start programs and write to one folder."""
    folder = tmp_path / "skill"
    (folder / ".vault").mkdir(parents=True)
    declared = {"exec": ["sh", "sleep"], "filesystem": {"write": ["out"]}}
    document = {"schema_version": "1.0", "declared": declared}
    (folder / ".vault" / "permissions.json").write_text(json.dumps(document))
    (folder / "SKILL.md").write_text("Say how the weather is.\n")
    (tmp_path / "secret").write_text("SECRET")
    with stage(folder) as staged:
        yield staged


@pytest.fixture(scope="module")
def enforcer() -> Enforcer:
    return Enforcer(limits=Limits(timeout_seconds=60))


Python = Callable[..., Session]


@pytest.fixture
def python(enforcer: Enforcer, skill: StagedSkill) -> Iterator[Python]:
    """Start Python lines; what still runs at the end of the test is stopped."""
    sessions: list[Session] = []

    def call(code: str, *, limits: Limits | None = None, **options: Any) -> Session:  # noqa: ANN401 - those of start
        chosen = enforcer if limits is None else Enforcer(limits=limits)
        sessions.append(chosen.start(skill, ["python3", "-c", code], **options))
        return sessions[-1]

    yield call
    for session in sessions:
        session.stop()
        session.wait(PATIENCE_SECONDS)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def _pipe_of(session_start: Callable[[int], Session]) -> tuple[Session, int]:
    """Start with a pipe as output, and wait for the first line."""
    reading, writing = os.pipe()
    try:
        session = session_start(writing)
    finally:
        os.close(writing)
    assert os.read(reading, 6) == b"ready\n"
    return session, reading


def test_a_run_that_still_runs_is_waited_for_as_long_as_one_likes(python: Python) -> None:
    session = python(FOREVER)
    with pytest.raises(TimeoutError):
        session.wait(0.01)
    assert not session.is_over
    session.stop()
    outcome = session.wait(PATIENCE_SECONDS)
    assert (outcome.ended.ending, session.is_over) == (Ending.STOPPED, True)
    assert session.wait() is outcome


def test_the_process_id_is_that_of_the_program(python: Python) -> None:
    session, reading = _pipe_of(lambda out: python(FOREVER, streams=Streams(stdout=out)))
    assert b"python3\0-c" in Path(f"/proc/{session.pid}/cmdline").read_bytes()
    os.close(reading)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL])
def test_a_signal_reaches_the_program(python: Python, number: signal.Signals) -> None:
    code = "import signal\nsignal.signal(2, signal.SIG_DFL)\n" + FOREVER
    session, reading = _pipe_of(lambda out: python(code, streams=Streams(stdout=out)))
    session.signal(number)
    ended = session.wait(PATIENCE_SECONDS).ended
    assert (ended.ending, ended.code) == (Ending.SIGNALLED, 128 + number)
    os.close(reading)


def test_a_program_may_answer_a_signal_in_its_own_way(python: Python) -> None:
    code = f"import signal, sys\nsignal.signal(15, lambda *_: sys.exit(5))\n{FOREVER}"
    session, reading = _pipe_of(lambda out: python(code, streams=Streams(stdout=out)))
    session.signal(signal.SIGTERM)
    ended = session.wait(PATIENCE_SECONDS).ended
    assert (ended.ending, ended.code) == (Ending.EXITED, 5)
    os.close(reading)


@pytest.mark.parametrize("number", [-1, 65, 300])
def test_what_is_no_signal_is_refused_and_ends_nothing(python: Python, number: int) -> None:
    session = python("print('rain')")
    with pytest.raises(ValueError, match="no signal"):
        session.signal(number)
    assert session.wait(PATIENCE_SECONDS).ended.ending is Ending.EXITED


def test_signals_and_stops_after_the_end_do_nothing(python: Python) -> None:
    session = python("pass")
    outcome = session.wait(PATIENCE_SECONDS)
    session.signal(signal.SIGTERM)
    session.stop()
    assert session.wait() is outcome


def test_a_stubborn_program_is_stopped_with_all_that_it_started(python: Python) -> None:
    code = f"import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 86399 & sleep 86399'])\n{STUBBORN}"
    session, reading = _pipe_of(lambda out: python(code, streams=Streams(stdout=out)))
    session.signal(signal.SIGTERM)
    session.stop()
    assert session.wait(PATIENCE_SECONDS).ended.ending is Ending.STOPPED
    assert os.read(reading, 1) == b""  # nobody holds the other end any more
    os.close(reading)


def test_bytes_pass_in_both_directions_as_they_are(enforcer: Enforcer, skill: StagedSkill) -> None:
    data = os.urandom(3_000_000)
    outcome = enforcer.run(skill, ["cat"], streams=Streams(input=data))
    assert (outcome.stdout == data, outcome.stderr, outcome.dropped_bytes) == (True, b"", 0)


def test_descriptors_are_handed_on_as_they_are(enforcer: Enforcer, skill: StagedSkill, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(bytes(range(256)))
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as sink:
        streams = Streams(stdin=source.fileno(), stdout=sink.fileno(), stderr=Stream.NULL)
        outcome = enforcer.run(skill, ["cat"], streams=streams)
    assert (tmp_path / "out").read_bytes() == bytes(range(256))
    assert (outcome.stdout, outcome.stderr) == (b"", b"")


def test_without_input_there_is_nothing_to_read(enforcer: Enforcer, skill: StagedSkill) -> None:
    assert enforcer.run(skill, ["cat"]).stdout == b""


def test_input_that_nobody_reads_keeps_nobody(enforcer: Enforcer, skill: StagedSkill) -> None:
    assert enforcer.run(skill, ["true"], streams=Streams(input=b"x" * 2_000_000)).ended.code == 0


def test_streams_that_the_program_closes_end_nothing_else(python: Python) -> None:
    code = "import os, sys\nfor n in (0, 1, 2): os.close(n)\nopen('out/a', 'w').write('rain')\nos._exit(4)"
    outcome = python(code).wait(PATIENCE_SECONDS)
    assert (outcome.ended.code, outcome.written) == (4, ("out/a",))


def test_captured_output_has_room_that_ends(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_streams, "KEPT_BYTES", 1000)
    outcome = python("import os; os.write(1, b'a' * 3000); os.write(2, b'b' * 1001)").wait(PATIENCE_SECONDS)
    assert (outcome.stdout, outcome.stderr) == (b"a" * 1000, b"b" * 1000)
    assert (outcome.dropped_bytes, outcome.ended.ending) == (2001, Ending.EXITED)


def test_too_much_output_ends_the_run(python: Python, log: Path) -> None:
    outcome = python(FLOOD, limits=Limits(output_mb=1), recording=Recording(audit_log=log)).wait(PATIENCE_SECONDS)
    assert (outcome.ended.ending, outcome.ended.detail) == (Ending.LIMIT, "too much output")
    assert [event.action for event in outcome.violations] == [Action.LIMIT_OUTPUT]
    assert 900_000 < len(outcome.stdout) <= 1_000_000
    assert any(line["action"] == "limit.output" for line in _lines(log))


def test_too_much_output_of_both_streams_together_ends_the_run(python: Python) -> None:
    code = "import os\nwhile True: os.write(1, b'x' * 1000); os.write(2, b'y' * 1000)"
    outcome = python(code, limits=Limits(output_mb=2)).wait(PATIENCE_SECONDS)
    assert outcome.ended.ending is Ending.LIMIT
    assert len(outcome.stdout) + len(outcome.stderr) <= 2_000_000


def test_output_that_is_handed_on_is_limited_too(enforcer: Enforcer, python: Python, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as sink:
        streams = Streams(stdout=sink.fileno())
        outcome = python(FLOOD, limits=Limits(output_mb=1), streams=streams).wait(PATIENCE_SECONDS)
    assert outcome.ended.ending is Ending.LIMIT
    assert (tmp_path / "out").stat().st_size <= 1_000_000


def test_a_slow_reader_gets_all_that_was_printed_under_a_limit(python: Python) -> None:
    data = b"0123456789" * 40_000
    reading, writing = os.pipe()
    session = python(
        "import os\nos.write(1, b'0123456789' * 40000)",
        limits=Limits(output_mb=1),
        streams=Streams(stdout=writing),
    )
    outcome: list[Outcome] = []
    waiting = threading.Thread(target=lambda: outcome.append(session.wait()))
    waiting.start()
    read = b""
    while len(read) < len(data):
        read += os.read(reading, 10_000)
    waiting.join(PATIENCE_SECONDS)
    assert (read == data, outcome[0].dropped_bytes) == (True, 0)


def test_a_reader_that_has_gone_ends_the_program_as_without_us(python: Python) -> None:
    for limits in (None, Limits(output_mb=50)):
        reading, writing = os.pipe()
        os.close(reading)
        code = "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n" + FLOOD
        session = python(code, limits=limits, streams=Streams(stdout=writing))
        ended = session.wait(PATIENCE_SECONDS).ended
        os.close(writing)
        assert (ended.ending, ended.code) == (Ending.SIGNALLED, 128 + signal.SIGPIPE)


def test_a_log_tells_the_whole_run_and_is_signed(enforcer: Enforcer, skill: StagedSkill, log: Path) -> None:
    outcome = enforcer.run(skill, ["true"], recording=Recording(audit_log=log, signer=KEY))
    verdict = verify_log(log, [KEY.public_key])
    assert (verdict.valid, verdict.complete, verdict.head) == (True, True, outcome.log_head)
    lines = _lines(log)
    assert [line["action"] for line in lines[:3]] == ["run.start", "policy.loaded", "selftest.result"]
    assert {line["run"] for line in lines} == {outcome.run}
    assert "unsigned permissions, not verified" in lines[1]["detail"]
    assert lines[1]["path"] == str(skill.source)
    assert outcome.standing.level.value in lines[2]["detail"]
    assert (lines[-1]["action"], lines[-1]["detail"]) == ("run.end", "exited 0")


def test_a_log_holds_the_violation_and_how_it_ended(python: Python, log: Path, tmp_path: Path) -> None:
    outcome = python(f"open({str(tmp_path / 'secret')!r})", recording=Recording(audit_log=log)).wait(PATIENCE_SECONDS)
    assert outcome.ended.ending is Ending.VIOLATION
    (line,) = [line for line in _lines(log) if line["class"] == "violation"]
    assert (line["action"], line["decision"], line["path"]) == ("fs.read", "deny", str(tmp_path / "secret"))
    assert _lines(log)[-1]["detail"] == "violation 137"


def test_runs_follow_each_other_in_one_log(enforcer: Enforcer, skill: StagedSkill, log: Path) -> None:
    for _ in range(2):
        enforcer.run(skill, ["true"], recording=Recording(audit_log=log, signer=KEY))
    verdict = verify_log(log, [KEY.public_key])
    assert (verdict.valid, verdict.runs) == (True, 2)


def test_a_log_that_cannot_be_opened_lets_nothing_run(enforcer: Enforcer, skill: StagedSkill, tmp_path: Path) -> None:
    places = [Path("/dev/full"), tmp_path, tmp_path / "nowhere" / "log", tmp_path / "link"]
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in places:
        with pytest.raises(AuditLogError, match="audit log"):
            enforcer.run(skill, ["sh", "-c", "echo > out/ran"], recording=Recording(audit_log=place))
    assert not (skill.folder / "out" / "ran").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_that_did_not_begin_is_in_the_log(enforcer: Enforcer, skill: StagedSkill, log: Path) -> None:
    with pytest.raises(ConfinementError):
        enforcer.run(skill, ["true", "x" * 200_000], recording=Recording(audit_log=log, signer=KEY))
    assert verify_log(log, [KEY.public_key]).complete
    assert _lines(log)[-1]["detail"].startswith("refused: ")


def test_a_log_that_is_full_ends_the_run_and_says_so(enforcer: Enforcer, skill: StagedSkill, log: Path) -> None:
    code = "import itertools\nfor n in itertools.count():\n open(f'out/{n}', 'w').close()"

    def run() -> list[str | None]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        outcome = enforcer.run(skill, ["python3", "-c", code], recording=Recording(audit_log=log))
        return [outcome.ended.ending.value, outcome.ended.detail, outcome.log_head]

    seen = _in_a_child(run)
    assert isinstance(seen, list), seen
    ending, detail, head = seen
    assert (ending, head) == ("failed", None)
    assert "could not be recorded" in detail
    assert not verify_log(log).complete


def test_a_log_whose_end_cannot_be_written_is_a_failed_run(enforcer: Enforcer, skill: StagedSkill, log: Path) -> None:
    reading, writing = os.pipe()
    session = enforcer.start(skill, ["cat"], recording=Recording(audit_log=log), streams=Streams(stdin=reading))
    os.close(reading)
    assert session._log is not None
    session._log.abandon()  # as after a disk error in another thread
    os.close(writing)
    outcome = session.wait(PATIENCE_SECONDS)
    assert (outcome.ended.ending, outcome.log_head) == (Ending.FAILED, None)
    assert "recorded" in str(outcome.ended.detail)


def test_somebody_who_watches_sees_every_event(python: Python) -> None:
    seen: list[Event] = []
    outcome = python("print('rain')", recording=Recording(watch=seen.append)).wait(PATIENCE_SECONDS)
    assert [event.action for event in seen[:2]] == [Action.POLICY_LOADED, Action.SELFTEST_RESULT]
    assert any(event.action is Action.PROCESS_START for event in seen)
    assert sum(outcome.counts.values()) == sum(event.count for event in seen)


def test_somebody_who_watches_can_end_the_run(python: Python) -> None:
    def watch(event: Event) -> None:
        if event.action is Action.PROCESS_START:
            raise RuntimeError("enough")

    outcome = python(FOREVER, recording=Recording(watch=watch)).wait(PATIENCE_SECONDS)
    assert (outcome.ended.ending, "enough" in str(outcome.ended.detail)) == (Ending.FAILED, True)


def test_whoever_fails_at_the_output_limit_the_flood_ends(python: Python) -> None:
    def watch(event: Event) -> None:
        if event.action is Action.LIMIT_OUTPUT:
            raise RuntimeError("enough")

    session = python(FLOOD, limits=Limits(output_mb=1), recording=Recording(watch=watch))
    assert session.wait(PATIENCE_SECONDS).ended.ending is Ending.LIMIT


def test_violations_are_told_and_what_cannot_be_told_is_in_the_report(python: Python, tmp_path: Path) -> None:
    told: list[Mapping[str, Any]] = []

    def fail(_: Mapping[str, Any]) -> None:
        raise EnforcerError("nobody is there")

    alerts = (CallbackSink(fail, "broken"), CallbackSink(told.append))
    outcome = python(f"open({str(tmp_path / 'secret')!r})", recording=Recording(alerts=alerts)).wait(PATIENCE_SECONDS)
    assert [(payload["action"], payload["run"]) for payload in told] == [("fs.read", outcome.run)]
    assert outcome.failed_alerts == ("broken: EnforcerError: nobody is there",)


def test_a_run_without_violations_tells_nobody(python: Python) -> None:
    told: list[Mapping[str, Any]] = []
    outcome = python("pass", recording=Recording(alerts=(CallbackSink(told.append),))).wait(PATIENCE_SECONDS)
    assert (told, outcome.failed_alerts) == ([], ())


def test_violations_are_counted_beyond_those_that_are_listed(skill: StagedSkill, tmp_path: Path) -> None:
    code = (
        "import os\nfor n in range(1100):\n"
        f" try: os.mkdir(f{str(tmp_path) + '/{n}'!r})\n except OSError: pass\nprint('done')"
    )
    denying = Enforcer(reaction=Reaction.DENY, limits=Limits(timeout_seconds=60))
    outcome = denying.run(skill, ["python3", "-c", code])
    assert outcome.stdout == b"done\n"
    assert (len(outcome.violations), outcome.violation_count) == (1000, 1100)
    assert outcome.counts[Class.VIOLATION.value] == 1100


def test_a_closed_stream_is_not_handed_on_as_whatever_is_opened_next(
    enforcer: Enforcer, skill: StagedSkill, log: Path
) -> None:
    enforcer.run(skill, ["true"])  # all is loaded

    def run(number: int) -> str:
        os.close(number)
        try:
            enforcer.start(skill, ["true"], streams=Streams.inherited(), recording=Recording(audit_log=log))
        except ConfinementError as error:
            return str(error)
        return "started"

    for number in range(3):
        assert _in_a_child(partial(run, number)) == (
            f"the standard stream {number} of this process is closed; open it, if only on /dev/null"
        )
    assert not log.exists()


def test_a_descriptor_that_is_none_lets_nothing_run(enforcer: Enforcer, skill: StagedSkill) -> None:
    with pytest.raises(ConfinementError, match="stream is closed"):
        enforcer.start(skill, ["true"], streams=Streams(stdin=987))


def test_a_session_that_did_not_begin_has_nothing_to_wait_for(enforcer: Enforcer, skill: StagedSkill) -> None:
    session = Session(skill, enforcer.policy(skill, ["true"]), enforcer.standing(), Recording(), _never, Limits())
    for call in (session.wait, session.stop, lambda: session.signal(15), lambda: session.pid):
        with pytest.raises(ConfinementError, match="not started"):
            call()


def test_an_event_loop_goes_on_while_programs_run(enforcer: Enforcer, skill: StagedSkill) -> None:
    async def run() -> tuple[list[bytes], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        turning = asyncio.create_task(turn())
        commands = [["sh", "-c", f"sleep 0.1; echo {number}"] for number in range(3)]
        outcomes = await asyncio.gather(*(enforcer.run_async(skill, command) for command in commands))
        turning.cancel()
        return [outcome.stdout for outcome in outcomes], turns

    printed, turns = asyncio.run(run())
    assert printed == [b"0\n", b"1\n", b"2\n"]
    assert turns > 10


def test_a_run_that_is_cancelled_is_killed(enforcer: Enforcer, skill: StagedSkill) -> None:
    reading, writing = os.pipe()

    async def run() -> None:
        command = ["python3", "-c", f"import subprocess; subprocess.Popen(['sleep', '86399'])\n{STUBBORN}"]
        running = asyncio.create_task(enforcer.run_async(skill, command, streams=Streams(stdout=writing)))
        await asyncio.to_thread(os.read, reading, 6)
        os.close(writing)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert os.read(reading, 1) == b""  # nobody holds the other end any more
    os.close(reading)


def test_a_start_that_is_cancelled_leaves_nothing_running(enforcer: Enforcer, skill: StagedSkill) -> None:
    reading, writing = os.pipe()

    async def run() -> None:
        command = ["python3", "-c", STUBBORN]
        starting = asyncio.create_task(enforcer.start_async(skill, command, streams=Streams(stdout=writing)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(run())
    os.close(writing)
    while os.read(reading, 100):
        pass  # it may have been ready; then it was killed
    os.close(reading)


def test_a_session_is_waited_for_from_several_places(enforcer: Enforcer, skill: StagedSkill) -> None:
    async def run() -> list[Outcome]:
        session = await enforcer.start_async(skill, ["sleep", "0.1"])
        return list(await asyncio.gather(session.wait_async(), session.wait_async(), asyncio.to_thread(session.wait)))

    first, second, third = asyncio.run(run())
    assert first is second
    assert second is third


def test_nothing_is_left_of_a_run_whose_starter_was_killed(enforcer: Enforcer, skill: StagedSkill) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            enforcer.run(skill, ["python3", "-c", STUBBORN], streams=Streams(stdout=writing))
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 6) == b"ready\n"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b""
    os.close(reading)


def _never() -> Any:  # noqa: ANN401 - it does not return
    raise AssertionError("nobody asks for the time")


def _in_a_child(function: Callable[[], Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return what a function returns in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(function()).encode())
        except BaseException as error:  # noqa: BLE001 - it is told to the test
            os.write(writing, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return json.loads(data)
