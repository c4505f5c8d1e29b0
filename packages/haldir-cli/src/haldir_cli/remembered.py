"""The best revocation list of every signer, kept from one verification to the next."""

from collections.abc import Iterable
from pathlib import Path

from haldir_cli.files import locked, make_private_folder, read_file, replace_file
from haldir_cli.home import revocations_folder
from haldir_cli.show import say
from haldir_core import Keyring, MalformedError, RevocationEvidence, RevocationList, UnreadableError


def gather_evidence(ring: Keyring, named: Path | None) -> RevocationEvidence:
    """Return what is known about revocations: the list that was named, or else those that were kept.

    Raises:
        UnreadableError: if a list cannot be read.
        MalformedError: if the named list is no revocation list.
    """
    kept = tuple(_kept_lists(ring.keys))
    if named is None:
        return RevocationEvidence(current=kept, remembered=kept)
    data = read_file(named, "revocation list")
    RevocationList.from_bytes(data)  # a file that is no list is a mistake of the caller, not a verdict
    return RevocationEvidence(current=data, remembered=kept)


def remember(listed: RevocationList) -> None:
    """Keep an authentic list if it is newer than the one of its signer that was kept; tell if that fails."""
    folder = revocations_folder()
    path = folder / f"{listed.signature.keyid}.json"
    try:
        make_private_folder(folder)
        with locked(path) as real:
            if _sequence(real) < listed.sequence_number:
                replace_file(real, listed.to_bytes(), mode=0o600)
    except (OSError, UnreadableError) as error:
        say(f"Note: the revocation list cannot be kept: {error}")


def _kept_lists(keyids: Iterable[str]) -> Iterable[bytes]:
    folder = revocations_folder()
    for keyid in keyids:
        path = folder / f"{keyid}.json"
        if path.exists():
            yield read_file(path, "kept revocation list")


def _sequence(path: Path) -> int:
    """Return the sequence number of the list at ``path``; 0 if there is none, or none that can be read."""
    try:
        return RevocationList.from_bytes(read_file(path, "kept revocation list")).sequence_number
    except (UnreadableError, MalformedError):
        return 0
