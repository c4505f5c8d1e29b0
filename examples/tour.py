"""The main job of Haldir on the skills of this folder, with the real commands: vet, sign, verify, tamper, revoke."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent / "skills"
HALDIR = Path(sys.executable).with_name("haldir")
GOOD, BAD = "csv-profiler", "invoice-helper"


class Tour:
    """Runs the commands in a temporary folder and counts what does not go as it must."""

    def __init__(self, folder: Path) -> None:
        """Work in ``folder``, which also holds the state that ``haldir`` keeps."""
        self.folder = folder
        self.surprises = 0
        self._environment = {**os.environ, "HALDIR_HOME": str(folder / "home"), "NO_COLOR": "1"}

    def step(self, title: str, arguments: str, *, expected: int = 0) -> None:
        """Run one ``haldir`` command, and show what it says and how long it took."""
        print(f"\n{title}\n  $ haldir {arguments}")
        started = time.monotonic()
        run = subprocess.run(
            [HALDIR, *arguments.split()],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        for line in [*_verdict(run.stdout), *run.stderr.splitlines()]:
            print(f"    {line}")
        outcome = "as expected" if run.returncode == expected else f"NOT AS EXPECTED (should be {expected})"
        print(f"    exit code {run.returncode}, {outcome}, {seconds:.2f} s")
        self.surprises += run.returncode != expected


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
    with tempfile.TemporaryDirectory(prefix="haldir-tour-") as name:
        folder = Path(name)
        for skill in (GOOD, BAD):
            shutil.copytree(EXAMPLES / skill, folder / skill)
        tour = Tour(folder)
        _walk(tour, folder / GOOD)
    print(f"\nDone in {time.monotonic() - started:.1f} s; nothing was left behind.", end=" ")
    print("Everything went as it must." if not tour.surprises else f"{tour.surprises} step(s) did NOT.")
    return min(tour.surprises, 1)


def _walk(tour: Tour, skill: Path) -> None:
    verify = f"verify {GOOD} --key publisher.pub --revocation revoked.json"
    tour.step("1. The publisher makes a key pair", "keygen --name publisher")
    tour.step("2. A good skill is vetted", f"vet {GOOD} --report report.json")
    tour.step("3. A hostile skill is vetted: rejected, with file and line", f"vet {BAD}", expected=1)
    tour.step(
        "4. The good one is signed, its vetting report bound",
        f"sign {GOOD} --key publisher.key --vetting-report report.json",
    )
    tour.step("5. The publisher starts a revocation list", "revoke --init --key publisher.key --list revoked.json")
    tour.step("6. A user verifies before installing: full trust", verify)
    tour.step("7. An authority makes a key pair ...", "keygen --name authority")
    tour.step("8. ... and co-signs", f"cosign {GOOD} --key authority.key --trusted-key publisher.pub")
    tour.step("9. Either key verifies it: the publisher's", verify)
    tour.step(
        "10. ... and the authority's",
        f"{verify.replace('--key publisher', '--key authority')} --revocation-key publisher.pub",
    )
    document = skill / "SKILL.md"
    honest = document.read_bytes()
    document.write_bytes(bytes([honest[0] ^ 1]) + honest[1:])
    tour.step("11. One byte of SKILL.md is changed: refused, with the file's name", verify, expected=1)
    document.write_bytes(honest)
    (skill / "extra.sh").write_text("echo surprise\n", encoding="utf-8")
    tour.step("12. A file is added: refused", verify, expected=1)
    (skill / "extra.sh").unlink()
    version = json.loads((skill / ".vault" / "attestation.json").read_bytes())["skill"]["version"]
    tour.step(
        "13. The publisher revokes the skill",
        f"revoke {GOOD}@{version} --key publisher.key --list revoked.json --reason withdrawn",
    )
    tour.step("14. From now on it is refused at install", verify, expected=1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
