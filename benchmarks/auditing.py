"""The auditor: look-ups and a large lock file against the limits of its issue, and one input against pip-audit."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, cpu_seconds, fastest, reported_seconds

HERE = Path(__file__).parent
TESTS = HERE.parent / "packages" / "haldir-auditor" / "tests"
PEER = Path(".venvs/bench-peer-pip-audit/bin/python")
RECORDS = 20_000
NAMES = 8_000
FAMOUS_RECORDS = 130
LOCKED = 2_000
REPEATS = 5


def rows() -> Iterator[Row]:
    """Yield the rows of the auditor."""
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        work = Path(folder)
        database = work / "advisories.sqlite"
        _write_records(work / "records", random.Random(5))  # noqa: S311 - test data
        imported: list[str | Path] = [
            sys.executable,
            "-m",
            "haldir_cli",
            "advisories",
            "import",
            work / "records",
            "--output",
            database,
        ]
        yield Row(f"advisories import, {RECORDS} records: limit 30 s", 30, cpu_seconds(imported), 1.0)
        average = _fastest("look-up", database, "npm", "package-", LOCKED, "1.2.0")
        yield Row(f"look-up, average of {LOCKED} packages: limit 5 ms", 0.005, average, 1.0)
        famous = _fastest("look-up", database, "PyPI", "famous-", 1, "3.2.1")
        yield Row(f"look-up, a package with {FAMOUS_RECORDS} records: limit 5 ms", 0.005, famous, 1.0)
        _write_lock(work / "large", random.Random(6))  # noqa: S311 - test data
        yield Row(
            f"audit, a lock of {LOCKED} packages: limit 1 s", 1.0, _fastest("audit", database, work / "large"), 1.0
        )
        yield from _against_pip_audit(work)


def _against_pip_audit(work: Path) -> Iterator[Row]:
    """Audit one requirements file with both: the records from a service on loopback, and from our database of them."""
    if not PEER.exists():
        print("No peer: pip-audit is out of reach.", file=sys.stderr)
        return
    skill, database = work / "skill", work / "small.sqlite"
    shutil.copytree(TESTS / "data" / "clients" / "pip", skill)
    advisories = TESTS / "data" / "advisories"
    cpu_seconds([sys.executable, "-m", "haldir_cli", "advisories", "import", advisories, "--output", database])
    with subprocess.Popen(
        [sys.executable, TESTS / "osv_server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        options = ("-r", skill / "requirements.txt", "--no-deps", "--disable-pip", "--progress-spinner", "off")
        theirs: list[str | Path] = [
            PEER.absolute(),
            "-m",
            "pip_audit",
            "-s",
            "osv",
            "--osv-url",
            f"{url}/v1/query",
            *options,
        ]
        ours: list[str | Path] = [sys.executable, "-m", "haldir_cli", "audit", skill, "--advisories", database]
        peer, own = fastest([lambda: _findings(theirs), lambda: _findings(ours)], REPEATS)
        server.communicate(timeout=10)
    yield Row("audit, 10 requirements: pip-audit", peer, own, 1.0, peer=peer)


def _findings(command: list[str | Path]) -> float:
    """Return the CPU seconds of a program that ends with 1, because it finds something."""
    return cpu_seconds(["/bin/sh", "-c", '"$@" >/dev/null; test $? = 1', "sh", *command])


def _fastest(what: str, database: Path, *rest: object) -> float:
    command: list[str | Path] = [sys.executable, HERE / "inside_audit.py", what, database, *map(str, rest)]
    return min(reported_seconds(command)[0] for _ in range(REPEATS))


def _write_records(folder: Path, rng: random.Random) -> None:
    folder.mkdir()
    versions = [f"{major}.{minor}.{patch}" for major in range(1, 6) for minor in range(6) for patch in range(8)]
    for number in range(RECORDS):
        famous = number < FAMOUS_RECORDS
        ecosystem = "PyPI" if famous or number % 2 else "npm"
        name = "famous-0" if famous else f"package-{rng.randrange(NAMES)}"
        events = [
            {"introduced": f"{major}.0.0"} if begins else {"fixed": f"{major}.{rng.randrange(6)}.1"}
            for major in range(1, 4 if famous else 2)
            for begins in (True, False)
        ]
        affected = {
            "package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
        if ecosystem == "PyPI":
            affected["versions"] = rng.sample(versions, 100 if famous else 10)
        record = {
            "id": f"BENCH-{number}",
            "modified": "2026-01-01T00:00:00Z",
            "summary": "A flaw of the benchmark",
            "details": "Words about it. " * 60,
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
            "affected": [affected],
        }
        (folder / f"{number}.json").write_text(json.dumps(record))


def _write_lock(folder: Path, rng: random.Random) -> None:
    """Write a skill with a package-lock.json in which each package needs three others."""
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: large\ndescription: Large.\n---\n# Large\n")
    names = [f"package-{number}" for number in range(LOCKED)]
    wanted = dict.fromkeys(names[:20], "^1.2.0")
    packages: dict[str, object] = {"": {"name": "large", "version": "1.0.0", "dependencies": wanted}}
    for number, name in enumerate(names):
        packages[f"node_modules/{name}"] = {
            "version": f"1.{rng.randrange(2, 9)}.0",
            "resolved": f"https://packages.example/{name}/-/{name}.tgz",
            "integrity": f"sha512-{'A' * 86}==",
            "dependencies": dict.fromkeys(names[number * 3 + 20 : number * 3 + 23], "^1.0.0"),
        }
    (folder / "package.json").write_text(json.dumps(packages[""]))
    lock = {"name": "large", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(lock, indent=2))


if __name__ == "__main__":
    os.chdir(HERE.parent)
    for row in rows():
        print(row.as_text())
