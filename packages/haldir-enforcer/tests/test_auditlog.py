import fcntl
import hashlib
import itertools
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_core import PrivateKey
from haldir_core.canonical import canonical_bytes
from haldir_enforcer._auditlog.lines import FIRST_PREV, MAX_LINE_BYTES, LineWriter, canonical
from haldir_enforcer._auditlog.text import printable, printable_arguments
from haldir_enforcer.auditlog import AuditLog, Folding, LogVerification, RunIdentity, new_run_id, verify_log
from haldir_enforcer.confinement import Level
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")

KEY = PrivateKey.from_seed(b"k" * 32)
OTHER_KEY = PrivateKey.from_seed(b"o" * 32)
RUN = RunIdentity(run=new_run_id(lambda n: bytes(range(n))), skill="weather@1.0", level=Level.L2)
OTHER_RUN = RunIdentity(run=new_run_id(lambda n: b"\xff" * n), skill="weather@1.0", level=Level.L2)
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def a_clock() -> Callable[[], datetime]:
    moments = (START + timedelta(milliseconds=count) for count in itertools.count())
    return lambda: next(moments)


def a_read(path: str = "/data/a", **changes: Any) -> Event:  # noqa: ANN401 - any member of an event
    event = Event(
        action=Action.FS_READ,
        decision=Decision.ALLOW,
        by=By.SUPERVISOR,
        kind=Class.DECLARED,
        pid=7,
        ppid=1,
        exe="/usr/bin/python3",
        path=path,
        via="a",
        flags=("O_RDONLY",),
        rule="/data/**",
    )
    return attrs.evolve(event, **changes)


def a_violation(number: int = 0) -> Event:
    return Event(
        action=Action.NET_CONNECT,
        decision=Decision.DENY,
        by=By.KERNEL,
        kind=Class.VIOLATION,
        endpoint=Endpoint("evil.example", "192.0.2.1", 1000 + number, "tcp"),
        errno=13,
        argv=("curl", "-d", "@secret"),
    )


def write_run(path: Path, identity: RunIdentity = RUN, *, events: int = 5, signer: PrivateKey | None = KEY) -> str:
    log = AuditLog.open(path, identity, clock=a_clock())
    for number in range(events):
        log.record(a_read(f"/data/{number}"))
    log.record(a_violation())
    return log.close("exited 0", signer=signer)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def messages(verification: LogVerification) -> str:
    return "; ".join(f"{error.line}: {error.message}" for error in verification.errors)


# what is written


def test_a_log_that_was_written_verifies(path: Path) -> None:
    head = write_run(path)

    assert head == lines_of(path)[-1]["hash"]
    assert verify_log(path, [KEY.public_key]) == LogVerification(
        valid=True, complete=True, runs=1, events=6, errors=(), signed_by=(KEY.keyid,), head=head
    )


def test_a_line_has_every_member_of_the_format(path: Path) -> None:
    write_run(path)

    start, read, *_, denied, end = lines_of(path)
    assert start["action"] == "run.start"
    assert read == {
        "v": 1,
        "seq": 1,
        "ts": "2026-01-31T12:00:00.001Z",
        "run": RUN.run,
        "skill": "weather@1.0",
        "action": "fs.read",
        "decision": "allow",
        "by": "supervisor",
        "level": "L2",
        "pid": 7,
        "ppid": 1,
        "exe": "/usr/bin/python3",
        "path": "/data/0",
        "via": "a",
        "flags": ["O_RDONLY"],
        "argv": None,
        "endpoint": None,
        "rule": "/data/**",
        "class": "declared",
        "errno": None,
        "detail": None,
        "count": 1,
        "prev": start["hash"],
        "hash": read["hash"],
    }
    assert denied["endpoint"] == {"host": "evil.example", "ip": "192.0.2.1", "port": 1000, "proto": "tcp"}
    assert end["counts"] == {"lines": 6, "allow": 5, "deny": 1, "declared": 5, "ambient": 0, "violation": 1}
    assert end["dropped"] == 0
    assert end["detail"] == "exited 0"


def test_the_hash_is_that_of_the_canonical_line_without_it(path: Path) -> None:
    write_run(path, signer=None)

    previous = FIRST_PREV
    for line in lines_of(path):
        assert line["prev"] == previous
        previous = line.pop("hash")
        assert hashlib.sha256(canonical_bytes(line)).hexdigest() == previous


TEXTS = st.text(max_size=40) | st.text(st.characters(categories=["Cs", "Cc", "Cf"]), max_size=10)
NAMES = st.none() | TEXTS
NUMBERS = st.integers(0, 2**31)
EVENTS = st.builds(
    Event,
    action=st.sampled_from(Action),
    decision=st.sampled_from(Decision),
    by=st.sampled_from(By),
    kind=st.sampled_from(Class),
    pid=NUMBERS,
    ppid=NUMBERS,
    exe=NAMES,
    path=NAMES,
    via=NAMES,
    flags=st.lists(TEXTS, max_size=3).map(tuple),
    argv=st.lists(TEXTS, max_size=5).map(tuple),
    endpoint=st.none() | st.builds(Endpoint, NAMES, NAMES, st.none() | st.integers(0, 65535), TEXTS),
    rule=NAMES,
    errno=st.none() | st.integers(0, 200),
    detail=NAMES,
    count=st.integers(1, 2**40),
)


@given(event=EVENTS, skill=TEXTS)
def test_the_fast_writer_writes_what_the_canonical_form_of_core_is(event: Event, skill: str) -> None:
    identity = RunIdentity(run=RUN.run, skill=skill, level=Level.L3)
    fast = LineWriter(identity, seq=7, prev=FIRST_PREV)
    slow = LineWriter(identity, seq=7, prev=FIRST_PREV)

    line = fast.event_line(event, START)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line[:-1] == canonical_bytes(json.loads(line))
    assert line == slow.line_of(slow.members(event, START))
    assert (fast.seq, fast.prev) == (slow.seq, slow.prev) == (8, json.loads(line)["hash"])


@given(
    members=st.dictionaries(
        st.text(st.characters(codec="ascii"), max_size=8), st.none() | TEXTS.map(printable) | st.integers(0, 2**53 - 1)
    )
)
def test_the_reader_and_core_agree_about_the_canonical_form(members: dict[str, object]) -> None:
    assert canonical(members) == canonical_bytes(members)  # type: ignore[arg-type]


@given(events=st.lists(EVENTS.filter(lambda event: not event.action.startswith("run.")), max_size=8))
@settings(max_examples=50)
def test_whatever_was_recorded_verifies(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log = AuditLog.open(path, RUN, clock=a_clock())
    for event in events:
        log.record(event)
    log.close()

    verification = verify_log(path)

    assert verification.errors == ()
    assert verification.events == sum(event.count for event in events)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/plain/é/雪", "/plain/é/雪"),
        ("a\nb", "a\\u000ab"),
        ("a\\nb", "a\\\\nb"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\u202egpj", "\\u202egpj"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("x" * 5000, "x" * 4096 + "\\+904"),
    ],
)
def test_texts_of_a_skill_are_shown_without_effect(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) == (one == other)


def test_long_arguments_are_cut_and_counted() -> None:
    assert printable_arguments(["a"] * 70) == [*["a"] * 64, "\\+6"]
    assert printable_arguments(["b" * 2000]) == ["b" * 1024 + "\\+976"]
    assert sum(map(len, printable_arguments(["c" * 1024] * 60))) < 17_000


def test_the_longest_line_that_can_be_written_can_be_read(path: Path) -> None:
    worst = "\U000e0041" * 70_000
    log = AuditLog.open(path, RunIdentity(run=RUN.run, skill=worst, level=Level.L5), clock=a_clock())
    endpoint = Endpoint(worst, worst, 1, worst)
    log.record(a_read(worst, via=worst, exe=worst, rule=worst, detail=worst, argv=(worst,) * 99, flags=(worst,) * 99))
    log.record(a_read(worst, endpoint=endpoint, argv=(worst,) * 99))
    log.close(worst)

    assert verify_log(path).valid
    assert max(map(len, path.read_bytes().splitlines())) < MAX_LINE_BYTES


# folding


def test_identical_events_become_a_count_after_sixteen(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())
    for _ in range(1000):
        log.record(a_read())
        log.record(a_violation())
    log.close()

    counts = [line["count"] for line in lines_of(path)]
    assert sorted(counts) == [1] * 34 + [984, 984]
    assert verify_log(path).events == 2000


def test_a_flood_of_different_targets_does_not_fill_the_disk_nor_hide_a_violation(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock(), folding=Folding(max_bytes=20_000, violation_bytes=20_000))
    for number in range(3000):
        log.record(a_read(f"/data/{number}"))
    log.record(a_violation())
    for number in range(3000):
        log.record(a_violation(number))
    log.close()

    assert path.stat().st_size < 50_000
    verification = verify_log(path)
    assert (verification.valid, verification.events) == (True, 6001)
    denied = [line for line in lines_of(path) if line["class"] == "violation"]
    assert denied[0]["endpoint"]["port"] == 1000
    assert denied[-1]["detail"] == "too many different targets: only counted"


def test_events_of_many_threads_are_one_chain(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())

    def flood(name: str) -> None:
        for number in range(200):
            log.record(a_read(f"/{name}/{number}"))

    threads = [threading.Thread(target=flood, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()

    assert verify_log(path).valid
    assert verify_log(path).events == 800


# the file


def test_a_new_log_is_private_and_locked(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(AuditLogError, match="another run is writing it"):
        AuditLog.open(path, OTHER_RUN, clock=a_clock())
    log.close()


def test_a_second_run_goes_on_with_the_chain(path: Path) -> None:
    write_run(path)
    head = write_run(path, OTHER_RUN)

    assert verify_log(path, [KEY.public_key]) == LogVerification(
        valid=True, complete=True, runs=2, events=12, errors=(), signed_by=(KEY.keyid,), head=head
    )


def test_a_run_after_a_killed_one_is_written_and_the_killed_one_shows(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())
    log.record(a_read())
    log.abandon()
    write_run(path, OTHER_RUN)

    verification = verify_log(path)
    assert (verification.valid, verification.complete, verification.runs) == (False, False, 2)
    assert messages(verification) == "3: the run that began at line 1 has no run.end: it is truncated"


def _link(path: Path) -> None:
    path.symlink_to(path.with_name("other"))


def _link_to_file(path: Path) -> None:
    path.with_name("other").touch(mode=0o600)
    path.symlink_to("other")


def _hard_link(path: Path) -> None:
    path.with_name("other").touch(mode=0o600)
    path.hardlink_to(path.with_name("other"))


def _readable(path: Path) -> None:
    path.touch()
    path.chmod(0o644)


def _torn(path: Path) -> None:
    write_run(path)
    os.truncate(path, path.stat().st_size - 1)


def _changed(path: Path) -> None:
    write_run(path)
    path.write_bytes(path.read_bytes().replace(b"exited 0", b"exited 1"))


def _garbage(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(b"\n")


UNFIT: dict[str, Callable[[Path], object]] = {
    "a dangling link": _link,
    "a link": _link_to_file,
    "a hard link": _hard_link,
    "a file for all": _readable,
    "a folder": Path.mkdir,
    "a fifo": lambda path: os.mkfifo(path, 0o600),
    "a torn line": _torn,
    "a changed last line": _changed,
    "an empty line": _garbage,
}


@pytest.mark.parametrize("make", UNFIT.values(), ids=UNFIT.keys())
def test_a_file_that_is_no_whole_private_log_is_not_continued(make: Callable[[Path], object], path: Path) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(AuditLogError, match=r"audit log .*: "):
        AuditLog.open(path, OTHER_RUN, clock=a_clock())
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_log_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuditLogError, match="cannot be created: No such file"):
        AuditLog.open(tmp_path / "missing" / "log", RUN, clock=a_clock())


def test_the_head_is_that_of_the_last_line(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())
    log.record(a_read())

    assert log.head == lines_of(path)[-1]["hash"]
    log.abandon()


# failures


def test_a_full_disk_is_an_error_at_the_start() -> None:
    with pytest.raises(AuditLogError, match="cannot be written: No space left"):
        AuditLog(os.open("/dev/full", os.O_WRONLY), RUN, clock=a_clock())


def test_a_disk_that_fills_up_ends_the_recording_and_leaves_whole_lines(path: Path) -> None:
    script = f"""
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from haldir_enforcer.auditlog import *
from haldir_enforcer.confinement import Level
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import *
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
log = AuditLog.open(Path({str(path)!r}), RunIdentity(run={RUN.run!r}, skill="a@1", level=Level.L2),
                    clock=lambda: datetime.now(UTC))
def record(path):
    log.record(Event(action=Action.FS_READ, decision=Decision.ALLOW, by=By.SUPERVISOR, kind=Class.DECLARED, path=path))
try:
    for number in range(100):
        record(str(number))
except AuditLogError as error:
    print(error)
for again in (lambda: record("again"), log.close):
    try:
        again()
    except AuditLogError as error:
        print(error)
log.abandon()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    first, *others = done.stdout.splitlines()
    assert first == "cannot be written: File too large; the run ends, because it can no longer be recorded"
    assert others == [
        "nothing more can be recorded in this audit log: writing failed: File too large",
        "nothing more can be recorded in this audit log: writing failed: File too large",
    ]
    assert 3000 < path.stat().st_size < 5000
    assert path.read_bytes().endswith(b"}\n")
    assert messages(verify_log(path)).endswith("it is truncated")


def test_a_log_that_cannot_reach_the_disk_at_its_end_is_an_error() -> None:
    reader, writer = os.pipe()  # a pipe takes the lines, and cannot be synced
    log = AuditLog(writer, RUN, clock=a_clock())

    with pytest.raises(AuditLogError, match="cannot be written"):
        log.close()
    os.close(reader)


def test_a_log_takes_nothing_after_its_end(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())
    log.close()
    log.abandon()

    with pytest.raises(AuditLogError, match="it is closed"):
        log.record(a_read())
    with pytest.raises(AuditLogError, match="it is closed"):
        log.close()
    assert verify_log(path).valid


@pytest.mark.parametrize("action", [Action.RUN_START, Action.RUN_END])
def test_nobody_else_writes_start_or_end_of_a_run(action: Action, path: Path) -> None:
    with AuditLog.open(path, RUN, clock=a_clock()) as log, pytest.raises(AuditLogError, match="by the log itself"):
        log.record(a_read(action=action))


def test_a_with_block_that_fails_leaves_a_truncated_run(path: Path) -> None:
    with AuditLog.open(path, RUN, clock=a_clock()) as log:
        log.record(a_read())

    assert not verify_log(path).complete


# tampering


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


TAMPERINGS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "an edit": (lambda lines: [line.replace(b"/data/3", b"/data/4") for line in lines], "it was changed"),
    "an edited end": (lambda lines: [line.replace(b"exited 0", b"exited 1") for line in lines], "it was changed"),
    "a deletion": (lambda lines: lines[:3] + lines[4:], "lines are missing"),
    "a reorder": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], "lines are missing, added or moved"),
    "an insertion": (lambda lines: lines[:3] + lines[2:], "lines are missing, added or moved"),
    "no start": (lambda lines: lines[1:], "line has number 1, 0 comes here"),
    "no end": (lambda lines: lines[:-1], "has no run.end"),
    "a cut line": (lambda lines: [*lines[:-1], lines[-1][:-1]], "no line feed"),
    "half a line": (lambda lines: [*lines[:-1], lines[-1][:50]], "cut off"),
    "a blank line": (lambda lines: [*lines[:3], b"\n", *lines[3:]], "is no JSON"),
    "white space": (lambda lines: [lines[0], lines[1].replace(b'":', b'": ', 1), *lines[2:]], "not canonical"),
    "a carriage return": (lambda lines: [lines[0][:-1] + b"\r\n", *lines[1:]], "not canonical"),
    "a double member": (lambda lines: [lines[0][:-2] + b',"via":null}\n', *lines[1:]], "not canonical"),
    "a number as 1.0": (lambda lines: [lines[0].replace(b'"v":1', b'"v":1.0'), *lines[1:]], "number 1.0"),
    "a number as 1e0": (lambda lines: [lines[0].replace(b'"v":1', b'"v":1e0'), *lines[1:]], "number 1e0"),
    "true for 1": (lambda lines: [lines[0].replace(b'"count":1', b'"count":true'), *lines[1:]], "wrong count"),
    "NaN": (lambda lines: [lines[0].replace(b'"pid":', b'"pid":NaN,"x":'), *lines[1:]], "number NaN"),
    "a huge number": (lambda lines: [lines[0].replace(b'"seq":0', b'"seq":' + b"9" * 5000), *lines[1:]], "4300 digits"),
    "a big number": (lambda lines: [lines[0].replace(b'"seq":0', b'"seq":9007199254740992'), *lines[1:]], "wrong seq"),
    "another version": (lambda lines: [lines[0].replace(b'"v":1', b'"v":2'), *lines[1:]], "no version 1"),
    "a strange member": (lambda lines: [lines[0].replace(b'"v":1', b'"v":1,"va":1'), *lines[1:]], "'va'"),
    "a missing member": (lambda lines: [lines[0].replace(b',"via":null', b""), *lines[1:]], "has no via"),
    "an array": (lambda lines: [b"[]\n", *lines], "no version 1"),
    "deep nesting": (lambda lines: [b"[" * 100_000 + b"\n", *lines], "nested too deep"),
    "no UTF-8": (lambda lines: [lines[0].replace(b"weather", b"\xff"), *lines[1:]], "not UTF-8"),
    "UTF-16": (lambda lines: [lines[0].decode().encode("utf-16"), *lines[1:]], "line is"),
    "half a pair": (lambda lines: [lines[0].replace(b"weather", b"\\ud800"), *lines[1:]], "half of a surrogate"),
    "a byte order mark": (lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]], "line is"),
    "a long line": (lambda lines: [b"x" * (MAX_LINE_BYTES + 10) + b"\n", *lines], "is longer than"),
    "nothing": (lambda _: [], "the log is empty"),
    "no signature": (
        lambda lines: [*lines[:-1], lines[-1].replace(b',"signature":' + _signature(lines[-1]), b"")],
        "not signed",
    ),
    "another signature": (
        lambda lines: [*lines[:-1], lines[-1].replace(b'"sig":"', b'"sig":"AA')],
        "is wrong",
    ),
    "no base64": (lambda lines: [*lines[:-1], lines[-1].replace(b'"sig":"', b'"sig":"!')], "is wrong"),
    "another key": (
        lambda lines: [*lines[:-1], lines[-1].replace(KEY.keyid.encode(), OTHER_KEY.keyid.encode())],
        "none of the given keys",
    ),
}


def _signature(line: bytes) -> bytes:
    return canonical(json.loads(line)["signature"])


@pytest.mark.parametrize(("tamper", "message"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_is_seen(tamper: Callable[[list[bytes]], list[bytes]], message: str, path: Path) -> None:
    write_run(path)
    path.write_bytes(b"".join(tamper(_lines(path))))

    verification = verify_log(path, [KEY.public_key])

    assert not verification.valid
    assert message in messages(verification)


def _rehashed(lines: list[bytes], change: Callable[[list[dict[str, Any]]], None]) -> list[bytes]:
    """Return the log as somebody without the key writes it who knows the format."""
    members = [json.loads(line) for line in lines]
    change(members)
    previous = FIRST_PREV
    written = []
    for seq, line in enumerate(members):
        line |= {"seq": seq, "prev": previous}
        previous = hashlib.sha256(
            canonical({name: value for name, value in line.items() if name not in {"hash", "signature"}})
        ).hexdigest()
        written.append(canonical({**line, "hash": previous}) + b"\n")
    return written


def _remove_a_violation(members: list[dict[str, Any]]) -> None:
    members[:] = [line for line in members if line["class"] != "violation"]


def test_a_log_that_was_made_anew_does_not_fit_its_counts(path: Path) -> None:
    write_run(path)
    path.write_bytes(b"".join(_rehashed(_lines(path), _remove_a_violation)))

    assert "counts other events" in messages(verify_log(path))


def test_a_log_that_was_made_anew_with_its_counts_does_not_fit_its_signature(path: Path) -> None:
    def forge(members: list[dict[str, Any]]) -> None:
        _remove_a_violation(members)
        members[-1]["counts"] |= {"lines": 5, "deny": 0, "violation": 0}

    write_run(path)
    path.write_bytes(b"".join(_rehashed(_lines(path), forge)))

    assert verify_log(path).valid  # nobody but the signature vouches for it
    assert f"the signature of {KEY.keyid} over this run is wrong" in messages(verify_log(path, [KEY.public_key]))


def _drop_three(members: list[dict[str, Any]]) -> None:
    members[-1]["dropped"] = 3


def test_dropped_events_are_an_error(path: Path) -> None:
    write_run(path)
    path.write_bytes(b"".join(_rehashed(_lines(path), _drop_three)))

    assert "3 events of this run were dropped" in messages(verify_log(path))


def test_the_tail_of_another_log_is_seen(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_run(path)
    write_run(other, OTHER_RUN)
    path.write_bytes(b"".join(_lines(path)[:4] + _lines(other)[4:]))

    found = messages(verify_log(path, [KEY.public_key]))
    assert "5: line does not follow the one before" in found
    assert "5: line belongs to another run than the one that began at line 1" in found


def test_a_run_that_was_taken_out_of_the_middle_is_seen(path: Path) -> None:
    for identity in (RUN, OTHER_RUN, RUN):
        write_run(path, identity)
    lines = _lines(path)
    path.write_bytes(b"".join(lines[:8] + lines[16:]))

    assert "9: line has number 16, 8 comes here" in messages(verify_log(path))


def test_one_damaged_line_is_one_error(path: Path) -> None:
    write_run(path)
    lines = _lines(path)
    lines[3] = b"{}\n"
    path.write_bytes(b"".join(lines))

    assert [error.line for error in verify_log(path).errors] == [4, 8]  # the line, and the count of its run


def test_lines_outside_of_runs_are_seen(path: Path) -> None:
    write_run(path)
    path.write_bytes(b"".join(_rehashed(_lines(path), lambda members: members.append(dict(members[1])))))
    assert "9: line stands outside of a run" in messages(verify_log(path))

    write_run(path.with_name("b"))
    path.write_bytes(b"".join(_rehashed(_lines(path.with_name("b")), lambda members: members.__delitem__(0))))
    assert "1: the first line is no run.start" in messages(verify_log(path))


def test_the_signature_of_one_run_does_not_serve_for_another(path: Path) -> None:
    write_run(path)
    stolen = json.loads(_lines(path)[-1])["signature"]

    def forge(members: list[dict[str, Any]]) -> None:
        members[-1] |= {"detail": "exited 1", "signature": stolen}

    path.write_bytes(b"".join(_rehashed(_lines(path), forge)))
    assert "is wrong" in messages(verify_log(path, [KEY.public_key]))


def test_a_log_of_two_signers_names_both(path: Path) -> None:
    write_run(path)
    write_run(path, OTHER_RUN, signer=OTHER_KEY)

    verification = verify_log(path, [OTHER_KEY.public_key, KEY.public_key])
    assert verification.valid
    assert verification.signed_by == (KEY.keyid, OTHER_KEY.keyid)
    assert not verify_log(path, [KEY.public_key]).valid


# reading


def test_lines_in_memory_verify_too(path: Path) -> None:
    write_run(path)

    assert verify_log(path.read_bytes().splitlines()).valid
    assert verify_log(iter(_lines(path))).valid


def test_reading_stops_after_a_hundred_errors(path: Path) -> None:
    consumed = 0

    def garbage() -> Iterator[bytes]:
        nonlocal consumed
        while True:
            consumed += 1
            yield b"x\n"

    assert len(verify_log(garbage()).errors) == 101
    assert consumed == 100


def test_a_large_log_is_read_in_little_memory(path: Path) -> None:
    log = AuditLog.open(path, RUN, clock=a_clock())
    for number in range(30_000):
        log.record(a_read(f"/data/{number}"))
    log.close()
    script = f"""
import resource
from pathlib import Path
from haldir_enforcer.auditlog import verify_log
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert verify_log(Path({str(path)!r})).events == 30_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    grown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(grown.stdout) < path.stat().st_size / 3


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir], ids=["no file", "a folder"])
def test_a_log_that_cannot_be_read_is_an_error(make: Callable[[Path], object], path: Path) -> None:
    make(path)
    with pytest.raises(AuditLogError, match="cannot be read"):
        verify_log(path)


def test_a_fifo_does_not_hang_the_reader(path: Path) -> None:
    os.mkfifo(path)
    assert messages(verify_log(path)) == "0: the log is empty"


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    assert not verify_log(data.splitlines(keepends=True), [KEY.public_key]).valid


@given(data=st.data())
@settings(max_examples=300)
def test_no_mutation_of_a_log_is_valid(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.log"
    if not path.exists():
        write_run(path)
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    size = data.draw(st.integers(0, 3))
    new = good[:at] + data.draw(st.binary(max_size=3)) + good[at + size :]

    verification = verify_log(new.splitlines(keepends=True), [KEY.public_key])

    # a final line feed more or less is no difference between lines in memory
    assert verification.valid == (new.splitlines() == good.splitlines())


def test_an_identifier_is_a_version_4_uuid() -> None:
    assert new_run_id(lambda n: b"\xff" * n) == "ffffffff-ffff-4fff-bfff-ffffffffffff"
    assert new_run_id(bytes) == "00000000-0000-4000-8000-000000000000"
    assert new_run_id() != new_run_id()


def test_signing_is_all_that_needs_the_keys_of_core(path: Path) -> None:
    script = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from haldir_enforcer.auditlog import *
from haldir_enforcer.confinement import Level
with_log = AuditLog.open(Path({str(path)!r}), RunIdentity(run=new_run_id(), skill="a@1", level=Level.L2),
                         clock=lambda: datetime.now(UTC))
with_log.close()
assert not {{"cryptography", "asyncio", "ssl", "subprocess", "socket", "urllib.request"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
