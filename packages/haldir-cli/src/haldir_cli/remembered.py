"""The best revocation list of every signer, kept from one verification to the next."""

from collections.abc import Iterable
from pathlib import Path

from haldir_cli.files import locked, make_private_folder, read_document, read_state, refuse_link, replace_file
from haldir_cli.home import revocations_folder
from haldir_cli.show import say
from haldir_core import Keyring, MalformedError, RevocationEvidence, RevocationList, UnreadableError


def gather_evidence(ring: Keyring, named: Path | None) -> RevocationEvidence:
    """Return what is known about revocations: the list that was named, or else those that were kept.

    Raises:
        UnreadableError: if a list cannot be read or is none, or a kept one is damaged or could be written by others.
    """
    kept = tuple(_kept_lists(ring.keys))
    if named is None:
        return RevocationEvidence(current=kept, remembered=kept)
    # a file that is no list is a mistake of the caller, not a verdict
    listed = read_document(named, "revocation list", RevocationList.from_bytes)
    return RevocationEvidence(current=listed.to_bytes(), remembered=kept)


def remember(listed: RevocationList) -> None:
    """Keep an authentic list if it is newer than the one of its signer that was kept; tell if that fails."""
    path = revocations_folder() / f"{listed.signature.keyid}.json"
    try:
        make_private_folder(path.parent)
        with locked(path):
            if _sequence(path) < listed.sequence_number:
                refuse_link(path)
                replace_file(path, listed.to_bytes(), mode=0o600)
    except (UnreadableError, MalformedError) as error:
        say(f"Note: the revocation list cannot be kept: {error}")


def _kept_lists(keyids: Iterable[str]) -> Iterable[bytes]:
    """Yield the kept lists of these keys.

    Raises: UnreadableError if one is damaged: without it an older list would pass for the newest.
    """
    for keyid in keyids:
        path = revocations_folder() / f"{keyid}.json"
        data = read_state(path, "kept revocation list", within=revocations_folder().parent)
        if data is None:
            continue
        try:
            RevocationList.from_bytes(data)
        except MalformedError as error:
            raise UnreadableError(
                f"the kept {error}. It guards against older lists: get the newest one of its signer, "
                f"then remove {path} and verify with --revocation"
            ) from error
        yield data


def _sequence(path: Path) -> int:
    """Return the sequence number of the list at ``path``; 0 if there is none."""
    data = read_state(path, "kept revocation list", within=revocations_folder().parent)
    return 0 if data is None else RevocationList.from_bytes(data).sequence_number
