"""The ranges of npm mean for us what they mean for npm: compared with the module ``semver`` of the installed npm."""

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import nodesemver  # type: ignore[import-untyped]
import pytest

VERSIONS = [
    "0.0.0",
    "0.0.1",
    "0.1.0",
    "0.1.2",
    "0.2.0",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.2.3",
    "1.2.3-alpha",
    "1.2.3-alpha.1",
    "1.2.3-beta.2",
    "1.2.4-rc.0",
    "1.3.0",
    "1.9.9",
    "2.0.0-0",
    "2.0.0",
    "2.1.5",
    "3.0.0-beta.1",
    "10.0.0",
]
RANGES = (
    "*",
    "",
    "x",
    "1",
    "1.x",
    "1.2",
    "1.2.x",
    "1.2.3",
    "=1.2.3",
    "v1.2.3",
    "^1.2.3",
    "^1.2",
    "^0.1.2",
    "^0.0.1",
    "^0",
    "~1.2.3",
    "~1.2",
    "~1",
    "~0.1",
    ">1.2.3",
    ">=1.2.3",
    "<2.0.0",
    "<=1.2.3",
    ">=1.2.3 <2.0.0",
    "1.2.3 - 2.1.0",
    "1.2 - 2",
    "1.2.3 || 2.x",
    "^1.2.3-alpha",
    ">=1.2.3-alpha <1.3.0",
    "~1.2.3-beta.2",
    ">1.2.3-alpha.1 || <0.1.0",
)
_SCRIPT = """
const semver = require(process.argv[1]);
const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(pairs.map(([version, range]) => semver.satisfies(version, range))));
"""


def _semver() -> Path:
    """Return the folder of the module in npm: beside the program, or where npm keeps global packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node, "node is not installed: run scripts/programs"
    assert npm, "npm is not installed: run scripts/programs"
    told = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=True, timeout=60)
    real = Path(npm).resolve()
    candidates = [
        Path(told.stdout.strip()) / "npm",
        *real.parents[1:3],
        Path(node).resolve().parent.parent / "lib" / "node_modules" / "npm",
        Path("/usr/share/nodejs"),  # where Debian keeps the modules of npm
    ]
    folders = (base / below for base in candidates for below in ("node_modules/semver", "semver"))
    found = next((folder for folder in folders if (folder / "package.json").is_file()), None)
    assert found, f"no module semver beside npm in {candidates}"
    return found


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, str], bool]:
    """What the module of npm says about every pair."""
    pairs = list(itertools.product(VERSIONS, RANGES))
    node = shutil.which("node") or "node"
    done = subprocess.run(
        [node, "-e", _SCRIPT, str(_semver())],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )
    return dict(zip(pairs, json.loads(done.stdout), strict=True))


def test_at_least_500_pairs_are_compared(answers: dict[tuple[str, str], bool]) -> None:
    assert len(answers) >= 500
    assert 100 < sum(answers.values()) < len(answers) - 100


def test_a_version_fits_a_range_for_us_if_and_only_if_it_does_for_npm(answers: dict[tuple[str, str], bool]) -> None:
    ours = {pair: nodesemver.satisfies(*pair, loose=False) for pair in answers}

    assert {pair for pair in answers if ours[pair] != answers[pair]} == set()
