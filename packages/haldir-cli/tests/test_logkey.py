import stat
from pathlib import Path

import pytest

from haldir_cli.logkey import log_key, log_public_key
from haldir_core.errors import HaldirError, UnreadableError
from haldir_core.keyfiles import load_private_key


def test_the_key_is_made_once_and_is_for_its_owner_alone(home: Path) -> None:
    assert log_public_key() is None
    key = log_key()
    assert log_key().keyid == key.keyid
    assert stat.S_IMODE((home / "audit-log.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    public = log_public_key()
    assert public is not None
    assert public.keyid == key.keyid == load_private_key(home / "audit-log.key").keyid


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_key_that_others_could_have_written_is_refused(home: Path, mode: int) -> None:
    log_key()
    (home / "audit-log.key").chmod(mode)
    with pytest.raises(UnreadableError, match="others could have written"):
        log_key()


def test_keys_in_a_folder_that_others_may_write_are_refused(home: Path) -> None:
    log_key()
    home.chmod(0o777)
    for read in (log_key, log_public_key):
        with pytest.raises(UnreadableError, match="others could have written"):
            read()


def test_a_public_key_that_others_could_have_written_is_refused(home: Path) -> None:
    log_key()
    (home / "audit-log.pub").chmod(0o666)
    with pytest.raises(UnreadableError, match="others could have written"):
        log_public_key()


def test_a_link_is_not_followed(home: Path, tmp_path: Path) -> None:
    log_key()
    (home / "audit-log.key").rename(tmp_path / "elsewhere")
    (home / "audit-log.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableError, match="link"):
        log_key()


@pytest.mark.parametrize("data", [b"", b"no key", b"\xff" * 100])
def test_a_damaged_key_is_an_error_and_is_not_replaced(home: Path, data: bytes) -> None:
    log_key()
    (home / "audit-log.key").write_bytes(data)
    with pytest.raises(HaldirError):
        log_key()
    assert (home / "audit-log.key").read_bytes() == data


def test_a_lost_private_key_is_not_replaced_beside_its_public_one(home: Path) -> None:
    log_key()
    (home / "audit-log.key").unlink()
    with pytest.raises(HaldirError, match="exists and is not overwritten"):
        log_key()


def test_a_state_folder_that_cannot_be_made_is_an_error(home: Path) -> None:
    home.write_text("no folder")
    with pytest.raises(HaldirError):
        log_key()
