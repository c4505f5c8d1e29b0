import http.server
import json
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haldir_enforcer.alerts import (
    MAX_FAILURES,
    MAX_WAITING,
    Alerter,
    CallbackSink,
    CommandSink,
    FileSink,
    Payload,
    RateLimit,
    Sink,
    WebhookRequest,
    WebhookSink,
    post_with_urllib,
    webhook_request,
)
from haldir_enforcer.auditlog import RunIdentity
from haldir_enforcer.confinement import Level
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.events import Action, By, Class, Decision, Event

RUN = RunIdentity(run="00000000-0000-4000-8000-000000000000", skill="weather@1.0", level=Level.L3)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def a_violation(path: str = "/secret") -> Event:
    return Event(
        action=Action.FS_READ, decision=Decision.DENY, by=By.SUPERVISOR, kind=Class.VIOLATION, path=path, errno=13
    )


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def an_alerter(*sinks: Sink, clock: Callable[[], float] | None = None, limit: RateLimit | None = None) -> Alerter:
    return Alerter(RUN, sinks, clock=lambda: NOW, limit=limit, monotonic=clock or Clock())


def collect() -> tuple[list[Payload], CallbackSink]:
    told: list[Payload] = []
    return told, CallbackSink(told.append)


def test_a_violation_is_told_with_its_run() -> None:
    told, sink = collect()
    alerter = an_alerter(sink)
    alerter.alert(a_violation("/secret\n"))

    assert alerter.close() == 0
    (payload,) = told
    assert payload["ts"] == "2026-01-31T12:00:00.000Z"
    assert (payload["run"], payload["skill"], payload["level"]) == (RUN.run, "weather@1.0", "L3")
    assert (payload["action"], payload["class"], payload["path"]) == ("fs.read", "violation", "/secret\\u000a")
    assert payload["suppressed"] == 0


def test_above_the_rate_alerts_are_counted_and_the_last_is_told_at_the_end() -> None:
    told, sink = collect()
    alerter = an_alerter(sink, limit=RateLimit(burst=3))
    for number in range(100):
        alerter.alert(a_violation(f"/{number}"))

    assert alerter.close() == 0
    assert [(payload["path"], payload["suppressed"]) for payload in told] == [
        ("/0", 0),
        ("/1", 0),
        ("/2", 0),
        ("/99", 96),
    ]


def test_the_rate_recovers_with_time() -> None:
    told, sink = collect()
    clock = Clock()
    alerter = an_alerter(sink, clock=clock, limit=RateLimit(burst=1, seconds=10))
    for moment in (0, 1, 5, 10, 19, 25):
        clock.now = moment
        alerter.alert(a_violation(f"/{moment}"))
    alerter.close()

    assert [(payload["path"], payload["suppressed"]) for payload in told] == [("/0", 0), ("/10", 2), ("/25", 1)]


def test_nobody_waits_for_a_slow_sink_and_the_last_alert_is_not_lost() -> None:
    go = threading.Event()
    told: list[Payload] = []

    def slow(payload: Payload) -> None:
        go.wait(60)
        told.append(payload)

    alerter = an_alerter(CallbackSink(slow), limit=RateLimit(burst=10_000))
    for number in range(5000):  # it would take 5,000 minutes to wait for each
        alerter.alert(a_violation(f"/{number}"))
    go.set()

    assert alerter.close(60) == 0
    assert MAX_WAITING <= len(told) - 1 <= MAX_WAITING + 1
    assert told[-1]["path"] == "/4999"
    assert sum(payload["suppressed"] + 1 for payload in told) == 5000


def test_the_end_does_not_wait_for_ever() -> None:
    go = threading.Event()
    alerter = an_alerter(CallbackSink(lambda _: go.wait(60)))
    alerter.alert(a_violation())
    alerter.alert(a_violation())

    assert alerter.close(0.05) == 2
    go.set()


def test_nothing_is_told_after_the_end() -> None:
    told, sink = collect()
    alerter = an_alerter(sink)
    assert alerter.close() == 0
    alerter.alert(a_violation())

    assert alerter.close() == 0
    assert told == []


def test_a_sink_that_fails_does_not_keep_the_others_from_being_told() -> None:
    told, sink = collect()
    alerter = an_alerter(CallbackSink(lambda _: 1 / 0, "broken"), sink, limit=RateLimit(burst=100))
    for _ in range(MAX_FAILURES + 5):
        alerter.alert(a_violation())
    alerter.close()

    assert len(told) == MAX_FAILURES + 5
    assert alerter.failures == ["broken: ZeroDivisionError: division by zero"] * MAX_FAILURES


def test_a_command_gets_the_payload_on_its_input_and_no_shell(tmp_path: Path) -> None:
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]) + sys.stdin.read())"
    out = tmp_path / "out"
    alerter = an_alerter(CommandSink((sys.executable, "-c", script, str(out), "$(id)", "; id")))
    alerter.alert(a_violation())

    assert (alerter.close(30), alerter.failures) == (0, [])
    arguments, _, line = out.read_text().partition("]")
    assert arguments == "['$(id)', '; id'"
    assert json.loads(line)["path"] == "/secret"
    assert line.endswith("}\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("/nonexistent/program",), "FileNotFoundError"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "exit status 3"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), "timed out"),
    ],
    ids=["missing", "failing", "slow"],
)
def test_a_command_that_does_not_work_is_in_the_report(argv: tuple[str, ...], message: str) -> None:
    alerter = an_alerter(CommandSink(argv, timeout_seconds=2))
    alerter.alert(a_violation())
    alerter.close(30)

    (failure,) = alerter.failures
    assert failure.startswith(f"command {argv[0]}: ")
    assert message in failure


def test_a_file_gets_a_line_for_each_alert_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    alerter = an_alerter(FileSink(path))
    alerter.alert(a_violation("/a"))
    alerter.alert(a_violation("/b"))
    alerter.close()

    assert [json.loads(line)["path"] for line in path.read_text().splitlines()] == ["/a", "/b"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to(path.with_name("other")),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/full"),
        Path.mkdir,
    ],
    ids=["a link", "a fifo", "a device", "a folder"],
)
def test_a_file_that_is_none_is_in_the_report(make: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    make(path)
    alerter = an_alerter(FileSink(path))
    alerter.alert(a_violation())
    alerter.close()

    assert alerter.failures[0].startswith(f"file {path}: ")
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_in_the_report() -> None:
    alerter = an_alerter(FileSink(Path("/dev/full")))
    alerter.alert(a_violation())
    alerter.close()

    assert "No space left" in alerter.failures[0]


def test_a_webhook_is_a_json_post() -> None:
    requests: list[WebhookRequest] = []
    alerter = an_alerter(WebhookSink("https://hooks.example/x?token=secret", requests.append))
    alerter.alert(a_violation())
    alerter.close()

    (request,) = requests
    assert request.url == "https://hooks.example/x?token=secret"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body)["action"] == "fs.read"


def test_the_secrets_of_an_address_are_not_in_the_report() -> None:
    def fail(_: WebhookRequest) -> None:
        raise OSError("refused")

    alerter = an_alerter(WebhookSink("https://user:secret@hooks.example/x?token=secret", fail))
    alerter.alert(a_violation())
    alerter.close()

    assert alerter.failures == ["webhook hooks.example/x: OSError: refused"]


class Server(http.server.ThreadingHTTPServer):
    """A server on loopback that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Mapping[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    server: Server

    def do_POST(self) -> None:
        """Answer with the status of the path."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the name that the library looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def post(server: Server, status: int) -> None:
    post_with_urllib(webhook_request(f"http://127.0.0.1:{server.server_port}/{status}", {"v": 1}))


def test_a_payload_is_posted_without_the_proxies_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    post(server, 200)

    ((path, headers, body),) = server.got
    assert (path, body) == ("/200", b'{"v":1}\n')
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 500])
def test_a_redirect_or_an_error_is_an_error_and_not_followed(status: int, server: Server) -> None:
    with pytest.raises(OSError, match=str(status)):
        post(server, status)
    assert len(server.got) == 1


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "http://127.0.0.1.evil.example/", "file:///etc/hostname", "ftp://127.0.0.1/", "x"],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(EnforcerError, match="use https"):
        post_with_urllib(webhook_request(url, {}))
