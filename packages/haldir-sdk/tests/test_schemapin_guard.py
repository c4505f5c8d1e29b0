import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from attrs import define, field

from haldir_core.schemapin.canon import schemapin_v1
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import parse_domain
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.schemas import SignedSchema, sign_schema
from haldir_core.schemapin.toolguard import (
    Approval,
    Changed,
    GuardPolicy,
    OfferedTool,
    Reason,
    ToolPin,
    ToolVerdict,
    Unsigned,
)
from haldir_sdk.schemapin._database import DatabaseError
from haldir_sdk.schemapin._lines import LineReader, LineTooLongError, LineWriter
from haldir_sdk.schemapin.client import Client
from haldir_sdk.schemapin.errors import FetchError
from haldir_sdk.schemapin.guard import Ending, Guard, Outcome, Streams
from haldir_sdk.schemapin.pinstore import PinStore
from haldir_sdk.schemapin.resolvers import Resolved
from haldir_sdk.schemapin.tooljudge import ToolJudge
from haldir_sdk.schemapin.toolpins import ToolPinStore
from haldir_sdk.schemapin.toolsignatures import (
    DomainSignatures,
    OnceResolver,
    SignedFolderError,
    read_signed_folder,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOMAIN = parse_domain("tools.example")
TOOL: dict[str, Any] = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}
CHANGED = {**TOOL, "description": "Evil."}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

SERVER = """
import json, os, sys
tools = json.loads(os.environ.get("TOOLS", "[]"))
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "tools/list":
        result = {"tools": tools}
    else:
        result = {"got": message}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


@define
class Ours:
    """A client at the other ends of the pipes of a guard that runs in a thread."""

    write: int
    read: Any
    guard: Guard
    outcome: Outcome | None = None
    loop: asyncio.AbstractEventLoop | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    def say(self, value: object) -> None:
        """Send a message."""
        os.write(self.write, value if isinstance(value, bytes) else line(value))

    def hear(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.read.readline())
        return message

    def ask(self, value: object) -> dict[str, Any]:
        """Return the answer to a message."""
        self.say(value)
        return self.hear()

    def hang_up(self) -> None:
        """Close what the guard reads."""
        if self.write >= 0:
            os.close(self.write)
            self.write = -1

    def stop(self, number: int) -> None:
        """Pass a signal to the guard, as its process would."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.guard.stop, number)

    def end(self) -> Outcome:
        """Return what became of the session."""
        assert self.thread is not None
        self.thread.join(30)
        assert self.outcome is not None
        return self.outcome


@contextlib.contextmanager
def guarded(command: Sequence[str], judge: ToolJudge, **settings: Any) -> Iterator[Ours]:  # noqa: ANN401 - as Guard has them
    """Run a guard before a server, and give its client."""
    their_in, our_in = os.pipe()
    our_out, their_out = os.pipe()
    ours = Ours(our_in, os.fdopen(our_out, "rb"), Guard(judge, **settings))

    async def session() -> Outcome:
        ours.loop = asyncio.get_running_loop()
        return await ours.guard.run(command, Streams(their_in, their_out))

    def work() -> None:
        try:
            ours.outcome = asyncio.run(session())
        finally:
            os.close(their_out)

    ours.thread = threading.Thread(target=work)
    ours.thread.start()
    try:
        yield ours
    finally:
        ours.hang_up()
        ours.thread.join(30)
        ours.read.close()
        os.close(their_in)
    assert not ours.thread.is_alive()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ToolPinStore]:
    with ToolPinStore(tmp_path / "state" / "tools.db") as opened:
        yield opened


@pytest.fixture
def judge(store: ToolPinStore) -> ToolJudge:
    return ToolJudge("calc", store, clock=lambda: NOW)


def server(code: str = SERVER) -> list[str]:
    return [sys.executable, "-c", code]


def verdicts_of(judge: ToolJudge, *entries: object) -> tuple[ToolVerdict, ...]:
    found = judge.judge(entries, admitted=frozenset(), taken=frozenset())  # type: ignore[arg-type] # any JSON
    return asyncio.run(found)


def test_what_is_said_passes_and_the_exit_code_too(judge: ToolJudge) -> None:
    with guarded(server(), judge) as ours:
        message = {"jsonrpc": "2.0", "id": "a", "method": "x/y", "params": {"\u00e9": [1.0]}}
        assert ours.ask(message)["result"]["got"] == message
        ours.hang_up()
        assert ours.end() == Outcome(ending=Ending.EXITED, code=0)


def test_a_tool_that_changed_since_the_last_session_is_hidden(
    judge: ToolJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tools, seen in ([TOOL], [TOOL]), ([CHANGED], []):
        monkeypatch.setenv("TOOLS", json.dumps(tools))
        with guarded(server(), judge) as ours:
            assert ours.ask(LIST)["result"]["tools"] == seen
            called = ours.ask({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "add"}})
            assert ("error" in called) is (seen == [])


def test_a_call_without_a_list_is_let_through_once_the_guard_has_listed(
    judge: ToolJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLS", json.dumps([TOOL]))
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "add"}}
    with guarded(server(), judge) as ours:
        assert ours.ask(call)["result"]["got"] == call
        assert "error" in ours.ask({**call, "id": 3, "params": {"name": "other"}})


@pytest.mark.parametrize(("code", "expected"), [("exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_of_a_server_that_ends_by_itself_is_relayed(judge: ToolJudge, code: str, expected: int) -> None:
    with guarded(server(code), judge) as ours:
        assert ours.end() == Outcome(ending=Ending.EXITED, code=expected)


def test_what_a_server_writes_before_it_ends_arrives(judge: ToolJudge) -> None:
    notes = "".join(f'{{"jsonrpc":"2.0","method":"n{number}"}}\n' for number in range(3000))
    with guarded(server(f"import sys; sys.stdout.write({notes!r})"), judge) as ours:
        assert ours.read.read().decode() == notes


def test_a_program_that_is_not_there_is_a_failure(judge: ToolJudge) -> None:
    with guarded(["no-such-program-anywhere"], judge) as ours:
        outcome = ours.end()

    assert outcome.ending is Ending.FAILED
    assert "no-such-program-anywhere" in outcome.message


def test_a_signal_is_relayed_and_the_server_chooses_its_exit_code(judge: ToolJudge) -> None:
    code = (
        "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(7))\n"
        'print(\'{"jsonrpc":"2.0","method":"up"}\', flush=True)\nsignal.pause()'
    )
    with guarded(server(code), judge) as ours:
        ours.hear()
        ours.stop(signal.SIGTERM)
        assert ours.end().code == 7


def test_a_server_that_ignores_signals_is_killed_with_all_that_it_started(judge: ToolJudge) -> None:
    code = (
        "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\npid = os.fork()\n"
        'if pid: print(\'{"jsonrpc":"2.0","method":"%d"}\' % pid, flush=True)\ntime.sleep(100)'
    )
    with guarded(server(code), judge) as ours:
        grandchild = int(ours.hear()["method"])
        ours.stop(signal.SIGTERM)
        assert ours.end().code == 128 + signal.SIGKILL
    assert not _lives(grandchild)


def test_what_a_server_leaves_behind_is_ended(judge: ToolJudge) -> None:
    code = (
        "import os, time\npid = os.fork()\n"
        'if pid: print(\'{"jsonrpc":"2.0","method":"%d"}\' % pid, flush=True)\nelse: time.sleep(100)'
    )
    with guarded(server(code), judge) as ours:
        grandchild = int(ours.hear()["method"])
        assert ours.end().code == 0
    assert not _lives(grandchild)


def _lives(pid: int) -> bool:
    """Whether a process is still there some seconds after it was killed."""
    for _ in range(100):
        if not _is_there(pid):
            return False
        time.sleep(0.05)
    return True


def _is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_server_whose_client_is_gone_is_ended(judge: ToolJudge) -> None:
    with guarded(server("import time; time.sleep(100)"), judge) as ours:
        ours.hang_up()
        ours.read.close()
        assert ours.end().code == 128 + signal.SIGTERM


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
def test_a_line_that_is_too_long_ends_the_session(judge: ToolJudge, is_client: bool) -> None:  # noqa: FBT001 - a column
    code = (
        "import time; time.sleep(100)"
        if is_client
        else "print('x' * 100_000, flush=True); import time; time.sleep(100)"
    )
    with guarded(server(code), judge, max_line_bytes=50_000) as ours:
        with contextlib.suppress(BrokenPipeError):
            ours.say(b"x" * 60_000 if is_client else b"\n")
        outcome = ours.end()

    assert outcome == Outcome(ending=Ending.LIMIT, message="a message is longer than 50000 bytes")


BLOCKED = line({"jsonrpc": "2.0", "id": 5, "method": "Tools/Call", "params": {"x": "y" * 1000}})


def test_nobody_waits_for_ever_where_both_sides_write_much(judge: ToolJudge) -> None:
    code = (
        'import sys\nfor n in range(300): print(\'{"jsonrpc":"2.0","method":"%s"}\' % (\'n\' * 1000), flush=True)\n'
        'print(\'{"jsonrpc":"2.0","method":"%d"}\' % sum(1 for _ in sys.stdin))'
    )
    passing = line({"jsonrpc": "2.0", "method": "m" * 1000})
    with guarded(server(code), judge) as ours:

        def write() -> None:
            for _ in range(300):
                ours.say(BLOCKED + passing)
            ours.hang_up()

        writer = threading.Thread(target=write)
        writer.start()
        lines = [json.loads(heard) for heard in ours.read]
        writer.join()

    assert sum("error" in heard for heard in lines) == 300
    assert {"jsonrpc": "2.0", "method": "300"} in lines


def test_a_client_that_reads_no_answers_yet_is_read_from_all_the_same(judge: ToolJudge) -> None:
    with guarded(server("import sys; sys.stdin.read()"), judge) as ours:
        for _ in range(2000):
            ours.say(BLOCKED)
        assert all("error" in ours.hear() for _ in range(2000))


def test_a_store_that_breaks_ends_the_session_before_the_client_sees_a_list(
    judge: ToolJudge, store: ToolPinStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLS", json.dumps([TOOL]))
    with guarded(server(), judge) as ours:
        store._database.path.write_bytes(b"no database" * 1000)
        store.close()
        ours.say(LIST)
        assert ours.read.read() == b""
        assert ours.end().ending is Ending.FAILED


def test_the_store_is_for_its_owner_only(store: ToolPinStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "state" / "tools.db").stat().st_mode) == 0o600


def test_tools_are_kept_by_server_and_name(store: ToolPinStore) -> None:
    verdicts_of(ToolJudge("calc", store, clock=lambda: NOW), TOOL)
    other = verdicts_of(ToolJudge("other", store, clock=lambda: NOW), CHANGED)

    assert other[0].reason is Reason.FIRST_USE
    assert store.servers() == ("calc", "other")
    assert [(kept.pin.name, kept.pinned_at) for kept in store.stored("calc")] == [("add", "2026-03-01T00:00:00Z")]
    assert json.loads(store.pins("calc", ["add"])["add"].content) == TOOL


def test_a_change_waits_until_a_person_approves_exactly_it(store: ToolPinStore, judge: ToolJudge) -> None:
    verdicts_of(judge, TOOL)
    verdicts_of(judge, CHANGED)
    (proposal,) = store.proposals("calc")
    verdicts_of(judge, {**TOOL, "description": "More evil."})
    (latest,) = store.proposals("calc", "add")

    assert not store.approve("calc", proposal, NOW)
    assert store.approve("calc", latest, NOW)
    assert verdicts_of(judge, {**TOOL, "description": "More evil."})[0].reason is Reason.PINNED
    assert verdicts_of(judge, TOOL)[0].reason is Reason.CHANGED


def test_what_is_forgotten_is_new_again(store: ToolPinStore, judge: ToolJudge) -> None:
    verdicts_of(judge, TOOL)
    verdicts_of(judge, CHANGED)

    assert store.forget("calc", "add") == 2
    assert verdicts_of(judge, CHANGED)[0].reason is Reason.FIRST_USE


def test_a_pin_that_was_changed_by_hand_is_no_pin(store: ToolPinStore, judge: ToolJudge) -> None:
    verdicts_of(judge, TOOL)
    with store._database.writing() as connection:
        connection.execute("UPDATE tools SET content = ?", (OfferedTool.from_json(CHANGED).content,))

    with pytest.raises(DatabaseError, match="changed by hand"):
        verdicts_of(judge, CHANGED)


def test_of_two_guards_that_see_different_tools_first_one_pins(store: ToolPinStore) -> None:
    pin = ToolPin(name="add", content=OfferedTool.from_json(CHANGED).content)

    class Racing(ToolPinStore):
        def commit(self, *arguments: Any) -> bool:  # noqa: ANN401 - of the store
            """Let another guard pin first."""
            rival = ToolVerdict(name="add", reason=Reason.FIRST_USE, admitted=True, pin=pin)
            if not store.pins("calc", ["add"]):
                assert store.commit("calc", [rival], {}, NOW)
            return super().commit(*arguments)

    with Racing(store._database.path) as racing:
        verdict = verdicts_of(ToolJudge("calc", racing, clock=lambda: NOW), TOOL)[0]

    assert (verdict.admitted, verdict.reason) == (False, Reason.CHANGED)
    assert store.pins("calc", ["add"])["add"].content == pin.content


@pytest.mark.parametrize("answer", [True, False], ids=["yes", "no"])
def test_a_person_is_asked_once_about_a_change(store: ToolPinStore, answer: bool) -> None:  # noqa: FBT001 - a column
    asked: list[str | None] = []

    async def ask(verdict: ToolVerdict) -> bool:
        asked.append(verdict.name)
        return answer

    judge = ToolJudge("calc", store, policy=GuardPolicy(changed=Changed.ASK), ask=ask, clock=lambda: NOW)
    verdicts_of(judge, TOOL)
    verdicts = [verdicts_of(judge, CHANGED)[0] for _ in range(2)]

    assert [verdict.admitted for verdict in verdicts] == [answer, answer]
    assert asked == ["add"]
    assert (store.pins("calc", ["add"])["add"].approval is Approval.PERSON) is answer


# Signatures


class Documents:
    """Gives the discovery document of the domain, or raises what it was told to."""

    def __init__(self, key: PrivateKey) -> None:
        self.discovery = Discovery(public_key_pem=key.public_key.to_pem().decode("ascii"))
        self.error: FetchError | None = None
        self.asked = 0

    async def resolve(self, domain: object) -> Resolved | None:
        """Return the document."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Resolved(discovery=self.discovery) if domain == DOMAIN else None


@define
class Publisher:
    """A key, its documents, and a judge that knows the domain."""

    key: PrivateKey
    documents: Documents
    store: ToolPinStore
    pins: PinStore

    def sign(self, tool: dict[str, Any], domain: str = DOMAIN) -> dict[str, Any]:
        """Return a tool with its signature in it."""
        return {**tool, "_meta": {"schemapin": {"domain": domain, "signature": sign_schema(tool, self.key)}}}

    def judge(self, files: Path | None = None, **policy: Any) -> ToolJudge:  # noqa: ANN401 - of the policy
        """Return a judge for whom the signatures of the domain count."""
        memory = OnceResolver(self.documents)
        signed = None if files is None else read_signed_folder(files)
        checks = DomainSignatures(Client(self.pins, memory, clock=lambda: NOW), memory, DOMAIN, signed)
        return ToolJudge("calc", self.store, policy=GuardPolicy(**policy), signatures=checks, clock=lambda: NOW)


@pytest.fixture
def publisher(store: ToolPinStore, tmp_path: Path) -> Iterator[Publisher]:
    key = PrivateKey.generate()
    with PinStore(tmp_path / "state" / "pins.db") as pins:
        yield Publisher(key, Documents(key), store, pins)


def test_a_signed_tool_is_admitted_where_others_are_not(publisher: Publisher) -> None:
    judge = publisher.judge(unsigned=Unsigned.BLOCK)
    first, second = verdicts_of(judge, publisher.sign(TOOL), {**TOOL, "name": "other"})

    assert (first.admitted, second.reason) == (True, Reason.UNSIGNED)
    assert publisher.store.pins("calc", ["add"])["add"].signed_by == DOMAIN


def test_a_signed_change_is_admitted_and_a_stripped_signature_is_not(publisher: Publisher) -> None:
    judge = publisher.judge(changed=Changed.ALLOW)
    verdicts_of(judge, publisher.sign(TOOL))

    assert verdicts_of(judge, publisher.sign(CHANGED))[0].reason is Reason.SIGNED_CHANGE
    assert verdicts_of(judge, {**TOOL, "description": "Stripped."})[0].reason is Reason.CHANGED


def _forged(publisher: Publisher, how: str) -> dict[str, Any]:
    signed = publisher.sign(TOOL)
    if how == "content":
        return {**signed, "description": "Evil."}
    if how == "name":
        return {**signed, "name": "other"}
    if how == "domain":
        return publisher.sign(TOOL, "evil.example")
    return {**TOOL, "_meta": {"schemapin": {"domain": DOMAIN, "signature": sign_schema(TOOL, PrivateKey.generate())}}}


@pytest.mark.parametrize("how", ["content", "name", "domain", "key"])
def test_a_signature_that_does_not_hold_is_blocked_whatever_the_policy(publisher: Publisher, how: str) -> None:
    judge = publisher.judge(changed=Changed.ALLOW)
    verdict = verdicts_of(judge, _forged(publisher, how))[0]

    assert (verdict.admitted, verdict.reason) == (False, Reason.SIGNATURE_INVALID)
    assert not publisher.store.names("calc")
    assert not publisher.pins.pins()


def test_without_a_domain_nobody_s_signature_counts(publisher: Publisher, judge: ToolJudge) -> None:
    verdicts_of(judge, publisher.sign(TOOL))

    assert verdicts_of(judge, publisher.sign(CHANGED))[0].reason is Reason.CHANGED


def test_the_documents_of_a_domain_are_asked_for_once_for_a_list(publisher: Publisher) -> None:
    tools = [publisher.sign({**TOOL, "name": f"tool-{number}"}) for number in range(20)]

    assert all(verdict.admitted for verdict in verdicts_of(publisher.judge(), *tools))
    assert publisher.documents.asked == 1


def test_while_the_domain_does_not_answer_what_was_verified_before_is_admitted(publisher: Publisher) -> None:
    judge = publisher.judge(unsigned=Unsigned.BLOCK)
    verdicts_of(judge, publisher.sign(TOOL))
    publisher.documents.error = FetchError("nobody answers")
    same, changed, new = (
        verdicts_of(judge, publisher.sign(tool))[0] for tool in (TOOL, CHANGED, {**TOOL, "name": "new"})
    )

    assert (same.admitted, changed.reason, new.reason) == (True, Reason.SIGNATURE_UNKNOWN, Reason.SIGNATURE_UNKNOWN)
    assert "nobody answers" in same.warnings[0]


def test_a_new_key_of_the_domain_is_not_accepted(publisher: Publisher) -> None:
    judge = publisher.judge()
    verdicts_of(judge, publisher.sign(TOOL))
    publisher.key = PrivateKey.generate()
    publisher.documents.discovery = Documents(publisher.key).discovery

    verdict = verdicts_of(judge, publisher.sign(CHANGED))[0]
    assert (verdict.admitted, verdict.reason) == (False, Reason.SIGNATURE_INVALID)
    assert "key_pin_mismatch" in verdict.message


@pytest.fixture
def files(publisher: Publisher, tmp_path: Path) -> Path:
    folder = tmp_path / "signed"
    folder.mkdir()
    signed = SignedSchema(schema=TOOL, signature=sign_schema(TOOL, publisher.key))
    (folder / "any.json").write_bytes(signed.to_bytes())
    return folder


def test_a_folder_of_signed_files_counts_as_signatures(publisher: Publisher, files: Path) -> None:
    judge = publisher.judge(files, unsigned=Unsigned.BLOCK)

    assert verdicts_of(judge, TOOL)[0].admitted
    assert verdicts_of(judge, {**TOOL, "name": "other"})[0].reason is Reason.UNSIGNED


def test_a_tool_that_is_not_the_one_that_was_signed_is_blocked(publisher: Publisher, files: Path) -> None:
    verdict = verdicts_of(publisher.judge(files), CHANGED)[0]

    assert verdict.reason is Reason.SIGNATURE_INVALID
    assert "any.json" in verdict.message
    assert "/description" in verdict.message


def _spoil(folder: Path, how: str) -> None:
    if how == "double":
        (folder / "again.json").write_bytes((folder / "any.json").read_bytes())
    elif how == "link":
        (folder / "link.json").symlink_to(folder / "any.json")
    elif how == "fifo":
        os.mkfifo(folder / "fifo.json")
    elif how == "no-name":
        (folder / "x.json").write_bytes(b'{"schema": {}}')
    elif how == "no-json":
        (folder / "x.json").write_bytes(b"{")
    elif how == "empty":
        (folder / "any.json").unlink()
    else:
        (folder / "any.json").unlink()
        folder.rmdir()


@pytest.mark.parametrize("how", ["double", "link", "fifo", "no-name", "no-json", "empty", "missing"])
def test_a_folder_that_is_not_clear_is_refused(files: Path, how: str) -> None:
    _spoil(files, how)

    with pytest.raises(SignedFolderError):
        read_signed_folder(files)


# Lines


class Pipe:
    """Both ends of a pipe."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (self.out, self.into):
            with contextlib.suppress(OSError):
                os.close(fd)


def _lines(fd: int, most: int = 1_000_000) -> list[bytes]:
    async def read() -> list[bytes]:
        reader = LineReader(fd, most)
        found = []
        while (got := await reader.line()) is not None:
            found.append(got)
        return found

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\nb", [b"a\n", b"b"]),
        (b"a\r\n\n\nb\n", [b"a\r\n", b"\n", b"\n", b"b\n"]),
        (b"x" * 200_000 + b"\ny\n", [b"x" * 200_000 + b"\n", b"y\n"]),
    ],
    ids=["empty", "no-end", "two", "blank", "long"],
)
def test_lines_are_read_as_they_are(tmp_path: Path, data: bytes, found: list[bytes]) -> None:
    path = tmp_path / "lines"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert _lines(file.fileno()) == found


@pytest.mark.parametrize("data", [b"x" * 101, b"a\n" + b"x" * 200, b"x" * 100 + b"\n", b"x" * 200 + b"\n"], ids=len)
def test_a_line_that_is_too_long_is_not_kept(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(LineTooLongError):
        _lines(file.fileno(), 99)


def test_lines_of_several_writers_are_not_mixed() -> None:
    texts = [bytes([65 + number]) * 200_000 + b"\n" for number in range(5)]

    async def write(fd: int) -> None:
        writer = LineWriter(fd)
        await asyncio.gather(*(writer.write(text) for text in texts))

    with Pipe() as pipe:
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.extend(_lines(pipe.out)))
        reader.start()
        asyncio.run(write(pipe.into))
        os.close(pipe.into)
        reader.join()

    assert sorted(found) == texts


def test_no_descriptor_of_others_is_made_non_blocking() -> None:
    with Pipe() as pipe:
        asyncio.run(LineWriter(pipe.into).write(b"a\n"))
        os.close(pipe.into)
        _lines(pipe.out)

        assert os.get_blocking(pipe.out)


def test_descriptors_that_others_made_non_blocking_are_used_too() -> None:
    with Pipe() as pipe:
        os.set_blocking(pipe.out, False)
        os.set_blocking(pipe.into, False)
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.extend(_lines(pipe.out)))
        reader.start()
        asyncio.run(LineWriter(pipe.into).write(b"x" * 300_000 + b"\n"))
        os.close(pipe.into)
        reader.join()

    assert found == [b"x" * 300_000 + b"\n"]


def test_the_content_of_a_tool_is_its_canonical_form() -> None:
    assert OfferedTool.from_json(TOOL).content == schemapin_v1(TOOL)
