from collections.abc import Callable
from pathlib import Path

import nacl.bindings
import nacl.exceptions
import pytest

from haldir_cli import selfcheck

Run = Callable[..., tuple[int, str, str]]


def test_a_good_installation_passes_its_own_test(run: Run) -> None:
    code, out, err = run("test")
    assert (code, out) == (0, "")
    assert "FAIL" not in err
    assert err.endswith("This installation works.\n")


def test_the_self_check_leaves_nothing_behind(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    run("test")
    assert (list((tmp_path / "temporary").iterdir()), home.exists()) == ([], False)


def test_a_step_that_fails_is_named_and_the_answer_is_no(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    verifies = nacl.bindings.crypto_sign_open
    calls: list[int] = []

    def broken_from(number: int) -> Callable[[bytes, bytes], bytes]:
        def crypto_sign_open(signed: bytes, public: bytes) -> bytes:
            calls.append(1)
            if len(calls) >= number:
                raise nacl.exceptions.BadSignatureError
            return verifies(signed, public)

        return crypto_sign_open

    monkeypatch.setattr(nacl.bindings, "crypto_sign_open", broken_from(10**6))
    assert run("test")[0] == 0
    last = len(calls)
    calls.clear()
    monkeypatch.setattr(nacl.bindings, "crypto_sign_open", broken_from(last))
    code, _, err = run("test")
    assert code == 1
    assert "FAIL the skill itself is good as ever" in err
    assert err.endswith("1 step(s) failed: do not rely on this installation.\n")


def test_a_library_that_accepts_every_signature_is_found_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nacl.bindings, "crypto_sign_open", lambda signed, _: signed[64:])
    assert run("test")[0] == 1


def test_every_step_of_the_self_check_passes() -> None:
    steps = list(selfcheck.run_steps())
    assert len(steps) >= 8
    assert all(passed for _, passed in steps)
