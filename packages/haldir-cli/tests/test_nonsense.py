"""Whatever is typed, the answer is an exit code and a sentence: never a traceback, never a hang, never success."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

RAW = b"\xff\xfe".decode("utf-8", "surrogateescape")

NONSENSE = {
    "empty": "",
    "space": " ",
    "nul": "a\0b",
    "long": "x" * 100_000,
    "raw-bytes": RAW,
    "newline": "\n",
    "option-like": "--",
    "null-device": os.devnull,
    "folder": ".",
    "fifo": "fifo",
    "missing": "nowhere/at/all",
    "huge-number": "9" * 400,
    "at": "@",
    "equals": "=",
}

COMMAND_LINES = {
    "nothing": (),
    "command": ("{}",),
    "keygen-output": ("keygen", "--output", "{}/x/y"),
    "keygen-fd": ("keygen", "--passphrase-fd", "{}"),
    "keygen-env": ("keygen", "--passphrase-env", "{}"),
    "keygen-extra": ("keygen", "x{}"),
    "sign-dir": ("sign", "{}", "--key", "publisher.key"),
    "sign-key": ("sign", "skill", "--key", "{}"),
    "sign-permissions": ("sign", "skill", "--key", "publisher.key", "--permissions", "{}"),
    "sign-report": ("sign", "skill", "--key", "publisher.key", "--vetting-report", "{}"),
    "verify-dir": ("verify", "{}", "--key", "publisher.pub"),
    "verify-key": ("verify", "skill", "--key", "{}"),
    "verify-list": ("verify", "skill", "--key", "publisher.pub", "--revocation", "{}"),
    "verify-revocation-key": ("verify", "skill", "--key", "publisher.pub", "--revocation-key", "{}"),
    "verify-store": ("verify", "skill", "--key", "publisher.pub", "--trust-store", "{}"),
    "verify-require": ("verify", "skill", "--key", "publisher.pub", "--require", "{}"),
    "verify-context": ("verify", "skill", "--key", "publisher.pub", "--context", "{}"),
    "inspect-dir": ("inspect", "{}"),
    "cosign-dir": ("cosign", "{}", "--key", "publisher.key", "--trusted-key", "publisher.pub"),
    "cosign-key": ("cosign", "skill", "--key", "{}", "--trusted-key", "publisher.pub"),
    "cosign-trusted": ("cosign", "skill", "--key", "publisher.key", "--trusted-key", "{}"),
    "revoke-name": ("revoke", "{}", "--reason", "r", "--key", "publisher.key", "--list", "l"),
    "revoke-key": ("revoke", "a@1", "--reason", "r", "--key", "{}", "--list", "l"),
    "revoke-list": ("revoke", "--refresh", "--key", "publisher.key", "--list", "{}"),
    "trust-command": ("trust", "{}"),
    "trust-key": ("trust", "add", "--key", "{}"),
    "trust-identity": ("trust", "remove", "--identity", "{}"),
    "trust-remove": ("trust", "remove", "{}"),
    "trust-list": ("trust", "list", "--trust-store", "{}"),
    "scan-path": ("scan", "--strict", "{}"),
    "scan-json": ("scan", "--json", "{}", "x{}"),
    "scan-baseline": ("scan", "skill", "--baseline", "{}"),
    "scan-bundle": ("scan", "skill", "--bundle", "{}", "--key", "publisher.pub"),
    "scan-key": ("scan", "skill", "--bundle", "publisher.pub", "--key", "{}"),
    "scan-severity": ("scan", "skill", "--severity", "{}"),
    "scan-policy": ("scan", "skill", "--policy", "{}"),
    "scan-explain": ("scan", "--explain", "{}"),
    "scan-since": ("scan", "skill", "--since", "{}"),
    "rules-command": ("rules", "{}"),
    "rules-build": ("rules", "build", "{}", "--output", "r.json"),
    "rules-output": ("rules", "build", "skill", "--output", "{}"),
    "rules-key": ("rules", "build", "skill", "--output", "r.json", "--key", "{}"),
    "rules-test": ("rules", "test", "{}"),
    "vet-dir": ("vet", "{}"),
    "test-extra": ("test", "x{}"),
}


@pytest.fixture
def crowded(work: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a folder with keys, a skill that is not signed, and a FIFO."""
    monkeypatch.chdir(keys)
    (keys / "skill").mkdir()
    (keys / "skill" / "SKILL.md").write_text("hello\n", encoding="utf-8")
    os.mkfifo(keys / "fifo")


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize("line", COMMAND_LINES.values(), ids=COMMAND_LINES.keys())
def test_nonsense_is_a_usage_error_or_a_no(run: Run, crowded: None, line: tuple[str, ...], nonsense: str) -> None:
    code, _, err = run(*(part.replace("{}", nonsense) for part in line))
    assert code in {1, 2}
    assert "internal error" not in err


@pytest.mark.parametrize("nonsense", ["", "a\0b", "x" * 100_000], ids=["empty", "nul", "long"])
@pytest.mark.parametrize(
    "line",
    [
        ("revoke", "a@1", "--reason", "r", "--key", "publisher.key", "--list", "{}"),
        ("revoke", "--init", "--key", "publisher.key", "--list", "{}"),
        ("trust", "add", "--key", "publisher.pub", "--trust-store", "{}"),
        ("vet", "skill", "--report", "{}"),
        ("scan", "skill", "--sarif", "{}"),
        ("keygen", "--name", "{}"),
        ("keygen", "--output", "{}", "--name", "publisher"),
    ],
    ids=["revoke", "revoke-init", "trust-add", "vet-report", "scan-sarif", "keygen-name", "keygen-output"],
)
def test_a_file_that_nobody_can_write_is_a_usage_error(
    run: Run, crowded: None, line: tuple[str, ...], nonsense: str
) -> None:
    code, _, err = run(*(part.replace("{}", nonsense) for part in line))
    assert code == 2
    assert "internal error" not in err


@pytest.mark.parametrize(
    "line",
    [
        ("sign", "skill", "--key", "publisher.key", "--name", RAW),
        ("sign", "skill", "--key", "publisher.key", "--type", RAW),
        ("revoke", f"{RAW}@1", "--reason", "r", "--key", "publisher.key", "--list", "l"),
        ("revoke", "a@1", "--reason", RAW, "--key", "publisher.key", "--list", "l"),
        ("trust", "add", "--identity", f"i={RAW}"),
        ("vet", "skill", "--publisher-note", RAW, "--report", "r"),
        ("rules", "build", "skill", "--version", RAW, "--output", "r"),
    ],
    ids=["name", "type", "revoked", "reason", "identity", "note", "rules"],
)
def test_a_text_that_is_not_unicode_is_written_into_no_document(
    run: Run, crowded: None, home: Path, line: tuple[str, ...]
) -> None:
    code, _, err = run(*line)
    assert code == 2
    assert "internal error" not in err
    assert [path for path in ("skill/.vault", "l", "r", home / "trust.json") if Path(path).exists()] == []


@pytest.mark.parametrize("home_is", ["a-file", "below-a-file", "nul-device"])
def test_a_state_folder_that_is_none_is_exit_2(
    run: Run, crowded: None, monkeypatch: pytest.MonkeyPatch, home_is: str
) -> None:
    places = {"a-file": "publisher.pub", "below-a-file": "publisher.pub/x", "nul-device": os.devnull}
    monkeypatch.setenv("HALDIR_HOME", places[home_is])
    assert run("trust", "add", "--key", "publisher.pub")[0] == 2


@pytest.mark.parametrize("place", ["fifo", "."], ids=["fifo", "folder"])
def test_a_report_takes_the_place_of_no_device_or_folder(run: Run, crowded: None, place: str) -> None:
    kind = stat.S_IFMT(Path(place).stat().st_mode)
    code, _, err = run("vet", "skill", "--report", place)
    assert (code, stat.S_IFMT(Path(place).stat().st_mode)) == (2, kind)
    assert "internal error" not in err
