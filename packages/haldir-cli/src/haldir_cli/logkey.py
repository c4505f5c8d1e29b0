"""The key of this machine that signs the ends of audit logs."""

from haldir_cli.files import locked, make_private_folder, read_state
from haldir_cli.home import state_folder
from haldir_core.keyfiles import write_key_pair
from haldir_core.keys import PrivateKey, PublicKey

_STEM = "audit-log"


def log_key() -> PrivateKey:
    """Return the private key of this user's audit logs, made when it is first needed; mode 0600.

    Raises: HaldirError if it cannot be made or read, or others could have written it.
    """
    folder = state_folder()
    make_private_folder(folder)
    with locked(folder / _STEM):
        kept = read_state(folder / f"{_STEM}.key", "key of the audit logs", within=folder)
        if kept is not None:
            return PrivateKey.from_pem(kept)
        made = PrivateKey.generate()
        write_key_pair(folder, _STEM, made)
        return made


def log_public_key() -> PublicKey | None:
    """Return the public key of this user's audit logs; None before the first one.

    Raises: HaldirError if it cannot be read, or others could have written it.
    """
    folder = state_folder()
    kept = read_state(folder / f"{_STEM}.pub", "public key of the audit logs", within=folder)
    return None if kept is None else PublicKey.from_pem(kept)
