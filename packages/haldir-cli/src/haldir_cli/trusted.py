"""Who is trusted, from the options of a command and the user's trust store."""

from collections.abc import Sequence
from pathlib import Path

from haldir_cli.files import read_document, read_state
from haldir_cli.home import trust_store_path
from haldir_cli.show import say
from haldir_cli.usage import wrong_use
from haldir_core.keyfiles import load_public_key
from haldir_core.keys import Environment, KeyRole, PublicKey
from haldir_core.trust import SKILL_ROLES, Keyring, TrustStore


def read_store(path: Path | None) -> TrustStore:
    """Return the trust store at ``path``, or the user's own, which is empty if there is none.

    Raises:
        UnreadableError: if the store cannot be read.
        MalformedError: if it is damaged.
    """
    if path is not None:
        return read_document(path, "trust store", TrustStore.from_bytes)
    data = read_state(trust_store_path(), "trust store", within=trust_store_path().parent)
    return TrustStore() if data is None else TrustStore.from_bytes(data)


def build_keyring(
    keys: Sequence[Path], revocation_keys: Sequence[Path], store_file: Path | None, *, option: str = "--key"
) -> Keyring:
    """Return whom a command trusts.

    Keys named on the command line stand in for those of the user's own store; a store that is named
    itself counts beside them.  A key that the store knows has its roles from there too.  ``option`` is
    what the command calls its option for keys.

    Raises: typer.BadParameter if no key that may sign skills is trusted.
    """
    store = read_store(store_file)
    if store.environment is Environment.STAGING:
        say("Note: this is a staging trust store: what it trusts is meant for experiments")
    known = store.keyring()
    trusted: list[tuple[PublicKey, KeyRole]] = []
    for path in keys:
        key = load_public_key(path)
        trusted.append((key, KeyRole.PUBLISHER))
        trusted.extend((key, role) for role in SKILL_ROLES if known.has_role(key.keyid, role))
    trusted.extend((load_public_key(path), KeyRole.REVOCATION) for path in revocation_keys)
    for stored in store.keys:
        named = revocation_keys if stored.role is KeyRole.REVOCATION else keys
        if store_file is not None or not named:
            trusted.append((stored.key, stored.role))
    ring = Keyring.of(trusted)
    if not ring.with_role(SKILL_ROLES).keys:
        raise wrong_use(_nothing_trusted(store, option))
    return ring


def _nothing_trusted(store: TrustStore, option: str) -> str:
    hint = f"give {option} FILE, or keep a key with: haldir trust add --key FILE --role publisher"
    if store.identities:
        hint += " (the identities of the trust store count once keyless verification exists)"
    return f"nothing is trusted, so nothing can be verified: {hint}"
