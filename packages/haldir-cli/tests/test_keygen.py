import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import PassphraseError, load_private_key, load_public_key

Run = Callable[..., tuple[int, str, str]]


def test_keygen_writes_a_private_key_that_only_its_owner_can_read(run: Run, work: Path) -> None:
    assert run("keygen")[0] == 0
    assert stat.S_IMODE((work / "haldir.key").stat().st_mode) == 0o600


def test_keygen_writes_a_public_key_and_a_key_id_that_belong_to_the_private_key(run: Run, work: Path) -> None:
    run("keygen")
    key = load_private_key(work / "haldir.key")
    assert load_public_key(work / "haldir.pub") == key.public_key
    assert (work / "haldir.keyid").read_text(encoding="ascii") == key.keyid


def test_keygen_says_the_key_id_on_stderr_and_nothing_on_stdout(run: Run, work: Path) -> None:
    _, out, err = run("keygen")
    assert out == ""
    assert (work / "haldir.keyid").read_text(encoding="ascii") in err


def test_keygen_uses_the_folder_and_the_name_that_were_asked_for(run: Run, work: Path) -> None:
    (work / "safe").mkdir()
    assert run("keygen", "--output", "safe", "--name", "ci")[0] == 0
    assert sorted(path.name for path in (work / "safe").iterdir()) == ["ci.key", "ci.keyid", "ci.pub"]


@pytest.mark.parametrize("ending", ["key", "pub", "keyid"])
def test_keygen_overwrites_nothing_and_leaves_nothing_new_behind(run: Run, work: Path, ending: str) -> None:
    (work / f"haldir.{ending}").write_text("mine", encoding="ascii")
    code, _, err = run("keygen")
    assert (code, [path.name for path in work.iterdir()]) == (2, [f"haldir.{ending}"])
    assert (work / f"haldir.{ending}").read_text(encoding="ascii") == "mine"
    assert "not overwritten" in err


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/a", "a/", "../a"], ids=["empty", "dot", "dots", "slash", "root", "tail", "up"]
)
def test_keygen_refuses_a_name_that_is_no_file_name(run: Run, work: Path, name: str) -> None:
    code, _, err = run("keygen", "--name", name)
    assert (code, list(work.iterdir())) == (2, [])
    assert "no file name" in err


def test_keygen_refuses_a_folder_that_does_not_exist(run: Run) -> None:
    code, _, err = run("keygen", "--output", "nowhere")
    assert code == 2
    assert "nowhere" in err


def test_keygen_encrypts_the_private_key_with_the_passphrase_of_a_variable(
    run: Run, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    code, _, err = run("keygen", "--passphrase-env", "SECRET")
    assert code == 0
    assert " encrypted" in err
    assert "not encrypted" not in err
    with pytest.raises(PassphraseError):
        load_private_key(work / "haldir.key")
    assert load_private_key(work / "haldir.key", b"correct horse").keyid in err


def test_keygen_reads_the_first_line_of_a_descriptor_as_passphrase(
    run: Run, work: Path, pipe_with: Callable[[bytes], int]
) -> None:
    code, _, err = run("keygen", "--passphrase-fd", str(pipe_with(b"correct horse\r\nsecond line\n")))
    assert code == 0
    assert load_private_key(work / "haldir.key", b"correct horse").keyid in err


def test_keygen_says_when_the_private_key_is_not_encrypted(run: Run) -> None:
    assert "not encrypted" in run("keygen")[2]


def test_two_passphrase_options_are_one_too_many(run: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    code, _, err = run("keygen", "--passphrase-env", "SECRET", "--passphrase-fd", "0")
    assert (code, list(work.iterdir())) == (2, [])
    assert "not both" in err


def test_a_passphrase_variable_must_be_set(run: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET", raising=False)
    code, _, err = run("keygen", "--passphrase-env", "SECRET")
    assert (code, list(work.iterdir())) == (2, [])
    assert "SECRET is not set" in err


@pytest.mark.parametrize("value", ["", "x" * 4097], ids=["empty", "too-long"])
def test_a_passphrase_variable_that_protects_nothing_or_is_too_long_is_refused(
    run: Run, work: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SECRET", value)
    code, _, err = run("keygen", "--passphrase-env", "SECRET")
    assert (code, list(work.iterdir())) == (2, [])
    assert "the passphrase is" in err


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\nsecond\n", b"x" * 4097], ids=["eof", "newline", "crlf", "too-long"])
def test_a_passphrase_descriptor_that_gives_nothing_or_too_much_is_refused(
    run: Run, work: Path, pipe_with: Callable[[bytes], int], data: bytes
) -> None:
    code, _, err = run("keygen", "--passphrase-fd", str(pipe_with(data)))
    assert (code, list(work.iterdir())) == (2, [])
    assert "the passphrase is" in err


@pytest.mark.parametrize("descriptor", ["9999", "99999999999999999999", "-1", "x"], ids=["shut", "huge", "minus", "x"])
def test_a_passphrase_descriptor_that_cannot_be_read_is_a_usage_error(run: Run, work: Path, descriptor: str) -> None:
    code, _, err = run("keygen", "--passphrase-fd", descriptor)
    assert (code, list(work.iterdir())) == (2, [])
    assert "--passphrase-fd" in err
    assert "internal error" not in err


def test_the_passphrase_is_shown_nowhere(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "tell-nobody" * 500)
    assert "tell-nobody" not in "".join(run("keygen", "--passphrase-env", "SECRET")[1:])
