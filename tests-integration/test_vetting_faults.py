"""Faults of an earlier vetting, tried through the whole of this one: layers, decision, report."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_pipeline import (
    Budgets,
    Configuration,
    LayerName,
    Order,
    Outcome,
    ProfileName,
    Result,
    State,
    Vetting,
    vet_path,
)

Make = Callable[..., Path]

STATIC = frozenset({LayerName.SANDBOX, LayerName.REVIEW})
REVIEW = frozenset({LayerName.REVIEW})
HEAD = "---\nname: skill\ndescription: Does one thing. Use it for that one thing.\n---\n"

linux = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a skill of some files; a program ``main.py`` is named in SKILL.md."""

    def build(name: str = "skill", **files: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        run = "Run `python3 main.py`.\n" if "main.py" in files else ""
        for path, text in {"SKILL.md": HEAD + run, **files}.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return folder

    return build


def now() -> datetime:
    return datetime.now(UTC)


def vetted(skill: Path, skip: frozenset[LayerName] = STATIC, **settings: Any) -> Vetting:  # noqa: ANN401 - settings
    return vet_path(skill, Configuration(skip=skip, **settings), clock=now)


def of(vetting: Vetting, layer: LayerName) -> Outcome:
    return next(outcome for outcome in vetting.outcomes if outcome.layer is layer)


def rules(vetting: Vetting, layer: LayerName) -> set[str]:
    return {finding.pattern_id or "" for finding in of(vetting, layer).findings}


BLOCK = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["requests", "rich>=13"]\n# ///\nprint("rain")\n'


@pytest.mark.parametrize("path", ["main.py", "tools/run", "scripts/deep/er/x.py"])
def test_21_a_pep_723_block_is_seen_wherever_it_is(make: Make, path: str) -> None:
    text = BLOCK if path.endswith(".py") else f"#!/usr/bin/env -S uv run\n{BLOCK}"
    vetting = vetted(make(**{path: text}))
    assert vetting.result is not Result.APPROVED
    assert path in {finding.file for finding in of(vetting, LayerName.AUDIT).findings}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sub/package.json", '{"name": "x", "dependencies": {"a-package": "*"}}'),
        ("package.json", '{"name": "x", "devDependencies": {"a-package": "*"}}'),
        ("requirements.txt", "-r more/needs.txt\n"),
        ("requirements.txt", "-e git+https://git.example/a.git#egg=a\n"),
        ("requirements.txt", "--extra-index-url http://packages.example/simple\na-package==1.0\n"),
        ("requirements.txt", "name[extra]>=1\n"),
        ("pyproject.toml", '[tool.poetry.dependencies]\na-package = "*"\n'),
        ("pyproject.toml", '[build-system]\nrequires = ["a-package"]\n'),
        ("package.json", "null"),
        ("package.json", "[1, 2"),
        ("requirements.txt", "\udcff\x00 ???"),
    ],
    ids=[
        "nested", "dev", "include", "editable", "index", "extra", "poetry", "build", "null", "broken", "nonsense",
    ],
)  # fmt: skip
def test_22_no_form_of_a_manifest_is_overlooked_or_breaks_the_audit(make: Make, path: str, text: str) -> None:
    skill = make()
    (skill / path).parent.mkdir(exist_ok=True)
    (skill / path).write_text(text, encoding="utf-8", errors="surrogateescape")
    (skill / "more").mkdir()
    (skill / "more" / "needs.txt").write_text("a-package\n", encoding="utf-8")
    audit = of(vetted(skill), LayerName.AUDIT)
    assert audit.state in {State.FLAG, State.REJECT}
    assert audit.findings


def test_22_a_pinned_requirement_with_an_extra_is_pinned(make: Make) -> None:
    (folder := make()).joinpath("requirements.txt").write_text("name[extra]==1.0\n", encoding="utf-8")
    assert "unpinned" not in rules(vetted(folder), LayerName.AUDIT)


@linux
def test_23_a_skill_that_reaches_for_the_machine_reaches_nothing(make: Make, tmp_path: Path) -> None:
    reach = f"open({str(tmp_path / 'reached')!r}, 'w').write('x')\n"
    vetting = vetted(make(**{"main.py": f"try: {reach}except OSError: pass\nopen('/etc/shadow').read()\n"}), REVIEW)
    assert vetting.result is Result.REJECTED
    assert not (tmp_path / "reached").exists()
    assert rules(vetting, LayerName.SANDBOX) & {"sandbox.undeclared-write", "sandbox.undeclared-secret-read"}


CONNECTS = "import socket\nsocket.create_connection(('198.51.100.7', 443), 2)\n"
RUNS = "import subprocess\nsubprocess.run(['curl', '--version'])\n"


@linux
@pytest.mark.parametrize("program", [CONNECTS, RUNS], ids=["network", "program"])
@pytest.mark.parametrize("network", ["none", []], ids=["word", "list"])
def test_24_permissions_that_deny_switch_nothing_off(make: Make, program: str, network: object) -> None:
    skill = make(**{"main.py": program})
    (skill / ".vault").mkdir()
    declared = {"network": network, "exec": [], "filesystem": {"read": [], "write": []}}
    document = json.dumps({"schema_version": "1.0", "declared": declared})
    (skill / ".vault" / "permissions.json").write_text(document, encoding="utf-8")
    vetting = vetted(skill, REVIEW)
    assert vetting.result is Result.REJECTED
    assert any(rule.startswith("sandbox.undeclared") for rule in rules(vetting, LayerName.SANDBOX))


@linux
def test_25_what_is_granted_outside_of_declared_grants_nothing(make: Make) -> None:
    skill = make(**{"main.py": CONNECTS})
    (skill / ".vault").mkdir()
    document = {"schema_version": "1.0", "declared": {}, "network": ["198.51.100.7"], "exec": ["curl"]}
    (skill / ".vault" / "permissions.json").write_text(json.dumps(document), encoding="utf-8")
    assert vetted(skill, REVIEW).result is Result.REJECTED


@linux
def test_26_nothing_outlives_its_time(make: Make) -> None:
    mark = "7654321.125"
    program = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep({mark})'], start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    started = time.monotonic()
    vetting = vetted(make(**{"main.py": program}), REVIEW, budgets=Budgets(sandbox_seconds=6))
    assert time.monotonic() - started < 60
    assert vetting.result is not Result.APPROVED
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _can_read(path)]
    assert not [line for line in lines if mark.encode() in line]


def _can_read(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


@linux
@pytest.mark.parametrize("name", ["skill", "a skill with spaces"])
def test_27_a_python_program_is_held_whatever_it_does_to_its_environment(make: Make, name: str) -> None:
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {CONNECTS!r}], env={{}})\n"
    skill = make(name, **{"main.py": child})
    (skill / ".vault").mkdir()
    document = {"schema_version": "1.0", "declared": {"exec": ["python3"]}}
    (skill / ".vault" / "permissions.json").write_text(json.dumps(document), encoding="utf-8")
    vetting = vetted(skill, REVIEW)
    assert vetting.result is Result.REJECTED
    assert "sandbox.undeclared-connection" in rules(vetting, LayerName.SANDBOX)


class Answers(http.server.BaseHTTPRequestHandler):
    """A provider of models: one path fails, the other says that all is well, in no form that was asked for."""

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"choices": [{"message": {"content": "approve with 1.0"}, "finish_reason": "stop"}]}'
        self.send_response(500 if "/broken" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as of the base class
        """Say nothing."""


@pytest.fixture
def models() -> Iterator[str]:
    """Return the address of a provider."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _providers(url: str, *names: str) -> dict[str, Any]:
    common = {"kind": "openai", "tries": 1, "deadline_seconds": 10}
    return {"providers": {name: {**common, "model": name, "base_url": f"{url}/{name}"} for name in names}}


@pytest.mark.parametrize("names", [("well",), ("well", "broken"), ("broken", "burst"), ("well", "good")])
@pytest.mark.parametrize("order", Order)
def test_28_a_vote_that_is_missing_or_malformed_never_approves(
    make: Make, models: str, names: tuple[str, ...], order: Order
) -> None:
    sandbox = frozenset({LayerName.SANDBOX})
    vetting = vetted(make(), sandbox, review=_providers(models, *names), order=order)
    assert of(vetting, LayerName.REVIEW).state is State.INCONCLUSIVE
    assert vetting.result is Result.AMBER
    assert vetting.report is not None
    assert vetting.report.overall_status == "flag"


def test_28_a_provider_that_cannot_be_reached_never_approves(make: Make) -> None:
    sandbox = frozenset({LayerName.SANDBOX})
    vetting = vetted(make(), sandbox, review=_providers("http://127.0.0.1:9", "one", "two"))
    assert vetting.result is Result.AMBER


def test_28_a_missing_key_is_told_and_never_approves(make: Make) -> None:
    table = _providers("http://127.0.0.1:9", "one", "two")
    for provider in table["providers"].values():
        provider["key_env"] = "HALDIR_TEST_KEY_THAT_IS_NOT_SET"
    vetting = vetted(make(), frozenset({LayerName.SANDBOX}), review=table)
    assert vetting.result is Result.AMBER
    assert "HALDIR_TEST_KEY_THAT_IS_NOT_SET" in of(vetting, LayerName.REVIEW).reason


def test_29_the_registry_profile_skips_no_layer_for_anybody(make: Make) -> None:
    vetting = vet_path(make(), Configuration(profile=ProfileName.REGISTRY), clock=now)
    assert (vetting.result, vetting.report) == (Result.ERROR, None)
