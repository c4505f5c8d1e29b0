"""Skills whose dependencies were tampered with are not approved by scan and audit together."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from haldir_core import Status
from haldir_pipeline import vet_folder

Clock = Callable[[], datetime]
PACKAGE = json.dumps({"name": "weather", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}})
COMMIT = "0123456789abcdef" * 2 + "01234567"


def lock(resolved: str) -> str:
    entry = {"version": "1.3.0", "resolved": resolved, "integrity": f"sha512-{'A' * 86}=="}
    root = {"name": "weather", "dependencies": {"left-pad": "1.3.0"}}
    return json.dumps({"lockfileVersion": 3, "packages": {"": root, "node_modules/left-pad": entry}})


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": PACKAGE, "package-lock.json": lock(f"git+ssh://git@code.example/left-pad.git#{COMMIT}")},
        {"package.json": PACKAGE, "package-lock.json": lock("file:vendor/left-pad.tgz")},
        {".npmrc": "git=./tools/git\n"},
        {"run.mjs": 'import weather from "https://code.example/weather.js";\nweather();\n'},
        {"Dockerfile": "FROM scratch\nADD https://code.example/weather /bin/weather\n"},
        {"Makefile": "setup:\n\t-pip install weather-of-nobody\n"},
    ],
    ids=["lock-from-repository", "lock-from-archive", "npm-setting", "import", "docker-add", "make"],
)
def test_what_comes_from_elsewhere_keeps_a_skill_from_being_approved(
    skill: Path, clock: Clock, files: dict[str, str]
) -> None:
    for name, text in files.items():
        (skill / name).write_text(text, encoding="utf-8")
    assert vet_folder(skill, clock=clock).overall_status is not Status.PASS
