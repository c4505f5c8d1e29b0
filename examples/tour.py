"""The main job of Haldir on the skills of this folder, with the real commands: vet, sign, verify, run, revoke."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from haldir_enforcer import Enforcer, Level
from haldir_enforcer.enforcer import SEARCH_PATH

EXAMPLES = Path(__file__).parent / "skills"
HALDIR = Path(sys.executable).with_name("haldir")
RECORDED = Path(__file__).parent / "review" / "haldir.toml"
GOOD, BAD = "csv-profiler", "invoice-helper"
VERIFY = f"verify {GOOD} --key publisher.pub --revocation revoked.json"
ENFORCE = f"enforce {GOOD} --key publisher.pub --revocation revoked.json --audit-log audit.log"
REFUSED, KILLED = 125, 126
TABLE = "city,inhabitants\nAarhus,285273\nBergen,291940\nCork,\n"


class Tour:
    """Runs the commands in a temporary folder and counts what does not go as it must."""

    def __init__(self, folder: Path) -> None:
        """Work in ``folder``, which also is the home of the user, and holds the state that ``haldir`` keeps."""
        self.folder = folder
        self.surprises = 0
        self._steps = 0
        state = str(folder / "state")
        self._environment = {**os.environ, "HALDIR_HOME": state, "HOME": str(folder), "NO_COLOR": "1"}

    def step(self, title: str, arguments: str, *, expected: int = 0) -> None:
        """Run one ``haldir`` command, and show what it says and how long it took; ``~`` is the temporary folder."""
        self._steps += 1
        print(f"\n{self._steps}. {title}\n  $ haldir {arguments}")
        started = time.monotonic()
        run = subprocess.run(
            [HALDIR, *(word.replace("~", str(self.folder)) for word in shlex.split(arguments))],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        for line in [*_verdict(run.stdout), *run.stderr.splitlines()]:
            print(f"    {line.replace(str(self.folder), '~')}")
        outcome = "as expected" if run.returncode == expected else f"NOT AS EXPECTED (should be {expected})"
        print(f"    exit code {run.returncode}, {outcome}, {seconds:.2f} s")
        self.surprises += run.returncode != expected

    def say(self, text: str) -> None:
        """Show a remark."""
        print(textwrap.indent(textwrap.fill(text, 110), "    "))


def _verdict(stdout: str) -> list[str]:
    """Return the essence of the JSON of ``haldir verify``; its words for people are on stderr."""
    try:
        verdict = json.loads(stdout)
    except ValueError:
        return stdout.splitlines()
    codes = [f"{error['code']} {error.get('file', '')}".strip() for error in verdict["errors"]]
    return [f"valid={verdict['valid']} trustLevel={verdict['trustLevel']} {' '.join(codes)}".strip()]


def main() -> int:
    """Take the tour in a temporary folder; return 0 if everything went as it must."""
    started = time.monotonic()
    page = Path(tempfile.mkdtemp(prefix="haldir-report-")) / f"{GOOD}.html"
    with tempfile.TemporaryDirectory(prefix="haldir-tour-") as name:
        folder = Path(name).resolve()
        for skill in (GOOD, BAD):
            shutil.copytree(EXAMPLES / skill, folder / skill)
        tour = Tour(folder)
        _sign(tour, page)
        _run_confined(tour)
        _tamper(tour, folder / GOOD)
    print(f"\nThe page about {GOOD}, to open in a browser: {page}")
    print(f"Done in {time.monotonic() - started:.1f} s; nothing else was left behind.", end=" ")
    print("Everything went as it must." if not tour.surprises else f"{tour.surprises} step(s) did NOT.")
    return min(tour.surprises, 1)


def _sign(tour: Tour, page: Path) -> None:
    declared = {"filesystem": {"read": ["~/tables"], "write": []}, "network": [], "exec": []}
    permissions = json.dumps({"schema_version": "1.0", "declared": declared})
    (tour.folder / "permissions.json").write_text(permissions, encoding="utf-8")
    tour.step("The publisher makes a key pair", "keygen --name publisher")
    tour.step(
        "A good skill is vetted by all four layers; the models of the fourth are not asked: recorded answers",
        f"vet {GOOD} --report report.json --html {shlex.quote(str(page))} --config {shlex.quote(str(RECORDED))}",
    )
    tour.step("A hostile skill is vetted: rejected, with file and line", f"vet {BAD}", expected=1)
    tour.step(
        "The good one is signed, its vetting report and its permissions bound: it may read ~/tables, and no more",
        f"sign {GOOD} --key publisher.key --vetting-report report.json --permissions permissions.json",
    )
    tour.step("The publisher starts a revocation list", "revoke --init --key publisher.key --list revoked.json")
    tour.step("A user verifies before installing: full trust", VERIFY)
    tour.step("An authority makes a key pair ...", "keygen --name authority")
    tour.step("... and co-signs", f"cosign {GOOD} --key authority.key --trusted-key publisher.pub")
    tour.step("Either key verifies it: the publisher's", VERIFY)
    tour.step(
        "... and the authority's",
        f"{VERIFY.replace('--key publisher', '--key authority')} --revocation-key publisher.pub",
    )


def _run_confined(tour: Tour) -> None:
    for name, text in (("tables/cities.csv", TABLE), ("letters/private.txt", "for nobody else\n")):
        (tour.folder / name).parent.mkdir()
        (tour.folder / name).write_text(text, encoding="utf-8")
    standing = Enforcer().standing()
    if standing.level.rank < Level.L3.rank:
        command = f"{ENFORCE} --require L3 -- {_python()} scripts/profile.py ~/tables/cities.csv"
        tour.step(
            "It is to run confined at level L3: refused, because this machine does not reach it",
            command,
            expected=REFUSED,
        )
        tour.say(f"This machine reaches level {standing.level.value}. Missing: {'; '.join(standing.missing)}.")
    if standing.level.rank < Level.L2.rank:
        tour.say("Below level L2 nothing is run, so that the next steps are left out.")
        return
    _run_enforced(tour)


def _run_enforced(tour: Tour) -> None:
    profile = f"{ENFORCE} -- {_python()} scripts/profile.py"
    tour.step("It is verified and run, confined to the permissions that were signed", f"{profile} ~/tables/cities.csv")
    tour.step("Asked for a file that it did not declare: blocked", f"{profile} ~/letters/private.txt", expected=KILLED)
    with socket.create_server(("127.0.0.1", 0)) as peer:
        port = peer.getsockname()[1]
        connect = f"__import__('socket').create_connection(('127.0.0.1',{port}))"
        tour.step("A connection is blocked too", f'{ENFORCE} -- {_python()} -c "{connect}"', expected=KILLED)
        peer.setblocking(False)
        try:
            peer.accept()
        except BlockingIOError:
            tour.say("Nobody arrived at that port.")
        else:
            tour.say("SOMEBODY ARRIVED at that port.")
            tour.surprises += 1
    tour.step("The audit log of these runs is whole, and signed", "enforce-log verify audit.log")
    log = tour.folder / "audit.log"
    log.write_bytes(log.read_bytes().replace(b"private.txt", b"harmless.md", 1))
    tour.step("One word of it is changed: not valid", "enforce-log verify audit.log", expected=1)


def _python() -> str:
    """Return an interpreter that `haldir enforce` finds."""
    return "python3" if shutil.which("python3", path=os.pathsep.join(SEARCH_PATH)) else sys.executable


def _tamper(tour: Tour, skill: Path) -> None:
    document = skill / "SKILL.md"
    honest = document.read_bytes()
    document.write_bytes(bytes([honest[0] ^ 1]) + honest[1:])
    tour.step("One byte of SKILL.md is changed: refused, with the file's name", VERIFY, expected=1)
    tour.step("... and not run", f"{ENFORCE} -- true", expected=REFUSED)
    document.write_bytes(honest)
    (skill / "extra.sh").write_text("echo surprise\n", encoding="utf-8")
    tour.step("A file is added: refused", VERIFY, expected=1)
    (skill / "extra.sh").unlink()
    version = json.loads((skill / ".vault" / "attestation.json").read_bytes())["skill"]["version"]
    tour.step(
        "The publisher revokes the skill",
        f"revoke {GOOD}@{version} --key publisher.key --list revoked.json --reason withdrawn",
    )
    tour.step("From now on it is refused at install ...", VERIFY, expected=1)
    tour.step("... and at every run", f"{ENFORCE} -- true", expected=REFUSED)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
