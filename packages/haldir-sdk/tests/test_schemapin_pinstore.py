import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from haldir_core.schemapin.codes import PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.pins import (
    Candidate,
    Decision,
    DomainPolicy,
    Mode,
    Outcome,
    Pin,
    PinError,
    Question,
    reject_all,
)
from haldir_core.schemapin.revocation import KeyRevocations, RevokedKey
from haldir_core.schemapin.times import Moment
from haldir_sdk.schemapin._database import DatabaseError
from haldir_sdk.schemapin.pinstore import PinStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Domain("example.com")
KEY = "sha256:" + "0a" * 32
OTHER = "sha256:" + "0b" * 32
CANDIDATE = Candidate(tool_id=ToolId("weather"), domain=HERE, fingerprint=KEY, public_key_pem="PEM")
CHANGED = attrs.evolve(CANDIDATE, fingerprint=OTHER)
PROCESSES = 8
TOOLS = 25

Open = Callable[..., PinStore]

WORKER = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from haldir_core.schemapin.pins import Candidate
from haldir_sdk.schemapin.pinstore import PinStore

me, path, tools = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
mine = "sha256:" + f"{me:02x}" * 32
accepted = []
sys.stdin.read(1)
with PinStore(path) as pins:
    for number in range(tools):
        for tool in (f"shared-{number}", f"own-{me}-{number}"):
            candidate = Candidate(tool_id=tool, domain="example.com", fingerprint=mine, public_key_pem="PEM")
            if not pins.peek(candidate).is_refused and not pins.commit(candidate, datetime.now(UTC)).is_refused:
                accepted.append(tool)
print(json.dumps(accepted))
"""


def test_eight_processes_lose_no_pin_and_accept_no_two_keys(store_path: Path, open_store: Open) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(number), str(store_path), str(TOOLS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go")
        worker.stdin.flush()
    accepted = [set(json.loads(worker.communicate(timeout=120)[0])) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    with open_store() as pins:
        stored = {pin.tool_id: pin.fingerprint for pin in pins.pins()}
        assert len(pins.pins()) == len(stored) == TOOLS * (PROCESSES + 1)
    for number, tools in enumerate(accepted):
        assert tools == {tool for tool, key in stored.items() if key == "sha256:" + f"{number:02x}" * 32}


def test_threads_of_one_store_lose_no_pin(open_store: Open) -> None:
    refused: list[str] = []
    with open_store() as pins:

        def work(number: int) -> None:
            for tool in range(10):
                candidate = attrs.evolve(CANDIDATE, tool_id=ToolId(f"{tool}"), fingerprint=f"sha256:{number:064x}")
                if pins.commit(candidate, NOW).is_refused:
                    refused.append(candidate.fingerprint)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(pins.pins()) == 10
        assert len(refused) == 30


def test_a_store_that_was_opened_before_a_fork_serves_after_it(open_store: Open) -> None:
    with open_store() as pins:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = int(pins.commit(CANDIDATE, NOW).is_refused)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert pins.peek(CANDIDATE).status is PinStatus.PINNED


def test_the_file_and_its_folder_are_for_their_owner_alone(open_store: Open, store_path: Path) -> None:
    before = os.umask(0)
    try:
        open_store().close()
    finally:
        os.umask(before)
    assert oct(store_path.stat().st_mode & 0o777) == "0o600"
    assert oct(store_path.parent.stat().st_mode & 0o777) == "0o700"


def test_the_first_key_is_pinned_and_another_is_refused(open_store: Open) -> None:
    with open_store() as pins:
        assert pins.commit(CANDIDATE, NOW).status is PinStatus.FIRST_USE
        assert pins.commit(CHANGED, NOW).outcome is Outcome.REFUSED
    with open_store() as again:
        assert again.commit(CANDIDATE, NOW).status is PinStatus.PINNED
        assert [pin.fingerprint for pin in again.pins()] == [KEY]


def test_a_look_writes_nothing(open_store: Open) -> None:
    with open_store() as pins:
        assert pins.peek(CANDIDATE).outcome is Outcome.ACCEPTED
        assert pins.pins() == ()
        assert pins.epoch() == 0


def test_a_key_that_was_revoked_is_never_pinned_again(open_store: Open) -> None:
    always = {"mode": Mode.INTERACTIVE, "decide": lambda _: Decision.ALWAYS_TRUST}
    with open_store(**always) as pins:
        pins.set_policy(HERE, DomainPolicy.ALWAYS_TRUST, NOW)
        pins.note_revoked(HERE, [KEY.upper()], NOW)
        assert pins.commit(CANDIDATE, NOW).is_refused
        assert pins.pins() == ()
        with pytest.raises(PinError, match="revoked"):
            pins.add([Pin.of(CANDIDATE, NOW)])


def test_a_pinned_key_that_is_revoked_later_is_refused(open_store: Open) -> None:
    with open_store() as pins:
        pins.commit(CANDIDATE, NOW)
        pins.note_revoked(HERE, ["0A" * 32], NOW)
        assert pins.peek(CANDIDATE).is_refused


def test_a_domain_revokes_its_own_keys_only(open_store: Open) -> None:
    with open_store() as pins:
        pins.note_revoked(Domain("evil.example"), [KEY], NOW)
        assert not pins.peek(CANDIDATE).is_refused


def test_what_is_no_fingerprint_is_not_remembered(open_store: Open) -> None:
    with open_store() as pins:
        pins.note_revoked(HERE, ["", "sha256:zz", "x" * 100_000], NOW)
        assert pins.revoked(HERE) == frozenset()


def _document(updated: str, *keys: str) -> KeyRevocations:
    entries = tuple(RevokedKey(key, "", "superseded") for key in keys)
    return KeyRevocations(domain=HERE, updated_at=Moment.parse(updated), revoked_keys=entries)


def test_the_newest_revocation_document_is_remembered_with_all_that_any_revokes(open_store: Open) -> None:
    with open_store() as pins:
        pins.note_document(HERE, _document("2026-02-02T00:00:00Z", KEY), NOW)
        pins.note_document(HERE, _document("2026-02-01T00:00:00Z", OTHER), NOW)
        assert pins.newest_document(HERE) == Moment.parse("2026-02-02T00:00:00Z")
        assert pins.revoked(HERE) == {KEY, OTHER}


def test_a_date_in_the_future_is_not_remembered(open_store: Open) -> None:
    with open_store() as pins:
        pins.note_document(HERE, _document("2099-01-01T00:00:00Z"), NOW)
        assert pins.newest_document(HERE) is None


def test_the_epoch_grows_with_all_that_changes_a_judgement(open_store: Open) -> None:
    with open_store() as pins:
        seen = [pins.epoch()]
        for change in (
            lambda: pins.commit(CANDIDATE, NOW),
            lambda: pins.note_revoked(HERE, [OTHER], NOW),
            lambda: pins.set_policy(HERE, DomainPolicy.NEVER_TRUST, NOW),
            lambda: pins.remove("weather", HERE),
        ):
            change()
            seen.append(pins.epoch())
        assert seen == sorted(set(seen))


def test_a_key_that_is_seen_again_changes_no_judgement(open_store: Open) -> None:
    with open_store() as pins:
        pins.commit(CANDIDATE, NOW)
        before = pins.epoch()
        pins.commit(CANDIDATE, NOW + timedelta(days=1))
        assert pins.epoch() == before
        assert pins.pins()[0].last_verified == "2026-03-02T00:00:00Z"


def test_a_key_that_is_seen_again_soon_is_not_written_again(open_store: Open) -> None:
    with open_store() as pins:
        pins.commit(CANDIDATE, NOW)
        pins.commit(CANDIDATE, NOW + timedelta(minutes=30))
        assert pins.pins()[0].last_verified == "2026-03-01T00:00:00Z"


def test_two_stores_have_two_names(tmp_path: Path) -> None:
    with PinStore(tmp_path / "a.db") as one, PinStore(tmp_path / "b.db") as other:
        assert one.identity != other.identity


def test_nobody_is_asked_inside_of_a_transaction(open_store: Open, store_path: Path) -> None:
    def decide(_: Question) -> Decision:
        with PinStore(store_path) as other:
            other.set_policy(Domain("other.example"), DomainPolicy.NEVER_TRUST, NOW)
        return Decision.ACCEPT

    with open_store(mode=Mode.INTERACTIVE, decide=decide) as pins:
        assert pins.commit(CANDIDATE, NOW).outcome is Outcome.ACCEPTED


def test_an_answer_to_a_question_that_is_out_of_date_is_asked_for_again(open_store: Open, store_path: Path) -> None:
    asked: list[Question] = []

    def decide(question: Question) -> Decision:
        asked.append(question)
        if len(asked) == 1:
            with PinStore(store_path) as other:
                other.commit(CHANGED, NOW)
        return Decision.ACCEPT if len(asked) == 1 else Decision.REJECT

    with open_store(mode=Mode.INTERACTIVE, decide=decide) as pins:
        assert pins.commit(CANDIDATE, NOW).is_refused
        assert [pin.fingerprint for pin in pins.pins()] == [OTHER]
    assert [question.prompt for question in asked] == ["first_time_key", "key_change"]


def test_pins_that_never_stand_still_end_the_question(open_store: Open, store_path: Path) -> None:
    keys = iter(f"sha256:{number:064x}" for number in range(1000))

    def decide(question: Question) -> Decision:
        with PinStore(store_path) as other:
            other.remove("weather", HERE)
            other.commit(attrs.evolve(CANDIDATE, fingerprint=next(keys)), NOW)
        return Decision.ACCEPT

    with open_store(mode=Mode.INTERACTIVE, decide=decide) as pins, pytest.raises(PinError, match="keep changing"):
        pins.commit(CANDIDATE, NOW)


def test_never_trust_is_remembered(open_store: Open) -> None:
    with open_store(mode=Mode.INTERACTIVE, decide=lambda _: Decision.NEVER_TRUST) as pins:
        pins.commit(CANDIDATE, NOW)
    with open_store() as again:
        assert again.policies() == {HERE: DomainPolicy.NEVER_TRUST}
        assert again.commit(CANDIDATE, NOW).is_refused


def test_an_import_is_written_whole_or_not_at_all(open_store: Open) -> None:
    with open_store() as pins:
        pins.commit(CANDIDATE, NOW)
        new = Pin(tool_id=ToolId("new"), domain=HERE, fingerprint=KEY)
        clash = Pin(tool_id=ToolId("weather"), domain=HERE, fingerprint=OTHER)
        with pytest.raises(PinError, match="another key"):
            pins.add([new, clash])
        assert len(pins.pins()) == 1
        assert pins.add([new, new, Pin.of(CANDIDATE, NOW)]) == 1


def test_an_import_may_bring_several_keys_of_a_new_tool(open_store: Open) -> None:
    with open_store() as pins:
        assert pins.add([Pin(tool_id=ToolId("t"), domain=HERE, fingerprint=key) for key in (KEY, OTHER)]) == 2
        assert len(pins.pins(tool_id="t", domain=HERE)) == 2


def test_a_pin_that_is_removed_is_gone(open_store: Open) -> None:
    with open_store() as pins:
        pins.commit(CANDIDATE, NOW)
        assert pins.remove("weather", HERE, OTHER) == 0
        assert pins.remove("weather", "other.example") == 0
        assert pins.remove("weather", HERE) == 1
        assert pins.pins() == ()


@pytest.mark.parametrize(
    "data",
    [b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 4000, b"{}"],
    ids=["text", "header", "json"],
)
def test_a_damaged_file_is_said_to_be_damaged(store_path: Path, data: bytes) -> None:
    store_path.parent.mkdir(mode=0o700)
    store_path.touch(mode=0o600)
    store_path.write_bytes(data)
    with pytest.raises(DatabaseError, match=r"damaged|cannot be used"):
        PinStore(store_path)
    assert store_path.read_bytes() == data


def test_a_file_that_is_damaged_inside_is_said_to_be_damaged(open_store: Open, store_path: Path) -> None:
    with open_store() as pins:
        for number in range(200):
            pins.add([Pin(tool_id=ToolId(f"tool-{number}"), domain=HERE, fingerprint=KEY, public_key_pem="x" * 200)])
    data = bytearray(store_path.read_bytes())
    data[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    store_path.write_bytes(data)
    with pytest.raises(DatabaseError):
        PinStore(store_path).pins()


def test_a_database_of_another_program_is_left_alone(store_path: Path) -> None:
    store_path.parent.mkdir(mode=0o700)
    store_path.touch(mode=0o600)
    connection = sqlite3.connect(store_path)
    connection.execute("CREATE TABLE pinned_keys (tool_id TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseError, match="no pin store"):
        PinStore(store_path)


def test_a_store_of_a_later_version_is_left_alone(open_store: Open, store_path: Path) -> None:
    open_store().close()
    connection = sqlite3.connect(store_path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(DatabaseError, match="version 3"):
        open_store()


def test_a_word_that_is_no_policy_is_no_permission(open_store: Open, store_path: Path) -> None:
    open_store().close()
    connection = sqlite3.connect(store_path)
    connection.execute("INSERT INTO domain_policies VALUES ('example.com', 'trust_me', '')")
    connection.commit()
    connection.close()
    with open_store() as pins, pytest.raises(DatabaseError, match="no policy"):
        pins.peek(CANDIDATE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666], ids=oct)
def test_a_file_that_others_could_have_read_or_written_is_not_used(
    open_store: Open, store_path: Path, mode: int
) -> None:
    open_store().close()
    store_path.chmod(mode)
    with pytest.raises(DatabaseError, match="chmod 600"):
        open_store()


def test_a_folder_that_others_can_write_is_not_used(open_store: Open, store_path: Path) -> None:
    open_store().close()
    store_path.parent.chmod(0o777)
    with pytest.raises(DatabaseError, match="chmod go-w"):
        open_store()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_regular_file_is_not_used(store_path: Path, kind: str) -> None:
    store_path.parent.mkdir(mode=0o700)
    if kind == "link":
        target = store_path.with_name("target")
        target.touch(mode=0o600)
        store_path.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(store_path, 0o600)
    else:
        store_path.mkdir()
    with pytest.raises(DatabaseError, match="no regular file"):
        PinStore(store_path)


def test_a_store_that_somebody_holds_says_so(open_store: Open, store_path: Path) -> None:
    with open_store() as pins:
        pins._database._open().execute("PRAGMA busy_timeout = 50")
        holder = sqlite3.connect(store_path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError, match="cannot be used now"):
            pins.commit(CANDIDATE, NOW)
        holder.execute("ROLLBACK")
        holder.close()
        assert pins.commit(CANDIDATE, NOW).status is PinStatus.FIRST_USE


def test_by_default_nobody_is_there_to_say_yes(open_store: Open) -> None:
    with open_store(mode=Mode.INTERACTIVE) as pins:
        assert pins._decide is reject_all
        assert pins.commit(CANDIDATE, NOW).is_refused


def test_nobody_fills_the_disk_by_revoking(open_store: Open) -> None:
    with open_store() as pins:
        for batch in range(3):
            pins.note_revoked(HERE, [f"sha256:{batch * 4000 + number:064x}" for number in range(4000)], NOW)
        assert len(pins.revoked(HERE)) == 10_000
