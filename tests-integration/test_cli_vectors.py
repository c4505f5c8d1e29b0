"""The command line answers as the TypeScript implementation did, or as we decided to answer otherwise."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Case = dict[str, Any]

INDEX = json.loads((Path(__file__).parents[1] / "spec/vectors/haldir-ts/index.json").read_bytes())
CASES: list[Case] = [case for case in INDEX["cases"] if "ts_cli" in case and "needs" not in case]
WRITING = ("sign", "cosign", "revoke", "keygen")


def _override(case: Case) -> str | None:
    """Return what we decided, without the remark in brackets."""
    decided = case.get("haldir_expected") or case.get("spec_expected")
    return str(decided).split(" (")[0] if decided else None


def _recorded(predicate: Callable[[Case], bool]) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if predicate(case)]
    return pytest.mark.parametrize("case", chosen, ids=[case["case"] for case in chosen])


def _command(case: Case) -> list[str]:
    return shlex.split(case["command"])[1:]


def _writes(case: Case) -> bool:
    return _command(case)[0] in WRITING


def _verdict(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared of a verdict; messages are not."""
    return {
        **{key: shown[key] for key in ("valid", "trustLevel", "keyId", "attestation", "permissions", "vettingReport")},
        "errors": [(error["code"], error.get("file")) for error in shown["errors"]],
        "warnings": [warning["code"] for warning in shown["warnings"]],
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, unpack: Callable[[Path], None]) -> Path:
    """Return a work folder for the commands that only read."""
    folder = tmp_path_factory.mktemp("shared")
    unpack(folder)
    return folder


@pytest.fixture
def fresh(tmp_path: Path, unpack: Callable[[Path], None]) -> Path:
    """Return a work folder for one command that writes."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    unpack(folder)
    return folder


def test_there_are_as_many_cases_as_were_recorded() -> None:
    assert len(CASES) == 145


@_recorded(lambda case: not _writes(case) and _override(case) is None)
def test_a_reading_command_answers_as_the_peer(
    run: Run, shared: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(shared)
    code, out, err = run(*_command(case))
    assert code == case["ts_cli"]["exit"], err
    if case["ts_cli"].get("json"):
        assert _verdict(json.loads(out)) == _verdict(case["ts_cli"]["json"])
    elif code:
        assert out == ""


@_recorded(lambda case: not _writes(case) and (_override(case) or "").startswith("E_"))
def test_what_we_refuse_on_purpose_is_refused_with_that_code(
    run: Run, shared: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(shared)
    code, out, _ = run(*_command(case))
    assert (code, json.loads(out)["errors"][0]["code"]) == (1, _override(case))


@_recorded(lambda case: not _writes(case) and (_override(case) or "").startswith("valid"))
def test_what_we_accept_on_purpose_is_accepted_with_that_level_and_warning(
    run: Run, shared: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(shared)
    code, out, err = run(*_command(case))
    _, *words = str(_override(case)).split()
    verdict = _verdict(json.loads(out))
    assert code == 0, err
    assert [verdict["trustLevel"], *verdict["warnings"]] == (words or ["full"])


@_recorded(lambda case: not _writes(case) and (_override(case) or "").startswith("exit"))
def test_a_reading_command_ends_with_the_exit_code_that_we_decided(
    run: Run, shared: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(shared)
    assert f"exit {run(*_command(case))[0]}" == _override(case)


@_recorded(_writes)
def test_a_writing_command_ends_with_the_expected_exit_code(
    run: Run, fresh: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(fresh)
    code, _, err = run(*_command(case))
    assert f"exit {code}" == (_override(case) or f"exit {case['ts_cli']['exit']}"), err


@pytest.mark.parametrize("case", INDEX["sign_report_cases"], ids=[case["case"] for case in INDEX["sign_report_cases"]])
def test_a_vetting_report_is_taken_or_refused_and_bound_as_the_peer_does(
    run: Run, peer: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(fresh)
    options = ("--key", "keys/publisher.key", "--vetting-report", case["report"])
    code, _, err = run("sign", "skills/no-vault", *options)
    assert code == case["exit"], err
    bound = None
    if code == 0:
        bound = json.loads(Path("skills/no-vault/.vault/attestation.json").read_bytes())["vetting_report_hash"]
    assert bound == case["vetting_report_sha256"]
