import json
from typing import Any

import pytest

from haldir_enforcer.confinement import Ended, Ending, Level, Standing, Truth
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event
from haldir_enforcer.outcome import Outcome

TRUTH = Truth(
    fs_read=By.KERNEL,
    fs_write=By.KERNEL,
    net=By.SUPERVISOR,
    exec=By.SUPERVISOR,
    processes=By.SUPERVISOR,
    memory=By.SUPERVISOR,
    disk=By.ADVISORY,
    env=By.NONE,
)
VIOLATION = Event(
    action=Action.NET_CONNECT,
    decision=Decision.DENY,
    by=By.SUPERVISOR,
    kind=Class.VIOLATION,
    pid=7,
    endpoint=Endpoint(None, "192.0.2.1", 443, "tcp"),
    errno=13,
)


def _outcome(**changes: Any) -> Outcome:  # noqa: ANN401 - whatever a member may be
    values: dict[str, Any] = {
        "run": "4c5a8f0e-0000-4000-8000-000000000000",
        "skill": "weather@1.2.3",
        "ended": Ended(ending=Ending.EXITED, code=0),
        "standing": Standing(backend="linux", level=Level.L2, enforced=TRUTH, missing=("namespaces",)),
        "verified": True,
        "duration_seconds": 0.0126,
    }
    return Outcome(**values | changes)


@pytest.mark.parametrize(
    ("ending", "violations", "clean"),
    [
        (Ending.EXITED, 0, True),
        (Ending.SIGNALLED, 0, True),
        (Ending.STOPPED, 0, True),
        (Ending.EXITED, 1, False),
        (Ending.VIOLATION, 1, False),
        (Ending.LIMIT, 0, False),
        (Ending.FAILED, 0, False),
    ],
)
def test_a_run_is_clean_if_it_went_beyond_nothing_and_was_held_to_its_end(
    ending: Ending, violations: int, *, clean: bool
) -> None:
    assert _outcome(ended=Ended(ending=ending, code=1), violation_count=violations).is_clean is clean


def test_an_exit_code_of_the_program_is_nothing_unclean() -> None:
    assert _outcome(ended=Ended(ending=Ending.EXITED, code=3)).is_clean


def test_the_report_says_who_holds_what_and_what_is_missing() -> None:
    report = _outcome().to_json()
    assert (report["level"], report["backend"], report["missing"]) == ("L2", "linux", ["namespaces"])
    assert report["enforced"] == {
        "fs_read": "kernel",
        "fs_write": "kernel",
        "net": "supervisor",
        "exec": "supervisor",
        "processes": "supervisor",
        "memory": "supervisor",
        "disk": "advisory",
        "env": "none",
    }


def test_the_report_is_json_with_the_violations_and_without_what_says_nothing() -> None:
    report = _outcome(violations=(VIOLATION,), violation_count=70).to_json()
    assert json.loads(json.dumps(report)) == report
    (violation,) = report["violations"]
    assert violation == {
        "action": "net.connect",
        "decision": "deny",
        "by": "supervisor",
        "class": "violation",
        "pid": 7,
        "ppid": 0,
        "endpoint": {"host": None, "ip": "192.0.2.1", "port": 443, "proto": "tcp"},
        "errno": 13,
        "count": 1,
    }
    assert report["violation_count"] == 70


def test_the_report_says_how_it_ended_and_how_long_it_took() -> None:
    ended = Ended(ending=Ending.LIMIT, code=137, detail="0.5 seconds have passed")
    report = _outcome(ended=ended, policy="a\nb\n", dropped_bytes=5).to_json()
    assert (report["ending"], report["code"], report["detail"]) == ("limit", 137, "0.5 seconds have passed")
    assert (report["duration_ms"], report["policy"], report["dropped_bytes"]) == (13, ["a", "b"], 5)


def test_what_was_printed_is_not_in_the_report_nor_in_the_words_for_programmers() -> None:
    outcome = _outcome(stdout=b"SECRET", stderr=b"SECRET")
    assert "SECRET" not in repr(outcome)
    assert "SECRET" not in json.dumps(outcome.to_json())
