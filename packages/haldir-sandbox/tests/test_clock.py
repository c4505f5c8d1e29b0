"""The shifted clock of Python and Node programs."""

import datetime as dt
import json
import os
import subprocess
from pathlib import Path

from haldir_sandbox import clock
from haldir_sandbox.entrypoints import EntryKind, EntryPoint

PYTHON = """
import datetime, json, pickle, time
now = datetime.datetime.now(datetime.UTC)
print(json.dumps([now.timestamp(), time.time(), time.time_ns() / 1e9, time.gmtime().tm_year, now.year,
    datetime.date.today().year, isinstance(now, datetime.date), pickle.loads(pickle.dumps(now)) == now,
    datetime.datetime.fromisoformat("2020-01-02").year, (now - datetime.timedelta(days=1)).day > 0,
    time.monotonic() < 1e9]))
"""
NODE = """
const now = new Date();
console.log(JSON.stringify([now.getTime() / 1000, Date.now() / 1000, now instanceof Date, new Date(0).getTime(),
    Date.UTC(1970, 0, 1), typeof Date(), (class extends Date {}).name === ""]));
"""


def run(tmp_path: Path, *command: str) -> list[object]:
    clock.plant(tmp_path)
    environment = {"PATH": os.environ["PATH"], **clock.shifted_environment(tmp_path, clock.SHIFT_SECONDS)}
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    value: list[object] = json.loads(done.stdout)
    return value


def is_shifted(seconds: object) -> bool:
    assert isinstance(seconds, int | float)
    expected = dt.datetime.now(dt.UTC).timestamp() + clock.SHIFT_SECONDS
    return abs(seconds - expected) < 3600


def test_python_sees_another_date_everywhere(tmp_path: Path) -> None:
    by_datetime, by_time, by_ns, *rest = run(tmp_path, "python3", "-c", PYTHON)
    assert all(map(is_shifted, (by_datetime, by_time, by_ns)))
    year = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=clock.SHIFT_SECONDS)).year
    assert rest == [year, year, year, True, True, 2020, True, True]


def test_node_sees_another_date_everywhere(tmp_path: Path) -> None:
    by_new, by_now, *rest = run(tmp_path, "node", "-e", NODE)
    assert is_shifted(by_new)
    assert is_shifted(by_now)
    assert rest == [True, 0, 0, "string", True]


def test_a_shell_is_not_said_to_be_shifted() -> None:
    def entry(*argv: str) -> EntryPoint:
        return EntryPoint(kind=EntryKind.COMMAND, argv=argv, source="SKILL.md")

    assert clock.sees_shift(entry("python3", "x.py"))
    assert not clock.sees_shift(entry("sh", "x.sh"))
