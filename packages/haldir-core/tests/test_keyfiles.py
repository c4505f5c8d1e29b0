import os
import resource
import socket
import stat
from pathlib import Path

import pytest

from haldir_core import KeyFileError, PassphraseError, PrivateKey, load_private_key, load_public_key, write_key_pair
from haldir_core.keyfiles import MAX_KEY_FILE_BYTES

KEY = PrivateKey.from_seed(b"k" * 32)


def _private_file(path: Path, data: bytes | None = None, mode: int = 0o600) -> Path:
    path.write_bytes(KEY.to_pem() if data is None else data)
    path.chmod(mode)
    return path


def test_a_written_pair_is_read_again(tmp_path: Path) -> None:
    private, public, keyid = write_key_pair(tmp_path, "haldir", KEY)

    assert [path.name for path in (private, public, keyid)] == ["haldir.key", "haldir.pub", "haldir.keyid"]
    assert load_private_key(private) == KEY
    assert load_public_key(public) == load_public_key(private) == KEY.public_key
    assert keyid.read_text() == KEY.keyid


def test_an_encrypted_pair_needs_its_passphrase(tmp_path: Path) -> None:
    private, public, _ = write_key_pair(tmp_path, "haldir", KEY, passphrase=b"correct horse")

    assert load_private_key(private, b"correct horse") == KEY
    assert load_public_key(public) == KEY.public_key
    with pytest.raises(PassphraseError, match=r"haldir\.key: .* wrong passphrase"):
        load_private_key(private, b"wrong")
    with pytest.raises(PassphraseError, match=r"haldir\.key: .* give its passphrase"):
        load_private_key(private)


@pytest.mark.parametrize(
    ("mask", "modes"), [(0, [0o600, 0o644, 0o644]), (0o077, [0o600, 0o600, 0o600])], ids=["0", "077"]
)
def test_the_private_file_is_for_its_owner_under_any_umask(mask: int, modes: list[int], tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        paths = write_key_pair(tmp_path, "haldir", KEY)
    finally:
        os.umask(before)

    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == modes


@pytest.mark.parametrize("name", ["haldir.key", "haldir.pub", "haldir.keyid"])
def test_nothing_is_overwritten_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")

    with pytest.raises(KeyFileError, match=f"{name} exists and is not overwritten"):
        write_key_pair(tmp_path, "haldir", KEY)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


@pytest.mark.parametrize("target", ["precious", "missing"])
@pytest.mark.parametrize("name", ["haldir.key", "haldir.pub", "haldir.keyid"])
def test_a_link_is_not_written_through(name: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / name).symlink_to(tmp_path / target)

    with pytest.raises(KeyFileError, match="exists and is not overwritten"):
        write_key_pair(tmp_path, "haldir", KEY)

    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "missing").exists()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"cannot write .*haldir\.key: the folder does not exist"):
        write_key_pair(tmp_path / "missing", "haldir", KEY)


@pytest.mark.parametrize(
    "stem", ["", ".", "..", "../haldir", "sub/haldir", "/haldir", "haldir/", "hal\0dir"], ids=ascii
)
def test_a_stem_that_is_no_file_name_is_an_error(stem: str, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    (folder / "sub").mkdir(parents=True)

    with pytest.raises(KeyFileError):
        write_key_pair(folder, stem, KEY)

    assert [path.name for path in tmp_path.rglob("*")] == ["keys", "sub"]


def test_an_empty_passphrase_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="protects nothing"):
        write_key_pair(tmp_path, "haldir", KEY, passphrase=b"")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 40, 115], ids=["none", "part-of-the-private-key", "part-of-the-public-key"])
def test_a_full_disk_leaves_no_file(room: int, tmp_path: Path) -> None:
    assert len(KEY.to_pem()) > len(KEY.public_key.to_pem()) > len(KEY.keyid)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(KeyFileError, match=r"cannot write"):
            write_key_pair(tmp_path, "haldir", KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o666], ids=oct)
def test_a_private_key_that_others_may_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = _private_file(tmp_path / "haldir.key", mode=mode)

    with pytest.raises(KeyFileError, match=rf"mode 0{mode:o}\): run chmod 600 .*haldir\.key"):
        load_private_key(path)
    with pytest.raises(KeyFileError, match="others may read"):
        load_public_key(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700], ids=oct)
def test_a_private_key_for_its_owner_is_read(mode: int, tmp_path: Path) -> None:
    assert load_private_key(_private_file(tmp_path / "haldir.key", mode=mode)) == KEY


def test_a_public_key_may_be_read_by_all(tmp_path: Path) -> None:
    path = _private_file(tmp_path / "haldir.pub", KEY.public_key.to_pem(), 0o666)

    assert load_public_key(path) == KEY.public_key


@pytest.mark.parametrize("name", ["missing", "file/x", "nul\0"], ids=ascii)
def test_a_path_that_cannot_be_opened_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(KeyFileError, match=f"cannot read the key file {tmp_path}/"):
        load_public_key(tmp_path / name)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="not a regular file"):
        load_public_key(tmp_path)


def test_a_fifo_is_no_key_file_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)

    with pytest.raises(KeyFileError, match="not a regular file"):
        load_private_key(tmp_path / "fifo")


def test_a_socket_is_no_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        with pytest.raises(KeyFileError, match="cannot read the key file socket"):
            load_private_key("socket")


def test_a_file_that_fails_while_it_is_read_is_an_error() -> None:
    with pytest.raises(KeyFileError, match="cannot read the key file"):
        load_public_key("/proc/self/mem")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = _private_file(tmp_path / "large", KEY.to_pem() + b"\n" * MAX_KEY_FILE_BYTES)

    with pytest.raises(KeyFileError, match="larger than 65536 bytes"):
        load_private_key(path)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = _private_file(tmp_path / "large", KEY.to_pem().ljust(MAX_KEY_FILE_BYTES, b"\n"))

    assert load_private_key(path) == KEY


def test_what_is_wrong_with_a_key_file_is_said_with_its_name_once(tmp_path: Path) -> None:
    path = _private_file(tmp_path / "haldir.key", b"not a key")

    with pytest.raises(KeyFileError) as private:
        load_private_key(path)
    with pytest.raises(KeyFileError) as public:
        load_public_key(path)

    assert str(private.value) == f"{path}: holds no private key in PKCS#8 or OpenSSH form"
    assert str(public.value).startswith(f"{path}: holds no public key")


def test_a_key_file_behind_a_link_is_read(tmp_path: Path) -> None:
    path = _private_file(tmp_path / "haldir.key")
    (tmp_path / "link").symlink_to(path)

    assert load_private_key(tmp_path / "link") == KEY
