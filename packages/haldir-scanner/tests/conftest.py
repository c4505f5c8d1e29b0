"""Builders that the tests share."""

import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from haldir_scanner import RuleBundle, scan_files
from haldir_scanner._engine import prepare
from haldir_scanner._rules._bundle import builtin
from haldir_scanner.bundles import compile_bundle

TIME_LIMIT_SECONDS = 20
FORBIDDEN_EVENTS = frozenset(
    {
        "os.exec",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "subprocess.Popen",
    }
)

_open_tests: list[bool] = []


def _refuse_network_and_processes(event: str, args: tuple[Any, ...]) -> None:
    own_interpreter = event == "subprocess.Popen" and args[0] == sys.executable  # a test that needs a fresh one
    file_name = event == "socket.bind" and isinstance(args[1], str | bytes)  # a socket in a skill: a special file
    if event in FORBIDDEN_EVENTS and _open_tests and not own_interpreter and not file_name:
        raise PermissionError(f"a unit test of haldir-scanner caused {event}: {args!r:.200}")


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_refuse_network_and_processes)


@pytest.fixture(scope="session", autouse=True)
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Build the database of the built-in rules once, in a cache of its own, and in no test that looks at its time."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HALDIR_HOME", str(tmp_path_factory.mktemp("home")))
        prepare(builtin())
        yield


@pytest.fixture(autouse=True)
def _closed(_audit_hook: None) -> Iterator[None]:
    """Refuse network and processes while a test of this folder runs."""
    _open_tests.append(True)
    yield
    _open_tests.clear()


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A test that takes too long is stopped by an alarm instead of hanging."""

    def stop(_signal: int, _frame: object) -> None:
        pytest.fail(f"took longer than {TIME_LIMIT_SECONDS} seconds")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIME_LIMIT_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def rules() -> Callable[[str, str | bytes], set[str]]:
    """The ids of the rules, but for those of compliance, that are found in one file of the given name and content."""

    def of(name: str, content: str | bytes) -> set[str]:
        data = content if isinstance(content, bytes) else content.encode()
        return {match.rule for match in scan_files({name: data}).matches if match.category != "compliance"}

    return of


SCORING = """
[scoring]
repeat_percent = 10
repeats_counted = 3
weights = { critical = 60, high = 30, medium = 12, low = 3 }
confidence_percent = { high = 100, medium = 75, low = 40 }
[scoring.policies]
strict = { flag = 12, reject = 60 }
balanced = { flag = 30, reject = 100 }
quiet = { flag = 60, reject = 120 }
"""
OWN_RULES = """
category = "exfiltration"
[defaults]
confidence = "high"
message = "A message."
remediation = "A remedy."
file_types = ["any"]
cwe = [200]
owasp_llm = ["LLM02"]
[[rule]]
id = "bad_word"
severity = "critical"
verdict = "reject"
title = "Bad word"
any = ["bad[0-9]*"]
match = [{ "a.md" = "It is bad7." }]
no_match = [{ "a.md" = "It is good." }]
[[rule]]
id = "odd_word"
severity = "high"
title = "Odd word"
any = ["odd"]
references = ["https://reference.example/odd"]
match = [{ "a.md" = "It is odd." }]
no_match = [{ "a.md" = "It is even." }]
[[rule]]
id = "low_word"
severity = "low"
verdict = "note"
title = "Low word"
any = ["low"]
match = [{ "a.md" = "It is low." }]
no_match = [{ "a.md" = "It is high." }]
"""


@pytest.fixture
def own_sources() -> dict[str, str]:
    """TOML texts of a small bundle: ``bad`` rejects, ``odd`` flags, ``low`` is only listed."""
    return {"bundle.toml": 'version = "1"', "scoring.toml": SCORING, "own.toml": OWN_RULES}


@pytest.fixture
def own_rules(own_sources: dict[str, str]) -> RuleBundle:
    """The bundle of these texts."""
    return RuleBundle.from_bytes(compile_bundle(own_sources))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What was written to be found, or to be left alone, are thousands of whole scans."""
    for item in items:
        if item.path.name.startswith(("test_evasions_", "test_honest_")):
            item.add_marker(pytest.mark.exhaustive)
