"""``haldir cosign``: add a signature to a signed skill."""

from pathlib import Path
from typing import Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.options import PassphraseEnv, PassphraseFd, SigningKey, SkillFolder, TrustStoreFile
from haldir_cli.show import say

app = make_app()


@app.command()
def cosign(
    skill: SkillFolder,
    key: SigningKey,
    trusted_key: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Trust this public key for the signature that is there; repeatable."),
    ] = None,
    trust_store: TrustStoreFile = None,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Add a signature over the attestation that is there, once a trusted signature of it verifies.

    The whole skill is checked, all but its revocation: nobody co-signs what was changed.
    """
    from haldir_cli.clock import now
    from haldir_cli.secrets import open_private_key, refuse_key_inside
    from haldir_cli.trusted import build_keyring
    from haldir_core import cosign as cosign_snapshot
    from haldir_core import read_skill, write_vault
    from haldir_core.vault import refuse_leftovers

    ring = build_keyring(trusted_key or (), (), trust_store, option="--trusted-key")
    refuse_key_inside(skill, key)
    signer = open_private_key(key, passphrase_env, passphrase_fd)
    refuse_leftovers(skill)
    documents = cosign_snapshot(read_skill(skill), signer, ring, now=now())
    write_vault(skill, documents)
    say(f"Co-signed {skill} with key {signer.keyid}")
